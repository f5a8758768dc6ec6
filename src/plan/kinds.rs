//! What the kinds of things mean to a plan. The one place that knows them.

use crate::observe::{ResourceId, Side};

/// Kind of a Deployment.
pub(super) const DEPLOYMENT: &str = "Deployment";
/// Kind of an EC2 Auto Scaling group.
pub(super) const GROUP: &str = "AutoScalingGroup";
/// Kind of the replacing of a group's instances.
pub(super) const REFRESH: &str = "InstanceRefresh";
/// Kind of an EC2 launch template.
pub(super) const TEMPLATE: &str = "LaunchTemplate";
/// Kind of a Namespace.
pub(super) const NAMESPACE: &str = "Namespace";
/// Kind of a NetworkPolicy.
pub(super) const NETWORK_POLICY: &str = "NetworkPolicy";
/// Kind of an HPA.
pub(super) const HPA: &str = "HorizontalPodAutoscaler";
/// Kind of a PodDisruptionBudget.
pub(super) const DISRUPTION_BUDGET: &str = "PodDisruptionBudget";
/// Kind of an EndpointSlice.
pub(super) const ENDPOINT_SLICE: &str = "EndpointSlice";

/// API and kind of what an environment can own, in the order in which people
/// read a plan; and whether it lives in a namespace.
const KINDS: [(&str, &str, bool); 15] = [
    ("v1", NAMESPACE, false),
    ("v1", "ConfigMap", true),
    ("scheduling.k8s.io/v1", "PriorityClass", false),
    ("v1", "ServiceAccount", true),
    ("networking.k8s.io/v1", NETWORK_POLICY, true),
    ("v1", "Service", true),
    ("monitoring.coreos.com/v1", "PrometheusRule", true),
    ("apps/v1", DEPLOYMENT, true),
    ("ec2", TEMPLATE, true),
    ("autoscaling", GROUP, true),
    ("autoscaling", REFRESH, true),
    ("discovery.k8s.io/v1", ENDPOINT_SLICE, true),
    ("policy/v1", DISRUPTION_BUDGET, true),
    ("autoscaling/v2", HPA, true),
    ("v1", "PersistentVolumeClaim", true),
];

/// Its place in the order in which people read a plan.
pub(super) fn rank(id: &ResourceId) -> usize {
    KINDS.iter().position(|(_, kind, _)| *kind == id.kind).unwrap_or(KINDS.len())
}

/// Whether units run in it: what `max_destroy` and `protected` are about.
pub(super) fn is_workload(id: &ResourceId) -> bool {
    matches!(id.kind.as_str(), DEPLOYMENT | GROUP)
}

/// Whether a plan may ever delete it as a member. Namespaces go only by a flag
/// of their own; claims hold data, which Floodway never takes away; a refresh
/// is nothing that stays.
pub(super) fn may_be_pruned(id: &ResourceId) -> bool {
    !matches!(id.kind.as_str(), NAMESPACE | REFRESH | "PersistentVolumeClaim")
}

/// The full name of a thing that a person wrote as `KIND/NAME`
/// (`deployment/vllm`), of what is in AWS as `KIND/REGION/NAME`; none for a
/// kind that no environment owns.
pub fn resource_named(text: &str, namespace: &str) -> Option<ResourceId> {
    let (kind, name) = text.split_once('/')?;
    let in_region = [(GROUP, ResourceId::group as fn(&str, &str) -> _)]
        .into_iter()
        .chain([(TEMPLATE, ResourceId::launch_template as fn(&str, &str) -> _)])
        .chain([(REFRESH, ResourceId::instance_refresh as fn(&str, &str) -> _)])
        .find(|(known, _)| kind.eq_ignore_ascii_case(known));
    if let Some((_, make)) = in_region {
        let (region, name) = name.split_once('/')?;
        return Some(make(region, name));
    }
    let (api, kind, namespaced) =
        KINDS.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(kind))?;
    Some(ResourceId::kubernetes(api, kind, namespaced.then_some(namespace), name))
}

/// As [`resource_named`] reads it.
pub(super) fn written(id: &ResourceId) -> String {
    match id.scope.as_ref().filter(|_| id.side == Side::Aws) {
        Some(region) => format!("{}/{region}/{}", id.kind, id.name),
        None => format!("{}/{}", id.kind, id.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_to_be_adopted_can_be_written_as_it_is_shown() {
        for id in [
            ResourceId::kubernetes("apps/v1", DEPLOYMENT, Some("ns"), "a"),
            ResourceId::kubernetes("scheduling.k8s.io/v1", "PriorityClass", None, "b"),
            ResourceId::group("us-east-1", "env-pool-od-g6e.12xlarge"),
            ResourceId::launch_template("us-east-1", "env-pool"),
        ] {
            assert_eq!(resource_named(&written(&id), "ns"), Some(id));
        }
        assert_eq!(resource_named("AutoScalingGroup/without-region", "ns"), None);
    }
}
