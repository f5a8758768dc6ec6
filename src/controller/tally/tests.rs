use super::*;
use crate::decide::CapacityType;
use crate::decide::scaling::{Mode, PoolScaling, SourceScaling, StageScaling};
use crate::observe::ResourceId;
use crate::plan::{FailureKind, PortError};
use crate::units::{Rate, UsdPerHour};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn pool(market: Option<CapacityType>, units: u32) -> PoolScaling {
    let price = market.map(|_| UsdPerHour::from_micros(10_000_000));
    PoolScaling {
        stage: name("inference"),
        owner: DesiredOwner::Controller,
        visible: true,
        min: 0,
        max: 9,
        now: units,
        wanted: units,
        serving: units,
        capacity_per_unit: Rate::from_millis(18_000),
        worth: None,
        launch: None,
        pods: market.map(|_| units),
        sources: vec![SourceScaling {
            group: market.map(|_| "g".to_owned()),
            label: "g6e.12xlarge".to_owned(),
            market,
            desired: units,
            wanted: units,
            set: units,
            shrink: 0,
            stays: false,
            aside: None,
            usd_per_hour: price,
        }],
        reasons: Vec::new(),
        holds: Vec::new(),
    }
}

/// A turn at a minute: replicas on-prem, instances, load, what serves.
fn turn(minute: i64, (own, burst): (u32, u32), (load, serving): (u64, u64)) -> Turn {
    let mut others = pool(None, 7);
    others.owner = DesiredOwner::Hpa;
    let stage = StageScaling {
        demand: Some(Rate::from_millis(load * 1000)),
        serving: Rate::from_millis(serving * 1000),
        ..StageScaling::default()
    };
    let scaling = Scaling {
        at: Timestamp::from_second(minute * 60).unwrap(),
        mode: Mode::Normal,
        stages: [(name("inference"), stage)].into(),
        pools: [
            (name("h100"), pool(None, own)),
            (name("g6e"), pool(Some(CapacityType::OnDemand), burst)),
            (name("cpu"), others),
        ]
        .into(),
        ..Scaling::default()
    };
    Turn { scaling, ..Turn::default() }
}

fn set(pool: &str, side: Side, from: u32, to: u32) -> Done {
    let id = match side {
        Side::Aws => ResourceId::group("us-east-1", "g"),
        Side::Kubernetes => ResourceId::kubernetes("apps/v1", "Deployment", Some("n"), "d"),
    };
    let (uid, path) = (String::new(), "/desired".to_owned());
    let step = Step::SetUnits { id, uid, path, from, to };
    Done { pool: name(pool), step, outcome: Some(Ok(())) }
}

#[test]
fn what_a_turn_sees_stands_until_the_next_one() {
    let mut sums = Tally::default();
    sums.note(&turn(0, (2, 0), (10, 36)));
    sums.note(&turn(30, (3, 2), (90, 54)));
    sums.note(&turn(60, (3, 1), (20, 90)));
    assert_eq!(sums.hours, 1.0);
    let (own, burst) = (sums.pools["h100"], sums.pools["g6e"]);
    assert_eq!((own.unit_hours, own.most, own.usd), (2.5, 3, None));
    // Two instances for half an hour, at ten dollars; the one of the end has cost nothing yet.
    assert_eq!((burst.unit_hours, burst.most, burst.usd), (1.0, 2, Some(10.0)));
    assert_eq!(sums.usd(), 10.0);
    let stage = sums.stages["inference"];
    assert_eq!((stage.peak, stage.over_hours), (90.0, 0.5));
    assert!(!sums.pools.contains_key("cpu"), "the autoscaler's own pool is not counted");
}

#[test]
fn units_are_counted_once_and_only_those_that_were_written() {
    let mut sums = Tally::default();
    let failed = PortError { kind: FailureKind::Denied, message: "no".to_owned(), help: None };
    let mut one = turn(0, (2, 0), (10, 36));
    one.done = vec![
        set("h100", Side::Kubernetes, 2, 5),
        set("g6e", Side::Aws, 0, 4),
        // The replicas of a burst pool go with its nodes.
        set("g6e", Side::Kubernetes, 0, 16),
        Done { outcome: Some(Err(failed)), ..set("h100", Side::Kubernetes, 5, 9) },
        Done { outcome: None, ..set("h100", Side::Kubernetes, 5, 9) },
    ];
    sums.note(&one);
    let mut other = turn(1, (5, 4), (10, 90));
    let id = ResourceId::group("us-east-1", "g");
    let (uid, limit) = (String::new(), crate::units::Span::default());
    let drained = Step::DrainUnits { id, uid, units: vec!["i-1".into(), "i-2".into()], limit };
    other.done = vec![
        set("h100", Side::Kubernetes, 5, 4),
        // One of the four never came, and is not asked for any more.
        set("g6e", Side::Aws, 4, 3),
        Done { pool: name("g6e"), step: drained, outcome: Some(Ok(())) },
    ];
    sums.note(&other);
    let (own, burst) = (sums.pools["h100"], sums.pools["g6e"]);
    assert_eq!((own.added, own.removed), (3, 1));
    assert_eq!((burst.added, burst.removed), (3, 2));
}

#[test]
fn a_clock_that_goes_back_takes_nothing_away() {
    let mut sums = Tally::default();
    sums.note(&turn(10, (2, 0), (10, 36)));
    sums.note(&turn(5, (2, 0), (10, 36)));
    assert_eq!((sums.hours, sums.pools["h100"].unit_hours), (0.0, 0.0));
}
