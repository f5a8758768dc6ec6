//! Pools whose number an autoscaler owns.

use super::world::*;
use crate::decide::scaling::*;

/// Three of twenty own replicas, of which an autoscaler has the number, and burst.
fn scaled_by_another() -> World {
    let own = onprem("own", "{ min = 1, max = 20 }") + "hpa = { cpu = \"70%\" }\n";
    let mut world = world(&[own, burst("cheap", "{ min = 0, max = 9 }", &[G5], "")]);
    world.has("own", "replicas", 3);
    world
}

#[test]
fn an_autoscaler_that_asks_for_nothing_is_waited_for_as_long_as_a_launch_takes() {
    let mut world = scaled_by_another();
    world.load(100.0);
    world.stage().waiting = Some(600.0);
    let waits = world.run(20);
    assert_eq!((wanted(&waits, "cheap"), out(&waits)), (0, vec![]));
    // 100 and what waits, without the 30 that serve.
    let bursts = world.run(2);
    assert_eq!((wanted(&bursts, "own"), wanted(&bursts, "cheap")), (3, 2));
    assert_eq!(out(&bursts), [HoldCause::Autoscaler]);
    assert_eq!(
        bursts.pools["own"].holds[0].why.text,
        "the autoscaler of own does not raise it: 3 of 20 since 12:00:00, with 102 req/s needed"
    );
    // What comes is carried, and still nobody can say that it acts.
    world.stage().waiting = None;
    world.run(60);
    world.load(160.0);
    assert_eq!(wanted(&world.run(1), "cheap"), 4);
}

#[test]
fn an_autoscaler_that_acts_is_counted_on_again() {
    let mut world = scaled_by_another();
    world.load(100.0);
    assert_eq!(wanted(&world.run(22), "cheap"), 2);
    world.has("own", "replicas", 4);
    world.load(200.0);
    let acts = world.run(20);
    assert_eq!((wanted(&acts, "cheap"), out(&acts)), (2, vec![]));
}

#[test]
fn an_autoscaler_that_lowers_its_number_with_the_load_acts() {
    let mut world = scaled_by_another();
    world.load(100.0);
    assert_eq!(wanted(&world.run(22), "cheap"), 2);
    world.load(40.0);
    world.run(1);
    world.has("own", "replicas", 2);
    world.run(1);
    world.load(200.0);
    assert_eq!(wanted(&world.run(10), "cheap"), 2);
}

#[test]
fn what_an_autoscaler_might_add_replaces_nothing_that_serves() {
    let mut world = scaled_by_another();
    world.has("cheap", "g5.12xlarge/on-demand", 5);
    world.load(200.0);
    world.run(140);
    assert_eq!(world.asked("cheap"), 5);
    // It has taken over.
    world.has("own", "replicas", 12);
    let mut least = 5;
    for _ in 0..80 {
        least = least.min(wanted(&world.run(1), "cheap"));
    }
    assert_eq!(least, 3, "120 of its own, and 5% more than 200 stay");
}

const BROKEN: &str = "ScalingActive is False (FailedGetExternalMetric): no metrics";

#[test]
fn an_autoscaler_that_says_that_it_cannot_act_is_told_at_once_and_not_waited_for() {
    let mut world = scaled_by_another();
    world.load(20.0);
    world.run(4);
    world.hindrances.insert(name("own"), Hindrance::Cannot(BROKEN.to_owned()));
    let calm = world.run(1);
    assert_eq!((wanted(&calm, "cheap"), out(&calm)), (0, vec![HoldCause::Autoscaler]));
    let why = &calm.pools["own"].holds[0].why.text;
    assert_eq!(*why, format!("the autoscaler of own cannot act: {BROKEN}"));
    assert_eq!(kinds(&calm), [EventKind::AutoscalerStuck]);
    assert!(calm.events[0].kind.is_warning() && calm.events[0].text.contains(BROKEN));
    assert!(kinds(&world.run(1)).is_empty(), "it is told once");
    world.load(100.0);
    // 100 without the 30 that serve.
    assert_eq!(wanted(&world.decide(), "cheap"), 2, "by the same decision");
}

#[test]
fn that_it_can_act_again_is_told_when_it_has_for_a_minute() {
    let mut world = scaled_by_another();
    world.load(20.0);
    let mut told = Vec::new();
    // It goes to and fro before it is mended.
    for broken in [true, false, true, false, false, false, false, false, false] {
        world.hindrances.clear();
        if broken {
            world.hindrances.insert(name("own"), Hindrance::Cannot(BROKEN.to_owned()));
        }
        world.now = world.now.saturating_add(std::time::Duration::from_secs(15)).unwrap();
        told.extend(kinds(&world.decide()));
    }
    assert_eq!(told, [EventKind::AutoscalerStuck, EventKind::AutoscalerActs]);
    world.load(100.0);
    let scaling = world.decide();
    assert_eq!((wanted(&scaling, "cheap"), out(&scaling)), (0, vec![]), "it is counted on");
}

#[test]
fn an_autoscaler_at_a_max_of_its_own_adds_nothing_and_says_so_where_more_is_needed() {
    let mut world = scaled_by_another();
    world.hindrances.insert(name("own"), Hindrance::AtMax("TooManyReplicas".to_owned()));
    world.load(20.0);
    let calm = world.run(1);
    assert_eq!((kinds(&calm), out(&calm)), (vec![], vec![]), "that is no trouble by itself");
    world.load(100.0);
    let bursts = world.decide();
    assert_eq!((wanted(&bursts, "cheap"), out(&bursts)), (2, vec![HoldCause::Autoscaler]));
    let why = &bursts.pools["own"].holds[0].why.text;
    assert_eq!(why, "the autoscaler of own is at its own max, 3 of 20: TooManyReplicas");
}

#[test]
fn what_an_autoscaler_says_that_cannot_be_seen_now_is_not_believed() {
    let mut world = scaled_by_another();
    world.load(20.0);
    world.run(2);
    world.hindrances.insert(name("own"), Hindrance::Cannot(BROKEN.to_owned()));
    world.unseen.push(name("own"));
    let scaling = world.decide();
    assert!(!out(&scaling).contains(&HoldCause::Autoscaler), "{:?}", scaling.pools["own"].holds);
}
