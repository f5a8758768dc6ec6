//! When capacity is released, and what keeps it.

use super::world::*;
use crate::decide::scaling::*;
use crate::signal::Verdict;
use crate::units::Span;
use std::time::Duration;

fn held(scaling: &Scaling) -> Vec<HoldCause> {
    causes(scaling, Direction::ScaleIn)
}

/// Four own replicas, two cheap nodes and two dear ones serve 200 req/s, and have
/// done so for longer than the window.
fn busy() -> World {
    busy_with("{ min = 0, max = 9 }")
}

/// The same, with so many dear ones at least and at most.
fn busy_with(dear: &str) -> World {
    let mut world = world(&[
        onprem("own", "{ min = 1, max = 4 }"),
        burst("cheap", "{ min = 0, max = 9 }", &[G5], ""),
        burst("dear", dear, &[G6E], ""),
    ]);
    world.has("own", "replicas", 4);
    world.has("cheap", "g5.12xlarge/on-demand", 2);
    world.has("dear", "g6e.12xlarge/on-demand", 2);
    world.load(200.0);
    let settled = world.run(64);
    assert_eq!(numbers(&settled), [4, 2, 2]);
    assert_eq!(held(&settled), []);
    world
}

fn numbers(scaling: &Scaling) -> [u32; 3] {
    ["own", "cheap", "dear"].map(|pool| wanted(scaling, pool))
}

#[test]
fn the_dearest_goes_first_one_at_a_time_after_the_window() {
    let mut world = busy();
    world.load(20.0);
    let waits = world.run(60);
    assert_eq!((numbers(&waits), held(&waits)), ([4, 2, 2], vec![HoldCause::Stabilization]));
    let until = waits.stages["inference"].holds[0].until.unwrap();
    assert!(until > waits.at && until < waits.at + Duration::from_secs(60));
    let mut seen = vec![[4, 2, 2]];
    for _ in 0..60 {
        let now = numbers(&world.run(1));
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    let in_order = [[4, 2, 2], [4, 2, 1], [4, 2, 0], [4, 1, 0], [4, 0, 0], [3, 0, 0]];
    assert_eq!(seen, in_order, "burst before on-prem, the dearest first; 5% more than 20 stay");
}

#[test]
fn a_step_may_be_wider_and_its_pause_is_kept() {
    let mut world = busy();
    world.environment.burst.scale_in.step = 2;
    world.load(20.0);
    let mut changes = Vec::new();
    let mut last = [4, 2, 2];
    for step in 0..90 {
        let now = numbers(&world.run(1));
        if now != last {
            changes.push((step, now));
        }
        last = now;
    }
    assert_eq!(changes[0].1, [4, 2, 0]);
    assert!(changes.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 4), "{changes:?}");
}

#[test]
fn a_drain_that_does_not_end_is_given_up_and_its_pool_kept_for_as_long() {
    let mut world = busy();
    world.drain = Duration::from_secs(3600);
    world.load(20.0);
    let drains = world.run(63);
    assert_eq!((numbers(&drains), drains.pools["dear"].sources[0].stays), ([4, 2, 1], false));
    world.stuck.insert(name("dear"), "PodDisruptionBudget a/b keeps 2 pods".to_owned());
    let stays = world.decide();
    assert!(stays.pools["dear"].sources[0].stays, "what drains comes back");
    assert_eq!(kinds(&stays), [EventKind::DrainGivenUp]);
    let until = stays.at + world.environment.burst.scale_in.drain.duration();
    let kept = |scaling: &Scaling| {
        let holds = scaling.pools["dear"].holds.iter();
        let of_drain = holds.filter(|hold| hold.cause == HoldCause::Drain);
        of_drain.map(|hold| (hold.until, hold.why.text.clone())).next()
    };
    let (held_until, why) = kept(&stays).unwrap();
    assert_eq!(held_until, Some(until));
    assert!(why.contains("PodDisruptionBudget a/b keeps 2 pods"), "{why}");
    // It has come back, and others go in no time.
    world.stuck.clear();
    world.drain = Duration::ZERO;
    world.group("dear", "g6e.12xlarge/on-demand").stay();
    // Others go meanwhile, and it is tried again when the time is over.
    let mut before = numbers(&stays);
    while world.now < until {
        let now = world.run(1);
        assert!(now.at >= until || numbers(&now)[2] == 2, "{now:?}");
        before = numbers(&now);
    }
    assert!(before[1] < 2, "{before:?}");
    let after = world.run(20);
    assert!(numbers(&after)[2] < 2, "{after:#?}");
}

#[test]
fn nothing_goes_by_data_that_is_not_good() {
    let limit = Span::from_secs(60);
    let verdicts = [
        Verdict::Stale { age: Span::from_secs(99), limit },
        Verdict::Missing,
        Verdict::Wrong("negative".into()),
        Verdict::Settling("it has just begun".into()),
        Verdict::Unreachable("refused".into()),
    ];
    for verdict in verdicts {
        for now in [None, Some(0.0)] {
            let mut world = busy();
            *world.stage() = StageDemand { now, verdict: verdict.clone(), ..StageDemand::of(0.0) };
            let later = world.run(100);
            assert_eq!(numbers(&later), [4, 2, 2], "{verdict:?}");
            assert!(held(&later).contains(&HoldCause::Data));
        }
    }
    let mut world = busy();
    world.demand.clear();
    assert_eq!(numbers(&world.run(100)), [4, 2, 2]);
    world.load(f64::NAN);
    assert_eq!(numbers(&world.run(100)), [4, 2, 2]);
}

