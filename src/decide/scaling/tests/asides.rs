//! Offerings that are left alone, and units that never serve or serve no more.

use super::world::*;
use crate::decide::scaling::*;
use crate::observe::HandHold;
use crate::units::Rate;
use std::time::Duration;

#[test]
fn an_offering_without_capacity_is_left_alone_with_growing_probes_of_one() {
    let mut world = world(&[
        burst("cheap", "{ min = 0, max = 9 }", &[G5], ""),
        burst("dear", "{ min = 0, max = 9 }", &[G6E], ""),
    ]);
    world.group("cheap", "g5.12xlarge/on-demand").limit = 1;
    // It grows by a node each time, so that there is always something to try for.
    let mut probes = Vec::new();
    let began = world.now;
    for step in 0..240 {
        world.load(100.0 + f64::from(step));
        let scaling = world.decide();
        let cheap = &scaling.pools["cheap"].sources[0];
        if step > 0 {
            assert!(cheap.wanted <= 2, "{step}: one at a time");
        }
        if cheap.wanted == 2 && cheap.desired == 1 {
            probes.push(world.now.duration_since(began).as_secs() / 60);
        }
        let all = 100.0 + f64::from(step);
        let after = scaling.stages["inference"].after.as_f64();
        assert!(after >= all, "{step}: the other is raised at once");
        world.apply(&scaling, Duration::from_secs(15));
    }
    let apart: Vec<i64> = probes.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(apart.len() >= 3 && apart.windows(2).all(|pair| pair[1] >= pair[0]), "{probes:?}");
    assert!(apart.last().unwrap() >= &8, "{probes:?}");
    // It has capacity again, and one unit finds that out.
    world.group("cheap", "g5.12xlarge/on-demand").limit = 99;
    let mut recovered = false;
    for step in 240..500 {
        world.load(100.0 + f64::from(step));
        let scaling = world.decide();
        recovered |= kinds(&scaling).contains(&EventKind::Recovered);
        world.apply(&scaling, Duration::from_secs(15));
    }
    assert!(recovered);
}

#[test]
fn each_retry_of_what_was_left_alone_is_told_when_it_begins_and_once() {
    let mut world = world(&[
        burst("cheap", "{ min = 0, max = 9 }", &[G5], ""),
        burst("dear", "{ min = 0, max = 9 }", &[G6E], ""),
    ]);
    world.group("cheap", "g5.12xlarge/on-demand").limit = 1;
    let (mut before, mut tries) = (None, 0);
    for step in 0..240 {
        world.load(100.0 + f64::from(step));
        let scaling = world.decide();
        let source = &scaling.memory.sources["cheap"]["g5.12xlarge/on-demand"];
        let probe = source.aside.as_ref().and_then(|aside| aside.probe);
        let mut told = scaling.events.iter().filter(|event| event.kind == EventKind::Probe);
        if probe.is_some() && probe != before {
            let event = told.next().unwrap_or_else(|| panic!("{step}: {:?}", scaling.events));
            assert_eq!(event.about, name("cheap"));
            assert!(event.text.contains("one of g5.12xlarge/on-demand is tried"), "{event:?}");
            tries += 1;
        }
        assert_eq!(told.next(), None, "{step}");
        before = probe;
        world.apply(&scaling, Duration::from_secs(15));
    }
    assert!(tries >= 3, "{tries}");
}

#[test]
fn an_old_refusal_is_none_of_what_is_asked_now() {
    let mut world = world(&[burst("cheap", "{ min = 0, max = 9 }", &[G5], "")]);
    let before = world.now;
    world.load(0.0);
    world.run(2);
    world.load(80.0);
    let scaling = world.decide();
    world.apply(&scaling, Duration::from_secs(15));
    // Not there yet, and the last refusal is of before.
    world.group("cheap", "g5.12xlarge/on-demand").units.pop();
    world.group("cheap", "g5.12xlarge/on-demand").refused = Some(before);
    let scaling = world.decide();
    assert_eq!(wanted(&scaling, "cheap"), 2);
    assert!(kinds(&scaling).is_empty(), "that it is short was told before");
}

#[test]
fn units_that_never_serve_are_given_up_and_tried_again() {
    let mut world = world(&[
        burst("cheap", "{ min = 0, max = 9 }", &[G5], ""),
        burst("dear", "{ min = 0, max = 9 }", &[G6E], ""),
    ]);
    world.group("cheap", "g5.12xlarge/on-demand").broken = true;
    world.load(80.0);
    // Three times the p95 of five minutes.
    let waits = world.run(60);
    assert_eq!((wanted(&waits, "cheap"), wanted(&waits, "dear")), (2, 0));
    let gives_up = world.run(2);
    assert_eq!((wanted(&gives_up, "cheap"), wanted(&gives_up, "dear")), (0, 2));
    assert!(kinds(&gives_up).contains(&EventKind::GivenUp));
    assert_eq!(gives_up.pools["cheap"].sources[0].shrink, 2);
    assert_eq!(gives_up.pools["cheap"].sources[0].aside, Some(AsideCause::NeverReady));
    // It is tried when more is needed, and works now.
    world.apply(&gives_up, Duration::from_secs(120));
    world.group("cheap", "g5.12xlarge/on-demand").broken = false;
    world.load(160.0);
    let tried = world.decide();
    assert_eq!((wanted(&tried, "cheap"), wanted(&tried, "dear")), (1, 3));
    let later = world.run(20);
    assert_eq!(later.pools["cheap"].sources[0].aside, None);
}

