//! AWS throttles, has no capacity, or starts what never serves.

use super::controller::Controller;
use super::ground::{Ground, within};
use crate::support::bed::eventually;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn ready(prefix: &str) -> (Ground, Controller) {
    let ground = Ground::new(prefix);
    let run = ground.controller(&[]);
    ground.settles(&run, 6.0);
    (ground, run)
}

fn no_capacity(ground: &Ground, instance_type: &str) {
    let rule = json!({"kind": "capacity", "instance_type": instance_type, "instances": 0});
    ground.aws.rule(&rule);
}

#[test]
fn where_aws_throttles_on_prem_does_not_wait_and_the_burst_comes_all_the_same() {
    let (ground, run) = ready("throttled");
    let rule = json!({"kind": "throttle", "service": "autoscaling", "rate": 0.5, "burst": 1});
    ground.aws.rule(&rule);
    let began = Instant::now();
    ground.fleet.offer(40.0);
    within("on-prem is full", 10, || (ground.replicas("h100").0 == 2).then_some(()));
    eprintln!("on-prem after {:?}", began.elapsed());
    within("instances are asked for", 60, || (ground.asked()[0] >= 2).then_some(()));
    eprintln!("burst after {:?}", began.elapsed());
    drop(run);
}

#[test]
fn where_aws_answers_slowly_on_prem_goes_on() {
    let (ground, run) = ready("slow");
    let rule = json!({"kind": "delay", "service": "autoscaling", "seconds": 4});
    ground.aws.rule(&rule);
    let before = run.decisions().len();
    ground.fleet.offer(40.0);
    within("on-prem is full", 20, || (ground.replicas("h100").0 == 2).then_some(()));
    // Turns wait half an interval for what AWS answers, not for all of it.
    within("turns go on", 20, || (run.decisions().len() >= before + 6).then_some(()));
    ground.aws.clear_rules();
    within("instances are asked for", 40, || (ground.asked()[0] >= 2).then_some(()));
}

#[test]
fn without_capacity_in_the_first_offering_the_next_is_raised_at_once() {
    let (ground, run) = ready("short");
    no_capacity(&ground, "g6e.12xlarge");
    ground.fleet.offer(40.0);
    let asked =
        within("the first is asked for", 20, || (ground.asked()[0] >= 1).then(Instant::now));
    within("the second is asked for", 20, || (ground.asked()[1] >= 2).then_some(()));
    let waited = asked.elapsed();
    assert!(waited < Duration::from_secs(40), "{waited:?}\n{}", run.said());
    assert_eq!(ground.replicas("h100").0, 2);
    within("the queue is gone", 60, || {
        let state = ground.fleet.state();
        (state.capacity >= 45.0 && state.waiting < 1.0).then_some(())
    });
    assert!(run.said().contains("g6e.12xlarge/on-demand has no capacity"), "{}", run.said());
    // What has no capacity is not asked for again and again.
    let set = |group: &str| {
        let of = |(action, with): &(String, Value)| {
            action == "SetDesiredCapacity" && with["AutoScalingGroupName"] == group
        };
        ground.writes().into_iter().filter(of).count()
    };
    assert!(set(&ground.group_name(0)) <= 8, "{:?}", ground.writes());
    let events = ground.bed.kubectl(&["get", "events", "-n", &ground.name, "-o", "json"], "");
    assert!(String::from_utf8_lossy(&events.stdout).contains("InsufficientCapacity"));
}

#[test]
fn without_capacity_anywhere_that_is_told_and_what_comes_back_is_used() {
    let (ground, run) = ready("none");
    no_capacity(&ground, "g6e.12xlarge");
    no_capacity(&ground, "g5.12xlarge");
    ground.fleet.offer(40.0);
    run.decides("it is told", 40, |one| {
        let events = one["events"].as_array().unwrap();
        events.iter().any(|event| event["kind"] == "unmet")
    });
    assert_eq!(ground.replicas("h100").0, 2, "on-prem did not wait");
    ground.aws.clear_rules();
    within("what comes back is used", 60, || (ground.replicas("g6e").1 >= 8).then_some(()));
}

#[test]
fn an_instance_that_dies_while_it_boots_is_replaced_and_counts_once() {
    let (ground, run) = ready("dies");
    ground.joining.may_join(false);
    ground.fleet.offer(40.0);
    let instance = within("an instance is there", 30, || {
        let instances = ground.group(0)["instances"].clone();
        Some(instances.as_array()?.first()?["id"].as_str()?.to_owned())
    });
    let asked = ground.asked();
    ground.aws.instances(&json!({"action": "kill", "instance": instance}));
    eventually("it is replaced", || {
        let group = ground.group(0);
        let all = group["instances"].as_array().unwrap();
        let others = all.iter().filter(|one| one["id"] != instance.as_str()).count() as u64;
        (others >= asked[0]).then_some(())
    });
    ground.joining.may_join(true);
    within("its pods serve", 60, || (ground.replicas("g6e").1 >= 8).then_some(()));
    // 40 req/s and the queue need no more than all four.
    assert!(ground.asked().iter().sum::<u64>() <= 4, "{}", run.said());
    assert!(ground.aws.violations().is_empty());
}
