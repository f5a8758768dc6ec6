//! Whether a namespace's ResourceQuotas leave room for a workload's pods.

use super::cluster::Cluster;
use super::kinds::Resource;
use super::live::text;
use crate::plan::{FailureKind, PortError};
use crate::units::{Cpu, Memory};
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
        for quota in &quotas {
            match short_of(quota, deployment, live, has, (least, most)) {
                Some(Short::AtMin(message)) => return Ok(Some(Short::AtMin(message))),
                Some(short) => at_max = at_max.or(Some(short)),
                None => {}
            }
        }
        Ok(at_max)
    }
}

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
        let (Some(limit), true) = (amount(key, limit), each > 0) else { continue };
        let used = quota.pointer("/status/used").and_then(|used| amount(key, used.get(key)?));
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
        "pods" | "count/pods" => return 1,
        "cpu" | "memory" => ("requests", key),
        _ => match key.split_once('.') {
            Some((kind @ ("requests" | "limits"), resource)) => (kind, resource),
            _ => return 0,
        },
    };
    let containers = deployment.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let asked = |container: &Value| {
        let asked = container.pointer(&format!("/resources/{kind}"))?.get(resource)?;
        amount(resource, asked)
    };
    containers.into_iter().flatten().filter_map(asked).sum()
}

/// A quantity in the smallest unit of its kind: thousandths of a processor,
/// bytes, or pieces.
fn amount(key: &str, value: &Value) -> Option<u128> {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if key.ends_with("cpu") {
        let kilo = text.strip_suffix('k').and_then(|n| n.parse::<u128>().ok());
        return kilo
            .map(|n| n * 1_000_000)
            .or_else(|| text.parse::<Cpu>().ok().map(|cpu| cpu.millis().into()));
    }
    if key.ends_with("memory") {
        return text.parse::<Memory>().ok().map(|memory| memory.bytes().into());
    }
    let kilo = text.strip_suffix('k').and_then(|n| n.parse::<u128>().ok()).map(|n| n * 1000);
    kilo.or_else(|| text.parse().ok())
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
        assert!(ask(&quota("pods", "3", "0"), 0, (4, 4)).is_some());
        assert_eq!(ask(&quota("services", "0", "0"), 0, (4, 4)), None);
    }
}
