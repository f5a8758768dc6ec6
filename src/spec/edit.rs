//! Edits of an environment file that keep its comments and its order.

use super::model::Passage;
use crate::id::Name;
use toml_edit::{Array, ArrayOfTables, Document, DocumentMut, Item, Table, TableLike, Value};

/// Why a file cannot be edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It is not TOML.
    #[error("the file is not TOML, so it cannot be edited: {0}")]
    Syntax(String),
    /// Something on the way to the key is no table.
    #[error("`{0}` is not a table, so nothing can be set in it")]
    NotATable(String),
    /// What is appended to is no list of tables.
    #[error("`{0}` is not a list of tables, so nothing can be appended to it")]
    NotAList(String),
    /// The key is an empty path.
    #[error("no key is named")]
    NoKey,
}

/// `text` with `key` (its parts, outermost first) set to the string `value`.
/// A value that is there keeps its place and its comments; a new key goes to the
/// end of its table, and a new table to the end of the file.
///
/// # Errors
/// Where the text is not TOML, or a part of the key is a value.
pub fn set_string(text: &str, key: &[&str], value: &str) -> Result<String, EditError> {
    let mut document = parse(text)?;
    let (last, tables) = key.split_last().ok_or(EditError::NoKey)?;
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for (depth, part) in tables.iter().enumerate() {
        let missing = Item::Table(Table::new());
        table = table
            .entry(part)
            .or_insert(missing)
            .as_table_like_mut()
            .ok_or_else(|| EditError::NotATable(tables[..=depth].join(".")))?;
    }
    set(table, last, Value::from(value));
    Ok(document.to_string())
}

/// `text` after the passage of `passage`: `environment.phase` is the phase that it goes
/// to, or is not there where it goes before the first, and `[[rollout.history]]` has it as
/// its last.
///
/// # Errors
/// As [`set_string`]; and where the history is no list of tables.
pub fn pass(text: &str, passage: &Passage) -> Result<String, EditError> {
    let key = ["environment", "phase"];
    let text = match &passage.to {
        Some(phase) => set_string(text, &key, phase.as_str())?,
        None => remove(text, &key)?,
    };
    append_passage(&text, passage)
}

/// `text` without `key`, which need not be there. All else stays as it is, to the byte,
/// but for a comment on the key's own line.
///
/// # Errors
/// As [`set_string`].
pub fn remove(text: &str, key: &[&str]) -> Result<String, EditError> {
    let syntax = |error: toml_edit::TomlError| EditError::Syntax(error.to_string());
    let document = Document::parse(text).map_err(syntax)?;
    let (last, tables) = key.split_last().ok_or(EditError::NoKey)?;
    let mut table: &dyn TableLike = document.as_table();
    let mut is_inline = false;
    for (depth, part) in tables.iter().enumerate() {
        let Some(inner) = table.get(part) else { return Ok(text.to_owned()) };
        is_inline |= inner.is_inline_table();
        let not_a_table = || EditError::NotATable(tables[..=depth].join("."));
        table = inner.as_table_like().ok_or_else(not_a_table)?;
    }
    let spans = table.get_key_value(last).map(|(key, item)| (key.span(), item.span()));
    match spans {
        None => Ok(text.to_owned()),
        Some((Some(key), Some(value))) if !is_inline => {
            let start = text[..key.start].rfind('\n').map_or(0, |end| end + 1);
            let end = text[value.end..].find('\n').map_or(text.len(), |end| value.end + end + 1);
            Ok(format!("{}{}", &text[..start], &text[end..]))
        }
        Some(_) => remove_inline(text, last, tables),
    }
}

fn remove_inline(text: &str, last: &str, tables: &[&str]) -> Result<String, EditError> {
    let mut document = parse(text)?;
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for part in tables {
        let inner = table.get_mut(part).and_then(Item::as_table_like_mut);
        table = inner.ok_or_else(|| EditError::NotATable(tables.join(".")))?;
    }
    table.remove(last);
    Ok(document.to_string())
}

/// `text` with `passage` as the last of `[[rollout.history]]`: behind the last that is
/// there, or behind all that is said of the rollout.
fn append_passage(text: &str, passage: &Passage) -> Result<String, EditError> {
    let mut document = parse(text)?;
    let mut table = written(passage);
    if !document.contains_key("rollout") {
        // What stands at the end of the file stays before what is new.
        let end = document.trailing().as_str().unwrap_or_default().to_owned();
        table.decor_mut().set_prefix(format!("{end}\n"));
        document.set_trailing("");
    }
    let mut around = Table::new();
    around.set_implicit(true);
    let rollout = document.entry("rollout").or_insert(Item::Table(around));
    let not_a_table = || EditError::NotATable("rollout".to_owned());
    let rollout = rollout.as_table_like_mut().ok_or_else(not_a_table)?;
    let list = || Item::ArrayOfTables(ArrayOfTables::new());
    let history = rollout.entry("history").or_insert_with(list).as_array_of_tables_mut();
    history.ok_or_else(|| EditError::NotAList("rollout.history".to_owned()))?.push(table);
    Ok(document.to_string())
}

fn written(passage: &Passage) -> Table {
    let Passage { at, from, to, by, reason, overridden } = passage;
    let mut table = Table::new();
    let texts = [
        ("at", Some(at.as_str())),
        ("from", from.as_ref().map(Name::as_str)),
        ("to", to.as_ref().map(Name::as_str)),
        ("by", Some(by.as_str())),
        ("reason", reason.as_deref()),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            table.insert(key, Item::Value(Value::from(text)));
        }
    }
    if !overridden.is_empty() {
        let names: Array = overridden.iter().map(String::as_str).collect();
        table.insert("overridden", Item::Value(Value::Array(names)));
    }
    table
}

