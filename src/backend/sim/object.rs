//! One object of the simulated API server, with the owners of its fields.

use super::keyed::{self, Path};
use crate::plan::Takes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// An object and who owns which of its fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Object {
    pub(super) uid: String,
    /// The whole object in keyed form.
    pub(super) content: Value,
    /// Owned paths by field manager.
    pub(super) owners: BTreeMap<String, BTreeSet<Path>>,
    /// Of a launch template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<Version>,
}

/// A launch template's default version: another content is another version, even
/// if there was such a one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) number: u64,
    /// Of its content.
    pub(super) digest: String,
}

/// Fields that another manager owns with another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conflict {
    pub(super) manager: String,
    pub(super) field: String,
}

/// A field that must not change, and was asked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    Conflicts(Vec<Conflict>),
    Immutable(&'static str),
}

impl Object {
    pub(super) fn new(uid: String) -> Self {
        Self { uid, content: json!({}), owners: BTreeMap::new(), version: None }
    }

    /// Server-side apply: the manager's fields become `body`. A field that it
    /// owned and does not name any more goes, if nobody else owns it; a
    /// Deployment without `replicas` has one.
    pub(super) fn apply(
        &mut self,
        manager: &str,
        body: &Value,
        takes: &Takes,
    ) -> Result<(), Refused> {
        let body = keyed::key(body);
        let wanted = keyed::leaves(&body);
        self.refuse_immutable(&body)?;
        let mut conflicts = self.conflicts(manager, &wanted);
        conflicts.retain(|conflict| !takes.allows(&conflict.manager, &conflict.field));
        if !conflicts.is_empty() {
            return Err(Refused::Conflicts(conflicts));
        }
        for (path, value) in &wanted {
            let same = keyed::get(&self.content, path) == Some(value);
            if !same || takes.alone(keyed::shown(path).as_str()) {
                self.disown(manager, path);
            }
        }
        let new: BTreeSet<Path> = wanted.iter().map(|(path, _)| path.clone()).collect();
        let old = self.owners.insert(manager.to_owned(), new).unwrap_or_default();
        for path in old {
            if !self.owners.values().any(|owned| owned.contains(&path)) {
                keyed::remove(&mut self.content, &path);
            }
        }
        for (path, value) in wanted {
            keyed::set(&mut self.content, &path, value);
        }
        self.default_replicas();
        Ok(())
    }

    /// An update by another actor: the field is its own from now on.
    pub(super) fn update(&mut self, manager: &str, path: &[String], value: Value) {
        self.disown(manager, path);
        keyed::set(&mut self.content, path, value);
        self.owners.entry(manager.to_owned()).or_default().insert(path.to_vec());
    }

    /// Another actor applies the value that a field has: it owns it too.
    pub(super) fn share(&mut self, manager: &str, path: &[String]) {
        self.owners.entry(manager.to_owned()).or_default().insert(path.to_vec());
    }

    /// Another actor takes a field away.
    pub(super) fn unset(&mut self, path: &[String]) {
        for owned in self.owners.values_mut() {
            owned.remove(path);
        }
        keyed::remove(&mut self.content, path);
        self.default_replicas();
    }

    /// Whether no update changes what is at `path`: names, and what the API
    /// server says is immutable.
    pub(super) fn is_fixed(&self, path: &[String]) -> bool {
        let names = ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"];
        let fixed = names.iter().chain(self.immutable()).map(|field| keyed::pointer(field));
        keyed::names_an_element(path) || fixed.into_iter().any(|fixed| path.starts_with(&fixed))
    }

    /// A group's desired follows its min and max, as EC2 Auto Scaling has it.
    pub(super) fn keep_in_bounds(&mut self) {
        let number = |path: &str| self.get(path).and_then(Value::as_u64);
        let (min, max) = (number("/min").unwrap_or(0), number("/max").unwrap_or(u64::MAX));
        let desired = number("/desired").unwrap_or(min);
        let bounded = desired.max(min).min(max);
        if number("/desired") != Some(bounded) {
            keyed::set(&mut self.content, &keyed::pointer("/desired"), json!(bounded));
        }
    }

    /// The live values at the paths that `manager` owns.
    pub(super) fn owned_by(&self, manager: &str) -> Value {
        let mut projected = json!({});
        for path in self.owners.get(manager).into_iter().flatten() {
            if let Some(value) = keyed::get(&self.content, path) {
                keyed::set(&mut projected, path, value.clone());
            }
        }
        keyed::unkey(&projected)
    }

    /// The managers that own what is at `path`.
    pub(super) fn managers_of(&self, path: &Path) -> Vec<String> {
        let own = self.owners.iter().filter(|(_, owned)| owned.contains(path));
        own.map(|(manager, _)| manager.clone()).collect()
    }

    pub(super) fn get(&self, pointer: &str) -> Option<&Value> {
        keyed::get(&self.content, &keyed::pointer(pointer))
    }

    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        self.get(pointer)?.as_str()
    }

    /// As people write it.
    pub(super) fn manifest(&self) -> Value {
        keyed::unkey(&self.content)
    }

    fn conflicts(&self, manager: &str, wanted: &[(Path, Value)]) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        for (path, value) in wanted {
            if keyed::get(&self.content, path).is_none_or(|live| live == value) {
                continue;
            }
            let others = self.managers_of(path).into_iter().filter(|other| other != manager);
            conflicts.extend(
                others.map(|manager| Conflict { manager, field: keyed::shown(path).to_string() }),
            );
        }
        conflicts
    }

    fn disown(&mut self, except: &str, path: &[String]) {
        for (manager, owned) in &mut self.owners {
            if manager != except {
                owned.remove(path);
            }
        }
    }

    fn refuse_immutable(&self, body: &Value) -> Result<(), Refused> {
        for field in self.immutable() {
            let path = keyed::pointer(field);
            let (live, wanted) = (keyed::get(&self.content, &path), keyed::get(body, &path));
            if wanted.is_some() && live.is_some() && live != wanted {
                return Err(Refused::Immutable(field));
            }
        }
        Ok(())
    }

    fn immutable(&self) -> &'static [&'static str] {
        match self.content.get("kind").and_then(Value::as_str) {
            Some("Deployment") => &["/spec/selector"],
            Some("EndpointSlice") => &["/addressType"],
            _ => &[],
        }
    }

    fn default_replicas(&mut self) {
        if self.content.get("kind").and_then(Value::as_str) == Some("Deployment")
            && self.get("/spec/replicas").is_none()
        {
            keyed::set(&mut self.content, &keyed::pointer("/spec/replicas"), json!(1));
        }
    }
}