#[test]
fn a_gap_is_watched_over_anew() {
    let mut world = busy();
    world.load(20.0);
    world.run(50);
    world.stage().verdict = Verdict::Missing;
    world.run(20);
    world.stage().verdict = Verdict::Good;
    let after = world.run(30);
    assert_eq!((numbers(&after), held(&after)), ([4, 2, 2], vec![HoldCause::Stabilization]));
    assert_ne!(numbers(&world.run(40)), [4, 2, 2]);
}

#[test]
fn a_controller_that_has_just_begun_watches_for_a_window_first() {
    let mut world = busy();
    world.memory = Memory::default();
    world.load(20.0);
    let waits = world.run(59);
    assert_eq!((numbers(&waits), held(&waits)), ([4, 2, 2], vec![HoldCause::Stabilization]));
    assert_eq!(numbers(&world.run(2)), [4, 2, 1]);
}

#[test]
fn nothing_goes_while_a_pool_of_the_stage_cannot_be_seen() {
    for pool in ["own", "cheap"] {
        let mut world = busy();
        world.unseen.push(name(pool));
        world.load(20.0);
        let later = world.run(100);
        assert_eq!(numbers(&later)[1..], [2, 2], "{pool}");
        assert!(held(&later).contains(&HoldCause::Unseen));
    }
}

#[test]
fn nothing_goes_while_something_is_on_its_way_unless_that_is_given_up() {
    let mut world = busy();
    world.load(20.0);
    world.run(59);
    let group = world.group("cheap", "g5.12xlarge/on-demand");
    group.desired = 3;
    group.broken = true;
    let waits = world.run(20);
    assert_eq!(wanted(&waits, "dear"), 2);
    assert!(held(&waits).contains(&HoldCause::Pending));
    // After three times the p95 it is not waited for any more.
    assert!(wanted(&world.run(60), "dear") < 2);
}

#[test]
fn nothing_goes_while_the_last_one_drains() {
    let mut world = busy();
    world.load(20.0);
    world.run(64);
    assert_eq!(world.asked("dear"), 1);
    world.group("dear", "g6e.12xlarge/on-demand").draining = 1;
    let waits = world.run(30);
    assert_eq!(held(&waits), [HoldCause::Step]);
    let dear = &waits.pools["dear"];
    assert_eq!((dear.now, dear.wanted, dear.sources[0].set), (0, 0, 1));
}

#[test]
fn a_sudden_load_is_a_panic_in_which_nothing_goes() {
    let mut world = busy();
    world.load(20.0);
    world.run(61);
    world.load(90.0);
    let panics = world.run(4);
    assert!(panics.stages["inference"].panic);
    // It falls again at once, and the most of it still counts.
    world.load(20.0);
    let falls = world.run(1);
    assert!(falls.stages["inference"].panic);
    assert_eq!(falls.stages["inference"].expected.unwrap().as_f64(), 90.0);
    let ended = world.run(60);
    assert!(!ended.stages["inference"].panic);
}

#[test]
fn a_number_that_another_hand_raised_stays_for_a_window() {
    let mut world = busy();
    world.load(20.0);
    world.run(75);
    let now = world.now;
    let group = world.group("dear", "g6e.12xlarge/on-demand");
    (group.desired, group.units) = (3, vec![now; 3]);
    let mut told = Vec::new();
    for _ in 0..8 {
        let kept = world.run(1);
        assert_eq!(wanted(&kept, "dear"), 3);
        told.extend(held(&kept));
    }
    assert!(told.contains(&HoldCause::RaisedByOthers), "{told:?}");
    assert!(wanted(&world.run(60), "dear") < 3);
}

#[test]
fn a_least_number_stays_whatever_the_load() {
    let mut world = busy_with("{ min = 2, max = 9 }");
    world.load(0.0);
    assert_eq!(numbers(&world.run(120)), [1, 0, 2]);
}

#[test]
fn a_capacity_block_is_drained_before_its_end_and_gets_no_more() {
    let mut world = busy();
    let end = world.now + Duration::from_secs(3600);
    world.group("dear", "g6e.12xlarge/on-demand").ends = Some(end);
    world.load(400.0);
    // Ten minutes to drain, half an hour before the end.
    let before = world.run(50);
    assert_eq!(wanted(&before, "dear"), 2);
    assert_eq!(wanted(&before, "cheap"), 7);
    let mut made_up = None;
    let drains = loop {
        let scaling = world.run(1);
        if wanted(&scaling, "cheap") == 9 && made_up.is_none() {
            made_up = Some(scaling.at);
        }
        if wanted(&scaling, "dear") == 0 {
            break scaling;
        }
    };
    assert_eq!(drains.at, end - Duration::from_secs(40 * 60));
    assert_eq!(drains.pools["dear"].reasons[0].text, format!("2 drain: their block ends at {end}"));
    // What goes is made up elsewhere as long before as that needs to serve.
    assert_eq!(made_up, Some(drains.at - Duration::from_secs(300)));
}
