//! The operator is above the controller, and so is what git freezes.

use super::world::*;
use crate::decide::scaling::*;
use crate::observe::{HandHold, Override};
use std::time::Duration;

fn pools(freeze: &str) -> World {
    let pool = |name: &str| burst(name, "{ min = 1, max = 9 }", &[G5], "");
    let mut world = world(&[pool("a"), pool("b"), freeze.to_owned()]);
    world.has("a", "g5.12xlarge/on-demand", 2);
    world.has("b", "g5.12xlarge/on-demand", 2);
    world.load(160.0);
    world.run(64);
    world
}

fn hold(pool: Option<&str>, scale_in: bool, until: Option<jiff::Timestamp>) -> HandHold {
    let pool = pool.map(name);
    HandHold {
        pool,
        scale_in,
        scale_out: !scale_in,
        until,
        reason: "a launch".to_owned(),
        ..HandHold::default()
    }
}

fn both(scaling: &Scaling) -> [u32; 2] {
    ["a", "b"].map(|pool| wanted(scaling, pool))
}

#[test]
fn a_hold_of_a_pool_leaves_that_one_alone() {
    let mut world = pools("");
    world.hands.holds.push(hold(Some("a"), false, None));
    world.load(320.0);
    let scaling = world.decide();
    assert_eq!(both(&scaling), [2, 6]);
    let mut world = pools("");
    world.hands.holds.push(hold(Some("b"), true, None));
    world.load(10.0);
    let scaling = world.run(120);
    assert_eq!(both(&scaling), [1, 2]);
    let hold = &scaling.pools["b"].holds[0];
    assert_eq!((hold.cause, hold.direction), (HoldCause::Operator, Direction::ScaleIn));
    assert_eq!(hold.why.text, "an operator's hold: a launch");
}

#[test]
fn a_hold_of_the_environment_ends_when_it_says() {
    let mut world = pools("");
    let until = world.now + Duration::from_secs(60);
    world.hands.holds.push(hold(None, false, Some(until)));
    world.load(320.0);
    let held = world.decide();
    assert_eq!(both(&held), [2, 2]);
    assert_eq!(causes(&held, Direction::ScaleOut), [HoldCause::Operator]);
    assert_eq!(held.pools["a"].holds[0].until, Some(until));
    assert_eq!(both(&world.run(4)).iter().sum::<u32>(), 8);
}

#[test]
fn an_operators_number_is_taken_up_and_down_within_bounds() {
    for (units, expected) in [(5, 5), (1, 1), (99, 9), (0, 1)] {
        let mut world = pools("");
        let reason = "a test".to_owned();
        let until = Some(world.now + Duration::from_secs(3600));
        world.hands.overrides.push(Override {
            pool: name("a"),
            units,
            until,
            reason,
            by: "ada".to_owned(),
            since: jiff::Timestamp::UNIX_EPOCH,
        });
        world.load(160.0);
        let scaling = world.decide();
        assert_eq!(wanted(&scaling, "a"), expected);
        assert!(both(&scaling).iter().sum::<u32>() >= 4, "the other makes up for it at once");
        assert_eq!(scaling.pools["a"].sources[0].shrink, 2u32.saturating_sub(expected));
        // The other carries what is open, and no more is added to the one.
        world.load(400.0);
        assert_eq!(wanted(&world.decide(), "a"), expected);
        world.apply(&scaling, Duration::from_secs(3600));
        world.load(10.0);
        assert!(wanted(&world.run(64), "a") <= expected, "it has ended");
    }
}

#[test]
fn an_operators_number_goes_down_in_spite_of_a_freeze_and_not_of_a_hold() {
    let mut world = pools("[[freeze]]\nname = \"sale\"\nstart = \"2026-11-01T00:00:00Z\"\n");
    let reason = "a test".to_owned();
    world.hands.overrides.push(Override {
        pool: name("a"),
        units: 1,
        until: None,
        reason,
        by: "ada".to_owned(),
        since: jiff::Timestamp::UNIX_EPOCH,
    });
    assert_eq!(wanted(&world.decide(), "a"), 1);
    world.hands.holds.push(hold(Some("a"), true, None));
    assert_eq!(wanted(&world.decide(), "a"), 2);
}

