//! Draining a Node: it is cordoned, and its pods are evicted as far as their
//! disruption budgets let them go.

mod evict;
mod node;

use super::cluster::{ApplyMode, Cluster};
use super::error::failed;
use super::kinds::Resource;
use super::live::text;
use super::pods::is_finished;
use crate::clock::{Clock, SystemClock};
use crate::observe::marks;
use crate::plan::{PortError, Takes};
use crate::port::{Drain, Leaving, Left};
use async_trait::async_trait;
use evict::Eviction;
use futures::stream::{self, StreamExt, TryStreamExt};
use node::{Joined, Names};
use serde_json::{Value, json};

/// Calls about single pods at once, for one node.
const AT_ONCE: usize = 8;

/// Pods of lower cost go first when a ReplicaSet shrinks (KEP-2255); without the
/// annotation a pod costs 0.
const COST: &str = "controller.kubernetes.io/pod-deletion-cost";
/// Lower than anything that people write, and an int32.
const FIRST: &str = "-2000000000";

/// Drains the nodes of a cluster.
pub(super) struct Drainer {
    cluster: Cluster,
    names: Names,
}

/// What matters of a pod for its node's drain.
struct Moved {
    namespace: String,
    name: String,
    uid: String,
    /// It is on its way out.
    ends: bool,
    /// It goes first when its set shrinks, by our word.
    first: bool,
}

impl Drainer {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self { cluster, names: Names::default() }
    }

    /// The node and what would be lost with it; none: it has not joined, or is gone.
    async fn closed(&self, unit: &Leaving) -> Result<Option<(Joined, Vec<Moved>)>, PortError> {
        let Some(node) = self.names.find(&self.cluster, &unit.instance).await? else {
            return Ok(None);
        };
        let node = self.cordon(node).await?;
        let pods = self.pods(&node).await?;
        let marked = pods.iter().filter(|pod| !pod.ends && !pod.first);
        together(marked.map(|pod| self.set_cost(pod, Some(FIRST)))).await?;
        Ok(Some((node, pods)))
    }

    /// As a field of a manager of our own: who takes the drain back leaves a cordon
    /// of others where it is.
    async fn cordon(&self, node: Joined) -> Result<Joined, PortError> {
        if node.cordoned && node.since.is_some() {
            return Ok(node);
        }
        let since = node.since.unwrap_or_else(|| SystemClock.now());
        let body = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {
                "name": node.name, "uid": node.uid,
                "annotations": {marks::DRAINING: since.to_string()},
            },
            "spec": {"unschedulable": true},
        });
        self.own(&node::NODES, &node.name, &body).await?;
        Ok(Joined { cordoned: true, since: Some(since), ..node })
    }

    /// The pods there, without those that go with their node anyway.
    async fn pods(&self, node: &Joined) -> Result<Vec<Moved>, PortError> {
        let everywhere = Resource::new("v1", "pods", None);
        let here = format!("fieldSelector=spec.nodeName%3D{}", node.name);
        self.cluster.list(&everywhere, &here, |pod| Moved::of(&pod)).await
    }

    async fn set_cost(&self, pod: &Moved, cost: Option<&str>) -> Result<(), PortError> {
        let mut body = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": pod.name, "namespace": pod.namespace, "uid": pod.uid},
        });
        if let Some(cost) = cost {
            body["metadata"]["annotations"] = json!({COST: cost});
        }
        self.own(&pod.resource(), &pod.name, &body).await
    }

    /// Writes all that the drain's manager says of an object. One that is gone, or
    /// is another one by now, needs nothing said.
    async fn own(
        &self,
        resource: &Resource<'_>,
        name: &str,
        body: &Value,
    ) -> Result<(), PortError> {
        let mode =
            ApplyMode { manager: marks::DRAIN_MANAGER, takes: &Takes::Everything, dry_run: false };
        match self.cluster.apply(resource, name, body, mode).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
            Err(error) => Err(failed(error, "patch", resource, name)),
        }
    }
}

#[async_trait]
impl Drain for Drainer {
    async fn close(&self, unit: &Leaving) -> Result<Left, PortError> {
        let Some((node, pods)) = self.closed(unit).await? else { return Ok(Left::default()) };
        Ok(Left { known: true, since: node.since, pods: count(pods.len()), ..Left::default() })
    }