fn parse(text: &str) -> Result<DocumentMut, EditError> {
    text.parse().map_err(|error: toml_edit::TomlError| EditError::Syntax(error.to_string()))
}

fn set(table: &mut dyn TableLike, key: &str, mut value: Value) {
    match table.get_mut(key) {
        Some(Item::Value(old)) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        Some(other) => *other = Item::Value(value),
        None => {
            table.insert(key, Item::Value(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# top\nextends = \"base.toml\"\n\n[environment]\nname = \"prod\"   # ours\n\
                        phase    = \"short\"   # the phase that is live\n\n[onprem]\n# the cluster\n\
                        context = \"dc1\"\n";

    #[test]
    fn a_value_keeps_its_place_and_its_comment() {
        let edited = set_string(TEXT, &["environment", "phase"], "medium").unwrap();
        assert_eq!(edited, TEXT.replace("\"short\"", "\"medium\""));
    }

    #[test]
    fn a_new_key_goes_to_the_end_of_its_table() {
        let edited = set_string(TEXT, &["onprem", "cluster_uid"], "8a-1").unwrap();
        assert_eq!(edited, format!("{TEXT}cluster_uid = \"8a-1\"\n"));
        let edited = set_string(TEXT, &["environment", "x y"], "z").unwrap();
        assert!(edited.contains("is live\n\"x y\" = \"z\"\n\n[onprem]"), "{edited}");
    }

    #[test]
    fn a_new_table_goes_to_the_end_and_an_inline_one_stays_inline() {
        let edited = set_string(TEXT, &["signals", "prometheus"], "http://p").unwrap();
        assert_eq!(edited, format!("{TEXT}\n[signals]\nprometheus = \"http://p\"\n"));
        let edited = set_string("a = { b = \"1\" } # c\n", &["a", "b"], "2").unwrap();
        assert_eq!(edited, "a = { b = \"2\" } # c\n");
    }

    fn passage(from: Option<&str>, to: Option<&str>, reason: Option<&str>) -> Passage {
        let name = |name: Option<&str>| name.map(|name| name.parse().unwrap());
        let overridden = if reason.is_some() { vec!["latency".to_owned()] } else { vec![] };
        Passage {
            at: "2026-12-01T08:00:00Z".to_owned(),
            from: name(from),
            to: name(to),
            by: "ops".to_owned(),
            reason: reason.map(str::to_owned),
            overridden,
        }
    }

    #[test]
    fn a_passage_names_the_phase_and_is_the_last_of_the_history() {
        let first = pass(TEXT, &passage(Some("short"), Some("medium"), None)).unwrap();
        let said = "\n[[rollout.history]]\nat = \"2026-12-01T08:00:00Z\"\nfrom = \"short\"\n\
                    to = \"medium\"\nby = \"ops\"\n";
        assert_eq!(first, TEXT.replace("\"short\"", "\"medium\"") + said);
        let second = passage(Some("medium"), Some("short"), Some("it \"broke\""));
        let second = pass(&first, &second).unwrap();
        let more = "\n[[rollout.history]]\nat = \"2026-12-01T08:00:00Z\"\nfrom = \"medium\"\n\
                    to = \"short\"\nby = \"ops\"\nreason = 'it \"broke\"'\n\
                    overridden = [\"latency\"]\n";
        assert_eq!(second, format!("{TEXT}{said}{more}"));
    }

    #[test]
    fn the_history_stands_behind_the_rollout_and_before_what_follows() {
        let text = format!("{TEXT}\n[rollout.phases.short]\norder = 1\n\n[signals]\n# asked\n");
        let edited = pass(&text, &passage(None, Some("short"), None)).unwrap();
        let history = edited.find("[[rollout.history]]").unwrap();
        assert!(edited.find("order = 1").unwrap() < history, "{edited}");
        assert!(history < edited.find("[signals]").unwrap(), "{edited}");
        assert!(edited.ends_with("\n[signals]\n# asked\n"), "{edited}");
        let text = format!("{TEXT}# the end\n");
        let edited = pass(&text, &passage(None, Some("short"), None)).unwrap();
        assert!(edited.starts_with(&text), "{edited}");
    }

    #[test]
    fn before_the_first_phase_none_is_named_and_comments_stay() {
        let text = TEXT.replace("phase    =", "# since the launch\nphase    =");
        let edited = remove(&text, &["environment", "phase"]).unwrap();
        assert_eq!(edited, text.replace("phase    = \"short\"   # the phase that is live\n", ""));
        let inline = "environment = { name = \"a\", phase = \"b\" } # c\n";
        let edited = remove(inline, &["environment", "phase"]).unwrap();
        assert_eq!(edited, "environment = { name = \"a\"} # c\n");
        let dotted = "environment.name = \"a\"\nenvironment.phase = \"b\"";
        let edited = remove(dotted, &["environment", "phase"]).unwrap();
        assert_eq!(edited, "environment.name = \"a\"\n");
        assert_eq!(remove(TEXT, &["environment", "x"]).unwrap(), TEXT);
        assert_eq!(remove(TEXT, &["x", "y"]).unwrap(), TEXT);
    }

    #[test]
    fn what_cannot_be_edited_is_said() {
        assert!(matches!(set_string("a = ", &["a"], "x"), Err(EditError::Syntax(_))));
        let error = set_string("a.b = 1", &["a", "b", "c"], "x").unwrap_err();
        assert_eq!(error, EditError::NotATable("a.b".to_owned()));
        assert_eq!(set_string("", &[], "x"), Err(EditError::NoKey));
    }
}
