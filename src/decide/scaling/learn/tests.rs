use super::super::tests::world::*;
use super::*;
use crate::decide::scaling::{Scaling, Served, StageDemand};
use crate::signal::Verdict;
use proptest::prelude::*;
use std::time::Duration;

/// Replicas that carry a part of what is declared, and what comes of it.
struct Fleet {
    world: World,
    /// Requests per second of a replica at which a promise of a second breaks.
    carries: f64,
    queue: f64,
    /// Numbers that were wanted, turn by turn.
    wanted: Vec<u32>,
}

impl Fleet {
    fn new(carries: f64, max: u32) -> Self {
        let mut world = world(&[onprem("own", &format!("{{ min = 1, max = {max} }}"))]);
        world.has("own", "replicas", 1);
        Self { world, carries, queue: 0.0, wanted: Vec::new() }
    }

    /// So many turns of 15 seconds under a load. An idle replica answers in 100 ms,
    /// and by ten times as much at what it carries (M/G/1-PS).
    fn under(&mut self, load: f64, turns: usize) -> Scaling {
        let mut last = None;
        for _ in 0..turns {
            let now = self.world.now;
            let serving = f64::from(self.world.group("own", "replicas").serving(now));
            let limit = serving * self.carries / 0.9;
            let asked = load + self.queue / 15.0;
            let answered = asked.min(limit * 0.99);
            self.queue = ((asked - answered) * 15.0).clamp(0.0, 5000.0);
            let free = (1.0 - answered / limit.max(1e-9)).max(0.01);
            self.world.load(load);
            let demand = self.world.stage();
            demand.waiting = Some(self.queue.round());
            demand.served = shown(answered, (100.0 / free) as u64);
            let scaling = self.world.decide();
            self.wanted.push(wanted(&scaling, "own"));
            self.world.apply(&scaling, Duration::from_secs(15));
            last = Some(scaling);
        }
        last.unwrap()
    }

    fn worth(&self) -> f64 {
        self.world.memory.worth.get("own").copied().unwrap_or(Share::ALL).as_f64()
    }
}

fn shown(finished: f64, ttft_ms: u64) -> Served {
    let (measured, promised) = (Span::from_millis(ttft_ms), Span::from_secs(1));
    let of = "ttft_p99".to_owned();
    Served { finished: Some(finished), latencies: vec![Latency { of, measured, promised }] }
}

#[test]
fn replicas_that_carry_half_are_found_out_and_made_up_for() {
    // 10 req/s are declared.
    let mut fleet = Fleet::new(5.0, 60);
    fleet.under(1.0, 40);
    let first = fleet.under(100.0, 4);
    assert_eq!(first.pools["own"].worth, None, "nothing is known yet");
    let last = fleet.under(100.0, 4 * 60 * 4);
    assert!((0.5..0.6).contains(&fleet.worth()), "{}", fleet.worth());
    assert!(wanted(&last, "own") >= 17, "{}", wanted(&last, "own"));
    assert!(fleet.queue < 1.0, "{}", fleet.queue);
    let steady = &fleet.wanted[fleet.wanted.len() - 240..];
    assert!(steady.iter().all(|wanted| *wanted == steady[0]), "{steady:?}");
    let why = &last.pools["own"].reasons.last().unwrap().text;
    assert!(why.contains("of what is declared, as measured"), "{why}");
}

#[test]
fn replicas_that_carry_what_is_declared_stay_as_they_are_believed() {
    let mut fleet = Fleet::new(10.0, 60);
    fleet.under(1.0, 40);
    fleet.under(100.0, 4 * 60 * 3);
    assert!((0.9..1.1).contains(&fleet.worth()), "{}", fleet.worth());
}

#[test]
fn it_is_learned_slowly() {
    let mut fleet = Fleet::new(2.0, 20);
    fleet.under(100.0, 4 * 10);
    assert!(fleet.worth() > 0.8, "after ten minutes: {}", fleet.worth());
    fleet.under(100.0, 4 * 60);
    assert_eq!(fleet.worth(), 0.5, "and never below the least");
}

#[test]
fn a_fleet_with_little_to_do_teaches_nothing() {
    let mut fleet = Fleet::new(5.0, 60);
    fleet.world.has("own", "replicas", 60);
    fleet.under(40.0, 200);
    assert_eq!(fleet.worth(), 1.0);
}

#[test]
fn a_promise_that_even_an_idle_replica_breaks_asks_for_no_more_of_them() {
    let mut world = world(&[onprem("own", "{ min = 1, max = 60 }")]);
    world.has("own", "replicas", 10);
    for turn in 0..400 {
        world.load(70.0);
        world.stage().served = shown(70.0, 1500 + turn % 7 * 200);
        let scaling = world.decide();
        world.apply(&scaling, Duration::from_secs(15));
    }
    assert_eq!(world.memory.worth.get("own"), None);
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        Just(Verdict::Missing),
        Just(Verdict::Wrong("no number".into())),
        Just(Verdict::Settling("just begun".into())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_is_shown_worth_keeps_its_bounds_and_its_pace(
        shows in prop::collection::vec((0.0f64..400.0, 0.0f64..400.0, 0u64..5000, 0.0f64..500.0), 1..160),
        units in 1u32..20,
    ) {
        let mut world = world(&[
            onprem("own", "{ min = 1, max = 20 }"),
            burst("cheap", "{ min = 0, max = 3 }", &[G5], ""),
        ]);
        world.has("own", "replicas", units);
        let mut before = Share::ALL;
        for (load, finished, ttft, waiting) in shows {
            world.load(load);
            world.stage().served = shown(finished, ttft);
            world.stage().waiting = Some(waiting);
            let scaling = world.decide();
            world.apply(&scaling, Duration::from_secs(30));
            for worth in world.memory.worth.values() {
                prop_assert!(*worth >= WORTH.0 && *worth <= WORTH.1, "{worth}");
            }
            let worth = world.memory.worth.get("own").copied().unwrap_or(before);
            // A sixtieth of a window has passed.
            let (less, more) = (MOVES.0 / 60 + 1, MOVES.1 / 60 + 1);
            prop_assert!(worth.millionths() + less >= before.millionths());
            prop_assert!(worth.millionths() <= before.millionths() + more);
            before = worth;
        }
    }

    #[test]
    fn what_cannot_be_believed_teaches_nothing(
        bad in verdict(),
        shows in prop::collection::vec((0.0f64..400.0, 0u64..5000), 60),
    ) {
        let mut world = world(&[onprem("own", "{ min = 1, max = 20 }")]);
        world.has("own", "replicas", 5);
        for (finished, ttft) in shows {
            let served = shown(finished, ttft);
            let demand = StageDemand { verdict: bad.clone(), served, ..StageDemand::of(50.0) };
            world.demand.insert(name("inference"), demand);
            let scaling = world.decide();
            world.apply(&scaling, Duration::from_secs(30));
        }
        prop_assert!(world.memory.worth.is_empty());
    }
}
