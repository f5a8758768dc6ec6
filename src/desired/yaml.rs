//! Strings as YAML scalars.

use std::io::{self, Write};

/// Writes `text` as one YAML scalar that every YAML parser reads as exactly
/// this string: plain where that is beyond doubt, else in double quotes. So no
/// value can end its own scalar, start a key, an anchor or a comment, or turn
/// into a number.
pub(super) fn write_scalar(text: &str, out: &mut dyn Write) -> io::Result<()> {
    if is_plain(text) {
        return out.write_all(text.as_bytes());
    }
    out.write_all(b"\"")?;
    for c in text.chars() {
        match c {
            '"' => out.write_all(b"\\\"")?,
            '\\' => out.write_all(b"\\\\")?,
            '\n' => out.write_all(b"\\n")?,
            '\t' => out.write_all(b"\\t")?,
            // What YAML counts as a line break, a byte order mark, or not printable.
            c if c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') =>
            {
                write!(out, "\\u{:04X}", u32::from(c))?;
            }
            c => write!(out, "{c}")?,
        }
    }
    out.write_all(b"\"")
}

/// Words that some YAML version reads as something else than a string.
const WORDS: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"];

fn is_plain(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && !text.ends_with(':')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._/@:=%+".contains(&b))
        && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scalar(text: &str) -> String {
        let mut out = Vec::new();
        write_scalar(text, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_images_and_addresses_stay_readable() {
        for plain in ["h100", "registry.example/x@sha256:ab", "dns:///a.b.svc:50051", "/tmp", "a=b"]
        {
            assert_eq!(scalar(plain), plain);
        }
    }

    #[test]
    fn what_yaml_could_take_for_something_else_is_quoted() {
        for text in ["", "true", "No", "null", "~", "8", "1e3", "0x1f", "1:30", "2026-01-01", "-a"]
        {
            assert_eq!(scalar(text), format!("\"{text}\""));
        }
        for text in ["a: b", "a #b", "&anchor", "*alias", "!tag", "{{ x }}", "[a]", "a:", "|", "%x"]
        {
            assert_eq!(scalar(text), format!("\"{text}\""));
        }
        assert_eq!(scalar("a\"\n\\\u{85}"), r#""a\"\n\\\u0085""#);
    }

    proptest! {
        #[test]
        fn every_string_comes_back_from_a_document_as_it_was(
            key in "\\PC{0,12}|[\\x00-\\x7f]{0,12}|.{0,12}",
            value in "\\PC{0,40}|[\\x00-\\x7f]{0,40}|.{0,40}",
        ) {
            let text = format!("list:\n  - {}\nmap:\n  {}: {}\n", scalar(&value), scalar(&key), scalar(&value));
            let read: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
            let expected = serde_json::json!({ "list": [value.clone()], "map": { key: value } });
            prop_assert_eq!(read, expected);
        }
    }
}
