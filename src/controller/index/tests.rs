use super::*;
use crate::desired::fixture::{self, live_thing};
use crate::observe::{Ownership, ResourceId};
use crate::spec::model::Moved;
use serde_json::json;
use std::sync::Arc;

const KINDS: [&str; 2] = ["Deployment", "AutoScalingGroup"];

fn thing(kind: &str, name: &str, pool: &str) -> Live {
    let id = match kind {
        "Deployment" => ResourceId::kubernetes("apps/v1", kind, Some("inference"), name),
        _ => ResourceId::group("us-east-1", name),
    };
    live_thing(id, "inference", pool, json!({}))
}

fn moved(pairs: &[(&str, &str)]) -> Environment {
    let moved = |&(from, to): &(&str, &str)| Moved { from: from.to_owned(), to: to.to_owned() };
    Environment { moved: pairs.iter().map(moved).collect(), ..fixture::environment() }
}

/// By one look through everything for each pool.
fn looked_up<'a>(
    environment: &'a Environment,
    inventory: &'a Inventory,
    (kind, pool): (&str, &Name),
) -> Vec<&'a str> {
    let own = inventory.resources.values().filter(|live| {
        live.id.kind == kind
            && live.ownership == Ownership::Ours
            && !live.deleting
            && live.pool().is_some_and(|marked| todays_pool(environment, marked) == pool.as_str())
    });
    own.map(|live| live.id.name.as_str()).collect()
}

fn indexed<'a>(index: &Index<'a>, kind: &str, pool: &str) -> Vec<&'a str> {
    let pool = fixture::name(pool);
    index.of_pool(kind, &pool).map(|live| live.id.name.as_str()).collect()
}

#[test]
fn a_pool_is_found_under_each_name_that_it_had_and_nothing_of_others_or_on_its_way_out_is() {
    // `edge` is declared again: what is marked so is its own.
    let environment = moved(&[("older", "old"), ("old", "g6e"), ("edge", "g6e"), ("a", "b")]);
    let mut all: Vec<Live> = KINDS
        .iter()
        .flat_map(|kind| {
            let marked = [("n1", "old"), ("n2", "g6e"), ("n3", "older"), ("n4", "edge")];
            let more = [("n5", "a"), ("n6", "h100"), ("going", "g6e"), ("theirs", "g6e")];
            let all = marked.into_iter().chain(more).chain([("nobodys", "old"), ("n7", "old")]);
            all.map(move |(name, pool)| thing(kind, name, pool))
        })
        .collect();
    for live in &mut all {
        live.deleting = live.id.name == "going";
        match live.id.name.as_str() {
            "theirs" => live.ownership = Ownership::Other("another".to_owned()),
            "nobodys" => live.ownership = Ownership::Unmarked,
            _ => {}
        }
    }
    let inventory = fixture::inventory(all);
    let index = Index::of(&environment, &inventory);
    for kind in KINDS {
        assert_eq!(indexed(&index, kind, "g6e"), ["n1", "n2", "n3", "n7"], "{kind}");
        assert_eq!(indexed(&index, kind, "edge"), ["n4"], "{kind}");
        for pool in ["g6e", "edge", "h100", "front", "back", "a", "b", "old"] {
            let named = fixture::name(pool);
            let looked_up = looked_up(&environment, &inventory, (kind, &named));
            assert_eq!(indexed(&index, kind, pool), looked_up, "{kind} of {pool}");
        }
    }
    assert_eq!(indexed(&index, "Service", "g6e"), [""; 0]);
}

#[test]
fn autoscalers_are_found_by_what_they_point_at_whoever_made_them() {
    let deployment = |namespace: &str| {
        let id = ResourceId::kubernetes("apps/v1", "Deployment", Some(namespace), "front");
        live_thing(id, "preprocess", "front", json!({}))
    };
    let autoscaler = |namespace: &str, name: &str, target: Option<&str>| {
        let kind = "HorizontalPodAutoscaler";
        let id = ResourceId::kubernetes("autoscaling/v2", kind, Some(namespace), name);
        let target = target.map(str::to_owned);
        let says = Autoscaler { target, cannot: Some(name.to_owned()), at_max: None };
        let ownership = Ownership::Unmarked;
        let live = live_thing(id, "preprocess", "front", json!({}));
        Live { autoscaler: Some(says), ownership, deleting: name == "gone", ..live }
    };
    let inventory = fixture::inventory([
        deployment("inference"),
        autoscaler("inference", "b", Some("front")),
        autoscaler("inference", "a", Some("front")),
        autoscaler("inference", "gone", Some("front")),
        autoscaler("inference", "elsewhere", Some("back")),
        autoscaler("inference", "of-nothing", None),
        autoscaler("other", "c", Some("front")),
    ]);
    let environment = fixture::environment();
    let index = Index::of(&environment, &inventory);
    let found = |deployment: &Live| -> Vec<String> {
        index.autoscalers_of(deployment).iter().filter_map(|one| one.cannot.clone()).collect()
    };
    assert_eq!(found(&deployment("inference")), ["a", "b"]);
    assert_eq!(found(&deployment("other")), ["c"]);
    assert_eq!(found(&deployment("third")), [""; 0]);
}

#[test]
fn an_instance_has_joined_by_its_ready_node_and_runs_by_a_closed_one_too() {
    let node = |name, instance, health| Arc::new(fixture::node(name, instance, health));
    let mut inventory = fixture::inventory([]);
    inventory.nodes = vec![
        node("n1", Some("i-1"), Health::Ready),
        node("n2", Some("i-2"), Health::Cordoned),
        node("n3", Some("i-3"), Health::NotReady),
        node("n4", None, Health::Ready),
        // An instance that has come back under another name, and one that has before.
        node("n5", Some("i-4"), Health::Cordoned),
        node("n6", Some("i-4"), Health::Ready),
        node("n7", Some("i-5"), Health::Ready),
        node("n8", Some("i-5"), Health::Cordoned),
        node("n9", Some("i-5"), Health::NotReady),
    ];
    let environment = fixture::environment();
    let index = Index::of(&environment, &inventory);
    let joined = |instance: &str| index.joined(instance).map(|node| node.name.as_str());
    let running = |instance: &str| index.running(instance).map(|node| node.name.as_str());
    assert_eq!(["i-1", "i-2", "i-3"].map(joined), [Some("n1"), None, None]);
    assert_eq!(["i-1", "i-2", "i-3"].map(running), [Some("n1"), Some("n2"), None]);
    assert_eq!(["i-4", "i-5", "i-6"].map(joined), [Some("n6"), Some("n7"), None]);
}
