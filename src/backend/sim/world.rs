//! The simulated world: plain data that only moves when it is told to.

use super::capacity::Room;
use super::groups::Instance;
use super::keyed;
use super::nodes::SimNode;
use super::object::Object;
use super::pods::Pod;
use super::scenario::Scenario;
use super::told::Told;
use crate::clock::Timestamp;
use crate::observe::{ResourceId, Side, marks};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// Milliseconds since the world began.
pub(super) type Moment = u64;

/// A world of nodes, objects, pods, groups and instances on a virtual clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct World {
    /// The environment that it is the world of.
    pub(super) name: String,
    pub(super) scenario: Scenario,
    /// Digest of the scenario that was asked for when it was made.
    pub(super) asked: String,
    /// Milliseconds since the world began.
    pub(super) now: Moment,
    /// Names and delays are drawn by counting.
    pub(super) counter: u64,
    /// Kubernetes objects and, without field ownership, groups.
    #[serde(with = "by_id")]
    pub(super) objects: BTreeMap<ResourceId, Object>,
    pub(super) nodes: Vec<SimNode>,
    pub(super) pods: Vec<Pod>,
    pub(super) instances: Vec<Instance>,
    /// Groups whose instances of an older template are being replaced.
    #[serde(default)]
    pub(super) refreshing: BTreeSet<ResourceId>,
    /// Instances that are drained by name, and since when.
    #[serde(default)]
    pub(super) draining: BTreeMap<String, Moment>,
    /// What operators have said by hand, as it would stand on a live object.
    #[serde(default)]
    pub(super) hands: Option<String>,
    /// What a controller has learned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) notes: Option<String>,
    /// What was told, the oldest first.
    #[serde(default)]
    pub(super) told: Vec<Told>,
    /// How many scenario events have happened.
    pub(super) happened: usize,
    /// Calls that still fail, by index into the scenario's faults.
    pub(super) faults_left: Vec<u32>,
}

/// 2026-01-01T00:00:00Z: a world does not know when it is simulated.
const BEGINNING: i64 = 1_767_225_600;

impl World {
    /// A world for the environment `name` as `scenario` describes it, in which
    /// nothing has happened.
    pub fn new(name: &str, scenario: Scenario) -> Self {
        let faults_left = scenario.faults.iter().map(|fault| fault.calls).collect();
        let mut world = Self {
            name: name.to_owned(),
            asked: scenario.digest(),
            nodes: scenario.nodes.iter().flat_map(SimNode::of_set).collect(),
            scenario,
            now: 0,
            counter: 0,
            objects: BTreeMap::new(),
            pods: Vec::new(),
            instances: Vec::new(),
            refreshing: BTreeSet::new(),
            draining: BTreeMap::new(),
            hands: None,
            notes: None,
            told: Vec::new(),
            happened: 0,
            faults_left,
        };
        world.settle();
        world
    }

    /// When the world began.
    pub(super) fn beginning(&self) -> Timestamp {
        Timestamp::from_second(BEGINNING).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The time in the world.
    pub fn now(&self) -> Timestamp {
        self.beginning() + Duration::from_millis(self.now)
    }

    /// The world's own identity: what a cluster's or an account's is elsewhere.
    /// Each environment has a world of its own.
    pub fn identity(&self) -> String {
        self.id_of(&format!("world {}", self.name), 0)
    }

    /// The same world, in which calls fail from now on as `fault` says.
    #[must_use]
    pub fn with_fault(mut self, fault: super::Fault) -> Self {
        self.faults_left.push(fault.calls);
        self.scenario.faults.push(fault);
        self
    }

    /// From now on no call fails, whatever the scenario says.
    pub fn forgive(&mut self) {
        self.faults_left.fill(0);
    }

    /// Everything that is there, whoever's it is.
    pub fn ids(&self) -> impl Iterator<Item = &ResourceId> {
        self.objects.keys()
    }

    /// The fields of a thing that Floodway owns, of a group all, as JSON
    /// pointers like those of [`super::Set`]; with their values.
    pub fn owned_fields(&self, id: &ResourceId) -> Vec<(String, Value)> {
        let Some(object) = self.objects.get(id) else { return Vec::new() };
        let owned = |path: &keyed::Path| {
            id.side == Side::Aws || object.managers_of(path).iter().any(|by| by == marks::MANAGER)
        };
        let leaves = keyed::leaves(&object.content).into_iter();
        leaves
            .filter(|(path, _)| owned(path))
            .map(|(path, value)| (keyed::to_pointer(&path), value))
            .collect()
    }

    /// Moves time on; everything that is due on the way happens in its order.
    /// Two steps are the same as their sum.
    pub fn advance(&mut self, duration: Duration) {
        let end = self.now + u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 2);
        while let Some(next) = self.next_event().filter(|next| *next <= end) {
            self.now = next.max(self.now);
            self.settle();
        }
        self.now = end;
    }

