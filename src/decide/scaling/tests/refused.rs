//! Groups that take no larger number, whether they say so before or not.

use super::world::*;
use crate::decide::scaling::*;
use std::time::Duration;

const CHEAP: &str = "g5.12xlarge/on-demand";

/// A cheap pool and a dear one.
fn two(dear: &str) -> World {
    world(&[
        burst("cheap", "{ min = 0, max = 20 }", &[G5], ""),
        burst("dear", &format!("{{ min = 0, max = {dear} }}"), &[G6E], ""),
    ])
}

#[test]
fn a_group_is_asked_for_no_more_than_its_live_max_and_the_rest_comes_from_another() {
    let mut world = two("1");
    world.group("cheap", CHEAP).max = Some(2);
    world.load(120.0);
    let scaling = world.decide();
    assert_eq!((wanted(&scaling, "cheap"), wanted(&scaling, "dear")), (2, 1));
    assert!(out(&scaling).is_empty(), "{scaling:?}");
    // More than both have, and it is told what would help.
    world.load(200.0);
    let scaling = world.decide();
    assert_eq!((wanted(&scaling, "cheap"), wanted(&scaling, "dear")), (2, 1));
    let holds = &scaling.pools["cheap"].holds;
    assert_eq!(holds.iter().map(|hold| hold.cause).collect::<Vec<_>>(), [HoldCause::Max]);
    assert_eq!(
        holds[0].why.text,
        "the live max of g5.12xlarge/on-demand is 2, and the file's 20: `floodway apply` raises it"
    );
    // It was applied.
    world.group("cheap", CHEAP).max = Some(20);
    let scaling = world.decide();
    assert_eq!((wanted(&scaling, "cheap"), wanted(&scaling, "dear")), (5, 0));
}

#[test]
fn what_runs_over_a_live_max_stays_and_what_drains_comes_back_within_it() {
    let mut world = two("9");
    world.has("cheap", CHEAP, 4);
    world.group("cheap", CHEAP).max = Some(3);
    world.load(160.0);
    let scaling = world.decide();
    assert_eq!((wanted(&scaling, "cheap"), wanted(&scaling, "dear")), (4, 0));
    world.group("cheap", CHEAP).draining = 2;
    let scaling = world.decide();
    let source = &scaling.pools["cheap"].sources[0];
    assert_eq!((source.desired, source.wanted, wanted(&scaling, "dear")), (4, 4, 0));
}

#[test]
fn one_that_is_cut_off_asks_for_no_number_over_a_live_max() {
    let mut world = two("9");
    world.mode = Mode::LeaseUnreachable;
    world.has("cheap", CHEAP, 4);
    let group = world.group("cheap", CHEAP);
    (group.max, group.draining) = (Some(5), 2);
    world.load(900.0);
    let scaling = world.decide();
    let source = &scaling.pools["cheap"].sources[0];
    // Those that drain are not told to stay.
    assert_eq!((source.desired, source.set), (4, 5));
}

#[test]
fn a_number_that_is_refused_is_asked_of_others_and_one_is_tried_after_a_while() {
    let mut world = two("9");
    world.group("cheap", CHEAP).takes = 1;
    world.load(100.0);
    let first = world.decide();
    assert_eq!((wanted(&first, "cheap"), wanted(&first, "dear")), (3, 0));
    world.apply(&first, Duration::from_secs(15));
    let next = world.decide();
    assert_eq!((wanted(&next, "cheap"), wanted(&next, "dear")), (0, 3));
    assert_eq!(next.pools["cheap"].sources[0].aside, Some(AsideCause::Refused));
    let told = next.events.iter().find(|event| event.kind == EventKind::SetAside).unwrap();
    let text = "g5.12xlarge/on-demand is refused, tried again in 1m: it takes no more";
    assert_eq!((told.about.clone(), told.text.as_str()), (name("cheap"), text));
    // A minute later more is needed, and one is tried, which is taken.
    world.apply(&next, Duration::from_secs(61));
    world.load(150.0);
    let tried = world.decide();
    assert_eq!((wanted(&tried, "cheap"), wanted(&tried, "dear")), (1, 3));
    assert!(kinds(&tried).contains(&EventKind::Probe));
    world.apply(&tried, Duration::from_secs(15));
    let again = world.decide();
    assert!(kinds(&again).contains(&EventKind::Recovered));
    assert_eq!(again.pools["cheap"].sources[0].aside, None);
    assert_eq!((wanted(&again, "cheap"), wanted(&again, "dear")), (1, 3));
}

