//! Names of things, as readers know them.

use crate::observe::{ResourceId, Side};

/// The type as Terraform's providers write it, so that existing policies find
/// it: `kubernetes_deployment`, `aws_autoscaling_group`.
pub(super) fn type_of(id: &ResourceId) -> String {
    let side = side(id.side);
    match id.kind.as_str() {
        "AutoScalingGroup" => format!("{side}_autoscaling_group"),
        kind => format!("{side}_{}", snake(kind)),
    }
}

/// Unique over everything an environment can own:
/// `kubernetes_deployment.inference/deepseek-h100`.
pub(super) fn address(id: &ResourceId) -> String {
    match &id.scope {
        Some(scope) => format!("{}.{scope}/{}", type_of(id), id.name),
        None => format!("{}.{}", type_of(id), id.name),
    }
}

/// `kubernetes`, `aws`.
pub(super) fn side(side: Side) -> &'static str {
    match side {
        Side::Kubernetes => "kubernetes",
        Side::Aws => "aws",
    }
}

fn snake(kind: &str) -> String {
    let mut out = String::with_capacity(kind.len() + 4);
    for c in kind.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_like_terraforms() {
        let budget = ResourceId::kubernetes("policy/v1", "PodDisruptionBudget", Some("ml"), "a");
        assert_eq!(address(&budget), "kubernetes_pod_disruption_budget.ml/a");
        let group = ResourceId::group("us-east-1", "prod-g6e");
        assert_eq!(address(&group), "aws_autoscaling_group.us-east-1/prod-g6e");
        let class = ResourceId::kubernetes("scheduling.k8s.io/v1", "PriorityClass", None, "p");
        assert_eq!(address(&class), "kubernetes_priority_class.p");
    }
}
