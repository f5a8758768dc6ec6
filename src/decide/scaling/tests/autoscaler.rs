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
