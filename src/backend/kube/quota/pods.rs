//! What the pods of a Deployment count for.

use super::amount;
use serde_json::Value;

/// One piece, in the unit of [`amount`].
pub(super) const ONE: i128 = 1_000_000_000;

/// What one pod of a Deployment counts for under a quota's key.
pub(super) fn per_pod(deployment: &Value, key: &str) -> i128 {
    let (kind, resource) = match key {
        "pods" | "count/pods" => return ONE,
        "cpu" | "memory" | "ephemeral-storage" => ("requests", key),
        _ => match key.split_once('.') {
            Some((kind @ ("requests" | "limits"), resource)) => (kind, resource),
            _ => return 0,
        },
    };
    let containers = deployment.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let of = |container: &Value, kind: &str| {
        amount(container.pointer(&format!("/resources/{kind}"))?.get(resource)?)
    };
    // Who only limits a resource requests as much of it.
    let asked = |container: &Value| of(container, kind).or_else(|| of(container, "limits"));
    containers.into_iter().flatten().filter_map(asked).sum()
}

/// Whether a quota counts pods of this Deployment, which always ask for
/// something and never have a deadline of their own. Scopes:
/// <https://kubernetes.io/docs/concepts/policy/resource-quotas/#quota-scopes>
pub(super) fn is_about(quota: &Value, deployment: &Value) -> bool {
    let class = deployment.pointer("/spec/template/spec/priorityClassName").and_then(Value::as_str);
    let list = |at: &str| quota.pointer(at).and_then(Value::as_array).into_iter().flatten();
    let scoped = |scope: &str| match scope {
        "BestEffort" | "Terminating" | "CrossNamespacePodAffinity" => false,
        "PriorityClass" => class.is_some(),
        _ => true,
    };
    let selected = |rule: &Value| {
        let scope = rule["scopeName"].as_str().unwrap_or_default();
        let named = class.is_some_and(|class| {
            rule["values"].as_array().into_iter().flatten().any(|value| value == class)
        });
        match (scope, rule["operator"].as_str()) {
            ("PriorityClass", Some("In")) => named,
            ("PriorityClass", Some("NotIn")) => !named,
            ("PriorityClass", Some("DoesNotExist")) => class.is_none(),
            _ => scoped(scope),
        }
    };
    list("/spec/scopes").all(|scope| scoped(scope.as_str().unwrap_or_default()))
        && list("/spec/scopeSelector/matchExpressions").all(selected)
}
