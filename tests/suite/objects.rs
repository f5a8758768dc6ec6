//! The rendered objects on a real API server: each is taken under strict
//! validation, keeps every value as it was written, and its pods pass the
//! strictest Pod Security profile.

use crate::support::bed::{Bed, eventually, unique};
use crate::support::environment::{environment, world};
use floodway::desired::Desired;
use floodway::observe::Side;
use floodway::spec::Environment;
use serde_json::{Value, json};

/// Everything of one environment that is Kubernetes', the parent first.
fn objects(namespace: &str) -> Vec<Desired> {
    of(&environment(&unique("env"), namespace))
}

fn of(environment: &Environment) -> Vec<Desired> {
    let world = world(environment);
    let in_cluster =
        |desired: &Desired| desired.id.side == Side::Kubernetes && desired.id.kind != "Namespace";
    let mut objects: Vec<_> = world.resources.into_iter().filter(in_cluster).collect();
    objects.sort_by_key(|desired| desired.member);
    objects
}

fn apply(bed: &Bed, objects: &[Desired]) {
    let bodies: Vec<_> = objects.iter().map(|desired| desired.body.clone()).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": bodies});
    let arguments =
        ["apply", "--server-side", "--field-manager=floodway", "--validate=strict", "-f", "-"];
    bed.kubectl(&arguments, &list.to_string());
}

fn get(bed: &Bed, desired: &Desired) -> Value {
    let namespace = desired.id.scope.as_deref().unwrap_or("default");
    let kind = desired.id.group_kind();
    bed.get(namespace, &kind, &desired.id.name).unwrap_or_else(|| panic!("no {}", desired.id))
}

/// The first place where `live` does not say what `body` says. Lists are
/// compared whole; what the server adds to their elements is not in the body.
fn lost(path: &str, body: &Value, live: &Value) -> Option<String> {
    match (body, live) {
        (Value::Object(body), Value::Object(live)) => body.iter().find_map(|(key, value)| {
            lost(&format!("{path}.{key}"), value, live.get(key).unwrap_or(&Value::Null))
        }),
        (Value::Array(body), Value::Array(live)) if body.len() == live.len() => {
            let pairs = body.iter().zip(live).enumerate();
            pairs.into_iter().find_map(|(at, (b, l))| lost(&format!("{path}[{at}]"), b, l))
        }
        // The server keeps an empty list as none.
        (Value::Array(empty), Value::Null) if empty.is_empty() => None,
        _ => (body != live).then(|| format!("{path}: wrote {body}, reads {live}")),
    }
}

#[test]
fn every_object_is_taken_and_keeps_every_value() {
    let bed = Bed::shared();
    let objects = objects(&bed.namespace("objects"));
    apply(bed, &objects);
    let lost: Vec<_> = objects
        .iter()
        .filter_map(|desired| {
            Some((&desired.id, lost("", &desired.body.value(), &get(bed, desired))?))
        })
        .collect();
    assert!(lost.is_empty(), "{lost:#?}");
}

#[test]
fn applying_again_changes_nothing() {
    let bed = Bed::shared();
    let objects = objects(&bed.namespace("again"));
    apply(bed, &objects);
    // Status moves resourceVersion too, so the spec's generation and our own
    // entry among the managed fields are looked at.
    // An empty list that is written is stored as none, so writing it again counts
    // as a change; a plan, for which both are the same, does not write it again.
    let objects: Vec<_> = objects
        .into_iter()
        .filter(|desired| desired.body.value()["spec"]["egress"] != json!([]))
        .collect();
    let owned = |desired: &Desired| {
        let metadata = &get(bed, desired)["metadata"];
        let managers = metadata["managedFields"].as_array().unwrap();
        let ours = managers.iter().find(|m| m["manager"] == "floodway").unwrap().clone();
        (metadata["generation"].clone(), ours)
    };
    let before: Vec<_> = objects.iter().map(owned).collect();
    apply(bed, &objects);
    let after: Vec<_> = objects.iter().map(owned).collect();
    assert_eq!(before, after);
}

#[test]
fn the_pods_pass_the_restricted_pod_security_profile() {
    let bed = Bed::shared();
    let namespace = bed.namespace("restricted");
    let enforce = "pod-security.kubernetes.io/enforce=restricted";
    bed.kubectl(&["label", "namespace", &namespace, enforce], "");
    let objects = objects(&namespace);
    apply(bed, &objects);
    let mut pods = 0;
    for desired in objects.iter().filter(|desired| desired.id.kind == "Deployment") {
        let template = &desired.body.value()["spec"]["template"];
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": desired.id.name, "namespace": namespace,
                "labels": template["metadata"]["labels"],
            },
            "spec": template["spec"],
        });
        bed.kubectl(&["create", "--dry-run=server", "-f", "-"], &pod.to_string());
        pods += 1;
    }
    assert_eq!(pods, 4);
}

#[test]
fn serving_pods_wait_on_a_full_node_and_evict_nobody() {
    let bed = Bed::shared();
    let namespace = bed.namespace("full");
    let label = "nvidia.com/gpu.product";
    bed.add_nodes(&unique("full-node"), 1, 1, &json!({ label: namespace }));
    // Another team's work, of no priority, has the only GPU.
    bed.apply(&[json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "training", "namespace": namespace},
        "spec": {"nodeSelector": {label: namespace}, "containers": [{
            "name": "a", "image": "training", "resources": {"limits": {"nvidia.com/gpu": "1"}},
        }]},
    })]);
    let pods = |field: &str| {
        let path = format!("jsonpath={{.items[*]{field}}}");
        let out = bed.kubectl(&["get", "pods", "-n", &namespace, "-o", &path], "");
        String::from_utf8(out.stdout).unwrap()
    };
    eventually("the other team's pod runs", || (pods(".status.phase") == "Running").then_some(()));

    let mut environment = environment(&unique("env"), &namespace);
    let pool = environment.onprem.as_mut().unwrap().pools.get_mut("h100").unwrap();
    pool.node_selector = [(label.to_owned(), namespace.clone())].into();
    apply(bed, &of(&environment));
    // The scheduler has looked for somebody to evict when it says so.
    let messages = eventually("the serving pod was looked at", || {
        let path = "jsonpath={.items[*].status.conditions[?(@.reason==\"Unschedulable\")].message}";
        let selector = "floodway.dev/workload=deepseek-inference-h100";
        let arguments = ["get", "pods", "-n", &namespace, "-l", selector, "-o", path];
        let said = String::from_utf8(bed.kubectl(&arguments, "").stdout).unwrap();
        (!said.is_empty()).then_some(said)
    });
    assert!(messages.contains("Insufficient nvidia.com/gpu"), "{messages}");
    assert_eq!(pods(".status.nominatedNodeName"), "", "{messages}");
    assert_eq!(pods(".metadata.deletionTimestamp"), "", "{messages}");
    let training = bed.get(&namespace, "pod", "training").unwrap();
    assert_eq!(training["status"]["phase"], "Running");
}
