//! The words of a desired world.

use crate::decide::{DesiredOwner, Reason};
use crate::id::Name;
use crate::observe::{Body, Lookup, ResourceId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The value a runtime-owned field gets once, at creation, and who owns it after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seed {
    /// JSON pointer in the body: `/spec/replicas`, `/desired`.
    pub path: String,
    /// The value at creation.
    pub value: Value,
    /// Who moves it from then on; never git.
    pub owner: DesiredOwner,
}

/// One thing that should exist.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// Its name.
    pub id: ResourceId,
    /// Every field that git owns, in the object's own shape. A runtime-owned
    /// field is not in it.
    pub body: Body,
    /// The field that git does not own.
    pub seed: Option<Seed>,
    /// The pool it serves.
    pub pool: Option<Name>,
    /// The TOML that asks for it.
    pub reason: Reason,
    /// Things that must exist (and, for workloads, need not be ready) first.
    pub after: Vec<ResourceId>,
    /// Fields that cannot change in place (JSON pointers): a difference there
    /// is a replacement.
    pub immutable: Vec<&'static str>,
    /// Whether it carries membership marks (a Namespace never does).
    pub member: bool,
}

/// Something of the account that is needed and is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What was looked for.
    pub lookup: Lookup,
    /// The pool that needs it.
    pub pool: Name,
    /// Whether anybody looked: else it may be there.
    pub asked: bool,
    /// The TOML that names it.
    pub reason: Reason,
}

/// Everything that should exist.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DesiredWorld {
    /// In no order that means anything; names are unique.
    pub resources: Vec<Desired>,
    /// What of it cannot be made because something else is not there.
    pub missing: Vec<Missing>,
}
