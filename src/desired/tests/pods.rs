//! What a stage declares of its replicas, as their pods carry it.

use super::super::fixture::{self, environment, unit};
use crate::spec::Environment;
use serde_json::{Value, json};

/// The pods of the inference stage, with something declared of it.
fn pod(declare: impl FnOnce(&mut Environment)) -> Value {
    let mut environment = environment();
    declare(&mut environment);
    let world = fixture::world(&environment, &fixture::empty());
    let mut resources = world.resources.into_iter();
    let found = resources.find(|desired| desired.id.name == "deepseek-inference-h100");
    found.unwrap().body.value()["spec"]["template"]["spec"].clone()
}

fn variable(pod: &Value, name: &str) -> Value {
    let variables = pod["containers"][0]["env"].as_array().unwrap();
    let found = variables.iter().find(|variable| variable["name"] == name);
    found.map(|variable| variable["value"].clone()).unwrap_or_default()
}

#[test]
fn secrets_are_named_in_pods_and_nothing_of_them_is_written() {
    let pod = pod(|environment| {
        environment.service.image_pull_secrets = vec!["regcred".into(), "mirror.pull".into()];
        let stage = environment.service.stages.get_mut("inference").unwrap();
        stage.env_from = vec!["hf-token".into()];
    });
    let pull = json!([{ "name": "regcred" }, { "name": "mirror.pull" }]);
    assert_eq!(pod["imagePullSecrets"], pull);
    let from = json!([{ "secretRef": { "name": "hf-token" } }]);
    assert_eq!(pod["containers"][0]["envFrom"], from);
}

#[test]
fn a_user_is_set_only_where_one_is_declared() {
    let user = |user| {
        let pod = pod(|environment| {
            environment.service.stages.get_mut("inference").unwrap().run_as_user = user;
        });
        pod["securityContext"].clone()
    };
    assert_eq!(user(Some(10_001))["runAsUser"], json!(10_001));
    assert_eq!(user(None).get("runAsUser"), None);
    assert_eq!(user(None)["runAsNonRoot"], json!(true));
}

#[test]
fn what_a_replica_writes_is_bounded_and_asked_of_its_node() {
    let pod = pod(|environment| {
        environment.service.stages.get_mut("inference").unwrap().scratch = unit("1.5Gi");
    });
    let volumes = pod["volumes"].as_array().unwrap();
    for volume in volumes {
        assert!(volume["emptyDir"].get("sizeLimit").is_some(), "{volume}");
    }
    assert_eq!(volumes[0]["emptyDir"]["sizeLimit"], json!("1536Mi"));
    // And a gibibyte for logs, which the kubelet counts as well.
    let resources = &pod["containers"][0]["resources"];
    assert_eq!(resources["requests"]["ephemeral-storage"], json!("2560Mi"));
    assert_eq!(resources["limits"], resources["requests"]);
}

#[test]
fn servers_are_told_how_old_a_connection_may_grow() {
    let pod = pod(|environment| {
        let stage = environment.service.stages.get_mut("inference").unwrap();
        stage.max_connection_age = unit("2m");
    });
    assert_eq!(variable(&pod, "FLOODWAY_MAX_CONNECTION_AGE_SECONDS"), json!("120"));
}