    async fn begin(&self, unit: &Leaving) -> Result<Left, PortError> {
        let Some((node, pods)) = self.closed(unit).await? else { return Ok(Left::default()) };
        let movable = pods.iter().filter(|pod| !pod.ends);
        let evicted = together(movable.map(|pod| evict::evict(&self.cluster, pod))).await?;
        let gone = evicted.iter().filter(|done| **done == Eviction::Gone).count();
        Ok(Left {
            known: true,
            since: node.since,
            pods: count(pods.len() - gone),
            held: evict::by_cause(evicted),
            ..Left::default()
        })
    }

    async fn undo(&self, unit: &Leaving) -> Result<(), PortError> {
        let Some(node) = self.names.find(&self.cluster, &unit.instance).await? else {
            return Ok(());
        };
        let body = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": node.name, "uid": node.uid},
        });
        self.own(&node::NODES, &node.name, &body).await?;
        let pods = self.pods(&node).await?;
        let marked = pods.iter().filter(|pod| pod.first);
        together(marked.map(|pod| self.set_cost(pod, None))).await?;
        Ok(())
    }
}

/// Makes calls about single pods, a few at once.
async fn together<T, F: Future<Output = Result<T, PortError>>>(
    calls: impl Iterator<Item = F>,
) -> Result<Vec<T>, PortError> {
    let calls: Vec<F> = calls.collect();
    stream::iter(calls).buffer_unordered(AT_ONCE).try_collect().await
}

impl Moved {
    /// None: it goes with its node, and nothing is lost by it.
    fn of(pod: &Value) -> Option<Self> {
        let owners = pod.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        let of_daemon_set = owners
            .into_iter()
            .flatten()
            .any(|owner| owner["kind"] == "DaemonSet" && owner["controller"] == true);
        let notes = &pod["metadata"]["annotations"];
        let of_kubelet = notes.get("kubernetes.io/config.mirror").is_some();
        if of_daemon_set || of_kubelet || is_finished(pod) {
            return None;
        }
        Some(Self {
            namespace: text(pod, "/metadata/namespace")?.to_owned(),
            name: text(pod, "/metadata/name")?.to_owned(),
            uid: text(pod, "/metadata/uid")?.to_owned(),
            ends: pod.pointer("/metadata/deletionTimestamp").is_some(),
            first: notes.get(COST).and_then(Value::as_str) == Some(FIRST),
        })
    }

    fn resource(&self) -> Resource<'_> {
        Resource::new("v1", "pods", Some(&self.namespace))
    }
}

fn count(pods: usize) -> u32 {
    u32::try_from(pods).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(metadata: Value, phase: &str) -> Value {
        let mut pod = json!({
            "metadata": {"namespace": "ns", "name": "p", "uid": "u"}, "status": {"phase": phase},
        });
        for (key, value) in metadata.as_object().unwrap() {
            pod["metadata"][key] = value.clone();
        }
        pod
    }

    #[test]
    fn what_goes_with_its_node_is_left_alone() {
        let owned = |kind: &str| json!({"ownerReferences": [{"kind": kind, "controller": true}]});
        assert!(Moved::of(&pod(owned("DaemonSet"), "Running")).is_none());
        assert!(Moved::of(&pod(owned("ReplicaSet"), "Failed")).is_none());
        let mirror = json!({"annotations": {"kubernetes.io/config.mirror": "x"}});
        assert!(Moved::of(&pod(mirror, "Running")).is_none());
        assert!(Moved::of(&pod(owned("ReplicaSet"), "Running")).is_some());
        assert!(Moved::of(&pod(json!({}), "Pending")).is_some(), "nobody's, and it may do work");
    }

    #[test]
    fn a_pod_that_ends_is_still_there() {
        let ending = pod(json!({"deletionTimestamp": "2026-01-01T00:00:00Z"}), "Running");
        assert!(Moved::of(&ending).unwrap().ends);
    }

    #[test]
    fn a_cost_of_somebody_else_is_not_taken_for_ours() {
        let with = |cost: &str| pod(json!({"annotations": {COST: cost}}), "Running");
        assert!(!Moved::of(&with("-1")).unwrap().first);
        assert!(Moved::of(&with(FIRST)).unwrap().first);
        assert!(FIRST.parse::<i32>().is_ok());
    }
}
