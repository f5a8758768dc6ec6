//! Pools that come, are renamed, move to another stage, and go.

use super::Ground;
use serde_json::json;

pub(super) const SECOND: &str = "[service.stages.second]\nimage = \"registry.example/second:1\"\n\
                      resources = { cpu = \"1\", memory = \"1Gi\" }\nstartup = \"1m\"\ndrain = \"1s\"\n";

#[test]
fn a_renamed_pool_keeps_its_deployment_and_its_pods() {
    let ground = Ground::new("moved");
    ground.declare(&ground.pool("gpu", "2"));
    ground.apply();
    let before = ground.get("deployment", "llm-inference-gpu").unwrap();
    let moved = "[[moved]]\nfrom = \"gpu\"\nto = \"h100\"\n";
    ground.declare(&(ground.pool("h100", "2") + moved));
    ground.run("plan", &[]).exits(0).says("0 to add").says("0 to destroy").says("moved from gpu");
    ground.apply();
    ground.is_settled();
    ground.declare(&ground.pool("h100", "2"));
    ground.is_settled();
    let after = ground.get("deployment", "llm-inference-gpu").unwrap();
    assert_eq!(before["metadata"]["uid"], after["metadata"]["uid"]);
    assert_eq!(before["spec"]["template"], after["spec"]["template"]);
}

#[test]
fn a_pool_that_changes_its_stage_is_made_anew_before_the_old_one_goes() {
    let ground = Ground::new("replaced");
    ground.declare(&(ground.pool("gpu", "2") + SECOND));
    ground.apply();
    let second = ground.pool("gpu", "2").replace("\"inference\"", "\"second\"");
    ground.declare(&(second + SECOND));
    ground.run("plan", &[]).exits(0).says("-/+");
    ground.apply();
    ground.is_settled();
    assert!(ground.get("deployment", "llm-inference-gpu").is_none());
    let made = ground.get("deployment", "llm-second-gpu").unwrap();
    assert_eq!(made["status"]["readyReplicas"], 2);
}

#[test]
fn a_pool_that_is_taken_out_is_drained_and_deleted_within_the_guard() {
    let ground = Ground::new("removed");
    ground.declare(&(ground.pool("gpu", "1") + &ground.pool("more", "2")));
    ground.apply();
    let text = ground.environment(&ground.pool("gpu", "1"));
    ground.repository.write(&ground.name, &text.replace("max_destroy = 9", "max_destroy = 0"));
    ground.run("apply", &["--yes"]).exits(12).says("max_destroy");
    assert!(ground.get("deployment", "llm-inference-more").is_some());
    ground.repository.write(&ground.name, &text);
    ground.apply();
    ground.is_settled();
    assert!(ground.get("deployment", "llm-inference-more").is_none());
}

#[test]
fn what_no_environment_claims_is_listed_as_an_orphan() {
    let ground = Ground::new("orphan");
    ground.declare(&ground.pool("gpu", "1"));
    ground.apply();
    let file = format!("environments/{}.toml", ground.name);
    let text = std::fs::read_to_string(ground.repository.path().join(&file)).unwrap();
    std::fs::remove_file(ground.repository.path().join(&file)).unwrap();
    ground
        .repository
        .write("other", &text.replace(&ground.name, &format!("{}-other", ground.name)));
    ground
        .repository
        .run(&["orphans", "other"])
        .exits(0)
        .says(&format!("{}/llm-inference-gpu", ground.name));
}