#[test]
fn units_whose_nodes_do_not_answer_are_made_up_for_and_not_ended() {
    let mut world = world(&[burst("cheap", "{ min = 0, max = 9 }", &[G5], "")]);
    world.load(70.0);
    world.run(40);
    let before = world.asked("cheap");
    world.group("cheap", "g5.12xlarge/on-demand").away = before;
    let soon = world.run(2);
    assert_eq!(wanted(&soon, "cheap"), before, "nodes come back as a rule");
    let later = world.run(20);
    assert!(wanted(&later, "cheap") >= 2 * before, "{:?}", later.pools["cheap"]);
    for _ in 0..240 {
        let scaling = world.run(1);
        let source = &scaling.pools["cheap"].sources[0];
        assert!(source.wanted >= before && source.aside.is_none(), "{source:?}");
    }
    // What is back is more than is needed, and goes one by one.
    world.group("cheap", "g5.12xlarge/on-demand").away = 0;
    world.run(400);
    assert_eq!(world.asked("cheap"), before);
}

#[test]
fn a_unit_that_has_joined_is_waited_for_anew_and_only_once() {
    let mut world = world(&[burst("cheap", "{ min = 0, max = 9 }", &[G5], "")]);
    world.group("cheap", "g5.12xlarge/on-demand").broken = true;
    world.load(80.0);
    // Three times the p95 of five minutes, and most of that is over.
    world.run(56);
    world.group("cheap", "g5.12xlarge/on-demand").joined = 2;
    let joined = world.run(58);
    assert_eq!(joined.pools["cheap"].sources[0].aside, None);
    // A node that comes and goes has not come further.
    world.group("cheap", "g5.12xlarge/on-demand").joined = 0;
    world.run(1);
    world.group("cheap", "g5.12xlarge/on-demand").joined = 2;
    let given_up = world.run(4);
    assert_eq!(given_up.pools["cheap"].sources[0].aside, Some(AsideCause::NeverReady));
}

#[test]
fn replicas_whose_nodes_are_away_are_carried_elsewhere_and_keep_their_number() {
    let mut world = world(&[
        onprem("own", "{ min = 1, max = 4 }"),
        burst("cheap", "{ min = 0, max = 9 }", &[G5], ""),
    ]);
    world.has("own", "replicas", 4);
    world.load(40.0);
    assert_eq!(wanted(&world.decide(), "cheap"), 0);
    world.group("own", "replicas").broken = true;
    world.group("own", "replicas").units.clear();
    let given_up = world.run(70);
    assert_eq!(given_up.pools["own"].sources[0].aside, Some(AsideCause::NeverReady));
    assert_eq!((wanted(&given_up, "own"), wanted(&given_up, "cheap")), (4, 1));
    assert_eq!(given_up.pools["own"].sources[0].shrink, 0);
}

#[test]
fn units_that_serve_in_part_are_neither_waited_for_nor_given_up() {
    let mut world = world(&[burst("cheap", "{ min = 0, max = 9 }", &[G5], "")]);
    world.load(150.0);
    world.run(40);
    let before = world.asked("cheap");
    assert!(before >= 3);
    world.group("cheap", "g5.12xlarge/on-demand").partly = 1;
    for _ in 0..240 {
        let scaling = world.run(1);
        let source = &scaling.pools["cheap"].sources[0];
        assert!(source.aside.is_none() && source.shrink == 0, "{source:?}");
    }
    // What is too much still goes.
    world.load(10.0);
    world.run(240);
    assert!(world.asked("cheap") < before);
}

#[test]
fn time_in_which_nobody_looked_gives_no_unit_up() {
    let mut world = world(&[
        burst("cheap", "{ min = 0, max = 9 }", &[G5], ""),
        burst("dear", "{ min = 0, max = 9 }", &[G6E], ""),
    ]);
    world.group("cheap", "g5.12xlarge/on-demand").broken = true;
    world.load(80.0);
    world.run(20);
    // The clock was set, or the machine stood still.
    world.now = world.now.saturating_add(Duration::from_secs(3 * 3600)).unwrap();
    let scaling = world.decide();
    assert_eq!((wanted(&scaling, "cheap"), wanted(&scaling, "dear")), (2, 0));
    assert!(!kinds(&scaling).contains(&EventKind::GivenUp));
    // Of the fifteen minutes some are over, and the rest passes as ever.
    assert!(kinds(&world.run(15)).is_empty());
    let mut told = Vec::new();
    for _ in 0..30 {
        told.extend(kinds(&world.run(1)));
    }
    assert!(told.contains(&EventKind::GivenUp), "{told:?}");
}

