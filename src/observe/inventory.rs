//! Everything that was seen, when, and what could not be seen.

use super::{Live, Lookup, Market, Node, Reserved, ResourceId, Side};
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Whose environment this is: the marks' content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The environment's name.
    pub environment: String,
    /// The repository, normalised (`github.com/acme/infra`); `local` without one.
    pub repository: String,
    /// The file in it (`environments/prod.toml`).
    pub file: String,
}

/// A place, known by what cannot be renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// Which side it is.
    pub side: Side,
    /// UID of `kube-system`; account and region; the simulated world's own id.
    pub identity: String,
    /// For people: context and server, account alias, `simulator`.
    pub title: String,
}

/// What the last apply left on the ApplySet's parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastApply {
    /// Who applied.
    pub mark: Mark,
    /// How many members it left, beside the parent.
    pub members: u32,
    /// The AWS regions in which it left something.
    #[serde(default)]
    pub regions: Vec<String>,
}

/// Something that could not be seen, and so must not be taken for absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Where.
    pub side: Side,
    /// What: `deployments in inference`, `nodes`.
    pub what: String,
    /// Why, and what to do.
    pub why: String,
    /// Whether owned things may be hidden by it (then nothing is created or
    /// deleted), or only facts for people.
    pub hides_members: bool,
}

impl Gap {
    /// What a gap is of where it is not known which instances have joined.
    pub const NODES: &str = "nodes and their pods";
    /// What a gap is of where it is not known where instances are reached.
    pub const ADDRESSES: &str = "addresses of instances";
    /// What a gap is of where it is not known which instances are taken back.
    pub const NOTICES: &str = "spot notices";
    /// What a gap is of where it is not known whether launches fail.
    pub const ACTIVITIES: &str = "scaling activities";
}

/// What the places can do, where plans depend on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The PrometheusRule CRD is installed.
    pub prometheus_rules: bool,
    /// The service's namespace exists.
    pub namespace_exists: bool,
    /// What is in the service's namespace and carries other marks or none
    /// (PVCs too); none: nobody looked. `destroy` with the namespace asks.
    #[serde(default)]
    pub namespace_foreign: Option<Vec<String>>,
}

/// What is really there.
#[derive(Debug, Clone, PartialEq)]
pub struct Inventory {
    /// When it was seen.
    pub taken_at: Timestamp,
    /// The places it was seen in.
    pub locations: Vec<Location>,
    /// Everything that carries this environment's marks, and whatever else was
    /// asked for by name.
    pub resources: BTreeMap<ResourceId, Live>,
    /// All nodes of the cluster.
    pub nodes: Vec<Arc<Node>>,
    /// What the last apply left.
    pub last_apply: Option<LastApply>,
    /// AWS regions beside the environment's in which groups of it were found.
    pub strays: BTreeSet<String>,
    /// IDs of what was looked for, sorted. Empty: there is none.
    pub found: BTreeMap<Lookup, Vec<String>>,
    /// The zones of subnets that were found, by the subnets' IDs.
    pub zones: BTreeMap<String, String>,
    /// What is known of reservations that were looked for and are there.
    pub reserved: BTreeMap<Lookup, Reserved>,
    /// What the places can do.
    pub capabilities: Capabilities,
    /// Prices of the moment, and quotas; nothing is decided by the prices.
    pub market: Market,
    /// What was not read, and is taken to be as it was last written; and what
    /// would read it.
    pub believed: BTreeSet<String>,
    /// What could not be seen.
    pub gaps: Vec<Gap>,
}

/// What is owned, by kind and pool.
#[derive(Debug, Default)]
pub struct ByPool<'a>(BTreeMap<&'a str, BTreeMap<&'a str, Vec<&'a Live>>>);

impl<'a> ByPool<'a> {
    /// The owned things of this kind that serve `pool`.
    pub fn of(&self, kind: &str, pool: &str) -> &[&'a Live] {
        self.0.get(kind).and_then(|pools| pools.get(pool)).map_or(&[], Vec::as_slice)
    }
}

impl LastApply {
    /// Regions as the parent's annotation lists them.
    pub fn regions_of(list: &str) -> Vec<String> {
        list.split(',').filter(|region| !region.is_empty()).map(str::to_owned).collect()
    }
}

impl Inventory {
    /// An inventory in which nothing exists.
    pub fn empty(taken_at: Timestamp) -> Self {
        Self {
            taken_at,
            locations: Vec::new(),
            resources: BTreeMap::new(),
            nodes: Vec::new(),
            last_apply: None,
            strays: BTreeSet::new(),
            found: BTreeMap::new(),
            zones: BTreeMap::new(),
            reserved: BTreeMap::new(),
            capabilities: Capabilities::default(),
            market: Market::default(),
            believed: BTreeSet::new(),
            gaps: Vec::new(),
        }
    }

    /// Joins what another side saw; the time stays (sides may be simulated, each
    /// with a clock of its own).
    pub fn merge(&mut self, other: Self) {
        self.locations.extend(other.locations);
        self.resources.extend(other.resources);
        self.nodes.extend(other.nodes);
        self.last_apply = self.last_apply.take().or(other.last_apply);
        self.strays.extend(other.strays);
        self.found.extend(other.found);
        self.zones.extend(other.zones);
        self.reserved.extend(other.reserved);
        self.capabilities.prometheus_rules |= other.capabilities.prometheus_rules;
        self.capabilities.namespace_exists |= other.capabilities.namespace_exists;
        let foreign = self.capabilities.namespace_foreign.take();
        self.capabilities.namespace_foreign = foreign.or(other.capabilities.namespace_foreign);
        self.market.merge(other.market);
        self.believed.extend(other.believed);
        self.gaps.extend(other.gaps);
    }

    /// Takes what was found out `before` and was not asked for again: what changes
    /// rarely.
    pub fn keep_facts(&mut self, before: &Self) {
        self.found.clone_from(&before.found);
        self.zones.clone_from(&before.zones);
        self.reserved.clone_from(&before.reserved);
        self.market.clone_from(&before.market);
    }

    /// All nodes of the cluster.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().map(Arc::as_ref)
    }

    /// What is owned, by kind and pool, as marked: for who asks for many pools.
    pub fn by_pool(&self) -> ByPool<'_> {
        self.by_pool_as(|marked| marked)
    }

    /// Likewise, by the pool that `name` makes of the marked one.
    pub fn by_pool_as<'a>(&'a self, name: impl Fn(&'a str) -> &'a str) -> ByPool<'a> {
        let mut things = ByPool::default();
        for live in self.resources.values() {
            if let Some(pool) = live.pool().filter(|_| live.ownership == super::Ownership::Ours) {
                let of_kind = things.0.entry(&live.id.kind).or_default();
                of_kind.entry(name(pool)).or_default().push(live);
            }
        }
        things
    }

    /// The owned thing of this kind that serves `pool`.
    pub fn of_pool<'a>(&'a self, kind: &'a str, pool: &'a str) -> impl Iterator<Item = &'a Live> {
        self.resources.values().filter(move |live| {
            live.id.kind == kind
                && live.pool() == Some(pool)
                && live.ownership == super::Ownership::Ours
        })
    }
}