    /// Lets everything happen that is due now.
    pub(super) fn settle(&mut self) {
        self.happen();
        self.number_templates();
        loop {
            let mut moved = self.settle_groups();
            moved |= self.settle_autoscalers();
            moved |= self.settle_pods();
            if !moved {
                break;
            }
        }
    }

    fn next_event(&self) -> Option<Moment> {
        let pods = self.pods.iter().filter_map(Pod::next_event);
        let instances = self.instances.iter().filter_map(Instance::next_event);
        let scripted = self.scenario.events.get(self.happened).map(|event| event.at.millis());
        pods.chain(instances).chain(scripted).filter(|at| *at > self.now).min()
    }

    /// A new name part, the same in every run: five characters.
    pub(super) fn draw_name(&mut self) -> String {
        self.counter += 1;
        self.id_of("name", self.counter).chars().filter(|c| *c != '-').take(5).collect()
    }

    /// A new UID, the same in every run.
    pub(super) fn draw_uid(&mut self) -> String {
        self.counter += 1;
        self.id_of("uid", self.counter)
    }

    /// A number in 0..1, the same in every run.
    pub(super) fn draw(&mut self) -> f64 {
        self.counter += 1;
        let digest = self.digest("draw", self.counter);
        let bytes = [digest[0], digest[1], digest[2], digest[3]];
        f64::from(u32::from_be_bytes(bytes)) / 4_294_967_296.0
    }

    fn digest(&self, kind: &str, number: u64) -> [u8; 32] {
        Sha256::digest(format!("{}/{kind}/{number}", self.scenario.seed)).into()
    }

    pub(super) fn id_of(&self, kind: &str, number: u64) -> String {
        let hex: String =
            self.digest(kind, number).iter().take(16).map(|b| format!("{b:02x}")).collect();
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// What runs on each node, in the nodes' order, all its pods together.
    pub(super) fn used(&self) -> Vec<Room> {
        self.used_by(|_| true)
    }

    /// What these pods have on each node, in the nodes' order.
    pub(super) fn used_by(&self, which: impl Fn(&Pod) -> bool) -> Vec<Room> {
        let nodes = self.nodes.iter().enumerate();
        let index: HashMap<&str, usize> = nodes.map(|(at, n)| (n.name.as_str(), at)).collect();
        let mut used = vec![Room::default(); self.nodes.len()];
        for pod in self.pods.iter().filter(|pod| which(pod)) {
            let node = pod.node.as_deref().and_then(|name| index.get(name));
            if let Some(at) = node {
                used[*at] = used[*at].plus(pod.asks);
            }
        }
        used
    }
}

/// JSON keys are strings; ids are not.
mod by_id {
    use super::*;
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        objects: &BTreeMap<ResourceId, Object>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(objects)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<ResourceId, Object>, D::Error> {
        Ok(Vec::<(ResourceId, Object)>::deserialize(deserializer)?.into_iter().collect())
    }
}
