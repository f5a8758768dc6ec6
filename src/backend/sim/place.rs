//! Where pods go: the first node that has room.

use super::capacity::Room;
use super::keyed;
use super::nodes::SimNode;
use super::pods::PodState;
use super::world::World;
use crate::observe::ResourceId;
use serde_json::Value;
use std::collections::BTreeMap;

/// One look for nodes, for all pods of a Deployment that ask for the same. Room
/// only shrinks during it, so that a node that had none is not asked again.
struct Search {
    /// Nodes that the template may go to, in their order.
    open: Vec<usize>,
    /// Those before have no room.
    next: usize,
    /// Why nodes are not open, with how many.
    closed: BTreeMap<String, u32>,
    /// Said once for all pods.
    nowhere: Option<String>,
}

impl World {
    /// Finds nodes for what has none; whether any was found.
    pub(super) fn place(&mut self) -> bool {
        let waiting = |index: &usize| matches!(self.pods[*index].state, PodState::Unscheduled(_));
        let waiting: Vec<usize> = (0..self.pods.len()).filter(waiting).collect();
        if waiting.is_empty() {
            return false;
        }
        let mut used = self.used();
        let mut searches: BTreeMap<(&ResourceId, Room), Search> = BTreeMap::new();
        let mut found = Vec::new();
        for index in waiting {
            let pod = &self.pods[index];
            let search = searches
                .entry((&pod.deployment, pod.asks))
                .or_insert_with(|| self.search(&pod.deployment));
            found.push((index, search.find(&self.nodes, &mut used, pod.asks)));
        }
        let mut moved = false;
        for (index, found) in found {
            self.pods[index].state = match found {
                Ok(node) => {
                    moved = true;
                    self.pods[index].node = Some(self.nodes[node].name.clone());
                    self.begin(index)
                }
                Err(why) => PodState::Unscheduled(why),
            };
        }
        moved
    }

    fn begin(&mut self, index: usize) -> PodState {
        if self.scenario.missing_images.contains(&self.pods[index].image) {
            return PodState::ImageMissing;
        }
        let chance = self.draw();
        let delay = self.scenario.start.at(chance);
        PodState::Starting { ready_at: self.now + delay }
    }

    fn search(&self, deployment: &ResourceId) -> Search {
        let template = self.objects.get(deployment).and_then(|o| o.get("/spec/template"));
        let mut search =
            Search { open: Vec::new(), next: 0, closed: BTreeMap::new(), nowhere: None };
        for (index, node) in self.nodes.iter().enumerate() {
            match closed(node, template) {
                None => search.open.push(index),
                Some(why) => *search.closed.entry(why.to_owned()).or_default() += 1,
            }
        }
        search
    }
}

impl Search {
    /// The next node with room for `asks`, which is taken; else why there is none.
    fn find(&mut self, nodes: &[SimNode], used: &mut [Room], asks: Room) -> Result<usize, String> {
        while let Some(&index) = self.open.get(self.next) {
            if nodes[index].offered().short_of(used[index], asks).is_none() {
                used[index] = used[index].plus(asks);
                return Ok(index);
            }
            self.next += 1;
        }
        let why = self.nowhere.get_or_insert_with(|| {
            let mut reasons = self.closed.clone();
            for &index in &self.open {
                if let Some(what) = nodes[index].offered().short_of(used[index], asks) {
                    *reasons.entry(format!("Insufficient {what}")).or_default() += 1;
                }
            }
            let listed: Vec<_> =
                reasons.iter().map(|(why, count)| format!("{count} {why}")).collect();
            format!("0/{} nodes are available: {}", nodes.len(), listed.join(", "))
        });
        Err(why.clone())
    }
}

/// Why a pod of `template` may not go to `node`, in the scheduler's words.
fn closed(node: &SimNode, template: Option<&Value>) -> Option<&'static str> {
    let at = |path: &str| template.and_then(|t| keyed::get(t, &keyed::pointer(path)));
    if !node.ready {
        return Some("node(s) were not ready");
    }
    if node.cordoned {
        return Some("node(s) were unschedulable");
    }
    let selector = at("/spec/nodeSelector").and_then(Value::as_object);
    let selected = selector
        .into_iter()
        .flatten()
        .all(|(key, value)| node.labels.get(key).map(String::as_str) == value.as_str());
    if !selected {
        return Some("node(s) didn't match Pod's node affinity/selector");
    }
    let (key, value) = node.taint.as_ref()?;
    let tolerations = at("/spec/tolerations").and_then(Value::as_array);
    let tolerated = tolerations.into_iter().flatten().any(|toleration| {
        let is = |name: &str, wanted: &str| {
            toleration.get(name).is_none_or(|v| v.as_str() == Some(wanted))
        };
        is("key", key) && is("value", value)
    });
    (!tolerated).then_some("node(s) had untolerated taint(s)")
}