#[test]
fn a_replica_on_prem_that_never_serves_keeps_no_other_from_being_asked_for() {
    let mut world = world(&[
        onprem("own", "{ min = 1, max = 9 }"),
        burst("cheap", "{ min = 0, max = 9 }", &[G5], ""),
    ]);
    world.load(40.0);
    world.run(40);
    let before = world.asked("own");
    world.group("own", "replicas").stuck = 1;
    let mut told = Vec::new();
    for _ in 0..120 {
        told.extend(kinds(&world.run(1)));
    }
    // Another stands in for it, and it stays asked for.
    assert_eq!((world.asked("own"), world.asked("cheap")), (before + 1, 0));
    assert_eq!(told.iter().filter(|kind| **kind == EventKind::GivenUp).count(), 1);
    world.load(60.0);
    world.run(60);
    assert!(world.asked("own") > before + 1);
    assert_eq!(world.asked("cheap"), 0);
    world.group("own", "replicas").stuck = 0;
    let served = world.run(1);
    assert!(kinds(&served).contains(&EventKind::Recovered));
}

#[test]
fn what_an_autoscaler_can_still_add_counts_until_it_is_stuck() {
    let hpa = onprem("own", "{ min = 1, max = 6 }") + "hpa = { cpu = \"70%\" }\n";
    let mut world = world(&[hpa, burst("cheap", "{ min = 0, max = 9 }", &[G5], "")]);
    world.has("own", "replicas", 2);
    world.load(60.0);
    let scaling = world.decide();
    assert_eq!((wanted(&scaling, "own"), wanted(&scaling, "cheap")), (2, 0));
    // Its pods find no node.
    let now = world.now;
    let own = world.group("own", "replicas");
    (own.desired, own.refused) = (6, Some(now));
    let scaling = world.decide();
    assert_eq!((wanted(&scaling, "own"), wanted(&scaling, "cheap")), (6, 1));
    assert_eq!(scaling.pools["own"].sources[0].set, 6);
    // One node more, and it gets on again.
    world.has("own", "replicas", 6);
    world.run(8);
    let scaling = world.decide();
    assert_eq!(scaling.pools["own"].sources[0].aside, None);
}

/// A load of 160 req/s on a replica of 10, with a burst pool of two types and at most
/// four instances; nothing is scaled in, for an operator has said so.
fn held() -> World {
    let mut world = world(&[
        onprem("own", "{ min = 1, max = 1 }"),
        burst("b", "{ min = 0, max = 4 }", &[G5, G6E], ""),
    ]);
    world.has("own", "replicas", 1);
    let hold = HandHold { scale_in: true, reason: "r".to_owned(), ..HandHold::default() };
    world.hands.holds.push(hold);
    world.load(160.0);
    world
}

#[test]
fn what_never_launched_is_taken_back_in_spite_of_a_hold_so_that_no_pool_doubles() {
    let mut world = held();
    world.group("b", "g5.12xlarge/on-demand").limit = 0;
    for step in 0..240 {
        if step == 60 {
            // There is capacity again.
            world.group("b", "g5.12xlarge/on-demand").limit = u32::MAX;
        }
        world.run(1);
        assert!(world.asked("b") <= 4, "{} at {step}", world.asked("b"));
    }
    assert_eq!(world.group("b", "g6e.12xlarge/on-demand").desired, 4);
}

#[test]
fn what_never_serves_and_may_not_go_leaves_the_others_the_rest_of_the_bounds() {
    let mut world = held();
    world.group("b", "g5.12xlarge/on-demand").never_serve(3);
    let scaling = world.run(240);
    assert_eq!(scaling.pools["b"].sources[0].aside, Some(AsideCause::NeverReady));
    assert_eq!(wanted(&scaling, "b"), 4, "three that may not go, and one in their place");
    assert_eq!(scaling.pools["b"].serving, 1);
    assert!(scaling.stages["inference"].unmet > Rate::default());
}

#[test]
fn the_pods_of_a_node_that_does_not_answer_for_a_while_are_kept() {
    let mut world = world(&[burst("b", "{ min = 0, max = 4 }", &[G5], "")]);
    world.has("b", "g5.12xlarge/on-demand", 4);
    world.load(150.0);
    let pods = |scaling: &Scaling| scaling.pools["b"].pods;
    assert_eq!(pods(&world.run(4)), Some(16));
    world.group("b", "g5.12xlarge/on-demand").away = 1;
    assert_eq!(pods(&world.run(4)), Some(16));
}
