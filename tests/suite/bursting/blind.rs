//! What measures the load is away, old or wrong: nothing is scaled in, and it is
//! told why.

use super::controller::Controller;
use super::fleet::Tells;
use super::ground::{Ground, demand, within};
use std::time::{Duration, Instant};

/// Longer than the stabilization and all pauses.
const LONG: Duration = Duration::from_secs(20);

fn burst(prefix: &str) -> (Ground, Controller) {
    let ground = Ground::new(prefix);
    let run = ground.controller(&[]);
    ground.settles(&run, 6.0);
    ground.bursts(&run);
    // What was needed not long ago keeps all as it is, for a while yet.
    ground.fleet.offer(0.5);
    run.decides("the load has fallen", 20, |one| {
        let stage = &one["stages"]["inference"];
        stage["doubt"].is_null() && demand(stage).is_some_and(|demand| demand < 3.0)
    });
    (ground, run)
}

/// Nothing goes in for a long while from now on, by this doubt.
#[track_caller]
fn stays(ground: &Ground, run: &Controller, doubt: &str) {
    let told = |one: &serde_json::Value| {
        one["stages"]["inference"]["doubt"].as_str().is_some_and(|said| said.contains(doubt))
    };
    run.decides("the doubt is told", 20, told);
    // A drain that was begun before goes on to its end.
    std::thread::sleep(Duration::from_secs(4));
    ground.aws.forget_calls();
    let (asked, onprem) = (ground.asked(), ground.replicas("h100").0);
    let until = Instant::now() + LONG;
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(500));
        assert!(ground.asked().iter().sum::<u64>() >= asked.iter().sum(), "{}", run.said());
        assert!(ground.replicas("h100").0 >= onprem, "{}", run.said());
    }
    let last = run.decides("it is still told", 5, told);
    let held = last["stages"]["inference"]["holds"].as_array().unwrap();
    assert!(held.iter().any(|hold| hold["cause"] == "data"), "{last:#}");
    let ended = "TerminateInstanceInAutoScalingGroup";
    assert!(ground.writes().iter().all(|(action, _)| action != ended), "{}", run.said());
    ground.run("why", &[]).exits(0).says(doubt);
}

#[test]
fn without_prometheus_nothing_is_scaled_in() {
    let (ground, run) = burst("down");
    ground.prometheus.kill();
    stays(&ground, &run, "the load cannot be asked for");
}

#[test]
fn by_what_is_old_nothing_is_scaled_in() {
    let (ground, run) = burst("old");
    ground.fleet.state().tells = Tells::Nothing;
    stays(&ground, &run, "the load is ");
}

#[test]
fn by_what_is_no_number_nothing_is_scaled_in_until_it_is_one_again() {
    let (ground, run) = burst("nan");
    ground.fleet.state().tells = Tells::NotANumber;
    stays(&ground, &run, "the load");
    ground.fleet.state().tells = Tells::Truth;
    within("it is scaled in", 60, || (ground.asked().iter().sum::<u64>() == 0).then_some(()));
}
