//! One page of a list. Its items are read one by one, each reduced at once, on
//! every core: as trees of values a page of Deployments would take some fifty
//! times the room of what is kept of it.

use rayon::prelude::*;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A page that is not read yet but for where its items are.
#[derive(Debug, Deserialize)]
pub(super) struct Page<'a> {
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(borrow, deserialize_with = "or_none")]
    items: Vec<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    #[serde(default, rename = "continue")]
    token: Option<String>,
}

/// Some servers write an empty list as `null`.
fn or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<&'de RawValue>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl<'a> Page<'a> {
    /// The page that `text` is.
    pub(super) fn of(text: &'a str) -> Result<Self, kube::Error> {
        serde_json::from_str(text).map_err(kube::Error::SerdeError)
    }

    /// What the next page is asked for with; none: this is the last.
    pub(super) fn next(&self) -> Option<&str> {
        self.metadata.as_ref()?.token.as_deref().filter(|token| !token.is_empty())
    }

    /// What `keep` keeps of the items, in their order.
    pub(super) fn reduce<T: Send>(
        &self,
        keep: &(impl Fn(&str) -> Result<Option<T>, serde_json::Error> + Sync),
    ) -> Result<Vec<T>, kube::Error> {
        let read = |item: &&RawValue| keep(item.get()).transpose();
        let kept: Result<Vec<T>, _> = self.items.par_iter().filter_map(read).collect();
        kept.map_err(kube::Error::SerdeError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn names(text: &str) -> Result<(Vec<String>, Option<String>), kube::Error> {
        let page = Page::of(text)?;
        let kept = page.reduce(&|text| {
            serde_json::from_str::<Value>(text).map(|item| item["name"].as_str().map(str::to_owned))
        })?;
        Ok((kept, page.next().map(str::to_owned)))
    }

    #[test]
    fn what_is_kept_is_read_with_the_token_of_the_next_page() {
        let text = r#"{"kind": "L", "metadata": {"continue": "x", "resourceVersion": "1"},
            "items": [{"name": "a", "more": [1, {}]}, {"other": 1}, {"name": "b"}]}"#;
        let page = names(text).unwrap();
        assert_eq!(page, (vec!["a".into(), "b".into()], Some("x".into())));
        let last = names(r#"{"items": null, "metadata": {"continue": ""}}"#).unwrap();
        assert_eq!(last, (vec![], None));
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        for text in ["", "[]", "{}", r#"{"items": [{"name": "a"}"#, r#"{"items": []} x"#] {
            assert!(names(text).is_err(), "{text}");
        }
    }
}