#[test]
fn what_is_refused_again_and_again_is_tried_less_often_and_keeps_no_other_waiting() {
    let mut world = two("999");
    world.group("cheap", CHEAP).takes = 0;
    let mut probes = Vec::new();
    for step in 0..160 {
        let load = 100.0 + 40.0 * f64::from(step);
        world.load(load);
        let scaling = world.decide();
        let tried = kinds(&scaling).contains(&EventKind::Probe);
        probes.extend(tried.then_some(step));
        assert_eq!(wanted(&scaling, "cheap") == 1, tried, "{step}");
        assert!(scaling.stages["inference"].after.as_f64() >= load, "{step}");
        world.apply(&scaling, Duration::from_secs(15));
    }
    // After one minute, two, four, and then every five; a quarter of one is the turn in
    // which it is known.
    let apart: Vec<i32> = probes.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(apart[..3], [9, 17, 21], "{probes:?}");
    assert!(apart[3..].len() > 2 && apart[3..].iter().all(|apart| *apart == 21), "{probes:?}");
}

#[test]
fn what_is_noted_holds_nothing_that_the_version_before_cannot_understand() {
    let mut world = two("9");
    world.group("cheap", CHEAP).takes = 0;
    world.group("dear", "g6e.12xlarge/on-demand").limit = 0;
    world.load(100.0);
    world.run(4);
    let cause = |memory: &Memory, pool: &str, key: &str| {
        memory.sources[pool][key].aside.as_ref().map(|aside| aside.cause)
    };
    let noted = world.memory.clone().noted();
    assert_eq!(cause(&world.memory, "cheap", CHEAP), Some(AsideCause::Refused));
    assert_eq!(cause(&noted, "cheap", CHEAP), None);
    // The rest is noted as it is.
    let dear = cause(&noted, "dear", "g6e.12xlarge/on-demand");
    assert_eq!(dear, Some(AsideCause::NoCapacity));
    // Whoever goes on with it asks once, and is refused once.
    world.memory = noted;
    world.run(2);
    assert_eq!(cause(&world.memory, "cheap", CHEAP), Some(AsideCause::Refused));
}

#[test]
fn what_was_asked_for_before_a_refusal_is_waited_for_and_given_up_if_it_never_serves() {
    let mut world = two("9");
    world.group("cheap", CHEAP).broken = true;
    world.group("cheap", CHEAP).takes = 2;
    world.load(80.0);
    world.run(1);
    assert_eq!(world.asked("cheap"), 2);
    world.load(120.0);
    let refused = world.run(2);
    assert_eq!(refused.pools["cheap"].sources[0].aside, Some(AsideCause::Refused));
    // Both that were taken are on their way, and count.
    assert_eq!((wanted(&refused, "cheap"), wanted(&refused, "dear")), (2, 1));
    let given_up = world.run(70);
    assert_eq!(given_up.pools["cheap"].sources[0].aside, Some(AsideCause::NeverReady));
    assert!(wanted(&given_up, "dear") >= 3);
}

#[test]
fn replicas_that_are_refused_are_made_up_for_by_burst_and_go_when_none_needs_them() {
    let mut world = world(&[
        onprem("own", "{ min = 1, max = 4 }"),
        burst("cheap", "{ min = 0, max = 9 }", &[G5], ""),
    ]);
    world.has("own", "replicas", 2);
    world.group("own", "replicas").takes = 2;
    world.load(40.0);
    let first = world.decide();
    assert_eq!((wanted(&first, "own"), wanted(&first, "cheap")), (4, 0));
    world.apply(&first, Duration::from_secs(15));
    let next = world.decide();
    assert_eq!((wanted(&next, "own"), wanted(&next, "cheap")), (2, 1));
    world.load(0.0);
    world.run(400);
    assert_eq!((world.asked("own"), world.asked("cheap")), (1, 0));
}
