//! The fields of a thing, kept small.

mod canonical;
mod pattern;

pub use pattern::Pattern;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Fields in an object's own shape, as JSON text, because
/// a tree of values takes ten times the room, and an environment may have
/// thousands. Bodies of one content are told by their digest, without reading.
#[derive(Clone)]
pub struct Body {
    text: Arc<str>,
    digest: [u8; 16],
    leaves: usize,
}

impl Body {
    /// The fields as a tree.
    pub fn value(&self) -> Value {
        // It was written by `From<Value>`, so it is JSON.
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The value at a JSON pointer. Only what is there is read.
    pub fn at(&self, pointer: &str) -> Option<Value> {
        let mut text: &str = &self.text;
        for key in pointer.split('/').skip(1) {
            let key = key.replace("~1", "/").replace("~0", "~");
            let raw: &RawValue = match key.parse::<usize>() {
                Ok(index) if text.starts_with('[') => {
                    serde_json::from_str::<Vec<&RawValue>>(text).ok()?.get(index)?
                }
                _ => serde_json::from_str::<HashMap<Cow<'_, str>, &RawValue>>(text)
                    .ok()?
                    .get(key.as_str())?,
            };
            text = raw.get();
        }
        serde_json::from_str(text).ok()
    }

    /// Some of the fields at once, as `T` names them; none: they are not of its shape.
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(&self.text).ok()
    }

    /// The text at a JSON pointer.
    pub fn text_at(&self, pointer: &str) -> Option<String> {
        match self.at(pointer)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// Puts other fields in place of these.
    pub fn edit(&mut self, change: impl FnOnce(&mut Value)) {
        let mut value = self.value();
        change(&mut value);
        *self = value.into();
    }

    /// The first half of the SHA-256 of the canonical form (sorted keys, one
    /// form for each value). What only says which thing it is (`kind`,
    /// `metadata.name`, …: [`Body::is_identity`]) is not in it.
    pub fn digest(&self) -> [u8; 16] {
        self.digest
    }

    /// How many values without parts there are, beside those of the identity.
    pub fn leaves(&self) -> usize {
        self.leaves
    }

    /// Whether the field `key` of an object around which there is nothing or the
    /// object `around` only says which thing it is.
    pub fn is_identity(around: Option<&str>, key: &str) -> bool {
        match around {
            None => matches!(key, "apiVersion" | "kind"),
            Some(around) => around == "metadata" && matches!(key, "name" | "namespace"),
        }
    }
}

impl From<Value> for Body {
    fn from(value: Value) -> Self {
        Self::from(&value)
    }
}

impl From<&Value> for Body {
    fn from(value: &Value) -> Self {
        let (canonical, leaves) = canonical::of(value);
        Self { text: value.to_string().into(), digest: digest(&canonical), leaves }
    }
}

fn digest(canonical: &[u8]) -> [u8; 16] {
    let mut half = [0; 16];
    half.iter_mut().zip(Sha256::digest(canonical)).for_each(|(byte, of_sum)| *byte = of_sum);
    half
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text || (self.digest == other.digest && self.value() == other.value())
    }
}

impl PartialEq<Value> for Body {
    fn eq(&self, other: &Value) -> bool {
        self.value() == *other
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn body(value: Value) -> Body {
        value.into()
    }

    #[test]
    fn the_order_of_keys_and_the_identity_do_not_count() {
        let a = body(json!({"kind": "A", "metadata": {"name": "a", "labels": {"x": "1"}}, "y": 2}));
        let b = body(json!({"y": 2, "metadata": {"labels": {"x": "1"}, "namespace": "n"}}));
        assert_eq!(a.digest(), b.digest());
        assert_ne!(a, b);
        let mut c = a.clone();
        c.edit(|value| value["metadata"]["labels"]["x"] = json!(1));
        assert_ne!(a.digest(), c.digest());
        assert_eq!(c.at("/metadata/labels/x"), Some(json!(1)));
        assert_eq!((a.text_at("/metadata/labels/x").as_deref(), c.at("/z")), (Some("1"), None));
    }

    #[test]
    fn texts_cannot_imitate_what_stands_around_them() {
        assert_ne!(body(json!(["a", "b"])).digest(), body(json!(["a,1\"b"])).digest());
        assert_ne!(body(json!(["1"])).digest(), body(json!([1])).digest());
    }

    #[test]
    fn leaves_are_counted_without_the_identity_and_without_nothing() {
        let counted = body(
            json!({"kind": "A", "spec": {"a": [1, {"b": true}], "c": {}, "d": null, "e": []}}),
        );
        assert_eq!(counted.leaves(), 3);
    }

    #[test]
    fn it_is_written_and_read_as_what_it_holds() {
        let kept = body(json!({"b": [1, "x"], "a": null}));
        let text = serde_json::to_string(&kept).unwrap();
        assert_eq!(text, r#"{"b":[1,"x"],"a":null}"#);
        assert_eq!(serde_json::from_str::<Body>(&text).unwrap(), kept);
    }
}
