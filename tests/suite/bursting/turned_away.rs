//! Places that are there, and turn a controller away.

use super::cut_off::{ALONE, token};
use super::ground::{Ground, within};
use crate::support::aws::ACCESS_KEY;
use serde_json::{Value, json};
use std::time::Duration;

#[test]
fn a_leader_whose_token_is_revoked_adds_nothing_for_another_may_lead() {
    let ground = Ground::with("revoked", ALONE);
    let mut repository = ground.copy_with(ALONE);
    let kubeconfig = ground.bed.kubeconfig_for(ground.bed.server(), &token(&ground));
    repository.use_kubeconfig(&kubeconfig);
    let first = ground.controller_in(&repository, &[]);
    ground.led_by(&first, 20);
    ground.settles(&first, 14.0);
    // The API server answers all others.
    ground.bed.kubectl(&["delete", "serviceaccount", "run", "-n", &ground.name], "");
    first.decides("it may not be the leader", 40, |one| one["standing"] == "waits");
    assert!(first.said().contains("(401)"), "{}", first.said());
    ground.aws.forget_calls();
    ground.fleet.offer(60.0);
    let more = |one: &Value| {
        let pool = &one["pools"]["alone"];
        pool["wanted"].as_u64() > pool["now"].as_u64()
    };
    first.decides("it sees that more is needed", 40, more);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(ground.writes_by(ACCESS_KEY), [Value::Null; 0]);
    let other = ground.copy_with(ALONE);
    let second = ground.other_controller(&other);
    ground.led_by(&second, 20);
    within("the leader acts", 30, || {
        (!ground.writes_by(Ground::OTHER_KEY).is_empty()).then_some(())
    });
    assert_eq!(ground.writes_by(ACCESS_KEY), [Value::Null; 0]);
}

#[test]
fn a_number_that_aws_refuses_is_asked_of_the_next_group() {
    let ground = Ground::new("refused");
    let run = ground.controller(&[]);
    ground.settles(&run, 6.0);
    ground.aws.rule(&json!({"kind": "error", "action": "SetDesiredCapacity",
        "resource": ground.group_name(0), "status": 403, "code": "AccessDenied",
        "message": "no"}));
    ground.fleet.offer(40.0);
    within("the second is asked for", 20, || (ground.asked()[1] >= 2).then_some(()));
    assert_eq!(ground.asked()[0], 0);
    within("it is told", 20, || {
        run.said().contains("g6e.12xlarge/on-demand is refused").then_some(())
    });
    within("its pods serve", 60, || (ground.replicas("g6e").1 >= 8).then_some(()));
    let of_the_first = |(action, with): &(String, Value)| {
        action == "SetDesiredCapacity"
            && with["AutoScalingGroupName"] == ground.group_name(0).as_str()
    };
    let tried = ground.writes().into_iter().filter(of_the_first).count();
    assert!(tried <= 8, "{tried} times");
}

#[test]
fn a_max_that_is_not_applied_yet_is_asked_for_of_no_group() {
    let ground = Ground::new("unapplied");
    let run = ground.controller(&[]);
    ground.settles(&run, 6.0);
    let text = ground.environment();
    ground.repository.write(&ground.name, &text.replace("max = 4", "max = 8"));
    within("it is read again", 20, || {
        run.said().contains("has changed, and counts now").then_some(())
    });
    ground.fleet.offer(110.0);
    within("the next group has the rest", 60, || {
        let [first, second] = ground.asked();
        (first == 4 && second >= 1).then_some(())
    });
    let numbers = ground.writes().into_iter().filter(|(name, _)| name == "SetDesiredCapacity");
    let numbers: Vec<u64> =
        numbers.map(|(_, with)| with["DesiredCapacity"].as_u64().unwrap()).collect();
    assert!(numbers.iter().all(|number| *number <= 4), "{numbers:?}\n{}", run.said());
}

#[test]
fn launches_whose_failures_cannot_be_read_are_told_as_unknown_and_given_up_in_time() {
    let ground = Ground::new("unexplained");
    let run = ground.controller(&[]);
    ground.settles(&run, 6.0);
    ground.aws.rule(&json!({"kind": "capacity", "instance_type": "g6e.12xlarge",
        "instances": 0}));
    ground.aws.rule(&json!({"kind": "error", "action": "DescribeScalingActivities",
        "status": 403, "code": "AccessDenied", "message": "no"}));
    ground.fleet.offer(40.0);
    within("the first is asked for", 20, || (ground.asked()[0] >= 1).then_some(()));
    for signal in ["aws/g6e/failed_launches", "aws/g6e/capacity_failures"] {
        let told = within("it is told", 20, || {
            let said = ground.run("signals", &["--json"]);
            let told: Value = serde_json::from_str(&said.out).ok()?;
            let all = told["signals"].as_array()?;
            let one = all.iter().find(|one| one["signal"] == signal)?;
            (one["verdict"] == "unreachable").then(|| one.clone())
        });
        assert!(told.get("value").is_none(), "{told:#}");
        let why = told["why"].as_str().unwrap();
        assert!(why.contains("autoscaling:DescribeScalingActivities"), "{told:#}");
    }
    within("the second is asked for", 90, || (ground.asked()[1] >= 1).then_some(()));
    drop(run);
}
