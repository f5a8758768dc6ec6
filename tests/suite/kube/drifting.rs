//! Drift on a real API server, where field ownership tells whose a change is.

use super::Ground;
use super::roles::reader;
use serde_json::{Value, json};

const POLICY: &str = r#"{"spec": {"egress": [{}]}}"#;

fn two_pools(prefix: &str) -> (Ground, String) {
    let ground = Ground::new(prefix);
    let both = ground.pool("gpu", "1") + &ground.pool("more", "{ min = 1, max = 3 }");
    ground.declare(&both);
    ground.apply();
    (ground, both)
}

fn drift(ground: &Ground, code: i32) -> crate::support::repository::Said {
    ground.run("drift", &["--detailed-exitcode"]).exits(code)
}

#[test]
fn what_others_set_is_drift_and_what_the_file_or_the_runtime_sets_is_not() {
    let (ground, both) = two_pools("drifting");
    drift(&ground, 0).says("No drift");
    ground.kubectl(&["scale", "deployment", "llm-inference-more", "--replicas=2"]);
    let patch = r#"{"spec": {"minReadySeconds": 3}}"#;
    ground.kubectl(&["patch", "deployment", "llm-inference-gpu", "-p", patch]);
    ground.declare(&both.replace("max = 3", "max = 4").replace("replicas = 1", "replicas = 2"));
    drift(&ground, 0).says("No drift");
    ground.declare(&both);
    let image = "server=registry.example/edited";
    for name in ["gpu", "more"] {
        ground.kubectl(&["set", "image", &format!("deployment/llm-inference-{name}"), image]);
    }
    let ns = &ground.name;
    drift(&ground, 2).says(&format!(
        "is \"registry.example/edited\", by kubectl-set: \
         Deployment {ns}/llm-inference-gpu, {ns}/llm-inference-more"
    ));
    ground.kubectl(&["scale", "deployment", "llm-inference-gpu", "--replicas=3"]);
    drift(&ground, 2).says("spec.replicas was 1, is 3, by kubectl");
    ground.run("apply", &["--yes", "--force-conflicts"]).exits(0);
    drift(&ground, 0).says("No drift");
}

#[test]
fn things_that_are_gone_have_come_or_lost_their_marks_are_told() {
    let (ground, both) = two_pools("drift-things");
    let ns = &ground.name;
    ground.kubectl(&["delete", "serviceaccount", "llm-inference"]);
    let label = "applyset.kubernetes.io/part-of";
    ground.kubectl(&["label", "pdb", "llm-inference-gpu", &format!("{label}-")]);
    let policy = format!("floodway-{ns}-default-deny");
    ground.kubectl(&["patch", "networkpolicy", &policy, "--type=merge", "-p", POLICY]);
    let service = ground.get("service", "llm-inference").unwrap();
    let copy = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "copy", "labels": service["metadata"]["labels"]},
        "spec": {"clusterIP": "None", "ports": [{"port": 1}]},
    });
    ground.kubectl_with(&["create", "-f", "-"], &copy.to_string());
    drift(&ground, 2)
        .says(&format!("deleted: ServiceAccount {ns}/llm-inference"))
        .says(&format!("marks no more: PodDisruptionBudget {ns}/llm-inference-gpu"))
        .says(&format!("made it, by kubectl-create: Service {ns}/copy"))
        .says("spec.egress was not set, is [{}], by kubectl-patch: NetworkPolicy")
        .says(&format!("Drift of {ns}: 4 differences."));
    // A pool that the file gets only now was not deleted by anybody.
    ground.declare(&(both + &ground.pool("third", "1")));
    let said = drift(&ground, 2).says("of these").says("new in the file");
    assert!(said.out.contains("Not certain"), "{}", said.out);
}

#[test]
fn a_kind_that_may_not_be_listed_is_no_absence_of_drift() {
    let (mut ground, _) = two_pools("drift-blind");
    let rules = json!([
        {"apiGroups": [""], "resources": ["nodes", "pods", "namespaces"], "verbs": ["get", "list"]},
    ]);
    let kubeconfig = reader(&ground, "blind", &rules);
    ground.repository.use_kubeconfig(&kubeconfig);
    drift(&ground, 1).says("Could not be read: ! priorityclasses").says("is not known");
    let json = ground.run("drift", &["--json"]).exits(1).out;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["drift"], json["unseen"].as_array().unwrap().is_empty()),
        (&json!(false), false)
    );
}
