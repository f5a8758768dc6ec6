//! Edits of an environment file that keep its comments and its order.

use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

/// Why a file cannot be edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It is not TOML.
    #[error("the file is not TOML, so it cannot be edited: {0}")]
    Syntax(String),
    /// Something on the way to the key is no table.
    #[error("`{0}` is not a table, so nothing can be set in it")]
    NotATable(String),
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
    let mut document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| EditError::Syntax(error.to_string()))?;
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

    #[test]
    fn what_cannot_be_edited_is_said() {
        assert!(matches!(set_string("a = ", &["a"], "x"), Err(EditError::Syntax(_))));
        let error = set_string("a.b = 1", &["a", "b", "c"], "x").unwrap_err();
        assert_eq!(error, EditError::NotATable("a.b".to_owned()));
        assert_eq!(set_string("", &[], "x"), Err(EditError::NoKey));
    }
}
