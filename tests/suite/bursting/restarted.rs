//! Both replicas of the controller end at once, and two others take their place.

use super::ground::{Ground, within};
use super::nodes::{closed, ended, nodes};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// The stabilization window, by the decisions' own clock.
const WINDOW: Duration = Duration::from_secs(180 / super::ground::TIME_SCALE);

#[test]
fn both_replicas_killed_in_the_middle_of_a_drain_go_on_with_it_and_with_nothing_else() {
    let ground = Ground::new("both");
    let other = ground.copy();
    let first = ground.controller(&[]);
    ground.led_by(&first, 20);
    let second = ground.other_controller(&other);
    ground.settles(&first, 6.0);
    ground.bursts(&first);
    let most = ground.asked();

    // What its pods do may not be cut short, so that a drain is not over at once.
    let budget = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "all", "namespace": ground.name},
        "spec": {"maxUnavailable": 0, "selector": ground.deployment("g6e")["spec"]["selector"]},
    });
    ground.bed.apply(&[budget]);
    ground.fleet.offer(6.0);
    let draining = within("a drain is under way", 60, || {
        Some(closed(&ground)).filter(|closed| !closed.is_empty())
    });
    first.signal("KILL");
    second.signal("KILL");
    assert_eq!(draining.len(), 1, "one at a time");
    assert_eq!((ended(&ground), ground.asked()), (Vec::new(), most));
    let known = first.decisions().len();
    drop((first, second));
    ground.bed.kubectl(&["delete", "poddisruptionbudget", "all", "-n", &ground.name], "");

    let first = ground.controller(&[]);
    ground.led_by(&first, 30);
    let second = ground.other_controller(&other);
    within("what was begun is ended", 30, || (!ended(&ground).is_empty()).then_some(()));
    assert_eq!(ended(&ground), Vec::from_iter(draining), "{}", first.said());
    second.decides("the other follows", 20, |_| true);

    within("all is back in", 120, || {
        let back = ground.asked() == [0, 0] && ground.replicas("g6e") == (0, 0);
        (back && ground.replicas("h100").0 == 1 && nodes(&ground).is_empty()).then_some(())
    });
    // Each of them went once, by its name, and none was asked for in its place.
    let gone = ended(&ground);
    assert_eq!(gone.len() as u64, most.iter().sum::<u64>(), "{gone:?}");
    assert_eq!(BTreeSet::from_iter(&gone).len(), gone.len(), "{gone:?}");
    let calls = ground.writes();
    let last = calls.iter().rposition(|(action, _)| action == "SetDesiredCapacity");
    let end = |(action, _): &(String, Value)| action == "TerminateInstanceInAutoScalingGroup";
    assert!(last < calls.iter().position(end), "{calls:?}");
    assert!(ground.aws.violations().is_empty(), "{:?}", ground.aws.violations());

    // Nothing more was chosen before the load had been watched for a window.
    let since = first.decisions().split_off(known);
    let at = |one: &Value| one["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let lowers = |one: &&Value| {
        let pools = one["pools"].as_object().unwrap().values();
        pools.clone().any(|pool| pool["wanted"].as_u64() < pool["now"].as_u64())
    };
    let lowered = since.iter().find(lowers).expect("something was scaled in");
    let watched = at(lowered).duration_since(at(&since[0]));
    assert!(watched.as_secs_f64() >= WINDOW.as_secs_f64(), "{watched:?}\n{lowered:#}");
    ground.led_by(&first, 1);
}
