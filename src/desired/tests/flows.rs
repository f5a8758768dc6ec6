//! An evaluator of NetworkPolicies: each needed flow is allowed, each other denied.
//!
//! As the API describes it: a pod that any policy of a direction selects is
//! closed in that direction but for the union of what those policies allow; a
//! flow passes if the sender's egress and the receiver's ingress both pass.

use super::super::fixture::{self, environment};
use crate::spec::Environment;
use crate::spec::model::Egress;
use serde_json::Value;
use std::collections::BTreeMap;

type Labels = BTreeMap<String, String>;

#[derive(Clone)]
struct End {
    what: &'static str,
    /// None: outside of the cluster.
    pod: Option<Pod>,
    address: [u8; 4],
}

#[derive(Clone)]
struct Pod {
    namespace: &'static str,
    namespace_labels: Labels,
    labels: Labels,
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|&(key, value)| (key.into(), value.into())).collect()
}

fn pod(
    what: &'static str,
    namespace: &'static str,
    namespace_marks: &[(&str, &str)],
    pod: &[(&str, &str)],
) -> End {
    let mut namespace_labels = labels(namespace_marks);
    namespace_labels.insert("kubernetes.io/metadata.name".into(), namespace.into());
    let pod = Pod { namespace, namespace_labels, labels: labels(pod) };
    End { what, pod: Some(pod), address: [240, 0, 0, 1] }
}

fn outside(what: &'static str, address: [u8; 4]) -> End {
    End { what, pod: None, address }
}

fn of_stage(stage: &'static str) -> End {
    let marks = [
        ("floodway.dev/environment", "prod"),
        ("floodway.dev/stage", stage),
        ("floodway.dev/workload", "some"),
    ];
    pod(stage, "inference", &[], &marks)
}

