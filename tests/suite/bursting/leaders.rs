//! Two controllers of one environment.

use super::ground::{Ground, within};
use super::told::told;
use crate::support::aws::ACCESS_KEY;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

#[test]
fn a_leader_that_is_killed_is_replaced_in_under_15_seconds_and_its_successor_acts_at_once() {
    let ground = Ground::new("killed");
    let first = ground.controller(&[]);
    ground.led_by(&first, 20);
    let other = ground.copy();
    // An hour from turn to turn: without being woken it does nothing more in this test.
    let second = ground.other_controller_with(&other, &["--interval", "20h"]);
    // It may be the only one before it leads.
    within("its first turn", 20, || (!second.decisions().is_empty()).then_some(()));
    ground.settles(&first, 6.0);
    let killed = Timestamp::now();
    first.signal("KILL");
    ground.fleet.offer(40.0);
    within("the other one acts", 30, || {
        (!ground.writes_by(Ground::OTHER_KEY).is_empty()).then_some(())
    });
    // By the clocks of both: however late a busy machine lets this test look.
    let leads = ground.leads_since(&second);
    let replaced = leads.duration_since(killed);
    assert!(replaced < SignedDuration::from_secs(15), "{replaced:?}");
    let first_turn = within("what it did is on record", 10, || {
        second.decisions().into_iter().find(|one| one["standing"] == "leads")
    });
    let decided: Timestamp = first_turn["at"].as_str().unwrap().parse().unwrap();
    let waited = decided.duration_since(leads);
    assert!(waited < SignedDuration::from_secs(15), "{waited:?}");
    assert!(first_turn["done"].as_array().is_some_and(|done| !done.is_empty()), "{first_turn:#}");

    let own = format!("floodway-{}", ground.name);
    let environment = ground.bed.get(&ground.name, "configmap", &own).unwrap();
    let note = told(&ground, ("LeaderElected", "Normal"), ("ConfigMap", &environment));
    assert!(note.starts_with("this controller leads from now on"), "{note}");
}

#[test]
fn a_leader_that_was_stopped_writes_nothing_when_it_wakes() {
    let ground = Ground::new("woken");
    let first = ground.controller(&[]);
    ground.led_by(&first, 20);
    let other = ground.copy();
    let second = ground.other_controller(&other);
    ground.settles(&first, 6.0);
    first.signal("STOP");
    ground.led_by(&second, 20);
    // Nobody acts on what comes now, so that the one that wakes has something to do.
    second.signal("STOP");
    ground.fleet.offer(40.0);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(ground.writes(), []);
    first.signal("CONT");
    first.decides("it sees that more is needed", 5, |one| {
        one["pools"]["g6e"]["wanted"].as_u64() > one["pools"]["g6e"]["now"].as_u64()
    });
    within("it is told why nothing is written", 3, || {
        first.said().contains(&format!("{} leads", second.process())).then_some(())
    });
    assert_eq!(ground.writes_by(ACCESS_KEY), [serde_json::Value::Null; 0]);
    assert_eq!(ground.replicas("h100").0, 1);
    second.signal("CONT");
    within("the leader acts", 20, || {
        (!ground.writes_by(Ground::OTHER_KEY).is_empty()).then_some(())
    });
    assert_eq!(ground.writes_by(ACCESS_KEY), [serde_json::Value::Null; 0]);
}

#[test]
fn where_a_bucket_shall_tell_who_leads_the_cluster_does_not() {
    let bucket = "acme.leases";
    let ground = Ground::edited("outside", |ground, text| {
        ground.aws.make_bucket(bucket);
        let lock =
            format!("region = \"us-east-1\"\nlock = {{ bucket = \"{bucket}\", leads = true }}");
        text.replace("region = \"us-east-1\"", &lock)
    });
    let first = ground.controller(&[]);
    ground.settles(&first, 6.0);
    let once = ["run", &ground.name, "--time-scale", "20", "--once"];
    let second = ground.command_in(&copy_of(&ground), &once).output().unwrap();
    let leader = format!("{} leads", first.process());
    crate::support::repository::Said::from(second).exits(11).says(&leader);
    assert!(ground.lease().is_none());
    ground.fleet.offer(40.0);
    within("it bursts", 20, || (ground.asked()[0] >= 2).then_some(()));
}

/// Another copy of the repository, with the environment as it is.
fn copy_of(ground: &Ground) -> crate::support::repository::Repository {
    let copy = ground.copy();
    let file = format!("environments/{}.toml", ground.name);
    let text = std::fs::read_to_string(ground.repository.path().join(file)).unwrap();
    copy.write(&ground.name, &text);
    copy
}

#[test]
fn one_that_is_ended_gives_the_lease_back() {
    let ground = Ground::new("ended");
    let first = ground.controller(&[]);
    ground.led_by(&first, 20);
    let other = ground.copy();
    let second = ground.other_controller(&other);
    second.decides("it follows", 20, |_| true);
    let (status, said) = first.end();
    assert!(status.success(), "{said}");
    ground.led_by(&second, 5);
}
