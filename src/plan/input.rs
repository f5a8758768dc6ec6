//! Everything that a plan may look at.

use super::{Target, kinds};
use crate::decide::{Decision, Supply};
use crate::desired::DesiredWorld;
use crate::diag::nearest;
use crate::observe::{Inventory, Mark, ResourceId};
use crate::spec::{Catalog, Environment, Origins};
use std::collections::BTreeSet;

/// What to plan from. A plan is a pure function of it.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    /// Whose environment.
    pub mark: &'a Mark,
    /// What git declares: its guards, places and `[[moved]]`.
    pub environment: &'a Environment,
    /// The line that each value came from.
    pub origins: &'a Origins,
    /// SHA-256 of `environment_text`, in hex.
    pub environment_digest: &'a str,
    /// The resolved environment as TOML.
    pub environment_text: &'a str,
    /// Instance types, and what they cost.
    pub catalog: &'a Catalog,
    /// How much capacity each pool should have.
    pub decision: &'a Decision,
    /// How much it has.
    pub supply: &'a Supply,
    /// What should exist.
    pub desired: &'a DesiredWorld,
    /// What exists.
    pub inventory: &'a Inventory,
    /// What the person asked for beside it.
    pub options: &'a PlanOptions,
}

/// What the person who plans asks for on the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanOptions {
    /// `--adopt`: unmarked things that may become the environment's.
    pub adopt: BTreeSet<ResourceId>,
    /// `--target`: what to restrict the plan to; empty: nothing.
    pub targets: Vec<Target>,
    /// `--confirm`: the name that destroying in a protected environment asks for.
    pub confirm: Option<String>,
    /// `--force-conflicts`: take fields over from other managers.
    pub force_conflicts: bool,
    /// `--force-instances`: a destroy ends what runs in groups at once.
    pub force_instances: bool,
    /// `--refresh full`: read also what is told only thing by thing.
    pub full: bool,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// What should exist waits for itself: a defect of Floodway, not of the file.
    #[error(
        "the changes wait for each other in a circle: {}; this is a defect of Floodway",
        .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    )]
    Cycle(Vec<ResourceId>),
    /// Something to adopt that the environment would not have.
    #[error(
        "`{}` cannot be adopted: this environment would have nothing of that name; {}",
        kinds::written(.id),
        would_have(.id, .known)
    )]
    NothingToAdopt {
        /// What was named.
        id: Box<ResourceId>,
        /// Names of that kind that it would have.
        known: Vec<String>,
    },
    /// Something to import that does not exist.
    #[error("`{}` does not exist, so there is nothing to import", kinds::written(.0))]
    NotThere(Box<ResourceId>),
    /// A target that means nothing.
    #[error("`--target {target}` matches nothing in this environment{}", hint(.nearest))]
    UnknownTarget {
        /// As written.
        target: String,
        /// What may have been meant.
        nearest: Option<String>,
    },
}

fn would_have(id: &ResourceId, known: &[String]) -> String {
    match known {
        [] => format!("it has no {}", id.kind),
        known => {
            let near = nearest(&id.name, known.iter().map(String::as_str));
            let near = near.map(|near| format!("; did you mean `{}/{near}`?", id.kind));
            let list = known.join(", ");
            let near = near.unwrap_or_default();
            format!("what it adopts must be called as it would be: {list}{near}")
        }
    }
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}