/// Everybody who could talk, or be talked to.
fn everybody() -> Vec<End> {
    let gateway = [("floodway.dev/gateway", "true")];
    let monitoring = [("floodway.dev/monitoring", "true")];
    vec![
        of_stage("preprocess"),
        of_stage("inference"),
        of_stage("postprocess"),
        pod("gateway", "edge", &gateway, &[("app", "envoy")]),
        pod("prometheus", "monitoring", &[], &[("app", "prometheus")]),
        pod("other scraper", "observability", &monitoring, &[]),
        pod("dns", "kube-system", &[], &[("k8s-app", "kube-dns")]),
        pod("other kube-system", "kube-system", &[], &[("k8s-app", "metrics-server")]),
        pod("dns impostor", "evil", &[], &[("k8s-app", "kube-dns")]),
        pod("neighbour", "inference", &[], &[("app", "notebook")]),
        pod(
            "staging",
            "inference",
            &[],
            &[("floodway.dev/environment", "staging"), ("floodway.dev/stage", "inference")],
        ),
        pod("stranger", "default", &[], &[("floodway.dev/stage", "inference")]),
        outside("node-local dns", [169, 254, 20, 10]),
        outside("metadata service", [169, 254, 169, 254]),
        outside("burst node", [10, 20, 30, 40]),
        outside("internet", [93, 184, 216, 34]),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Direction {
    Ingress,
    Egress,
}

struct Evaluator {
    policies: Vec<Value>,
}

impl Evaluator {
    fn new() -> Self {
        Self::of(&environment())
    }

    fn of(environment: &Environment) -> Self {
        let world = fixture::world(environment, &fixture::empty());
        let policies = world.resources.into_iter().filter(|d| d.id.kind == "NetworkPolicy");
        Self { policies: policies.map(|desired| desired.body.value()).collect() }
    }

    fn passes(&self, from: &End, to: &End, port: u16, protocol: &str) -> bool {
        self.allows(from, to, Direction::Egress, port, protocol)
            && self.allows(to, from, Direction::Ingress, port, protocol)
    }

    /// Whether `end` may talk with `peer` in this direction, as seen from `end`.
    fn allows(
        &self,
        end: &End,
        peer: &End,
        direction: Direction,
        port: u16,
        protocol: &str,
    ) -> bool {
        let Some(pod) = &end.pod else { return true };
        let named = format!("{direction:?}");
        let selecting: Vec<_> = self
            .policies
            .iter()
            .filter(|policy| policy["metadata"]["namespace"] == pod.namespace)
            .filter(|policy| selects(&policy["spec"]["podSelector"], &pod.labels))
            .filter(|policy| {
                policy["spec"]["policyTypes"].as_array().unwrap().contains(&named.clone().into())
            })
            .collect();
        let (rules, peers) = match direction {
            Direction::Ingress => ("ingress", "from"),
            Direction::Egress => ("egress", "to"),
        };
        selecting.is_empty()
            || selecting.iter().any(|policy| {
                list(&policy["spec"][rules]).any(|rule| {
                    let right_port = list(&rule["ports"])
                        .any(|p| p["port"] == port && p["protocol"] == protocol);
                    right_port && list(&rule[peers]).any(|p| matches(p, peer, policy))
                })
            })
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn selects(selector: &Value, labels: &Labels) -> bool {
    let wanted = selector.as_object().unwrap();
    assert!(
        wanted.keys().all(|key| key == "matchLabels"),
        "the evaluator knows no more: {wanted:?}"
    );
    selector["matchLabels"].as_object().is_none_or(|wanted| {
        wanted.iter().all(|(k, v)| labels.get(k).map(String::as_str) == v.as_str())
    })
}

fn matches(peer: &Value, end: &End, policy: &Value) -> bool {
    let known = ["ipBlock", "namespaceSelector", "podSelector"];
    assert!(peer.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())));
    if let Some(block) = peer.get("ipBlock") {
        let within = |cidr: &Value| contains(cidr.as_str().unwrap(), end.address);
        let excepted = list(&block["except"]).any(within);
        return end.pod.is_none() && within(&block["cidr"]) && !excepted;
    }
    let Some(pod) = &end.pod else { return false };
    let namespace = match peer.get("namespaceSelector") {
        Some(selector) => selects(selector, &pod.namespace_labels),
        None => policy["metadata"]["namespace"] == pod.namespace,
    };
    namespace && peer.get("podSelector").is_none_or(|selector| selects(selector, &pod.labels))
}

fn contains(cidr: &str, address: [u8; 4]) -> bool {
    let (network, bits) = cidr.split_once('/').unwrap();
    let network: std::net::Ipv4Addr = network.parse().unwrap();
    let mask = u32::MAX.checked_shl(32 - bits.parse::<u32>().unwrap()).unwrap_or(0);
    u32::from(network) & mask == u32::from_be_bytes(address) & mask
}

/// All that may flow: from, to, port, protocol.
const NEEDED: [(&str, &str, u16, &str); 18] = [
    ("gateway", "preprocess", 50051, "TCP"),
    ("preprocess", "inference", 50051, "TCP"),
    ("inference", "postprocess", 50051, "TCP"),
    ("prometheus", "preprocess", 9464, "TCP"),
    ("prometheus", "inference", 9464, "TCP"),
    ("prometheus", "postprocess", 9464, "TCP"),
    ("other scraper", "preprocess", 9464, "TCP"),
    ("other scraper", "inference", 9464, "TCP"),
    ("other scraper", "postprocess", 9464, "TCP"),
    ("preprocess", "burst node", 50051, "TCP"),
    ("burst node", "postprocess", 50051, "TCP"),
    ("preprocess", "dns", 53, "UDP"),
    ("inference", "dns", 53, "UDP"),
    ("postprocess", "dns", 53, "UDP"),
    ("preprocess", "dns", 53, "TCP"),
    ("inference", "dns", 53, "TCP"),
    ("postprocess", "dns", 53, "TCP"),
    ("preprocess", "node-local dns", 53, "UDP"),
];

#[test]
fn each_needed_flow_is_allowed_and_each_other_denied() {
    let evaluator = Evaluator::new();
    let ours = ["preprocess", "inference", "postprocess"];
    let mut allowed = Vec::new();
    for from in everybody() {
        for to in everybody() {
            if from.what == to.what && ours.contains(&from.what) {
                continue;
            }
            // What neither end is ours of is none of our business.
            if !ours.contains(&from.what) && !ours.contains(&to.what) {
                continue;
            }
            for (port, protocol) in [
                (50051, "TCP"),
                (9464, "TCP"),
                (53, "UDP"),
                (53, "TCP"),
                (443, "TCP"),
                (8080, "TCP"),
            ] {
                if evaluator.passes(&from, &to, port, protocol) {
                    allowed.push((from.what, to.what, port, protocol));
                }
            }
        }
    }
    let local = |flow: &(&str, &str, u16, &str)| flow.1 == "node-local dns" && flow.2 == 53;
    for flow in NEEDED {
        assert!(allowed.contains(&flow), "needed and denied: {flow:?}");
    }
    for flow in &allowed {
        assert!(NEEDED.contains(flow) || local(flow), "allowed without need: {flow:?}");
    }
}

#[test]
fn a_stage_reaches_what_its_egress_names_and_never_a_nodes_credentials() {
    let mut environment = environment();
    let stage = environment.service.stages.get_mut("inference").unwrap();
    stage.egress = vec![
        Egress { cidr: "0.0.0.0/0".into(), port: 443 },
        Egress { cidr: "10.20.30.0/24".into(), port: 9000 },
    ];
    let evaluator = Evaluator::of(&environment);
    let (hub, store) =
        (outside("hub", [93, 184, 216, 34]), outside("weight store", [10, 20, 30, 40]));
    let metadata = outside("metadata service", [169, 254, 169, 254]);
    let engine = of_stage("inference");
    assert!(evaluator.passes(&engine, &hub, 443, "TCP"));
    assert!(evaluator.passes(&engine, &store, 9000, "TCP"));
    for (to, port, protocol) in [
        (&hub, 80, "TCP"),
        (&hub, 9000, "TCP"),
        (&hub, 443, "UDP"),
        (&metadata, 443, "TCP"),
        (&of_stage("preprocess"), 443, "TCP"),
    ] {
        assert!(!evaluator.passes(&engine, to, port, protocol), "{} {port}", to.what);
    }
    for other in ["preprocess", "postprocess"] {
        assert!(!evaluator.passes(&of_stage(other), &hub, 443, "TCP"), "{other}");
    }
    // A last stage, which calls no other, has a way out as well.
    environment.service.stages.get_mut("postprocess").unwrap().egress =
        vec![Egress { cidr: "0.0.0.0/0".into(), port: 443 }];
    let evaluator = Evaluator::of(&environment);
    assert!(evaluator.passes(&of_stage("postprocess"), &hub, 443, "TCP"));
}

#[test]
fn without_a_standalone_pool_no_address_outside_may_call() {
    let mut environment = environment();
    environment.aws.as_mut().unwrap().pools.remove("edge");
    let evaluator = Evaluator::of(&environment);
    let node = outside("burst node", [10, 20, 30, 40]);
    assert!(!evaluator.passes(&node, &of_stage("postprocess"), 50051, "TCP"));
    assert!(!evaluator.passes(&of_stage("preprocess"), &node, 50051, "TCP"));
}

#[test]
fn replicas_of_one_stage_do_not_talk_with_each_other() {
    let evaluator = Evaluator::new();
    for stage in ["preprocess", "inference", "postprocess"] {
        assert!(!evaluator.passes(&of_stage(stage), &of_stage(stage), 50051, "TCP"), "{stage}");
    }
}

#[test]
fn the_evaluator_notices_a_missing_and_a_superfluous_rule() {
    let (front, engine) = (of_stage("preprocess"), of_stage("inference"));
    let mut without = Evaluator::new();
    without.policies.retain(|policy| policy["metadata"]["name"] != "deepseek-inference");
    assert!(!without.passes(&front, &engine, 50051, "TCP"));
    let mut open = Evaluator::new();
    open.policies.clear();
    assert!(open.passes(&engine, &outside("internet", [93, 184, 216, 34]), 443, "TCP"));
}
