//! Nodes with their GPUs.

mod wire;

pub(super) use wire::{NodeSeen, PodGpus, PodSeen};

use super::cluster::Cluster;
use super::kinds::Resource;
use crate::observe::Node;
use crate::plan::PortError;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Pods that have not ended: of those that have, only the record is left.
pub(super) const RUNNING: &str = "status.phase!=Succeeded,status.phase!=Failed";

impl Cluster {
    /// All nodes, with the GPUs that pods of any namespace have there: as they are
    /// watched, or else by a list.
    pub(super) async fn nodes(&self) -> Result<Vec<Arc<Node>>, PortError> {
        match self.watch.get() {
            Some(watch) => watch.nodes().await,
            None => self.listed_nodes().await,
        }
    }

    async fn listed_nodes(&self) -> Result<Vec<Arc<Node>>, PortError> {
        let nodes = Resource::new("v1", "nodes", None);
        let node = |text: &str| serde_json::from_str(text).map(|seen: NodeSeen| Some(seen.node()));
        let mut nodes = self.list_texts(&nodes, "", node).await?;
        if nodes.iter().all(|node| node.gpus_allocatable == 0) {
            return Ok(nodes.into_iter().map(Arc::new).collect());
        }
        let running = format!("fieldSelector={}", super::cluster::escape(RUNNING));
        let path = Resource::new("v1", "pods", None);
        let gpus = |text: &str| serde_json::from_str(text).map(|pod: PodSeen| pod.gpus());
        let pods = self.list_texts(&path, &running, gpus).await?;
        let mut by_node: BTreeMap<String, (u32, u32)> = BTreeMap::new();
        for PodGpus { node, gpus, ready } in pods {
            let (used, serving) = by_node.entry(node).or_default();
            *used += gpus;
            *serving += if ready { gpus } else { 0 };
        }
        for node in &mut nodes {
            (node.gpus_used, node.gpus_ready) =
                by_node.get(&node.name).copied().unwrap_or_default();
        }
        Ok(nodes.into_iter().map(Arc::new).collect())
    }
}
