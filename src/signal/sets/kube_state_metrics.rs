//! kube-state-metrics: <https://github.com/kubernetes/kube-state-metrics/tree/main/docs>.
//! A phase or condition is a series of its own that is 0 or 1.

use super::{Metric, metric, quiet};

pub(in crate::signal) const KUBE_STATE_METRICS: &[Metric] = &[
    metric("pending_pods", "pods", "sum(kube_pod_status_phase{phase=\"Pending\",@})"),
    quiet("unschedulable_pods", "pods", "sum(kube_pod_status_unschedulable{@})"),
    metric(
        "unavailable_replicas",
        "replicas",
        "sum(kube_deployment_status_replicas_unavailable{@})",
    ),
    metric(
        "nodes_not_ready",
        "nodes",
        "sum(kube_node_status_condition{condition=\"Ready\",status!=\"true\"})",
    ),
];
