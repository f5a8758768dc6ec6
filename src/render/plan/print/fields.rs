//! Field differences, aligned; long texts as differences of their lines.

use crate::render::plan::view::FieldView;
use crate::render::style::Ink;
use crate::render::text::{Line, Screen, count};
use serde_json::Value;
use similar::{ChangeTag, DiffOp, DiffTag, TextDiff};

/// Paths longer than this do not push the others' values to the right.
const LONG_PATH: usize = 36;
/// Values longer than this are shown as a difference of lines, or shortened.
const LONG_VALUE: usize = 160;
/// Lines of one difference, unless all are asked for.
const LINES: usize = 12;

/// Prints the differences.
pub(super) fn fields(screen: &mut Screen<'_>, indent: usize, fields: &[FieldView], whole: bool) {
    let length = |field: &FieldView| field.path.chars().count();
    let column = fields.iter().map(length).filter(|length| *length <= LONG_PATH).max().unwrap_or(0);
    for field in fields {
        let (sign, ink) = match (&field.before, &field.after) {
            (None, _) => ("+", Ink::Add),
            (_, None) => ("-", Ink::Remove),
            _ => ("~", Ink::Change),
        };
        let pad = column.saturating_sub(length(field)) + 1;
        let head = Line::of(ink, sign).text(format!(" {}:", field.path));
        if let Some((before, after)) = as_lines(field) {
            line_difference(screen, indent, head, &before, &after, whole);
            continue;
        }
        let line = head.text(" ".repeat(pad));
        let line = match (&field.before, &field.after) {
            _ if field.sensitive => line.ink(Ink::Dim, "(hidden)"),
            (Some(before), Some(after)) => line
                .ink(Ink::Remove, one_line(before, whole))
                .text(" → ")
                .ink(Ink::Add, one_line(after, whole)),
            (None, Some(value)) | (Some(value), None) => line.text(one_line(value, whole)),
            (None, None) => line,
        };
        screen.hanging(indent, 4, &line);
    }
}

/// Both sides as texts of lines, where that reads better than one line.
fn as_lines(field: &FieldView) -> Option<(String, String)> {
    if field.sensitive {
        return None;
    }
    let text = |value: &Option<Value>| match value {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value @ (Value::Object(_) | Value::Array(_)))
            if value.to_string().chars().count() > LONG_VALUE =>
        {
            serde_json::to_string_pretty(value).unwrap_or_default()
        }
        Some(value) => value.to_string(),
    };
    let (before, after) = (text(&field.before), text(&field.after));
    let many = |text: &str| text.trim_end().contains('\n');
    (many(&before) || many(&after)).then_some((before, after))
}

fn line_difference(
    screen: &mut Screen<'_>,
    indent: usize,
    head: Line,
    before: &str,
    after: &str,
    whole: bool,
) {
    if !whole && (before.is_empty() || after.is_empty()) {
        let lines = before.lines().count().max(after.lines().count());
        screen.hanging(indent, 4, &head.text(format!(" {}", count(lines, "line"))));
        return;
    }
    let diff = TextDiff::from_lines(before, after);
    let tagged = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
    let added = count(tagged(ChangeTag::Insert), "line");
    let removed = tagged(ChangeTag::Delete);
    screen.hanging(indent, 4, &head.text(format!(" {added} added, {removed} removed")));
    let mut shown = 0;
    let mut hidden = 0;
    for op in diff.grouped_ops(1).iter().flatten() {
        let skip = if whole { 0 } else { common_prefix(&diff, op) };
        for change in diff.iter_changes(op) {
            if !whole && shown >= LINES {
                hidden += 1;
                continue;
            }
            shown += 1;
            let (sign, ink) = match change.tag() {
                ChangeTag::Insert => ("+", Ink::Add),
                ChangeTag::Delete => ("-", Ink::Remove),
                ChangeTag::Equal => (" ", Ink::Dim),
            };
            let text = change.value().trim_end_matches(['\r', '\n']);
            let text = match skip {
                0 => format!("{sign} {text}"),
                _ => format!("{sign} …{}", text.chars().skip(skip).collect::<String>()),
            };
            let line = Line::of(ink, text);
            if whole {
                screen.hanging(indent + 4, 4, &line);
            } else {
                screen.clipped(indent + 4, &line);
            }
        }
    }
    if hidden > 0 {
        let text = format!("({}; --verbose shows them)", count(hidden, "more line"));
        screen.line(indent + 4, Line::of(Ink::Dim, text));
    }
}

/// How many characters at the beginning of replaced lines say nothing: those
/// that all of them share, where they are many, less a few for orientation.
fn common_prefix(diff: &TextDiff<'_, '_, '_, str>, op: &DiffOp) -> usize {
    const MANY: usize = 32;
    const ORIENTATION: usize = 12;
    if op.tag() != DiffTag::Replace {
        return 0;
    }
    let lines: Vec<&str> = diff.iter_changes(op).map(|change| change.value()).collect();
    let Some((first, rest)) = lines.split_first() else { return 0 };
    let shared = |line: &&str| first.chars().zip(line.chars()).take_while(|(a, b)| a == b).count();
    let length = rest.iter().map(shared).min().unwrap_or(0);
    if length > MANY { length - ORIENTATION } else { 0 }
}

/// A value in one line: texts bare where nothing else reads the same.
pub(super) fn one_line(value: &Value, whole: bool) -> String {
    let text = match value {
        Value::String(text) => {
            let bare = !text.is_empty()
                && text.trim() == text
                && serde_json::from_str::<Value>(text).is_err();
            if bare { text.clone() } else { value.to_string() }
        }
        other => other.to_string(),
    };
    let length = text.chars().count();
    if whole || length <= LONG_VALUE {
        return text;
    }
    let kept: String = text.chars().take(LONG_VALUE - 40).collect();
    format!("{kept}… ({length} characters)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_that_look_like_numbers_keep_their_quotes() {
        let show = |value: Value| one_line(&value, false);
        assert_eq!(show(json!("8")), "\"8\"");
        assert_eq!(show(json!(8)), "8");
        assert_eq!(show(json!("500m")), "500m");
        assert_eq!(show(json!("")), "\"\"");
        assert!(show(json!("x".repeat(999))).ends_with("… (999 characters)"));
    }
}
