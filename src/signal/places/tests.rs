use super::*;
use crate::desired::fixture;
use crate::observe::{Location, Problem, ResourceId};
use serde_json::json;
use std::collections::BTreeMap;

fn seen(change: impl FnOnce(&mut Inventory)) -> BTreeMap<String, Reading> {
    let workload = |ready, pending, problems| Workload {
        desired: ready + pending,
        ready,
        pending,
        problems,
        ..Workload::default()
    };
    let problem = |kind, units| Problem { kind, units, message: String::new() };
    let mut pods = fixture::live("deepseek-inference-h100", "inference", "h100");
    pods.workload = Some(workload(3, 2, vec![problem(ProblemKind::Unschedulable, 2)]));
    let group = |name: &str, workload| {
        let id = ResourceId::group("us-east-1", name);
        let mut live = fixture::live_thing(id, "inference", "g6e", json!({}));
        live.workload = Some(workload);
        live
    };
    let short = problem(ProblemKind::InsufficientCapacity, 2);
    let refused = problem(ProblemKind::Refused, 1);
    let starting = problem(ProblemKind::Starting, 4);
    let mut spot = group("prod-g6e-spot", workload(1, 6, vec![short, starting]));
    let last = Timestamp::from_second(77).ok();
    let unit = |taken_back| crate::observe::Unit { taken_back, ..<_>::default() };
    let known = spot.workload.as_mut().unwrap();
    known.failed = Some(crate::observe::Failed { units: 2, at: last });
    known.units = vec![unit(last), unit(None), unit(last)];
    let on_demand = group("prod-g6e-od", workload(2, 1, vec![refused]));
    let mut inventory = fixture::inventory([pods, spot, on_demand]);
    let mut environment = fixture::environment();
    let own = environment.environment.name.to_string();
    let node = |of: &str, pool: &str, health| Node {
        labels: [
            (marks::POOL.to_owned(), pool.to_owned()),
            (marks::ENVIRONMENT.to_owned(), of.to_owned()),
        ]
        .into(),
        ..fixture::node(&format!("{pool}-1"), None, health)
    };
    inventory.nodes = vec![
        node(&own, "g6e", Health::NotReady).into(),
        node(&own, "g6e", Health::Cordoned).into(),
        node("another", "g6e", Health::NotReady).into(),
    ];
    let side = |side| Location { side, identity: "x".into(), title: "here".into() };
    inventory.locations = vec![side(Side::Kubernetes), side(Side::Aws)];
    change(&mut inventory);
    environment.aws.as_mut().unwrap().pools.get_mut("edge").unwrap().spot = None;
    let readings = readings_of(&environment, &inventory);
    readings.into_iter().map(|reading| (reading.signal.clone(), reading)).collect()
}

fn gap(side: Side, what: &str, hides_members: bool) -> Gap {
    Gap { side, what: what.into(), why: "forbidden".into(), hides_members }
}

#[test]
fn each_pool_tells_what_waits_what_serves_and_what_fails() {
    let readings = seen(|_| {});
    let value = |signal: &str| readings[signal].value.unwrap();
    assert_eq!(value("kubernetes/h100/ready_pods"), 3.0);
    assert_eq!(value("kubernetes/h100/pending_pods"), 2.0);
    assert_eq!(value("kubernetes/g6e/nodes_not_ready"), 1.0);
    assert_eq!(value("aws/g6e/in_service"), 3.0);
    assert_eq!(value("aws/g6e/pending"), 7.0);
    assert_eq!(value("aws/g6e/unhealthy"), 1.0);
    assert_eq!(value("aws/g6e/capacity_failures"), 2.0);
    assert_eq!(value("aws/g6e/failed_launches"), 2.0);
    assert_eq!(readings["aws/g6e/failed_launches"].at.unwrap().as_second(), 77);
    assert_eq!(value("aws/g6e/spot_notices"), 2.0);
    assert_eq!(
        (value("aws/edge/failed_launches"), readings.get("aws/edge/spot_notices")),
        (0.0, None)
    );
    assert!(readings.values().all(|reading| reading.verdict == Verdict::Good));
    assert!(!readings.contains_key("kubernetes/edge/pending_pods"), "it is no node");
    assert!(value("aws/edge/pending").is_sign_positive(), "nothing is 0, not -0");
}

#[test]
fn what_a_gap_may_hide_is_no_number() {
    for hidden in [gap(Side::Aws, "AutoScalingGroup x", true), gap(Side::Aws, "groups", false)] {
        let readings = seen(|inventory| inventory.gaps.push(hidden));
        assert_eq!(readings["aws/g6e/pending"].value, None);
        assert!(matches!(readings["aws/g6e/pending"].verdict, Verdict::Unreachable(_)));
        assert_eq!(readings["kubernetes/h100/pending_pods"].verdict, Verdict::Good);
    }
    let readings = seen(|inventory| inventory.gaps.push(gap(Side::Aws, "spot prices", false)));
    assert_eq!(readings["aws/g6e/pending"].verdict, Verdict::Good);
}

#[test]
fn notices_that_cannot_be_read_are_no_zero() {
    let readings = seen(|inventory| inventory.gaps.push(gap(Side::Aws, Gap::NOTICES, false)));
    assert_eq!(readings["aws/g6e/spot_notices"].value, None);
    assert_eq!(readings["aws/g6e/pending"].verdict, Verdict::Good);
}

#[test]
fn launches_of_which_it_is_not_known_whether_they_fail_are_no_zero() {
    let readings = seen(|inventory| inventory.gaps.push(gap(Side::Aws, Gap::ACTIVITIES, false)));
    for signal in ["aws/g6e/capacity_failures", "aws/g6e/failed_launches"] {
        let reading = &readings[signal];
        assert_eq!((reading.value, reading.at), (None, None), "{signal}");
        assert_eq!(reading.verdict, Verdict::Unreachable("forbidden".into()), "{signal}");
    }
    for signal in ["aws/g6e/pending", "aws/g6e/in_service", "aws/g6e/spot_notices"] {
        assert_eq!(readings[signal].verdict, Verdict::Good, "{signal}");
    }
}

#[test]
fn where_nobody_has_looked_there_is_no_zero() {
    let readings = seen(|inventory| inventory.locations.retain(|at| at.side == Side::Kubernetes));
    assert_eq!(readings["aws/g6e/in_service"].value, None);
    assert!(!readings["aws/g6e/in_service"].verdict.may_scale_in());
}
