//! The cluster's own autoscaler says that it cannot act.

use super::ground::{Ground, within};
use serde_json::Value;

fn is_held(decision: &Value) -> bool {
    let holds = decision["pools"]["h100"]["holds"].as_array();
    holds.into_iter().flatten().any(|hold| {
        let why = hold["why"]["text"].as_str().unwrap_or_default();
        hold["cause"] == "autoscaler" && why.contains("ScalingActive is False")
    })
}

#[test]
fn burst_does_not_wait_for_an_autoscaler_that_has_no_metrics_and_that_is_told() {
    // Nothing in this cluster says how much cpu pods use.
    let ground = Ground::edited("hindered", |_, text| {
        text.replace("node_selector = ", "hpa = { cpu = \"70%\" }\nnode_selector = ")
            // For so long an autoscaler is waited for that says nothing.
            .replace("startup = \"3m\"", "startup = \"3h\"")
    });
    let run = ground.controller(&[]);
    ground.settles(&run, 6.0);
    run.decides("the autoscaler cannot act", 60, is_held);
    ground.fleet.offer(40.0);
    within("instances are asked for", 30, || (ground.asked()[0] >= 2).then_some(()));
    assert_eq!(ground.replicas("h100").0, 1, "the number is not the controller's");
    ground.run("why", &[]).exits(0).says("autoscaler").says("ScalingActive is False");
    let events = ground.bed.try_kubectl(&["get", "events", "-n", &ground.name], "").stdout;
    let events = String::from_utf8_lossy(&events);
    assert!(events.contains("AutoscalerCannotAct"), "{events}");
}
