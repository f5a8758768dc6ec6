//! A Deployment of somebody else's becomes an environment's on a real API server.

use super::handover::{BETWEEN, ground, theirs};
use crate::support::bed::eventually;
use serde_json::json;

const NAME: &str = "llm-inference-gpu";

#[test]
fn a_deployment_is_imported_with_its_replicas_and_without_the_rest_of_the_file() {
    let ground = ground("imported");
    theirs(&ground, &json!({"floodway.dev/workload": NAME}));
    let before = ground.get("deployment", NAME).unwrap();
    ground.declare(&(ground.pool("gpu", BETWEEN) + &ground.pool("more", "1")));
    let thing = format!("Deployment/{NAME}");
    let look = ground.run("import", &[&thing, "--dry-run"]).exits(0);
    look.says("adopted: it carries no marks yet").says("registry.example/theirs →");
    assert_eq!(ground.get("deployment", NAME).unwrap()["spec"], before["spec"]);
    ground.run("import", &[&thing, "--yes"]).exits(0).says("1 changed, 0 destroyed");
    assert_eq!(ground.replicas(NAME), Some(12));
    assert!(ground.get("deployment", "llm-inference-more").is_none());
    let after = ground.get("deployment", NAME).unwrap();
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"]);
    ground.run("import", &[&thing, "--yes"]).exits(0).says("Nothing to import");
    ground.apply();
    ground.is_settled();
    ground.run("drift", &["--detailed-exitcode"]).exits(0).says("No drift");
}

#[test]
fn what_cannot_be_adopted_in_place_is_refused_and_goes_on() {
    let ground = ground("import-not");
    theirs(&ground, &json!({"app": "theirs"}));
    eventually("it runs", || (ground.replicas(NAME)? == 12).then_some(()));
    let before = ground.get("deployment", NAME).unwrap();
    ground.declare(&ground.pool("gpu", BETWEEN));
    let thing = format!("Deployment/{NAME}");
    ground.run("import", &[&thing, "--yes"]).exits(12).says("cannot be adopted in place");
    let after = ground.get("deployment", NAME).unwrap();
    assert_eq!(after["metadata"]["generation"], before["metadata"]["generation"]);
    assert!(ground.get("deployment", &format!("{NAME}-2")).is_none());
    ground
        .run("import", &["Deployment/llm-inference-gpuu", "--yes"])
        .exits(64)
        .says("did you mean `Deployment/llm-inference-gpu`?");
}
