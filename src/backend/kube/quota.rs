//! Whether a namespace's ResourceQuotas leave room for a workload's pods.

use super::cluster::Cluster;
use super::kinds::Resource;
use super::live::text;
use crate::plan::{FailureKind, PortError, quantity};
use serde_json::Value;

/// A quota that does not suffice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Short {
    /// Not even for the least.
    AtMin(String),
    /// For the least, not for the most.
    AtMax(String),
}

impl Cluster {
    /// Compares what is left of each quota, without what the workload has now,
    /// with what it needs at its least and at its most replicas.
    pub(super) async fn quotas(
        &self,
        namespace: &str,
        deployment: &Value,
        live: Option<&Value>,
        (least, most): (u32, u32),
    ) -> Result<Option<Short>, PortError> {
        let quotas = Resource::new("v1", "resourcequotas", Some(namespace));
        let quotas = match self.list(&quotas, "", Some).await {
            Ok(quotas) => quotas,
            Err(error) if error.kind == FailureKind::Denied => return Ok(None),
            Err(error) => return Err(error),
        };
        let has = live.and_then(|live| live.pointer("/status/replicas")?.as_u64()).unwrap_or(0);
        let mut at_max = None;
        for quota in quotas.iter().filter(|quota| is_about(quota, deployment)) {
            match short_of(quota, deployment, live, has, (least, most)) {
                Some(Short::AtMin(message)) => return Ok(Some(Short::AtMin(message))),
                Some(short) => at_max = at_max.or(Some(short)),
                None => {}
            }
        }
        Ok(at_max)
    }
}

/// In billionths; no quota counts below nothing.
fn amount(value: &Value) -> Option<u128> {
    quantity::nanos(value).and_then(|nanos| u128::try_from(nanos).ok())
}

/// One piece, in the unit of [`amount`].
const ONE: u128 = 1_000_000_000;

fn short_of(
    quota: &Value,
    wanted: &Value,
    live: Option<&Value>,
    has: u64,
    (least, most): (u32, u32),
) -> Option<Short> {
    let hard =
        quota.pointer("/status/hard").or_else(|| quota.pointer("/spec/hard"))?.as_object()?;
    let name = text(quota, "/metadata/name").unwrap_or_default();
    let mut at_max = None;
    for (key, limit) in hard {
        let each = per_pod(wanted, key);
        let (Some(limit), true) = (amount(limit), each > 0) else { continue };
        let used = quota.pointer("/status/used").and_then(|used| amount(used.get(key)?));
        let own = u128::from(has) * live.map_or(0, |live| per_pod(live, key));
        let left = limit.saturating_sub(used.unwrap_or(0).saturating_sub(own));
        let fits = left / each;
        let message = |replicas: u32| {
            format!("ResourceQuota {name} leaves room for {fits} of {replicas} replicas ({key})")
        };
        if u128::from(least) > fits {
            return Some(Short::AtMin(message(least)));
        }
        if u128::from(most) > fits && at_max.is_none() {
            at_max = Some(Short::AtMax(message(most)));
        }
    }
    at_max
}

/// What one pod of a Deployment counts for under a quota's key.
fn per_pod(deployment: &Value, key: &str) -> u128 {
    let (kind, resource) = match key {
        "pods" | "count/pods" => return ONE,
        "cpu" | "memory" => ("requests", key),
        _ => match key.split_once('.') {
            Some((kind @ ("requests" | "limits"), resource)) => (kind, resource),
            _ => return 0,
        },
    };
    let containers = deployment.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let asked = |container: &Value| {
        let asked = container.pointer(&format!("/resources/{kind}"))?.get(resource)?;
        amount(asked)
    };
    containers.into_iter().flatten().filter_map(asked).sum()
}

/// Whether a quota counts pods of this Deployment, which always ask for
/// something and never have a deadline of their own. Scopes:
/// <https://kubernetes.io/docs/concepts/policy/resource-quotas/#quota-scopes>
fn is_about(quota: &Value, deployment: &Value) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment() -> Value {
        json!({"spec": {"template": {"spec": {"containers": [{"resources": {
            "requests": {"cpu": "500m", "nvidia.com/gpu": "2"}, "limits": {"memory": "1Gi"},
        }}]}}}, "status": {"replicas": 3}})
    }

    fn quota(key: &str, hard: &str, used: &str) -> Value {
        json!({"metadata": {"name": "q"}, "status": {"hard": {key: hard}, "used": {key: used}}})
    }

    fn ask(quota: &Value, has: u64, bounds: (u32, u32)) -> Option<Short> {
        let live = deployment();
        short_of(quota, &deployment(), Some(&live), has, bounds)
    }

    #[test]
    fn room_is_counted_without_what_the_workload_has_already() {
        let gpus = quota("requests.nvidia.com/gpu", "8", "8");
        assert_eq!(ask(&gpus, 4, (4, 4)), None);
        let short = ask(&gpus, 3, (4, 8)).unwrap();
        assert_eq!(
            short,
            Short::AtMin(
                "ResourceQuota q leaves room for 3 of 4 replicas (requests.nvidia.com/gpu)".into()
            )
        );
        assert!(matches!(ask(&gpus, 4, (2, 5)), Some(Short::AtMax(_))));
    }

    #[test]
    fn every_kind_of_key_is_counted_in_its_own_unit() {
        assert_eq!(ask(&quota("cpu", "2", "0"), 0, (4, 4)), None);
        assert!(ask(&quota("requests.cpu", "1900m", "0"), 0, (4, 4)).is_some());
        assert!(ask(&quota("limits.memory", "3Gi", "0"), 0, (4, 4)).is_some());
        assert!(ask(&quota("limits.memory", "4000M", "0"), 0, (4, 4)).is_some());
        assert!(ask(&quota("pods", "3", "0"), 0, (4, 4)).is_some());
        assert_eq!(ask(&quota("services", "0", "0"), 0, (4, 4)), None);
    }

    #[test]
    fn a_quota_counts_what_its_scopes_say() {
        let mut pods = deployment();
        pods["spec"]["template"]["spec"]["priorityClassName"] = json!("floodway-prod");
        let scoped = |spec: Value| is_about(&json!({ "spec": spec }), &pods);
        let of_class = |operator: &str, class: &str| {
            let rule =
                json!({"scopeName": "PriorityClass", "operator": operator, "values": [class]});
            scoped(json!({"scopeSelector": {"matchExpressions": [rule]}}))
        };
        assert!(of_class("In", "floodway-prod") && !of_class("In", "batch"));
        assert!(of_class("NotIn", "batch") && !of_class("NotIn", "floodway-prod"));
        assert!(
            scoped(json!({})) && scoped(json!({"scopes": ["NotTerminating", "NotBestEffort"]}))
        );
        assert!(!scoped(json!({"scopes": ["Terminating"]})));
    }
}
