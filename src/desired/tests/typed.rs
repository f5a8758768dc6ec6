//! Every object must survive Kubernetes' own types unchanged: a misspelt key,
//! a number for a string, or a field at the wrong depth would be lost there.

use super::super::fixture::{self, environment};
use crate::observe::Side;
use crate::spec::model::Egress;
use k8s_openapi::api;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn through<T: DeserializeOwned + Serialize>(body: &Value) -> Value {
    let typed: T = serde_json::from_value(body.clone()).unwrap_or_else(|e| panic!("{e}: {body:#}"));
    serde_json::to_value(typed).unwrap()
}

fn through_its_type(body: &Value) -> Option<Value> {
    Some(match body["kind"].as_str()? {
        "ConfigMap" => through::<api::core::v1::ConfigMap>(body),
        "Deployment" => through::<api::apps::v1::Deployment>(body),
        "EndpointSlice" => through::<api::discovery::v1::EndpointSlice>(body),
        "HorizontalPodAutoscaler" => through::<api::autoscaling::v2::HorizontalPodAutoscaler>(body),
        "Namespace" => through::<api::core::v1::Namespace>(body),
        "NetworkPolicy" => through::<api::networking::v1::NetworkPolicy>(body),
        "PodDisruptionBudget" => through::<api::policy::v1::PodDisruptionBudget>(body),
        "PriorityClass" => through::<api::scheduling::v1::PriorityClass>(body),
        "Service" => through::<api::core::v1::Service>(body),
        "ServiceAccount" => through::<api::core::v1::ServiceAccount>(body),
        _ => return None,
    })
}

#[test]
fn every_object_is_exactly_what_its_type_can_say() {
    let mut environment = environment();
    let stage = environment.service.stages.get_mut("inference").unwrap();
    stage.egress = vec![Egress { cidr: "0.0.0.0/0".into(), port: 443 }];
    let world = fixture::world(&environment, &fixture::empty());
    let mut kinds = std::collections::BTreeSet::new();
    for desired in world.resources.iter().filter(|d| d.id.side == Side::Kubernetes) {
        let mut body = desired.body.value();
        if desired.id.kind == "EndpointSlice" {
            // Required by the type, and always there once the seed is written.
            body["endpoints"] = desired.seed.as_ref().unwrap().value.clone();
        }
        let typed = through_its_type(&body).unwrap_or_else(|| panic!("no type: {}", desired.id));
        assert_eq!(typed, body, "{}", desired.id);
        kinds.insert(desired.id.kind.clone());
    }
    assert_eq!(kinds.len(), 10, "{kinds:?}");
}

#[test]
fn a_misspelt_key_does_not_survive() {
    let body = json!({
        "apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": { "name": "a" }, "automountServiceAccountTokens": false,
    });
    assert_ne!(through_its_type(&body).unwrap(), body);
}
