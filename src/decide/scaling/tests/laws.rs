//! What holds for every input.

use super::world::*;
use crate::decide::scaling::*;
use crate::observe::{HandHold, Override};
use crate::signal::Verdict;
use crate::units::{Rate, Span};
use proptest::prelude::*;
use std::time::Duration;

/// An environment of three pools with spot, two types and a budget.
fn random(own: u32, cheap: u32, dear: u32, budget: u32) -> World {
    let spot = "spot = { share = \"50%\", base_on_demand = 0 }";
    world(&[
        format!("budget = {{ usd_per_hour = {budget} }}\n"),
        onprem("own", &format!("{{ min = 0, max = {} }}", own.max(1))),
        burst("cheap", &format!("{{ min = 0, max = {} }}", cheap.max(1)), &[G5, G6E], spot),
        burst("dear", &format!("{{ min = 0, max = {} }}", dear.max(1)), &[G6E], ""),
    ])
}

fn burst_cost(scaling: &Scaling) -> u64 {
    scaling.cost_after.usd_per_hour.micros()
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        Just(Verdict::Stale { age: Span::from_secs(99), limit: Span::from_secs(60) }),
        Just(Verdict::Contradicted("half of it".into())),
        Just(Verdict::Missing),
        Just(Verdict::Wrong("no number".into())),
        Just(Verdict::Unreachable("refused".into())),
        Just(Verdict::Settling("just begun".into())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn missing_data_scales_nothing_in(
        has in prop::array::uniform4(0u32..5),
        broken in prop::array::uniform4(0u32..3),
        bad in verdict(),
        value in prop::option::of(0f64..200.0),
        steps in 1usize..120,
    ) {
        let mut world = random(6, 12, 6, 9999);
        world.has("own", "replicas", has[0]);
        world.has("cheap", "g5.12xlarge/on-demand", has[1]);
        world.has("cheap", "g6e.12xlarge/spot", has[2]);
        world.has("dear", "g6e.12xlarge/on-demand", has[3]);
        let groups = [
            ("own", "replicas"),
            ("cheap", "g5.12xlarge/on-demand"),
            ("cheap", "g6e.12xlarge/spot"),
            ("dear", "g6e.12xlarge/on-demand"),
        ];
        for ((pool, of), broken) in groups.iter().zip(broken) {
            world.group(pool, of).never_serve(broken);
        }
        world.load(300.0);
        world.run(2);
        let serve = |world: &World| -> Vec<u32> {
            world.groups.iter().map(|group| group.serving(world.now)).collect()
        };
        let asked = |world: &World| ["own", "cheap", "dear"].map(|pool| world.asked(pool));
        let mut before = (asked(&world), serve(&world));
        *world.stage() = StageDemand { now: value, verdict: bad, ..StageDemand::of(0.0) };
        for _ in 0..steps {
            let after = world.run(1);
            let now = (asked(&world), serve(&world));
            prop_assert!(before.1.iter().zip(&now.1).all(|(before, now)| now >= before));
            // What never serves may be given up, and nothing else.
            let whole = broken.iter().all(|broken| *broken == 0);
            if whole {
                prop_assert!(before.0.iter().zip(now.0).all(|(before, now)| now >= *before));
            }
            for source in after.pools.values().flat_map(|pool| &pool.sources) {
                prop_assert!(source.shrink == 0 || source.aside == Some(AsideCause::NeverReady));
            }
            before = now;
        }
    }

    #[test]
    fn bounds_and_budget_are_kept_and_what_runs_over_them_stays(
        has in prop::array::uniform3(0u32..9),
        max in prop::array::uniform3(0u32..8),
        loads in prop::collection::vec(prop_oneof![0f64..100.0, 300f64..900.0], 1..12),
        budget in prop_oneof![0u32..120, 300u32..600],
        limits in prop::array::uniform3(0u32..5),
        (drain, broken) in (0u64..300, 0u32..4),
        set in prop::option::weighted(0.7, 0u32..4),
        (held, stuck, back) in (any::<bool>(), any::<bool>(), any::<bool>()),
    ) {
        let mut world = random(max[0], max[1], max[2], budget);
        world.has("own", "replicas", has[0]);
        world.has("cheap", "g5.12xlarge/spot", has[1]);
        world.has("dear", "g6e.12xlarge/on-demand", has[2]);
        world.group("cheap", "g5.12xlarge/on-demand").limit = limits[0];
        world.group("cheap", "g6e.12xlarge/spot").limit = limits[1];
        world.group("own", "replicas").limit = limits[2].max(has[0]);
        world.group("cheap", "g5.12xlarge/on-demand").never_serve(broken);
        world.drain = Duration::from_secs(drain);
        for (at, load) in loads.into_iter().enumerate() {
            world.load(load);
            // An operator's number for a while: what it takes away may still drain.
            let set = set.filter(|_| at % 3 == 1).map(|units| Override {
                pool: name("cheap"),
                units,
                until: None,
                reason: "a test".to_owned(),
                by: "somebody".to_owned(),
                since: world.now,
            });
            world.hands.overrides = set.into_iter().collect();
            // Nothing may be scaled in for a while, by an operator's word or by a drain that
            // was given up.
            let hold = HandHold { scale_in: true, reason: "a test".to_owned(), ..<_>::default() };
            world.hands.holds = if held && at % 3 < 2 { vec![hold] } else { Vec::new() };
            let kept = (name("cheap"), "a disruption budget".to_owned());
            world.stuck = if stuck && at % 2 == 0 { [kept].into() } else { <_>::default() };
            if back && at > 5 {
                world.groups.iter_mut().for_each(|group| group.limit = u32::MAX);
            }
            for _ in 0..4 {
                let scaling = world.decide();
                for (pool, decided) in &scaling.pools {
                    prop_assert!(decided.wanted <= decided.max.max(decided.now), "{pool}");
                    let sums = decided.sources.iter().map(|one| one.wanted).sum::<u32>();
                    prop_assert_eq!(sums, decided.wanted);
                    for one in &decided.sources {
                        prop_assert!(one.set >= one.wanted);
                        let own = |group: &&Group| group.pool == *pool && group.is(one);
                        let draining = world.groups.iter().find(own).unwrap().draining;
                        prop_assert!(one.set <= one.desired.max(one.wanted + draining));
                    }
                }
                let limit = u64::from(budget) * 1_000_000;
                let now = scaling.cost_now.usd_per_hour.micros();
                prop_assert!(burst_cost(&scaling) <= limit.max(now));
                let stand = |world: &World| ["cheap", "dear", "own"].map(|pool| world.asked(pool));
                let before = stand(&world);
                world.apply(&scaling, Duration::from_secs(20));
                // With those that are on their way out.
                for ((decided, before), now) in
                    scaling.pools.values().zip(before).zip(stand(&world))
                {
                    prop_assert!(now <= decided.max.max(before), "{now} of {decided:?}");
                }
            }
        }
    }

    #[test]
    fn no_more_is_asked_for_than_the_load_needs(
        load in 1f64..600.0,
        limits in prop::array::uniform3(0u32..12),
        steps in 20usize..80,
    ) {
        let mut world = random(8, 20, 20, 99_999);
        world.group("own", "replicas").limit = limits[0];
        world.group("cheap", "g5.12xlarge/spot").limit = limits[1];
        world.group("cheap", "g5.12xlarge/on-demand").limit = limits[2];
        world.load(load);
        for _ in 0..steps {
            let scaling = world.decide();
            world.apply(&scaling, Duration::from_secs(15));
            let capacity = |there: &dyn Fn(&Group) -> u32| -> f64 {
                let of = |group: &Group| match &group.of {
                    None => 10.0,
                    Some((of, _)) if of.starts_with("g5") => 40.0,
                    Some(_) => 40.004,
                };
                world.groups.iter().map(|group| of(group) * f64::from(there(group))).sum()
            };
            // What is there and on its way: never more than a unit over.
            let there = capacity(&|group| group.units.len() as u32);
            prop_assert!(there < load + 40.1, "{there} for {load}");
        }
        let scaling = world.decide();
        let unmet = scaling.stages["inference"].unmet;
        prop_assert_eq!(unmet, Rate::default(), "there is always room in the dear pool");
    }

    #[test]
    fn a_constant_load_never_flaps(load in 0f64..500.0, noise in 0f64..0.04) {
        let mut world = random(8, 12, 12, 99_999);
        world.load(load);
        world.run(90);
        for step in 0..600u32 {
            let wobble = 1.0 + noise * f64::from(step * 7919 % 13) / 13.0;
            world.load(load * wobble);
            let scaling = world.decide();
            let change: i64 = scaling
                .pools
                .values()
                .map(|pool| i64::from(pool.wanted) - i64::from(pool.now))
                .sum();
            // It has found its number by then, once for all.
            prop_assert!(step < 300 || change == 0, "{change} after {step}");
            world.apply(&scaling, Duration::from_secs(15));
        }
    }

    #[test]
    fn an_offering_without_capacity_blocks_no_other(
        load in 50f64..400.0,
        short in prop::collection::vec(0usize..6, 1..5),
    ) {
        let mut world = random(1, 20, 20, 99_999);
        let names = [
            ("cheap", "g5.12xlarge/on-demand"),
            ("cheap", "g5.12xlarge/spot"),
            ("cheap", "g6e.12xlarge/on-demand"),
            ("cheap", "g6e.12xlarge/spot"),
            ("own", "replicas"),
        ];
        for &at in &short {
            if let Some((pool, of)) = names.get(at) {
                world.group(pool, of).limit = 0;
            }
        }
        world.load(load);
        // Each offering that is short takes one decision to find out.
        let scaling = world.run(12);
        let stage = &scaling.stages["inference"];
        prop_assert_eq!(stage.unmet, Rate::default());
        let there: f64 = world
            .groups
            .iter()
            .map(|group| group.units.len() as f64 * if group.of.is_some() { 40.0 } else { 10.0 })
            .sum();
        prop_assert!(there + 0.1 >= load, "{there} are there for {load}");
    }

    #[test]
    fn holds_are_kept_and_equal_inputs_decide_equally(
        load in 0f64..900.0,
        has in 0u32..6,
        scale_in in any::<bool>(),
        pool in prop::option::of(Just("cheap")),
    ) {
        let mut world = random(4, 9, 9, 9999);
        world.has("cheap", "g5.12xlarge/on-demand", has);
        world.has("own", "replicas", 4);
        world.load(40.0 * f64::from(has) + 40.0);
        world.run(64);
        let pool_name = pool.map(name);
        let reason = "r".to_owned();
        world.hands.holds.push(HandHold {
            pool: pool_name,
            scale_in,
            scale_out: !scale_in,
            until: None,
            reason,
            ..HandHold::default()
        });
        world.load(load);
        for _ in 0..70 {
            let memory = world.memory.clone();
            let scaling = world.decide();
            world.memory = memory;
            prop_assert_eq!(&world.decide(), &scaling);
            let held = scaling.pools.iter().filter(|(name, _)| pool.is_none_or(|p| name.as_str() == p));
            for (_, decided) in held {
                let kept = if scale_in { decided.wanted >= decided.now } else { decided.wanted <= decided.now };
                prop_assert!(kept);
            }
            world.apply(&scaling, Duration::from_secs(15));
        }
    }
}

#[test]
fn a_record_is_read_back_from_its_line_and_found_by_its_time() {
    let mut world = random(4, 9, 9, 9999);
    let mut records = Vec::new();
    for load in [10.0, 300.0, 500.0] {
        world.load(load);
        let scaling = world.decide();
        records.push(DecisionRecord::of(&name("prod"), &scaling));
        world.apply(&scaling, Duration::from_secs(60));
    }
    let lines: Vec<String> = records.iter().map(|record| record.to_line().unwrap()).collect();
    assert!(lines.iter().all(|line| !line.contains('\n')));
    let read: Vec<DecisionRecord> =
        lines.iter().rev().map(|line| DecisionRecord::from_line(line).unwrap()).collect();
    assert_eq!(read.iter().rev().cloned().collect::<Vec<_>>(), records);
    let at = |text: &str| text.parse().unwrap();
    let found = in_force(&read, at("2026-11-26T12:01:30Z")).unwrap();
    assert_eq!(found.scaling.stages["inference"].demand, Some(Rate::from_millis(300_000)));
    assert_eq!(in_force(&read, at("2026-11-26T11:59:59Z")), None);
    assert_eq!(DecisionRecord::from_line(&lines[0][..lines[0].len() - 5]), None, "cut off");
    let newer = lines[0].replacen("\"version\":1", "\"version\":2", 1);
    assert_eq!(DecisionRecord::from_line(&newer), None);
}

#[test]
fn a_record_is_bounded_whatever_people_write() {
    let mut world = random(4, 9, 9, 9999);
    world.load(500.0);
    let pool = Some(name("cheap"));
    let reason = "no ".repeat(5000);
    world.hands.holds.push(HandHold {
        pool,
        scale_in: true,
        scale_out: true,
        reason,
        ..HandHold::default()
    });
    let scaling = world.decide();
    let line = DecisionRecord::of(&name("prod"), &scaling).to_line().unwrap();
    assert!(line.len() < 20_000, "{}", line.len());
}

#[test]
fn memory_and_causes_are_written_as_they_are_named() {
    let mut world = random(4, 9, 9, 9999);
    world.group("cheap", "g5.12xlarge/spot").limit = 0;
    world.load(500.0);
    world.run(9);
    let text = serde_json::to_string(&world.memory).unwrap();
    assert_eq!(serde_json::from_str::<Memory>(&text).unwrap(), world.memory);
    for cause in [HoldCause::BudgetHour, HoldCause::RaisedByOthers, HoldCause::NoCapacity] {
        assert_eq!(serde_json::to_string(&cause).unwrap(), format!("\"{cause}\""));
    }
}

proptest! {
    #[test]
    fn what_waits_asks_for_no_more_than_to_be_answered_in_a_minute(
        load in 0f64..200.0,
        waiting in 0f64..20_000.0,
        delay in 1u64..1200,
    ) {
        let mut world = random(100, 100, 0, 9999);
        for delays in world.delays.values_mut() {
            let delay = Delay { median: Span::from_secs(delay), p95: Span::from_secs(delay) };
            *delays = Delays::of(delay);
        }
        world.load(load);
        let alone = world.decide().stages["inference"].expected.unwrap().as_f64();
        world.stage().waiting = Some(waiting);
        let with = world.decide().stages["inference"].expected.unwrap().as_f64();
        // A launch is waited for as far as the horizon.
        let within = delay.clamp(60, 900) as f64;
        let more = with - alone;
        prop_assert!((more - waiting / within).abs() < 0.01, "{more} for {waiting} in {within}");
    }
}
