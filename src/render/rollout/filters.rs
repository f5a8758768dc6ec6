//! How texts and numbers are written in each kind of document.

use crate::render::plan::AmountView;
use crate::render::text::rate;
use std::borrow::Cow;
use std::io::{self, Write};
use tera::{Kwargs, State, Tera, TeraResult, Value};

/// Makes the filters known to templates.
pub(super) fn register(tera: &mut Tera) {
    tera.register_filter("money", money);
    tera.register_filter("flow", flow);
    tera.register_filter("number", number);
    tera.register_filter("day", day);
}

/// `$31.48`, `at least $31.48`, `unknown`: of `{ usd, at_least }`.
fn money(value: &Value, _: Kwargs, _: &State<'_>) -> Value {
    let usd = value.get_from_path("usd").and_then(Value::as_f64);
    let at_least = value.get_from_path("at_least").and_then(Value::as_bool).unwrap_or(false);
    // Of these characters none means anything to any document.
    Value::safe_string(&AmountView { usd, at_least }.text("$"))
}

/// `0 → 54`, or the one number where nothing changes: of `{ before, after }`.
fn flow(value: &Value, _: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    let side = |key: &str| {
        let number = value.get_from_path(key).and_then(Value::as_f64);
        number.map(rate).ok_or_else(|| tera::Error::message(format!("`flow` needs `{key}`")))
    };
    let (before, after) = (side("before")?, side("after")?);
    let text = if before == after { after } else { format!("{before} → {after}") };
    Ok(Value::safe_string(&text))
}

/// A number with what decimals it has: `54`, `0.5`.
fn number(value: f64, _: Kwargs, _: &State<'_>) -> String {
    rate(value)
}

/// The day of a time: `2026-12-01` of `2026-12-01T08:00:00Z`.
fn day(value: &str, _: Kwargs, _: &State<'_>) -> String {
    value.chars().take(10).collect()
}

/// Writes text so that Markdown takes it for nothing else, in a paragraph and in the cell
/// of a table alike. It stays on one line.
pub(super) fn markdown(text: &str, out: &mut dyn Write) -> io::Result<()> {
    // `1.` and `1)` begin a list.
    let number = text.bytes().take_while(u8::is_ascii_digit).count();
    written(text, out, |at, c| {
        Some(Cow::Borrowed(match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            // Nobody is called by a text of a file.
            '@' => "&#64;",
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '!' => {
                return Some(format!("\\{c}").into());
            }
            '#' | '+' | '-' | '=' if at == 0 => return Some(format!("\\{c}").into()),
            '.' | ')' if at == number => return Some(format!("\\{c}").into()),
            c if breaks(c) => " ",
            _ => return None,
        }))
    })
}

/// Writes text so that Mermaid takes it for nothing else. It stays on one line.
pub(super) fn mermaid(text: &str, out: &mut dyn Write) -> io::Result<()> {
    written(text, out, |_, c| {
        Some(Cow::Borrowed(match c {
            '`' => "'",
            '"' => "#quot;",
            '<' => "#lt;",
            '>' => "#gt;",
            '#' | ';' | ':' | '%' | '{' | '}' | '\\' | '&' => {
                return Some(format!("#{};", u32::from(c)).into());
            }
            c if breaks(c) => " ",
            _ => return None,
        }))
    })
}

fn breaks(c: char) -> bool {
    c.is_control() || c == '\u{2028}' || c == '\u{2029}'
}

/// Writes text with other words for some of its characters; what needs none goes out in
/// one piece.
fn written(
    text: &str,
    out: &mut dyn Write,
    other: impl Fn(usize, char) -> Option<Cow<'static, str>>,
) -> io::Result<()> {
    let mut done = 0;
    for (at, c) in text.char_indices() {
        if let Some(other) = other(at, c) {
            out.write_all(&text.as_bytes()[done..at])?;
            out.write_all(other.as_bytes())?;
            done = at + c.len_utf8();
        }
    }
    out.write_all(&text.as_bytes()[done..])
}

/// Writes text as it is.
pub(super) fn plain(text: &str, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str, escape: fn(&str, &mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        escape(text, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn markdown_takes_a_text_for_nothing_but_text() {
        for (text, expected) in [
            ("plain text, 1.5 of it", "plain text, 1.5 of it"),
            ("a | b", r"a \| b"),
            ("# no heading", r"\# no heading"),
            ("12. no list", r"12\. no list"),
            ("- no list", r"\- no list"),
            ("<script>&", "&lt;script&gt;&amp;"),
            ("two\nlines\r\n```", r"two lines  \`\`\`"),
            ("![x](http://y)", r"\!\[x\](http://y)"),
            ("@everyone", "&#64;everyone"),
            (r"\", r"\\"),
        ] {
            assert_eq!(escaped(text, markdown), expected);
        }
    }

    #[test]
    fn mermaid_takes_a_text_for_nothing_but_text() {
        assert_eq!(escaped("a: b; \"c\"\nd", mermaid), "a#58; b#59; #quot;c#quot; d");
        assert_eq!(escaped("%%{init}%%", mermaid), "#37;#37;#123;init#125;#37;#37;");
    }
}
