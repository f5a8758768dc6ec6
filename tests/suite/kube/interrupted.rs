//! A drain that is interrupted on a real cluster, and what the next apply makes
//! of it.

use super::Ground;
use crate::support::bed::eventually;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

const MORE: &str = "llm-inference-more";

/// Pods that nobody may delete, until it is dropped: a drain of them does not end.
struct Held<'a>(&'a Ground);

impl<'a> Held<'a> {
    fn new(ground: &'a Ground) -> Self {
        let name = &ground.name;
        let policy = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name}, "spec": {
                "matchConstraints": {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}},
                    "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"],
                        "operations": ["DELETE"], "resources": ["pods"]}],
                },
                "validations": [{"expression": "false", "message": "held by the test"}],
            },
        });
        let binding = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        });
        ground.bed.apply(&[policy, binding]);
        eventually("pods are held", || {
            let delete = ["delete", "pods", "--all", "-n", name, "--dry-run=server"];
            let said = ground.bed.try_kubectl(&delete, "").stderr;
            String::from_utf8_lossy(&said).contains("held by the test").then_some(())
        });
        Self(ground)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let kind = "validatingadmissionpolicybinding";
        self.0.bed.try_kubectl(&["delete", kind, &self.0.name], "");
    }
}

fn pods(ground: &Ground) -> Vec<Value> {
    let label = format!("floodway.dev/workload={MORE}");
    let list = ["get", "pods", "-n", &ground.name, "-l", &label, "-o", "json"];
    let list: Value = serde_json::from_slice(&ground.bed.kubectl(&list, "").stdout).unwrap();
    list["items"].as_array().unwrap().iter().map(|pod| pod["metadata"]["uid"].clone()).collect()
}

/// Takes the second pool out, and interrupts the apply while it drains.
fn interrupt_the_drain(ground: &Ground) {
    ground.declare(&ground.pool("gpu", "1"));
    let arguments = ["apply", &ground.name, "--yes"];
    let mut command = ground.repository.command(&arguments);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("it drains", || (ground.replicas(MORE)? == 0).then_some(()));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(13));
    assert_eq!(
        (ground.replicas(MORE), pods(ground).len()),
        (Some(0), 2),
        "not deleted before its time"
    );
}

fn two_pools(prefix: &str) -> (Ground, String) {
    let ground = Ground::new(prefix);
    let both = ground.pool("gpu", "1") + &ground.pool("more", "{ min = 2, max = 5 }");
    ground.declare(&both);
    ground.apply();
    (ground, both)
}

#[test]
fn an_interrupted_drain_is_carried_on_by_the_next_apply() {
    let (ground, _) = two_pools("drained");
    let held = Held::new(&ground);
    interrupt_the_drain(&ground);
    ground.run("plan", &[]).exits(0).says("- Deployment").says("drains 2 replicas first");
    // It ends while the next apply waits for it: pods that end between plan and
    // apply would make the plan stale.
    let mut command = ground.repository.command(&["apply", &ground.name, "--yes"]);
    let mut applying = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(applying.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("2 left to drain")));
    drop(held);
    let said: Vec<String> = lines.collect();
    assert_eq!(applying.wait().unwrap().code(), Some(0), "{said:#?}");
    assert!(ground.get("deployment", MORE).is_none());
    assert_eq!(pods(&ground).len(), 0);
    ground.is_settled();
}

#[test]
fn an_interrupted_drain_is_taken_back_when_the_pool_is_wanted_again() {
    let (ground, both) = two_pools("wanted-again");
    let held = Held::new(&ground);
    let before = pods(&ground);
    interrupt_the_drain(&ground);
    ground.declare(&both);
    ground.run("plan", &[]).exits(0).says("stands at 0, from where no autoscaler scales");
    ground.apply();
    assert_eq!(ground.replicas(MORE), Some(2));
    assert_eq!(pods(&ground), before, "they served all the time");
    ground.is_settled();
    drop(held);
}
