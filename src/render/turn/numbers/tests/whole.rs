//! All that is exposed, of a turn in which every number is another one.

use super::*;
use crate::controller::{LeftOver, Outcome, Responses, Why};
use crate::decide::scaling::{Delay, Delays, Spent};
use crate::desired::fixture;
use crate::forecast;
use crate::plan::{FailureKind, PortError};
use crate::render::metrics::text;
use crate::spec::model::Budget;
use crate::units::{Share, Span, UsdPerDay, UsdPerHour, UsdPerMonth};

fn rate(millis: u64) -> Rate {
    Rate::from_millis(millis)
}

/// Of the turn's time, so many seconds ago.
fn before(seconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_700_000_000_500 - seconds * 1000).unwrap()
}

fn environment() -> Environment {
    let mut environment = fixture::environment();
    environment.burst.budget = Some(Budget {
        usd_per_hour: Some(UsdPerHour::from_micros(120_000_000)),
        usd_per_day: Some(UsdPerDay::from_micros(1_000_000_000)),
        usd_per_month: Some(UsdPerMonth::from_micros(20_000_000_000)),
    });
    environment
}

fn scaling() -> Scaling {
    let inference = StageScaling {
        demand: Some(rate(41_500)),
        doubt: Some("it is old".to_owned()),
        expected: Some(rate(52_250)),
        need: Some(rate(65_300)),
        serving: rate(36_100),
        coming: rate(45_400),
        unmet: rate(7_200),
        shed: Share::from_millionths(130_000),
        holds: vec![hold(HoldCause::Data, Direction::ScaleIn)],
        ..StageScaling::default()
    };
    // Nothing is known of its load.
    let preprocess = StageScaling {
        serving: rate(1_100_000),
        coming: rate(1_200_000),
        ..StageScaling::default()
    };
    let second = Span::from_secs;
    let cold = Delay { median: second(192), p95: second(290) };
    let warm = Delay { median: second(61), p95: second(88) };
    let out = vec![hold(HoldCause::NoCapacity, Direction::ScaleOut)];
    let burst = PoolScaling {
        min: 1,
        max: 9,
        now: 3,
        wanted: 5,
        serving: 2,
        launch: Some(Delays { warm, measured: 14, warm_measured: 4, ..Delays::of(cold) }),
        sources: vec![spot()],
        ..pool("inference", DesiredOwner::Controller, out)
    };
    let on_prem = PoolScaling {
        min: 6,
        max: 20,
        now: 11,
        wanted: 12,
        serving: 10,
        ..pool("inference", DesiredOwner::Controller, Vec::new())
    };
    let cost = |micros| Cost { usd_per_hour: UsdPerHour::from_micros(micros), unpriced: 0 };
    Scaling {
        at: before(0),
        stages: [
            ("inference".parse().unwrap(), inference),
            ("preprocess".parse().unwrap(), preprocess),
        ]
        .into(),
        pools: [("g6e".parse().unwrap(), burst), ("h100".parse().unwrap(), on_prem)].into(),
        cost_now: cost(31_470_000),
        cost_after: cost(52_450_000),
        ..Scaling::default()
    }
}

fn turn() -> Turn {
    let read = |signal: &str, value, seconds, verdict| Reading {
        value: Some(value),
        at: Some(before(seconds)),
        ..reading(signal, verdict)
    };
    let (age, limit) = (Span::from_secs(300), Span::from_secs(120));
    let racer = |name: &str, leads, loss| forecast::Standing {
        name: name.to_owned(),
        leads,
        loss,
        ticks: 40,
        out: None,
    };
    let racers = vec![
        racer("mstl", true, Some(2.25)),
        racer("persistence", false, Some(3.5)),
        racer("lstm", false, None),
    ];
    let left = |group: &str, why, units| LeftOver { group: group.to_owned(), why, units };
    Turn {
        scaling: scaling(),
        load: Load {
            readings: vec![
                Measured::plain(read("demand/inference", 41.25, 12, Verdict::Good)),
                Measured::plain(read("queue/inference", 17.0, 300, Verdict::Stale { age, limit })),
            ],
            standings: [("inference".parse().unwrap(), racers)].into(),
            ..Load::default()
        },
        spent: Spent { day_micros: 250_000_000, month_micros: 15_000_000_000 },
        left: vec![left("prod-g6e-spot", Why::Kept, 2), left("prod-old-od", Why::Unclaimed, 6)],
        places: vec![read("aws/g6e/in_service", 4.0, 1, Verdict::Good)],
        unseen: [(Side::Aws, "no route".to_owned())].into(),
        ..Turn::default()
    }
}

fn counts() -> Counts {
    let write = |side, pool: &str, outcome| (side, pool.to_owned(), outcome);
    let within = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    Counts {
        turns: 77,
        turn_seconds: 19.25,
        unseen: [(Side::Kubernetes, 8), (Side::Aws, 13)].into(),
        writes: [
            (write(Side::Kubernetes, "h100", Outcome::Overtaken), 23),
            (write(Side::Aws, "g6e", Outcome::Done), 21),
            (write(Side::Aws, "g6e", Outcome::Denied), 22),
        ]
        .into(),
        responses: [("g6e".to_owned(), Responses { within, units: 15, seconds: 4321.5 })].into(),
    }
}

fn told(standing: &Standing) -> Vec<Metric> {
    let around = Around {
        environment: &environment(),
        standing,
        took_seconds: 0.375,
        counts: &counts(),
        calls: &[
            (Side::Kubernetes, CallCounts { made: 1001, failed: 31, throttled: 7 }),
            (Side::Aws, CallCounts { made: 2002, failed: 62, throttled: 15 }),
        ],
    };
    metrics(&turn(), &around)
}

/// What the documentation and the alert rules are held to, too.
#[test]
fn every_series_has_its_own_number() {
    let all = told(&Standing::Leads);
    for metric in &all {
        assert!(!metric.samples.is_empty(), "nothing is told of {}", metric.name);
    }
    let text = text(&all).replace(env!("CARGO_PKG_VERSION"), "VERSION");
    insta::assert_snapshot!("exposed", text);
}

#[test]
fn who_does_not_lead_says_how_it_stands() {
    let (kind, message, help) = (FailureKind::Unreachable, "silence".to_owned(), None);
    let why = PortError { kind, message, help };
    for (standing, leads) in [
        (Standing::Leads, 1.0),
        (Standing::Follows { leader: "another".to_owned() }, 0.0),
        (Standing::CutOff { why: why.clone() }, 0.0),
        (Standing::Waits { why }, 0.0),
    ] {
        let all = told(&standing);
        let of = |name: &str| &all.iter().find(|metric| metric.name == name).unwrap().samples;
        assert_eq!(of("floodway_leads")[0].value, leads, "{standing:?}");
        let stands = of("floodway_standing").iter().filter(|sample| sample.value > 0.0);
        let stands: Vec<&str> = stands.map(|sample| sample.labels[1].1.as_str()).collect();
        assert_eq!(stands, [standing.state()]);
    }
}
