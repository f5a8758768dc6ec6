//! Text in which every value of a template is marked.
//!
//! Tera writes each `{{ string }}` between marks instead of as YAML. So no value
//! ever passes through YAML, and objects that differ in their values alone have
//! the same [`Marked::shape`], which is read as YAML once for all of them.

use super::yaml::write_scalar;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Begins a value: this, its length in bytes, `:`, and the value itself.
/// A private character, which no YAML or template has a use for.
const BEGIN: char = '\u{e000}';
/// Ends the number that stands for a value in a shape.
const END: char = '\u{e001}';

/// What Tera calls for each `{{ string }}`.
pub(super) fn mark(text: &str, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{BEGIN}{}:{text}", text.len())
}

/// The parts of a marked text.
#[derive(Debug, PartialEq)]
pub(super) struct Marked<'a> {
    /// The text, with the number of a value where the value was.
    pub(super) shape: String,
    /// The values.
    pub(super) values: Vec<&'a str>,
}

impl<'a> Marked<'a> {
    /// Takes `text` apart.
    pub(super) fn of(text: &'a str) -> Self {
        let (mut shape, mut values) = (String::with_capacity(text.len()), Vec::new());
        split(text, |plain, value| {
            shape.push_str(plain);
            if let Some(value) = value {
                // Writing to a String cannot fail.
                let _ = write!(shape, "{BEGIN}{}{END}", values.len());
                values.push(value);
            }
        });
        Self { shape, values }
    }

    /// What `shape` was read as, with its values in place.
    pub(super) fn fill(&self, read: &Value) -> Value {
        self.filled(read, true)
    }

    /// What `shape` was read as, with the values in place that are keys.
    pub(super) fn fill_keys(&self, read: &Value) -> Value {
        self.filled(read, false)
    }

    fn filled(&self, read: &Value, texts: bool) -> Value {
        match read {
            Value::String(text) if texts => Value::String(self.fill_text(text)),
            Value::Array(list) => list.iter().map(|value| self.filled(value, texts)).collect(),
            Value::Object(map) => {
                let filled = |(key, value): (&String, &Value)| {
                    (self.fill_text(key), self.filled(value, texts))
                };
                Value::Object(map.iter().map(filled).collect())
            }
            _ => read.clone(),
        }
    }

    /// The values with these `numbers` as one text that no others have; none: a
    /// number is no value's.
    pub(super) fn chosen(&self, numbers: &[usize]) -> Option<String> {
        let values: Option<Vec<_>> = numbers.iter().map(|at| self.values.get(*at)).collect();
        values.map(|values| format!("{values:?}"))
    }

    pub(super) fn fill_text(&self, text: &str) -> String {
        let Some((before, rest)) = text.split_once(BEGIN) else { return text.to_owned() };
        let mut filled = before.to_owned();
        for part in rest.split(BEGIN) {
            let value = part.split_once(END).and_then(|(number, after)| {
                Some((*self.values.get(number.parse::<usize>().ok()?)?, after))
            });
            match value {
                Some((value, after)) => filled.extend([value, after]),
                None => {
                    filled.push(BEGIN);
                    filled.push_str(part);
                }
            }
        }
        filled
    }
}

/// The number of the value that `text` of a shape stands for, if for one alone.
pub(super) fn number(text: &str) -> Option<usize> {
    text.strip_prefix(BEGIN)?.strip_suffix(END)?.parse().ok()
}

/// The numbers of the values that stand in keys of what a shape was `read` as.
pub(super) fn keys(read: &Value) -> Vec<usize> {
    let mut keys = Vec::new();
    each(read, &mut |text, is_key| keys.extend(number(text).filter(|_| is_key)));
    keys
}

/// Whether each value stands alone, and in no longer text, in what a shape was
/// `read` as.
pub(super) fn is_whole(read: &Value) -> bool {
    let mut whole = true;
    each(read, &mut |text, _| whole &= !text.contains(BEGIN) || number(text).is_some());
    whole
}

/// Calls `seen` with each text and whether it is a key.
fn each<'a>(read: &'a Value, seen: &mut impl FnMut(&'a str, bool)) {
    match read {
        Value::String(text) => seen(text, false),
        Value::Array(list) => list.iter().for_each(|value| each(value, seen)),
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            seen(key, true);
            each(value, seen);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A marked text as YAML: each value is one scalar.
pub(super) fn as_yaml(text: &str) -> String {
    let mut yaml = Vec::with_capacity(text.len());
    split(text, |plain, value| {
        yaml.extend_from_slice(plain.as_bytes());
        if let Some(value) = value {
            // Writing to a Vec cannot fail.
            let _ = write_scalar(value, &mut yaml);
        }
    });
    String::from_utf8(yaml).unwrap_or_default()
}

/// Calls `each` with the plain text up to each value, and the value; at last
/// with what is left.
fn split<'a>(text: &'a str, mut each: impl FnMut(&'a str, Option<&'a str>)) {
    let (mut plain, mut searched) = (text, 0);
    while let Some(at) = plain[searched..].find(BEGIN).map(|at| at + searched) {
        let after = &plain[at + BEGIN.len_utf8()..];
        let value = after.split_once(':').and_then(|(length, rest)| {
            let length = length.parse().ok()?;
            Some((rest.get(..length)?, rest.get(length..)?))
        });
        match value {
            Some((value, rest)) => {
                each(&plain[..at], Some(value));
                (plain, searched) = (rest, 0);
            }
            // Somebody's own private character.
            None => searched = at + BEGIN.len_utf8(),
        }
    }
    each(plain, None);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn marked(text: &str) -> String {
        let mut out = Vec::new();
        mark(text, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn objects_that_differ_in_their_values_alone_have_one_shape() {
        let text = |name: &str| format!("name: {}\nport: 80\n", marked(name));
        let (a, b) = (text("a"), text("b: c"));
        let (a, b) = (Marked::of(&a), Marked::of(&b));
        assert_eq!(a.shape, b.shape);
        let read: Value = serde_saphyr::from_str(&a.shape).unwrap();
        assert_eq!(b.fill(&read), json!({"name": "b: c", "port": 80}));
    }

    #[test]
    fn private_characters_of_others_stay() {
        let text = "a: \u{e000}9\u{e001} \u{e000}x:y\nb: \u{e000}99:z";
        let parts = Marked::of(text);
        assert_eq!((parts.shape.as_str(), parts.values.len()), (text, 0));
        let read: Value = serde_saphyr::from_str(text).unwrap();
        assert_eq!(parts.fill(&read), read);
    }

    proptest! {
        #[test]
        fn every_string_comes_back_as_key_value_and_part_of_a_text(
            key in "\\PC{0,12}|[\\x00-\\x7f]{0,12}|.{0,12}",
            value in "\\PC{0,40}|[\\x00-\\x7f]{0,40}|.{0,40}|\u{e000}[0-9]{1,2}[:\u{e001}].{0,9}",
        ) {
            let (k, v) = (marked(&key), marked(&value));
            let text = format!("list:\n  - {v}\n  - \"<{v}>\"\nmap:\n  {k}: {v}\n");
            let expected = json!({
                "list": [value.clone(), format!("<{value}>")], "map": { key.clone(): value.clone() },
            });
            let parts = Marked::of(&text);
            let read: Value = serde_saphyr::from_str(&parts.shape).unwrap();
            prop_assert_eq!(parts.fill(&read), expected);
            let text = format!("{k}: {v}");
            let read: Value = serde_saphyr::from_str(&as_yaml(&text)).unwrap();
            prop_assert_eq!(read, json!({ key: value }));
        }
    }
}
