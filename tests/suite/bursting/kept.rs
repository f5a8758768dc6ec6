//! A disruption budget that keeps pods on a node past the time of its drain.

use super::ground::{Ground, within};
use super::nodes::{closed, ended, nodes};
use serde_json::{Value, json};

/// A pod of somebody else on every node of the burst pool, which none of them may lose.
fn guests(ground: &Ground) {
    let nodes = nodes(ground);
    let guest = |(at, node): (usize, &String)| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": format!("guest-{at}"), "namespace": ground.name,
                "labels": {"guest": "yes"},
            },
            "spec": {"nodeName": node, "containers": [{"name": "c", "image": "registry.example/c"}]},
        })
    };
    let names = nodes.iter().map(|(name, _)| name);
    let guests: Vec<Value> = names.enumerate().map(guest).collect();
    ground.bed.apply(&guests);
    ground.bed.apply(&[json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "guests", "namespace": ground.name},
        "spec": {"minAvailable": guests.len(), "selector": {"matchLabels": {"guest": "yes"}}},
    })]);
}

fn gives_up(decision: &Value) -> bool {
    let holds = decision["pools"]["g6e"]["holds"].as_array();
    holds.is_some_and(|holds| holds.iter().any(|hold| hold["cause"] == "drain"))
}

#[test]
fn a_node_that_a_disruption_budget_keeps_is_not_ended_and_serves_until_it_may_go() {
    let ground = Ground::new("kept");
    let run = ground.controller(&[]);
    ground.led_by(&run, 20);
    ground.settles(&run, 6.0);
    ground.bursts(&run);
    guests(&ground);
    ground.fleet.offer(6.0);
    within("a drain is under way", 60, || (!closed(&ground).is_empty()).then_some(()));
    run.decides("it is given up", 30, gives_up);
    within("its node takes work again", 10, || closed(&ground).is_empty().then_some(()));
    assert_eq!(ended(&ground), Vec::<String>::new());
    ground.run("why", &[]).exits(0).says("PodDisruptionBudget");
    let told = ["get", "events.events.k8s.io", "-o", "jsonpath={..reason}", "-n", &ground.name];
    let told = String::from_utf8(ground.bed.try_kubectl(&told, "").stdout).unwrap();
    assert!(told.contains("DrainGivenUp"), "{told}");

    // It is tried again after as long as the drain had.
    within("another drain is under way", 60, || (!closed(&ground).is_empty()).then_some(()));
    ground.bed.kubectl(&["delete", "poddisruptionbudget", "guests", "-n", &ground.name], "");
    within("all is back in", 120, || {
        (ground.asked() == [0, 0] && nodes(&ground).is_empty()).then_some(())
    });
    assert!(ground.aws.violations().is_empty(), "{:?}", ground.aws.violations());
}
