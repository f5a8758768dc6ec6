//! Nodes, and the GPUs that pods have there, kept up with what changes.

use crate::backend::kube::nodes::{NodeSeen, PodGpus, PodSeen};
use crate::observe::{Node, marks};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::runtime::watcher::Event;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// Of nodes' labels these are kept, beside Floodway's own.
    labels: BTreeSet<String>,
    nodes: BTreeMap<String, Arc<Node>>,
    pods: Pods,
    /// What a list that is not at its end has told.
    listed_nodes: Option<BTreeMap<String, Arc<Node>>>,
    listed_pods: Option<Pods>,
}

/// Pods that have GPUs.
#[derive(Debug, Default)]
struct Pods {
    /// By namespace and name: the node, how many, and whether they serve.
    pods: HashMap<Box<str>, (Box<str>, u32, bool)>,
    /// The sums, by the node's name: all, and those that serve.
    used: HashMap<Box<str>, (u32, u32)>,
}

impl Room {
    pub(super) fn new(labels: BTreeSet<String>) -> Self {
        Self { labels, ..Self::default() }
    }

    pub(super) fn note_node(&mut self, event: Event<NodeSeen>) {
        match event {
            Event::Init => self.listed_nodes = Some(BTreeMap::new()),
            Event::InitApply(node) => {
                let node = self.as_known(self.slim(node));
                let nodes = self.listed_nodes.get_or_insert_default();
                nodes.insert(node.name.clone(), node);
            }
            Event::InitDone => self.nodes = self.listed_nodes.take().unwrap_or_default(),
            Event::Apply(node) => {
                let node = self.slim(node);
                self.nodes.insert(node.name.clone(), Arc::new(node));
            }
            Event::Delete(node) => {
                self.nodes.remove(node.metadata.name.as_deref().unwrap_or_default());
            }
        }
    }

    pub(super) fn note_pod(&mut self, event: Event<PodSeen>) {
        match event {
            Event::Init => self.listed_pods = Some(Pods::default()),
            Event::InitApply(pod) => self.listed_pods.get_or_insert_default().put(pod),
            Event::InitDone => self.pods = self.listed_pods.take().unwrap_or_default(),
            Event::Apply(pod) => self.pods.put(pod),
            Event::Delete(pod) => self.pods.take(&key(&pod.metadata)),
        }
    }

    /// All nodes, by name.
    pub(super) fn nodes(&mut self) -> Vec<Arc<Node>> {
        for (name, node) in &mut self.nodes {
            let sums = self.pods.used.get(name.as_str()).copied().unwrap_or_default();
            if (node.gpus_used, node.gpus_ready) != sums {
                let node = Arc::make_mut(node);
                (node.gpus_used, node.gpus_ready) = sums;
            }
        }
        self.nodes.values().cloned().collect()
    }

    /// What is listed again as it was known is kept once: a large cluster is not held
    /// twice while it is listed.
    fn as_known(&self, mut node: Node) -> Arc<Node> {
        let Some(known) = self.nodes.get(&node.name) else { return Arc::new(node) };
        (node.gpus_used, node.gpus_ready) = (known.gpus_used, known.gpus_ready);
        if **known == node { Arc::clone(known) } else { Arc::new(node) }
    }

    fn slim(&self, node: NodeSeen) -> Node {
        let mut node = node.node();
        node.labels.retain(|key, _| key.starts_with(marks::PREFIX) || self.labels.contains(key));
        node
    }
}

impl Pods {
    fn put(&mut self, pod: PodSeen) {
        let key = key(&pod.metadata);
        self.take(&key);
        if let Some(PodGpus { node, gpus, ready }) = pod.gpus() {
            let node: Box<str> = node.into();
            let (used, serving) = self.used.entry(node.clone()).or_default();
            *used += gpus;
            *serving += if ready { gpus } else { 0 };
            self.pods.insert(key, (node, gpus, ready));
        }
    }

    fn take(&mut self, key: &str) {
        let Some((node, gpus, ready)) = self.pods.remove(key) else { return };
        if let Some((used, serving)) = self.used.get_mut(&node) {
            *used = used.saturating_sub(gpus);
            *serving = serving.saturating_sub(if ready { gpus } else { 0 });
            if *used == 0 {
                self.used.remove(&node);
            }
        }
    }
}

