//! Evicting a pod (policy/v1): the API server asks its disruption budget first.

use super::Moved;
use crate::backend::kube::cluster::Cluster;
use crate::backend::kube::error::failed;
use crate::backend::kube::kinds::Resource;
use crate::plan::PortError;
use crate::port::Held;
use http::Request;
use kube::core::Status;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What became of an eviction.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Eviction {
    /// It is on its way out.
    Begun,
    /// It is not there any more.
    Gone,
    /// It may not go now.
    Held { by: String, message: String },
}

/// Evicts a pod, if it is still that one.
pub(super) async fn evict(cluster: &Cluster, pod: &Moved) -> Result<Eviction, PortError> {
    let body = json!({
        "apiVersion": "policy/v1", "kind": "Eviction",
        "metadata": {"name": pod.name, "namespace": pod.namespace},
        "deleteOptions": {"preconditions": {"uid": pod.uid}},
    });
    let path = format!("{}/{}/eviction", pod.resource().path(), pod.name);
    let request = Request::post(path)
        .header("content-type", "application/json")
        .body(serde_json::to_vec(&body).unwrap_or_default());
    match cluster.send::<Value>(request).await {
        Ok(_) => Ok(Eviction::Begun),
        Err(kube::Error::Api(status)) => match refused(&status, &pod.namespace) {
            Some(eviction) => Ok(eviction),
            None => {
                let evictions = Resource::new("v1", "pods/eviction", Some(&pod.namespace));
                Err(failed(kube::Error::Api(status), "create", &evictions, &pod.name))
            }
        },
        Err(error) => {
            let evictions = Resource::new("v1", "pods/eviction", Some(&pod.namespace));
            Err(failed(error, "create", &evictions, &pod.name))
        }
    }
}

/// What a refusal means; none: it is a failure.
fn refused(status: &Status, namespace: &str) -> Option<Eviction> {
    let caused = |reason: &str| {
        let causes = status.details.iter().flat_map(|details| &details.causes);
        causes.filter(|cause| cause.reason == reason).map(|cause| cause.message.clone()).next()
    };
    match status.code {
        // Another one has its name by now, or its namespace takes it along.
        404 | 409 => Some(Eviction::Gone),
        403 if caused("NamespaceTerminating").is_some() => Some(Eviction::Begun),
        429 => Some(match caused("DisruptionBudget") {
            Some(message) => Eviction::Held { by: budget(&message, namespace), message },
            None => {
                Eviction::Held { by: "the API server".to_owned(), message: status.message.clone() }
            }
        }),
        // The server has no reason of its own for it, and calls it internal.
        500 if status.message.contains("more than one PodDisruptionBudget") => {
            let by = format!("more than one PodDisruptionBudget of namespace {namespace}");
            Some(Eviction::Held { by, message: status.message.clone() })
        }
        _ => None,
    }
}

/// `The disruption budget llm needs 3 healthy pods and has 3 currently`
fn budget(message: &str, namespace: &str) -> String {
    let name = message.strip_prefix("The disruption budget ").and_then(|m| m.split(' ').next());
    match name {
        Some(name) => format!("PodDisruptionBudget {namespace}/{name}"),
        None => format!("a PodDisruptionBudget of namespace {namespace}"),
    }
}

/// One entry for each cause. Of one budget the server may say several things at once,
/// while it counts what ends: that with numbers is told.
pub(super) fn by_cause(evicted: Vec<Eviction>) -> Vec<Held> {
    let mut all: BTreeMap<String, (u32, String)> = BTreeMap::new();
    for eviction in evicted {
        let Eviction::Held { by, message } = eviction else { continue };
        let (pods, told) = all.entry(by).or_default();
        *pods += 1;
        let has_numbers = |text: &str| text.contains(|c: char| c.is_ascii_digit());
        if told.is_empty() || (has_numbers(&message) && !has_numbers(told)) {
            *told = message;
        }
    }
    all.into_iter().map(|(by, (pods, message))| Held { by, pods, message }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16, message: &str, cause: Option<(&str, &str)>) -> Status {
        let causes = cause.map(|(reason, message)| json!({"reason": reason, "message": message}));
        let details = json!({"causes": causes.into_iter().collect::<Vec<_>>()});
        serde_json::from_value(json!({"code": code, "message": message, "details": details}))
            .unwrap()
    }

    #[test]
    fn a_budget_in_the_way_is_named_and_is_no_failure() {
        let message = "The disruption budget llm needs 3 healthy pods and has 3 currently";
        let answer = status(429, "Cannot evict", Some(("DisruptionBudget", message)));
        let held = refused(&answer, "ns").unwrap();
        let by = "PodDisruptionBudget ns/llm".to_owned();
        assert_eq!(held, Eviction::Held { by, message: message.to_owned() });
        let busy = refused(&status(429, "too many requests", None), "ns");
        assert!(matches!(busy, Some(Eviction::Held { by, .. }) if by == "the API server"));
        let held =
            |message: &str| refused(&status(429, "", Some(("DisruptionBudget", message))), "ns");
        let [counting, counted] =
            ["does not allow evicting pods currently", "needs 2 healthy pods"]
                .map(|says| held(&format!("The disruption budget b {says}")).unwrap());
        let [one] = &by_cause(vec![counting, counted, Eviction::Gone])[..] else { panic!() };
        assert_eq!((one.pods, one.by.as_str()), (2, "PodDisruptionBudget ns/b"));
        assert!(one.message.ends_with("needs 2 healthy pods"), "{one:?}");
        let two = "This pod has more than one PodDisruptionBudget, which the eviction subresource \
                   does not support.";
        assert!(matches!(refused(&status(500, two, None), "ns"), Some(Eviction::Held { .. })));
    }

    #[test]
    fn a_pod_that_is_gone_or_another_by_now_is_gone() {
        for code in [404, 409] {
            assert_eq!(refused(&status(code, "", None), "ns"), Some(Eviction::Gone));
        }
    }

    #[test]
    fn a_missing_rule_and_a_server_that_fails_are_failures() {
        for code in [401, 403, 500, 503] {
            assert_eq!(refused(&status(code, "x", None), "ns"), None, "{code}");
        }
    }
}
