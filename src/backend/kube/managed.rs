//! An object and who owns its fields, taken apart.

use super::fields::Tree;
use crate::observe::marks;
use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// An object without its `managedFields`, and what they say.
#[derive(Debug)]
pub(super) struct Managed {
    pub(super) object: Value,
    pub(super) managers: Vec<Manager>,
}

/// A field manager.
#[derive(Debug)]
pub(super) struct Manager {
    pub(super) name: String,
    /// By server-side apply, not by an update.
    pub(super) applied: bool,
    pub(super) fields: Arc<Tree>,
}

impl Manager {
    pub(super) fn is_own(&self) -> bool {
        [marks::MANAGER, marks::HANDOVER_MANAGER, marks::HANDS_MANAGER, marks::NOTES_MANAGER]
            .contains(&self.name.as_str())
    }
}

/// The trees that were read, by their text: objects of one make have the same,
/// and they are half of an object.
#[derive(Debug, Default)]
pub(super) struct Trees(Mutex<HashMap<String, Arc<Tree>>>);

impl Trees {
    fn tree(&self, text: &str) -> Arc<Tree> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = known().get(text) {
            return Arc::clone(tree);
        }
        let tree = Arc::new(Tree::of(&serde_json::from_str(text).unwrap_or_default()));
        known().insert(text.to_owned(), Arc::clone(&tree));
        tree
    }
}

/// An entry of `managedFields`.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(default, borrow)]
    manager: Cow<'a, str>,
    #[serde(default, borrow)]
    operation: Cow<'a, str>,
    #[serde(default, borrow)]
    subresource: Cow<'a, str>,
    #[serde(default, borrow, rename = "fieldsV1")]
    fields: Option<&'a RawValue>,
}

impl Entry<'_> {
    /// None: of a subresource (status, scale), which says nothing of drift.
    fn manager(&self, trees: &Trees) -> Option<Manager> {
        let of_object = matches!(&*self.subresource, "" | "scale");
        of_object.then_some(Manager {
            name: self.manager.to_string(),
            applied: self.operation == "Apply",
            fields: trees.tree(self.fields?.get()),
        })
    }
}

impl Managed {
    /// Reads an object.
    pub(super) fn read(text: &str, trees: &Trees) -> Result<Self, serde_json::Error> {
        let (mut object, mut managers) = (Map::new(), Vec::new());
        for (key, raw) in serde_json::from_str::<Members<'_>>(text)?.0 {
            if key != "metadata" {
                object.insert(key.into_owned(), serde_json::from_str(raw.get())?);
                continue;
            }
            let mut metadata = Map::new();
            for (key, raw) in serde_json::from_str::<Members<'_>>(raw.get())?.0 {
                if key == "managedFields" {
                    let entries: Option<Vec<Entry<'_>>> = serde_json::from_str(raw.get())?;
                    managers =
                        entries.iter().flatten().filter_map(|entry| entry.manager(trees)).collect();
                } else {
                    metadata.insert(key.into_owned(), serde_json::from_str(raw.get())?);
                }
            }
            object.insert("metadata".to_owned(), Value::Object(metadata));
        }
        Ok(Self { object: Value::Object(object), managers })
    }

    /// Takes an object apart that was read already.
    pub(super) fn of(object: &Value) -> Self {
        let read = Self::read(&object.to_string(), &Trees::default());
        // What is no object, or has entries of another form, is nobody's.
        read.unwrap_or_else(|_| Self { object: object.clone(), managers: Vec::new() })
    }
}

/// The members of an object in their order, unread.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Visitor)
    }
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
