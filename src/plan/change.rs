//! The words of a plan.

use super::{Costs, ImageChange, MarketCost, Priced, Step, WavePlan};
use crate::clock::Timestamp;
use crate::decide::{DesiredOwner, Reason};
use crate::observe::{Body, Location, Mark, ResourceId, marks};
use crate::units::Rate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What happens to one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// As it should be.
    NoOp,
    /// `+`
    Create,
    /// `~`
    Update,
    /// `-/+`: create under a new name, ready, drain the old, delete it.
    Replace,
    /// `-`
    Delete,
}

/// One field's difference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// As people write it: `spec.template.spec.containers[server].image`.
    pub path: String,
    /// None: the field is not there.
    pub before: Option<Value>,
    /// None: the field goes.
    pub after: Option<Value>,
}

/// What a change was computed from, as `identity.marks.fields.facts`, each the
/// first half of a SHA-256 in hex; `absent` for nothing. Runtime-owned fields,
/// resourceVersion, status and what others own are not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub String);

/// Whether the place itself has accepted the change in a dry run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checked {
    /// It has.
    ByServer,
    /// It could not be asked; why.
    Not(String),
    /// There is nothing to ask.
    NotNeeded,
}

/// One thing and what happens to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The thing; of a replacement, the new one.
    pub id: ResourceId,
    /// Of a replacement, the old one.
    pub replaces: Option<ResourceId>,
    /// What happens.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// What differs; empty for creates and deletes of whole things.
    pub fields: Vec<FieldChange>,
    /// Of another machine image, what is known of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageChange>,
    /// How many owned fields stay as they are.
    pub unchanged: usize,
    /// The owned fields as they are, of what changes or goes; none for a create
    /// and for a no-op (there they are the body).
    pub before: Option<Body>,
    /// The body to apply, for what stays or comes.
    pub body: Option<Body>,
    /// The field that git does not own (JSON pointer), with its live value, or
    /// what it gets at creation, and its owner.
    pub owned_by: Option<(String, Option<Value>, DesiredOwner)>,
    /// The pool it serves.
    pub pool: Option<String>,
    /// What it was computed from.
    pub fingerprint: Fingerprint,
    /// Whether the server has seen it.
    pub checked: Checked,
    /// Notes for people: `adopted from kubectl`, `takes replicas over from the HPA`.
    pub notes: Vec<String>,
    /// Exactly what apply does, in this order; empty for a no-op, except that
    /// apply waits for a workload whose last rollout was cut off.
    pub steps: Vec<Step>,
    /// Indices of changes that must be done first.
    pub after: Vec<usize>,
    /// The wave in which it goes out, counted from 1, of those that [`Plan::waves`]
    /// tells; 0: there are no waves, or there is nothing to do for it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub wave: u32,
}

fn is_zero(wave: &u32) -> bool {
    *wave == 0
}

/// How much of something there was, and will be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow<T> {
    /// Now.
    pub before: T,
    /// After the apply, as far as git decides it.
    pub after: T,
}

/// One pool's capacity, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolDelta {
    /// The pool.
    pub pool: String,
    /// Its stage.
    pub stage: String,
    /// Replicas on-prem, instances in a burst pool.
    pub units: Flow<u32>,
    /// `replicas` or `instances`.
    pub unit: String,
    /// Bounds.
    pub min: u32,
    /// See `min`.
    pub max: u32,
    /// Who sets desired.
    pub owner: DesiredOwner,
    /// Requests/s inside the SLO.
    pub capacity: Flow<Rate>,
    /// Units that go and whose capacity is not in `capacity`: it stood in the
    /// file, and does no more.
    #[serde(default)]
    pub uncounted: u32,
    /// GPUs.
    pub gpus: Flow<u32>,
    /// What an hour costs: spot as the market says, where it says so, and else
    /// at on-demand prices; at max always at on-demand prices.
    pub cost: Costs,
    /// The same by capacity type, of a burst pool.
    pub markets: Vec<MarketCost>,
    /// The prices that these sums are made of.
    pub prices: Vec<Priced>,
    /// Why this many.
    pub reasons: Vec<Reason>,
}

/// Sums over a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// `+`
    pub create: usize,
    /// `~`
    pub update: usize,
    /// `-/+`
    pub replace: usize,
    /// `-`
    pub delete: usize,
    /// Burst nodes.
    pub nodes: Flow<u32>,
    /// GPUs, on-prem and burst.
    pub gpus: Flow<u32>,
    /// By stage.
    pub capacity: BTreeMap<String, Flow<Rate>>,
    /// What an hour of burst costs, as in [`PoolDelta::cost`].
    pub burst: Costs,
    /// What an hour of on-prem replicas costs, as declared.
    pub on_prem: Costs,
}

/// Something that forbids applying a plan (exit code 12).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Which guard: `aborted`, `autoscaler`, `budget`, `conflict`, `gap`, `immutable`, `in_place`,
    /// `location`, `lookup`, `max_destroy`, `namespace`, `ownership`, `paused`, `protected`,
    /// `quota`.
    pub guard: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// The exact list of changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The environment.
    pub mark: Mark,
    /// SHA-256 of the resolved environment.
    pub environment_digest: String,
    /// The resolved environment, as text: a stale plan names the keys that changed.
    pub environment_text: String,
    /// When the world that it was computed from was seen.
    pub as_of: Timestamp,
    /// The places it was computed for.
    pub locations: Vec<Location>,
    /// What was not read, and is taken to be as it was last written.
    #[serde(default)]
    pub believed: std::collections::BTreeSet<String>,
    /// Everything that is owned or wanted, no-ops too, in the order of applying.
    pub changes: Vec<Change>,
    /// In which waves they go out over pools; none: all at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waves: Option<WavePlan>,
    /// What `--target` restricted it to; empty: the whole environment.
    #[serde(default)]
    pub targets: Vec<String>,
    /// Pool by pool.
    pub pools: Vec<PoolDelta>,
    /// Sums.
    pub totals: Totals,
    /// What users should know.
    pub warnings: Vec<String>,
    /// Why it may not be applied; empty: it may.
    pub refusals: Vec<Refusal>,
}

impl Change {
    /// Whether apply has anything to do for it: to change it, or to wait for it.
    pub fn has_work(&self) -> bool {
        !self.steps.is_empty()
    }
}

impl Plan {
    /// Whether applying would change nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.iter().all(|change| change.action == Action::NoOp)
    }

    /// Whether it takes everything away: nothing in it is wanted.
    pub fn destroys(&self) -> bool {
        self.changes.iter().all(|change| change.body.is_none())
    }

    /// Whether it takes over groups or templates that another file of the
    /// environment has applied.
    pub fn takes_over(&self) -> bool {
        let file = format!("/tags/{}", marks::FILE.replace('/', "~1"));
        let before = self.changes.iter().filter_map(|change| change.before.as_ref());
        before.filter_map(|before| before.text_at(&file)).any(|file| file != self.mark.file)
    }

    /// Whether applying would do anything: change things, or wait for some.
    pub fn has_work(&self) -> bool {
        self.changes.iter().any(Change::has_work)
    }
}
