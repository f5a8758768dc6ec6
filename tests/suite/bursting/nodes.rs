//! Nodes of a burst pool, and the ends of their instances.

use super::ground::Ground;
use super::web::ask;
use serde_json::Value;
use std::collections::BTreeSet;

/// Nodes of instances, and whether each is closed to new pods.
pub fn nodes(ground: &Ground) -> Vec<(String, bool)> {
    let selector = format!("labelSelector=floodway.dev%2Fenvironment%3D{}", ground.name);
    let path = format!("/api/v1/nodes?{selector}");
    let (_, all) = ask(&ground.cluster, "GET", &path, None).unwrap();
    let one = |node: &Value| {
        let name = node["metadata"]["name"].as_str().unwrap().to_owned();
        (name, node["spec"]["unschedulable"] == true)
    };
    all["items"].as_array().unwrap().iter().map(one).collect()
}

pub fn closed(ground: &Ground) -> BTreeSet<String> {
    nodes(ground).into_iter().filter(|(_, closed)| *closed).map(|(name, _)| name).collect()
}

/// The instances whose end was asked for, in order.
pub fn ended(ground: &Ground) -> Vec<String> {
    let writes = ground.writes().into_iter();
    let ends = writes.filter(|(action, _)| action == "TerminateInstanceInAutoScalingGroup");
    ends.map(|(_, with)| with["InstanceId"].as_str().unwrap().to_owned()).collect()
}
