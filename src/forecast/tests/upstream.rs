//! Call volumes of upstream services as inputs: of use where they are known, and
//! no harm where they are not.

use super::{CONFIG, hourly};
use crate::forecast::{
    CalendarInputs, Context, Forecaster, LONGEST_LINE, Linear, Race, context, standard, wape,
};
use crate::signal::Series;
use proptest::prelude::*;

/// A walk that nobody can foresee, and the load that follows it three hours later.
fn caller_and_load(hours: usize) -> (Series, Series) {
    let mut walk = Vec::with_capacity(hours + 3);
    let (mut at, mut seed) = (100.0_f64, 7_u64);
    for _ in 0..hours + 3 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        at = (at + ((seed >> 33) % 41) as f64 - 20.0).clamp(20.0, 400.0);
        walk.push(Some(at));
    }
    let load = walk[..hours].iter().map(|value| value.map(|value| 2.0 * value)).collect();
    (hourly(walk[3..].to_vec()), hourly(load))
}

fn with(load: &Series, caller: Option<&Series>) -> Context {
    let upstream: Vec<(String, Series)> =
        caller.map(|caller| ("web".to_owned(), caller.clone())).into_iter().collect();
    context(load, 3, &CalendarInputs::default(), &upstream)
}

/// How wrong a linear forecaster is of what comes after `learned` hours.
fn error(load: &Series, caller: Option<&Series>, learned: usize) -> f64 {
    let (mut linear, all) = (Linear::default(), with(load, caller));
    linear.refit(&load.before(learned), &all.as_of(learned, 3)).unwrap();
    let said = (learned..load.len() - 3).map(|end| {
        let path = linear.path(&load.before(end), &all.as_of(end, 3), 3).unwrap();
        (load.values()[end + 2].unwrap(), path[2])
    });
    wape(said)
}

#[test]
fn a_service_that_calls_before_the_load_comes_tells_of_it() {
    let (caller, load) = caller_and_load(600);
    let (knowing, blind) = (error(&load, Some(&caller), 400), error(&load, None, 400));
    assert!(knowing < 0.35 * blind, "{knowing} and {blind}");
}

#[test]
fn a_short_gap_is_as_before_and_in_a_longer_one_who_reads_it_says_so() {
    let (caller, load) = caller_and_load(400);
    let (mut linear, all) = (Linear::default(), with(&load, Some(&caller)));
    linear.refit(&load, &all).unwrap();
    for gap in 1..=LONGEST_LINE + 1 {
        let mut values = caller.values().to_vec();
        let last = values.len();
        values[last - gap..].fill(None);
        let context = with(&load, Some(&hourly(values)));
        let said = linear.path(&load, &context, 3);
        match gap {
            short if short <= LONGEST_LINE => assert!(said.is_ok(), "{said:?}"),
            _ => assert!(said.unwrap_err().0.contains("web"), "{gap}"),
        }
    }
}

#[test]
fn a_service_that_never_answered_changes_nothing() {
    let (_, load) = caller_and_load(300);
    let never = hourly(vec![None; load.len()]);
    let path = |caller: Option<&Series>| {
        let (mut linear, context) = (Linear::default(), with(&load, caller));
        linear.refit(&load, &context).unwrap();
        linear.path(&load, &context, 3).unwrap()
    };
    for (with, without) in path(Some(&never)).iter().zip(path(None)) {
        assert!((with - without).abs() < 1e-6 * without, "{with} {without}");
    }
}

#[test]
fn a_service_that_is_declared_later_is_learned_at_once() {
    let (caller, load) = caller_and_load(300);
    let mut race = Race::new(CONFIG, standard());
    let mut out = Vec::new();
    for end in 200..260 {
        let known = if end < 230 { None } else { Some(&caller) };
        race.tick(&load.before(end), &with(&load, known).as_of(end, 3)).unwrap();
        let linear = race.standings().into_iter().find(|one| one.name == "linear").unwrap();
        out.push(linear.out);
    }
    // A tick fits one model, and there are two that learn.
    assert!(out[10..30].iter().all(Option::is_none), "{out:?}");
    assert!(out[33..].iter().all(Option::is_none), "{out:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn whatever_is_missing_of_it_the_race_has_an_answer_of_the_load_s_size(
        gaps in proptest::collection::vec(any::<bool>(), 160),
        huge in 0..160_usize,
    ) {
        let (caller, load) = caller_and_load(160);
        let holed = caller.values().iter().zip(&gaps);
        let mut holed: Vec<_> = holed.map(|(value, gap)| value.filter(|_| !gap)).collect();
        holed[huge] = Some(1e15);
        let all = with(&load, Some(&hourly(holed)));
        let mut race = Race::new(CONFIG, standard());
        let most = load.values().iter().flatten().copied().fold(0.0, f64::max);
        for end in 130..=160 {
            let said = race.tick(&load.before(end), &all.as_of(end, 3)).unwrap();
            for value in &said.path {
                prop_assert!((0.0..=2.0 * most + 1e-6).contains(value), "{} says {value}", said.by);
            }
        }
    }
}
