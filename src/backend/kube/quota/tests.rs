use super::*;
use serde_json::json;

fn deployment(name: &str, replicas: u32) -> (ResourceId, Value) {
    let object = json!({"spec": {"template": {"spec": {"containers": [{"resources": {
        "requests": {"cpu": "500m", "nvidia.com/gpu": "2"}, "limits": {"memory": "1Gi"},
    }}]}}}, "status": {"replicas": replicas}});
    (ResourceId::kubernetes("apps/v1", "Deployment", Some("ns"), name), object)
}

fn quota(key: &str, hard: &str, used: &str) -> Value {
    json!({"metadata": {"name": "q"}, "status": {"hard": {key: hard}, "used": {key: used}}})
}

/// One Deployment that has some replicas, and shall have others.
fn one(quota: &Value, has: u32, bounds: (u32, u32)) -> Option<Short> {
    let (id, object) = deployment("a", has);
    let asks = Asks { id: &id, object: &object, live: Some(&object), units: Some(bounds) };
    let mut found = shortages(quota, &[asks]);
    assert!(found.len() <= 1);
    found.pop()
}

#[test]
fn room_is_counted_without_what_the_workload_has_already() {
    let gpus = quota("requests.nvidia.com/gpu", "8", "8");
    assert_eq!(one(&gpus, 4, (4, 4)), None);
    let short = one(&gpus, 3, (4, 8)).unwrap();
    assert!(!short.only_at_most);
    assert_eq!(
        short.message,
        "ResourceQuota q: 8 of 8 requests.nvidia.com/gpu are used, and this plan asks for 2 more \
         (Deployment ns/a: 2)"
    );
    assert!(one(&gpus, 4, (2, 5)).unwrap().only_at_most);
}

#[test]
fn who_asks_for_less_is_never_short_though_the_quota_was_lowered() {
    let gpus = quota("requests.nvidia.com/gpu", "4", "8");
    assert_eq!(one(&gpus, 4, (3, 3)), None);
    assert_eq!(one(&gpus, 4, (4, 4)), None);
    assert!(one(&gpus, 4, (5, 5)).is_some());
}

#[test]
fn all_changes_are_counted_together_and_those_that_ask_are_named() {
    let gpus = quota("requests.nvidia.com/gpu", "10", "4");
    let [(a, has_2), (b, none), (c, has_0)] =
        [deployment("a", 2), deployment("b", 0), deployment("c", 0)];
    let asks = |id, live, units| Asks { id, object: &none, live, units: Some(units) };
    let grow =
        [asks(&a, Some(&has_2), (3, 3)), asks(&b, None, (3, 3)), asks(&c, Some(&has_0), (0, 0))];
    let short = shortages(&gpus, &grow).pop().unwrap();
    assert_eq!(short.at, 1, "it asks for most");
    assert!(short.message.ends_with("8 more (Deployment ns/a: 2, Deployment ns/b: 6)"));
    let exchange = [asks(&a, Some(&has_2), (1, 1)), asks(&b, None, (4, 4))];
    assert_eq!(shortages(&gpus, &exchange), []);
    // What the runtime may move between bounds it need not give back.
    let kept = [asks(&a, Some(&has_2), (1, 2)), asks(&b, None, (4, 4))];
    assert!(!shortages(&gpus, &kept).pop().unwrap().only_at_most);
}

#[test]
fn every_kind_of_key_is_counted_in_its_own_unit() {
    assert_eq!(one(&quota("cpu", "2", "0"), 0, (4, 4)), None);
    let short = one(&quota("requests.cpu", "1900m", "0"), 0, (3, 5)).unwrap();
    assert!(short.message.contains("asks for 2500m more"), "{}", short.message);
    let short = one(&quota("limits.memory", "3Gi", "0"), 0, (4, 4)).unwrap();
    assert!(short.message.contains("0 of 3Gi limits.memory are used"), "{}", short.message);
    assert!(short.message.contains("asks for 4Gi more"), "{}", short.message);
    assert!(one(&quota("limits.memory", "4000M", "0"), 0, (4, 4)).is_some());
    assert!(one(&quota("requests.memory", "3Gi", "0"), 0, (4, 4)).is_some(), "as it is limited");
    assert!(one(&quota("pods", "3", "0"), 0, (4, 4)).is_some());
    assert_eq!(one(&quota("services", "0", "0"), 0, (4, 4)), None);
}

#[test]
fn objects_count_when_they_are_made_and_with_what_the_cluster_makes_for_them() {
    let object = json!({});
    let made = |api: &str, kind: &str, key: &str, live: Option<&Value>| {
        let id = ResourceId::kubernetes(api, kind, Some("ns"), "x");
        let asks = Asks { id: &id, object: &object, live, units: None };
        shortages(&quota(key, "0", "0"), &[asks]).len()
    };
    for key in ["services", "count/services", "count/endpointslices.discovery.k8s.io"] {
        assert_eq!(made("v1", "Service", key, None), 1, "{key}");
        assert_eq!(made("v1", "Service", key, Some(&object)), 0, "{key}");
    }
    assert_eq!(made("apps/v1", "Deployment", "count/deployments.apps", None), 1);
    assert_eq!(made("apps/v1", "Deployment", "count/replicasets.apps", None), 1);
    let other = json!({"spec": {"template": {}}});
    assert_eq!(made("apps/v1", "Deployment", "count/replicasets.apps", Some(&other)), 1);
    assert_eq!(made("v1", "ConfigMap", "count/services", None), 0);
}

#[test]
fn a_quota_counts_what_its_scopes_say() {
    let mut pods = deployment("a", 0).1;
    pods["spec"]["template"]["spec"]["priorityClassName"] = json!("floodway-prod");
    let scoped = |spec: Value| pods::is_about(&json!({ "spec": spec }), &pods);
    let of_class = |operator: &str, class: &str| {
        let rule = json!({"scopeName": "PriorityClass", "operator": operator, "values": [class]});
        scoped(json!({"scopeSelector": {"matchExpressions": [rule]}}))
    };
    assert!(of_class("In", "floodway-prod") && !of_class("In", "batch"));
    assert!(of_class("NotIn", "batch") && !of_class("NotIn", "floodway-prod"));
    assert!(scoped(json!({})) && scoped(json!({"scopes": ["NotTerminating", "NotBestEffort"]})));
    assert!(!scoped(json!({"scopes": ["Terminating"]})));
}
