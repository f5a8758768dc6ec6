//! Keys and texts as TOML writes them.

use crate::diag::{is_plain, steers};
use std::fmt::Write as _;

/// A path as TOML writes it.
pub(super) fn dotted(path: &[String]) -> String {
    path.iter().map(|key| quoted_key(key)).collect::<Vec<_>>().join(".")
}

/// A key as TOML writes it: bare where it can be.
pub fn quoted_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { quoted(key) }
}

/// A text as TOML writes it on one line, in the quotes that need the fewest
/// escapes; what steers a terminal is always escaped.
pub fn quoted(text: &str) -> String {
    if text.contains('"') && !text.contains(['\'', '\\']) && is_plain(text) {
        return format!("'{text}'");
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if steers(c) && u32::from(c) <= 0xffff => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c if steers(c) => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::{quoted, quoted_key};

    #[test]
    fn any_text_stands_on_one_line_and_is_read_back() {
        for (text, written) in [
            ("a", "\"a\""),
            ("a \"b\"", "'a \"b\"'"),
            ("it's \"b\" \\", "\"it's \\\"b\\\" \\\\\""),
            ("a\nb\u{1b}\u{202e}\u{e0001}", "\"a\\nb\\u001b\\u202e\\U000e0001\""),
            ("", "\"\""),
        ] {
            assert_eq!(quoted(text), written);
            assert_eq!(written.parse::<toml_edit::Value>().unwrap().as_str(), Some(text));
        }
        assert_eq!(
            [quoted_key("a-b"), quoted_key("a.b"), quoted_key("")],
            ["a-b", "\"a.b\"", "\"\""]
        );
    }
}
