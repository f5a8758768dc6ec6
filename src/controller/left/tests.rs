use super::*;
use crate::desired::fixture::{environment, inventory, live_thing};
use crate::observe::{Live, ResourceId, Unit, Workload};
use serde_json::json;

fn group(name: &str, pool: &str, existing: u32, kept: &[&str]) -> Live {
    let id = ResourceId::group("us-east-1", name);
    let unit = |name: &&str| Unit { name: (*name).to_owned(), ..Unit::default() };
    let kept = kept.iter().map(unit).collect();
    let workload = Workload {
        desired: existing,
        existing,
        warm: 0,
        surplus: 0,
        updated: existing,
        ready: existing,
        pending: 0,
        observed: true,
        stalled: false,
        problems: Vec::new(),
        units: Vec::new(),
        kept,
        failed: None,
        refresh: None,
    };
    Live { workload: Some(workload), ..live_thing(id, "inference", pool, json!({})) }
}

fn left(things: Vec<Live>) -> Vec<(String, Why, u32)> {
    let found = left_over(&environment(), &inventory(things));
    found.into_iter().map(|left| (left.group, left.why, left.units)).collect()
}

#[test]
fn what_is_kept_and_what_no_pool_claims_is_left_over() {
    let found = left(vec![
        group("prod-g6e-od", "g6e", 4, &[]),
        group("prod-g6e-spot", "g6e", 2, &["i-1", "i-2"]),
        group("prod-gone-od", "gone", 3, &[]),
        group("prod-empty-od", "empty", 0, &[]),
    ]);
    let expected = [("prod-g6e-spot", Why::Kept, 2), ("prod-gone-od", Why::Unclaimed, 3)];
    assert_eq!(found, expected.map(|(group, why, units)| (group.to_owned(), why, units)));
}

#[test]
fn what_is_another_environments_is_not_told() {
    let mut other = group("prod-gone-od", "gone", 3, &["i-1"]);
    other.ownership = Ownership::Other("another".to_owned());
    assert!(left(vec![other]).is_empty());
}
