//! One page of a list, reduced while it is read: a page of Deployments as a
//! tree would take some fifty times the room of what is kept of it.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::Value;
use std::fmt;

/// What is kept of a page, and where the next one begins.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub(super) kept: Vec<T>,
    pub(super) token: Option<String>,
}

/// Reads a page; `keep` gets each item by itself.
pub(super) fn read<T>(
    text: &str,
    keep: impl Fn(Value) -> Option<T>,
) -> Result<Page<T>, kube::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let page = List(&keep).deserialize(&mut reader).map_err(kube::Error::SerdeError)?;
    reader.end().map_err(kube::Error::SerdeError)?;
    Ok(page)
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default, rename = "continue")]
    token: Option<String>,
}

struct List<'a, F>(&'a F);

impl<'de, T, F: Fn(Value) -> Option<T>> DeserializeSeed<'de> for List<'_, F> {
    type Value = Page<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Page<T>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T, F: Fn(Value) -> Option<T>> Visitor<'de> for List<'_, F> {
    type Value = Page<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page<T>, A::Error> {
        let (mut kept, mut metadata) = (None, Metadata::default());
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "items" => kept = Some(map.next_value_seed(Items(self.0))?),
                "metadata" => metadata = map.next_value()?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let kept = kept.ok_or_else(|| de::Error::missing_field("items"))?;
        Ok(Page { kept, token: metadata.token.filter(|token| !token.is_empty()) })
    }
}

struct Items<'a, F>(&'a F);

impl<'de, T, F: Fn(Value) -> Option<T>> DeserializeSeed<'de> for Items<'_, F> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T, F: Fn(Value) -> Option<T>> Visitor<'de> for Items<'_, F> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("objects")
    }

    /// How some servers write an empty list.
    fn visit_unit<E>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut kept = Vec::new();
        while let Some(item) = items.next_element()? {
            kept.extend((self.0)(item));
        }
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Page<String>, kube::Error> {
        read(text, |item| item["name"].as_str().map(str::to_owned))
    }

    #[test]
    fn what_is_kept_is_read_with_the_token_of_the_next_page() {
        let text = r#"{"kind": "L", "metadata": {"continue": "x", "resourceVersion": "1"},
            "items": [{"name": "a", "more": [1, {}]}, {"other": 1}, {"name": "b"}]}"#;
        let page = names(text).unwrap();
        assert_eq!((page.kept, page.token), (vec!["a".into(), "b".into()], Some("x".into())));
        let last = names(r#"{"items": null, "metadata": {"continue": ""}}"#).unwrap();
        assert_eq!((last.kept, last.token), (vec![], None));
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        for text in ["", "[]", "{}", r#"{"items": [{"name": "a"}"#, r#"{"items": []} x"#] {
            assert!(names(text).is_err(), "{text}");
        }
    }
}