#[test]
fn a_copy_of_an_environment_in_another_namespace_is_listed_as_what_it_is() {
    let ground = Ground::new("left-behind");
    ground.declare(&ground.pool("gpu", "1"));
    ground.apply();
    let listed = format!("{}/llm-inference-gpu", ground.name);
    let said = ground.run("orphans", &[]).exits(0).out;
    assert!(!said.contains(&listed), "{said}");

    let text = ground.environment(&ground.pool("gpu", "1"));
    let namespace = format!("namespace = \"{}\"", ground.name);
    let moved = text.replace(&namespace, "namespace = \"elsewhere\"");
    ground.repository.write(&ground.name, &moved);
    let from = format!("made by environments/{}.toml of local", ground.name);
    ground.run("orphans", &[]).exits(0).says(&listed).says(&from);

    // The same from another file: another environment, though of the same name.
    std::fs::remove_file(
        ground.repository.path().join(format!("environments/{}.toml", ground.name)),
    )
    .unwrap();
    ground.repository.write("copy", &text);
    ground.repository.run(&["orphans", "copy"]).exits(0).says(&listed).says(&from);

    // A file that cannot be read claims what was made from it.
    ground.repository.write(&ground.name, &text.replace("[slo]", "[slow]"));
    let said = ground.repository.run(&["orphans", "copy"]).exits(0).out;
    assert!(!said.contains(&listed), "{said}");
}

#[test]
fn an_environment_makes_its_namespace_and_takes_it_away_only_when_asked() {
    let ground = Ground::bare("namespaced");
    let everywhere = ground.pool("gpu", "1");
    ground.declare(&everywhere);
    ground.bed.add_nodes(&ground.name, 1, 8, &serde_json::json!({"test": ground.name}));
    ground.run("plan", &[]).exits(0).says("does not exist yet");
    ground.apply();
    ground.is_settled();
    ground.run("destroy", &["--confirm", "wrong"]).exits(12);
    ground.run("destroy", &["--confirm", &ground.name]).exits(0);
    assert!(ground.bed.get("", "namespace", &ground.name).is_some());
    ground.apply();
    ground.run("destroy", &["--confirm", &ground.name, "--namespace"]).exits(0);
    assert!(ground.bed.get("", "namespace", &ground.name).is_none());
}

#[test]
fn a_burst_pools_pods_serve_on_the_nodes_that_joined_for_it() {
    let ground = Ground::new("burst");
    let burst = "[aws]\nprovider = \"sim\"\nregion = \"us-east-1\"\n[aws.pools.burst]\n\
                 stage = \"inference\"\nsize = 1\njoin = \"kubernetes\"\n\
                 instance_types = [\"g6e.12xlarge\"]\n\
                 capacity = { \"g6e.12xlarge\" = \"9 req/s\" }\n\
                 image = { name = \"gpu-inference\" }\n";
    ground.declare(&(ground.pool("gpu", "1") + burst));
    // What the simulated instances would be, joined: this environment's, and that of
    // another one with the same service and pool in the cluster.
    let joined = |environment: &str| json!({"floodway.dev/workload": "llm-inference-burst", "floodway.dev/environment": environment});
    ground.bed.add_nodes(&format!("{}-another", ground.name), 1, 4, &joined("another"));
    ground.bed.add_nodes(&format!("{}-joined", ground.name), 1, 4, &joined(&ground.name));
    ground.apply();
    ground.is_settled();
    let selector = "-lfloodway.dev/workload=llm-inference-burst";
    let said = ground.bed.kubectl(
        &["get", "pods", "-n", &ground.name, selector, "-o", "jsonpath={.items[*].spec.nodeName}"],
        "",
    );
    let on = String::from_utf8(said.stdout).unwrap();
    let own = format!("{}-joined-0", ground.name);
    assert!(on.split(' ').count() == 4 && on.split(' ').all(|node| node == own), "{on}");
    assert_eq!(ground.replicas("llm-inference-burst"), Some(4));
    let pod = "/spec/template/spec";
    let live = ground.get("deployment", "llm-inference-burst").unwrap();
    let pod = live.pointer(pod).unwrap();
    assert_eq!(pod["nodeSelector"]["floodway.dev/workload"], "llm-inference-burst");
    ground.run("status", &[]).exits(0).says("4 of 4 pods on them are ready");
    ground.run("destroy", &["--confirm", &ground.name]).exits(0);
}
