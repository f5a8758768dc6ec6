//! One form for each content: like JSON, with sorted keys, and without what only
//! says which thing it is.

use super::Body;
use serde_json::Value;

/// The canonical form of `value`, and how many leaves it has.
pub(super) fn of(value: &Value) -> (Vec<u8>, usize) {
    let mut bytes = Vec::new();
    let leaves = write(value, &mut |part| match part {
        Part::Form(form) => bytes.extend_from_slice(form),
        Part::Text(of_value) | Part::Key(of_value) => text(of_value, &mut bytes),
    });
    (bytes, leaves)
}

/// A text by its length, which no other text can imitate.
pub(super) fn text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(text.len().to_string().as_bytes());
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
}

/// What a canonical form is made of.
pub(super) enum Part<'a> {
    /// As it is.
    Form(&'a [u8]),
    /// A text that is a value.
    Text(&'a str),
    /// A text that is a key.
    Key(&'a str),
}

/// Writes the parts of the canonical form in their order; returns the number of
/// values that have no parts.
pub(super) fn write(value: &Value, out: &mut impl FnMut(Part<'_>)) -> usize {
    part(value, Around::Nothing, out)
}

/// Where a value stands, as far as that says whether it is a name.
#[derive(Clone, Copy)]
enum Around<'a> {
    Nothing,
    Object(&'a str),
    More,
}

impl Around<'_> {
    fn is_identity(self, key: &str) -> bool {
        match self {
            Self::Nothing => Body::is_identity(None, key),
            Self::Object(around) => Body::is_identity(Some(around), key),
            Self::More => false,
        }
    }
}

fn part(value: &Value, around: Around<'_>, out: &mut impl FnMut(Part<'_>)) -> usize {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> =
                map.iter().filter(|(key, _)| !around.is_identity(key)).collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            let mut leaves = usize::from(map.is_empty());
            out(Part::Form(b"{"));
            for (key, value) in entries {
                out(Part::Key(key));
                out(Part::Form(b":"));
                let within = match around {
                    Around::Nothing => Around::Object(key),
                    Around::Object(_) | Around::More => Around::More,
                };
                leaves += part(value, within, out);
                out(Part::Form(b","));
            }
            out(Part::Form(b"}"));
            leaves
        }
        Value::Array(list) => {
            out(Part::Form(b"["));
            let mut leaves = 0;
            for value in list {
                leaves += part(value, Around::More, out);
                out(Part::Form(b","));
            }
            out(Part::Form(b"]"));
            leaves
        }
        Value::String(string) => {
            out(Part::Text(string));
            1
        }
        Value::Number(number) => {
            out(Part::Form(number.to_string().as_bytes()));
            1
        }
        Value::Bool(value) => {
            out(Part::Form(if *value { b"true" } else { b"false" }));
            1
        }
        Value::Null => {
            out(Part::Form(b"null"));
            0
        }
    }
}
