//! The phases of a rollout, and pools that were renamed.

use crate::id::Name;
use common::shape::table;
use std::collections::BTreeMap;

table! {
    /// The phases in which the service is rolled out.
    #[derive(Default)]
    pub struct Rollout {
        /// The phases, by name.
        pub phases: BTreeMap<Name, Phase>,
    }
}

table! {
    /// A phase of the rollout.
    pub struct Phase {
        /// Its place among the phases: lower is earlier.
        pub order: u32,
        /// How long it is meant to take, in words: `1-2 weeks`.
        pub window: Option<String>,
        /// What it is for.
        pub summary: Option<String>,
    }
}

table! {
    /// A pool that was renamed: its instances stay.
    pub struct Moved {
        /// The pool's former name.
        pub from: String,
        /// The pool's name now.
        pub to: String,
    }
}
