//! What happens in a world by itself.

use super::{CapacityType, Fault};
use crate::units::{Share, Span};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that happens by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Event {
    /// Since the world began.
    pub at: Span,
    /// What.
    pub what: Actor,
}

/// What happens.
#[derive(Debug, Clone, PartialEq)]
pub enum Actor {
    /// Another manager sets a field.
    Set(Set),
    /// Somebody takes a field away.
    Unset(Unset),
    /// Somebody deletes a thing.
    Delete(Delete),
    /// Somebody makes a thing that is nobody's.
    Create(Create),
    /// A node is lost.
    NodeNotReady(String),
    /// A node is back.
    NodeReady(String),
    /// A node has GPUs that do not work.
    GpusUnhealthy(GpusUnhealthy),
    /// AWS has less of an offering than before, or more.
    Capacity(CapacityChange),
    /// AWS gives notice of this share of the spot instances that serve, and takes them
    /// back two minutes later.
    SpotNotice(Share),
    /// Calls fail from now on.
    Fault(Fault),
}

/// Another manager sets a field, as by server-side apply with force: one that
/// has the value already is shared from then on, any other is the manager's
/// alone. What names a thing, or never changes, stays as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// `Deployment`, `AutoScalingGroup`, …
    pub kind: String,
    /// Its name.
    pub name: String,
    /// JSON pointer through maps; elements of keyed lists by their key.
    pub path: String,
    /// The new value.
    pub value: Value,
    /// The manager.
    pub by: String,
}

/// Somebody takes a field away, whoever owned it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unset {
    /// `Deployment`, `AutoScalingGroup`, …
    pub kind: String,
    /// Its name.
    pub name: String,
    /// As that of [`Set`].
    pub path: String,
}

/// Somebody deletes a thing; a namespace with all that is in it, a group with
/// its instances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// Somebody makes a thing that carries no marks, in place of none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Create {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace, which is made too if there is none; of a group, its region.
    #[serde(default)]
    pub namespace: String,
    /// What it says beside kind and name.
    #[serde(default)]
    pub content: Value,
    /// Who makes it.
    pub by: String,
}

/// A node has this many GPUs that do not work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GpusUnhealthy {
    /// The node.
    pub node: String,
    /// How many.
    pub gpus: u32,
}

/// What AWS has of an offering from now on; instances that run stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapacityChange {
    /// The type.
    pub instance_type: String,
    /// None: each of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_type: Option<CapacityType>,
    /// So many instances at once; none: as many as are asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<u32>,
}

/// An event as it is written: a time, and one thing that happens then.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    at: Span,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    set: Option<Set>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unset: Option<Unset>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delete: Option<Delete>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    create: Option<Create>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    node_not_ready: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    node_ready: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gpus_unhealthy: Option<GpusUnhealthy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    capacity: Option<CapacityChange>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spot_notice: Option<Share>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fault: Option<Fault>,
}

impl TryFrom<Written> for Event {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let at = written.at;
        let mut happening = [
            written.set.map(Actor::Set),
            written.unset.map(Actor::Unset),
            written.delete.map(Actor::Delete),
            written.create.map(Actor::Create),
            written.node_not_ready.map(Actor::NodeNotReady),
            written.node_ready.map(Actor::NodeReady),
            written.gpus_unhealthy.map(Actor::GpusUnhealthy),
            written.capacity.map(Actor::Capacity),
            written.spot_notice.map(Actor::SpotNotice),
            written.fault.map(Actor::Fault),
        ]
        .into_iter()
        .flatten();
        match (happening.next(), happening.count()) {
            (Some(what), 0) => Ok(Self { at, what }),
            (None, _) => Err("an event without anything that happens".to_owned()),
            (Some(_), more) => Err(format!("{} things happen in one event", more + 1)),
        }
    }
}

impl From<Event> for Written {
    fn from(event: Event) -> Self {
        let mut written = Self { at: event.at, ..Self::default() };
        match event.what {
            Actor::Set(set) => written.set = Some(set),
            Actor::Unset(unset) => written.unset = Some(unset),
            Actor::Delete(delete) => written.delete = Some(delete),
            Actor::Create(create) => written.create = Some(create),
            Actor::NodeNotReady(node) => written.node_not_ready = Some(node),
            Actor::NodeReady(node) => written.node_ready = Some(node),
            Actor::GpusUnhealthy(gpus) => written.gpus_unhealthy = Some(gpus),
            Actor::Capacity(change) => written.capacity = Some(change),
            Actor::SpotNotice(share) => written.spot_notice = Some(share),
            Actor::Fault(fault) => written.fault = Some(fault),
        }
        written
    }
}
