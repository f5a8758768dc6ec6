//! What is told of budgets.

use super::world::*;
use crate::decide::scaling::*;
use crate::units::Rate;
use std::time::Duration;

/// A stage that may cost $12 in an hour: two instances of 40 req/s.
fn of_twelve_dollars() -> World {
    let pools = burst("cheap", "{ min = 0, max = 9 }", &[G5], "");
    world(&["budget = { usd_per_hour = 12 }\n".to_owned(), pools])
}

/// What is told of its budget under loads that are seen 15 seconds apart, and at which
/// of them; none: the load is not known.
fn told(world: &mut World, loads: &[Option<f64>]) -> Vec<(usize, EventKind)> {
    let mut told = Vec::new();
    for (step, load) in loads.iter().enumerate() {
        match load {
            Some(load) => world.load(*load),
            None => world.demand.clear(),
        }
        let of_budget =
            |kind: &EventKind| matches!(kind, EventKind::BudgetReached | EventKind::BudgetFree);
        let kinds = kinds(&world.decide()).into_iter().filter(of_budget);
        told.extend(kinds.map(|kind| (step, kind)));
        world.now = world.now.saturating_add(Duration::from_secs(15)).unwrap();
    }
    told
}

const MUCH: Option<f64> = Some(400.0);
const LITTLE: Option<f64> = Some(40.0);
const UNKNOWN: Option<f64> = None;

#[test]
fn a_budget_that_stops_scale_out_is_told_when_it_begins_and_when_it_has_not_for_a_minute() {
    let mut world = of_twelve_dollars();
    // The load goes to and fro before it stays.
    let loads = [MUCH, LITTLE, MUCH, LITTLE, LITTLE, LITTLE, LITTLE, LITTLE, LITTLE];
    let expected = [(0, EventKind::BudgetReached), (7, EventKind::BudgetFree)];
    assert_eq!(told(&mut world, &loads), expected);
    assert!(EventKind::BudgetReached.is_warning() && !EventKind::BudgetFree.is_warning());
    world.load(400.0);
    let scaling = world.decide();
    let reached = |event: &&Event| event.kind == EventKind::BudgetReached;
    let event = scaling.events.iter().find(reached).unwrap();
    assert_eq!(event.about, name("inference"));
    assert_eq!(
        event.text,
        "the budget of the hour stops scale-out: $17.016/h with one more g5.12xlarge, above $12/h"
    );
}

#[test]
fn a_budget_is_not_told_to_be_free_while_nothing_is_known_of_it() {
    let mut world = of_twelve_dollars();
    let blind = [&[MUCH][..], &[UNKNOWN; 20]].concat();
    assert_eq!(told(&mut world, &blind), [(0, EventKind::BudgetReached)]);
    // Another may decide at the same time: what is held is held for that.
    world.mode = Mode::LeaseUnreachable;
    assert_eq!(told(&mut world, &[LITTLE; 20]), []);
    world.mode = Mode::Normal;
    assert_eq!(told(&mut world, &[LITTLE; 6]), [(4, EventKind::BudgetFree)]);
}

#[test]
fn a_budget_of_the_day_is_told_with_what_was_spent() {
    let pools = burst("cheap", "{ min = 0, max = 9 }", &[G5], "");
    let mut world = world(&["budget = { usd_per_day = 50 }\n".to_owned(), pools]);
    world.spent.day_micros = 50_000_000;
    world.load(40.0);
    let scaling = world.decide();
    assert_eq!(scaling.stages["inference"].unmet, Rate::from_millis(40_000));
    let text = "the budget of the day stops scale-out: $50.00 spent today, of $50/day";
    assert!(scaling.events.iter().any(|event| event.text == text), "{:?}", scaling.events);
}

#[test]
fn a_clock_that_was_ahead_keeps_no_budget_told_for_longer() {
    let mut world = of_twelve_dollars();
    let right = world.now;
    world.now = right + Duration::from_secs(24 * 3600);
    assert_eq!(told(&mut world, &[MUCH, LITTLE]), [(0, EventKind::BudgetReached)]);
    world.now = right;
    assert_eq!(told(&mut world, &[LITTLE; 6]), [(4, EventKind::BudgetFree)]);
}