fn key(meta: &ObjectMeta) -> Box<str> {
    let of = |part: &Option<String>| part.clone().unwrap_or_default();
    format!("{}/{}", of(&meta.namespace), of(&meta.name)).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node(name: &str, zone: &str) -> NodeSeen {
        serde_json::from_value(json!({
            "metadata": {"name": name, "labels": {"zone": zone, "kubernetes.io/os": "linux",
                "floodway.dev/pool": "g6e"}},
            "spec": {"providerID": format!("aws:///us-east-1a/{name}")},
            "status": {"capacity": {"nvidia.com/gpu": "8"}, "allocatable": {"nvidia.com/gpu": "8"}},
        }))
        .unwrap()
    }

    fn pod(name: &str, node: Option<&str>, gpus: u32) -> PodSeen {
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "ns"},
            "spec": {"nodeName": node,
                "containers": [{"resources": {"limits": {"nvidia.com/gpu": gpus.to_string()}}}]},
        }))
        .unwrap()
    }

    fn listed(nodes: &[&str], pods: &[(&str, &str, u32)]) -> Room {
        let mut room = Room::new(BTreeSet::from(["zone".to_owned()]));
        list(&mut room, nodes, pods);
        room
    }

    fn list(room: &mut Room, nodes: &[&str], pods: &[(&str, &str, u32)]) {
        room.note_node(Event::Init);
        room.note_pod(Event::Init);
        for (name, on, gpus) in pods {
            room.note_pod(Event::InitApply(pod(name, Some(on), *gpus)));
        }
        for name in nodes {
            room.note_node(Event::InitApply(node(name, "a")));
        }
        room.note_node(Event::InitDone);
        room.note_pod(Event::InitDone);
    }

    fn used(room: &mut Room) -> Vec<(String, u32)> {
        room.nodes().iter().map(|node| (node.name.clone(), node.gpus_used)).collect()
    }

    fn of(wanted: &[(&str, u32)]) -> Vec<(String, u32)> {
        wanted.iter().map(|(name, used)| ((*name).to_owned(), *used)).collect()
    }

    #[test]
    fn gpus_follow_their_pods_from_node_to_node() {
        let mut room = listed(&["n1", "n2"], &[("a", "n1", 2), ("b", "n1", 1), ("c", "n2", 0)]);
        assert_eq!(used(&mut room), of(&[("n1", 3), ("n2", 0)]));
        room.note_pod(Event::Apply(pod("a", Some("n2"), 4)));
        room.note_pod(Event::Apply(pod("d", None, 8)));
        assert_eq!(used(&mut room), of(&[("n1", 1), ("n2", 4)]));
        room.note_pod(Event::Delete(pod("a", Some("n2"), 4)));
        room.note_pod(Event::Delete(pod("unheard of", Some("n2"), 4)));
        room.note_node(Event::Delete(node("n1", "a")));
        assert_eq!(used(&mut room), of(&[("n2", 0)]));
    }

    #[test]
    fn what_is_listed_again_as_it_was_is_kept_once() {
        let mut room = listed(&["n1", "n2"], &[("a", "n1", 3)]);
        let before = room.nodes();
        list(&mut room, &["n1", "n2", "n3"], &[("a", "n2", 3)]);
        assert!(before.iter().all(|node| Arc::strong_count(node) == 2));
        drop(before);
        assert_eq!(used(&mut room), of(&[("n1", 0), ("n2", 3), ("n3", 0)]));
    }

    #[test]
    fn what_serves_of_them_follows_the_pods_readiness() {
        let pod = |ready: &str, ends: Option<&str>| -> PodSeen {
            serde_json::from_value(json!({
                "metadata": {"name": "a", "namespace": "ns", "deletionTimestamp": ends},
                "spec": {"nodeName": "n1",
                    "containers": [{"resources": {"limits": {"nvidia.com/gpu": "2"}}}]},
                "status": {"conditions": [{"type": "Ready", "status": ready}]},
            }))
            .unwrap()
        };
        let mut room = listed(&["n1"], &[("b", "n1", 1)]);
        let ready = |room: &mut Room| room.nodes()[0].gpus_ready;
        assert_eq!(ready(&mut room), 0);
        room.note_pod(Event::Apply(pod("True", None)));
        assert_eq!(ready(&mut room), 2);
        room.note_pod(Event::Apply(pod("False", None)));
        assert_eq!(ready(&mut room), 0);
        room.note_pod(Event::Apply(pod("True", Some("2026-11-27T10:00:00Z"))));
        assert_eq!((ready(&mut room), used(&mut room)), (0, of(&[("n1", 3)])));
    }

    #[test]
    fn a_list_that_has_begun_changes_nothing_until_its_end() {
        let mut room = listed(&["n1", "n2"], &[("a", "n1", 2)]);
        room.note_node(Event::Init);
        room.note_pod(Event::Init);
        room.note_node(Event::InitApply(node("n2", "a")));
        assert_eq!(used(&mut room), of(&[("n1", 2), ("n2", 0)]));
        room.note_node(Event::InitDone);
        room.note_pod(Event::InitDone);
        assert_eq!(used(&mut room), of(&[("n2", 0)]));
    }

    #[test]
    fn of_labels_only_those_are_kept_that_are_looked_at() {
        let labels = listed(&["n1"], &[]).nodes()[0].labels.clone();
        let kept: Vec<&str> = labels.keys().map(String::as_str).collect();
        assert_eq!(kept, ["floodway.dev/pool", "zone"]);
    }
}