#[test]
fn a_freeze_keeps_numbers_while_it_lasts() {
    let daily = "[[freeze]]\nname = \"lunch\"\ncron = \"0 13 * * *\"\nduration = \"2h\"\n\
                 scale_out = true\n";
    let mut world = pools(daily);
    world.load(320.0);
    let before = world.decide();
    assert_eq!(both(&before).iter().sum::<u32>(), 8);
    world.now = "2026-11-26T13:30:00Z".parse().unwrap();
    let frozen = world.decide();
    assert_eq!(both(&frozen), [2, 2]);
    let hold = &frozen.pools["a"].holds[0];
    assert_eq!(hold.cause, HoldCause::Freeze);
    assert_eq!(hold.until.unwrap().to_string(), "2026-11-26T15:00:00Z");
    assert_eq!(hold.why.key.as_deref(), Some("freeze.0"));
    world.load(10.0);
    let frozen = world.run(70);
    assert_eq!(both(&frozen), [2, 2]);
    assert_eq!(causes(&frozen, Direction::ScaleIn), [HoldCause::Freeze]);
}

#[test]
fn without_the_api_server_numbers_only_rise_and_are_absolute() {
    let mut world = pools("");
    world.mode = Mode::KubernetesUnreachable;
    world.load(320.0);
    let rises = world.decide();
    assert_eq!(both(&rises).iter().sum::<u32>(), 8);
    // Another leader has raised it meanwhile: what it has counts.
    world.apply(&rises, Duration::from_secs(15));
    let again = world.decide();
    assert_eq!(both(&again), both(&rises));
    world.load(0.0);
    let stays = world.run(120);
    assert_eq!(both(&stays), both(&rises));
    assert!(causes(&stays, Direction::ScaleIn).contains(&HoldCause::KubernetesUnreachable));
    // Not even what has no capacity is lowered.
    let now = world.now;
    let group = world.group("a", "g5.12xlarge/on-demand");
    (group.desired, group.refused) = (9, Some(now));
    let short = world.decide();
    assert_eq!(short.pools["a"].sources[0].set, 9);
}

#[test]
fn what_drains_stays_by_a_hold_or_a_freeze_and_not_in_spite_of_an_operators_number() {
    let freeze = "[[freeze]]\nname = \"sale\"\nstart = \"2026-11-01T00:00:00Z\"\n";
    let less = |pool: &str| Override {
        pool: name(pool),
        units: 1,
        until: None,
        reason: "a test".to_owned(),
        by: "ada".to_owned(),
        since: jiff::Timestamp::UNIX_EPOCH,
    };
    let stays = |world: &mut World| {
        world.group("a", "g5.12xlarge/on-demand").draining = 1;
        let scaling = world.decide();
        ["a", "b"].map(|pool| scaling.pools[pool].sources[0].stays)
    };
    assert_eq!(stays(&mut pools("")), [false, false]);
    assert_eq!(stays(&mut pools(freeze)), [true, true]);
    for (pool, expected) in [(Some("a"), [true, false]), (None, [true, true])] {
        let mut world = pools("");
        world.hands.holds.push(hold(pool, true, None));
        world.hands.overrides.push(less("a"));
        assert_eq!(stays(&mut world), expected, "not in spite of a hold");
        assert!(causes(&world.decide(), Direction::ScaleIn).contains(&HoldCause::Operator));
    }
    let mut world = pools(freeze);
    world.hands.overrides.push(less("a"));
    assert_eq!(stays(&mut world), [false, true]);
    // Of the other direction, run out, or of what its place takes back anyway.
    let mut world = pools("");
    world.hands.holds.push(hold(None, false, None));
    world.hands.holds.push(hold(None, true, Some(world.now)));
    assert_eq!(stays(&mut world), [false, false]);
    let mut world = pools(freeze);
    let ends = world.now + Duration::from_secs(60);
    world.group("a", "g5.12xlarge/on-demand").ends = Some(ends);
    assert_eq!(stays(&mut world), [false, true]);
    // Nobody has said it.
    let mut world = pools("");
    world.mode = Mode::KubernetesUnreachable;
    assert_eq!(stays(&mut world), [false, false]);
}
