//! What is read of a decision.

use super::text;
use crate::decide::scaling::*;
use crate::decide::{CapacityType, DesiredOwner, Reason};
use crate::render::Style;
use crate::units::{Rate, Share, Span, UsdPerHour};

fn reason(text: &str) -> Reason {
    let at = Some("environments/prod.toml:41".to_owned());
    Reason { key: Some("burst.target_utilization".to_owned()), at, text: text.to_owned() }
}

fn record() -> DecisionRecord {
    let rate = |requests: u64| Rate::from_millis(requests * 1000);
    let at = "2026-11-26T12:00:00Z".parse().unwrap();
    let hold = Hold {
        cause: HoldCause::BudgetHour,
        direction: Direction::ScaleOut,
        until: None,
        why: reason("$120.5/h with one more g6e.12xlarge, above $120/h"),
    };
    let keeps = Hold {
        cause: HoldCause::Stabilization,
        direction: Direction::ScaleIn,
        until: Some("2026-11-26T12:15:00Z".parse().unwrap()),
        why: reason("180 req/s was needed at 11:59:45"),
    };
    let stage = StageScaling {
        demand: Some(rate(200)),
        expected: Some(rate(240)),
        expected_by: "the forecast (lstm, P95) for 12:12".to_owned(),
        lead: Span::from_secs(780),
        need: Some(rate(300)),
        serving: rate(160),
        coming: rate(160),
        after: rate(280),
        unmet: rate(20),
        shed: Share::percent(20),
        holds: vec![keeps],
        ..StageScaling::default()
    };
    let source = SourceScaling {
        group: Some("prod-g6e-spot".to_owned()),
        label: "g6e.12xlarge".to_owned(),
        market: Some(CapacityType::Spot),
        desired: 0,
        wanted: 3,
        set: 3,
        shrink: 0,
        stays: false,
        aside: None,
        usd_per_hour: Some(UsdPerHour::from_micros(4_200_000)),
    };
    let pool = PoolScaling {
        stage: "inference".parse().unwrap(),
        owner: DesiredOwner::Controller,
        visible: true,
        min: 0,
        max: 10,
        now: 0,
        wanted: 3,
        serving: 0,
        capacity_per_unit: rate(40),
        worth: None,
        launch: None,
        pods: Some(0),
        sources: vec![source],
        reasons: vec![reason("3 more, 40 req/s per g6e.12xlarge at $4.2/h")],
        holds: vec![hold],
    };
    let event = Event {
        kind: EventKind::ScaledOut,
        about: "g6e".parse().unwrap(),
        text: "0 → 3".to_owned(),
    };
    let scaling = Scaling {
        at,
        mode: Mode::Normal,
        stages: [("inference".parse().unwrap(), stage)].into(),
        pools: [("g6e".parse().unwrap(), pool)].into(),
        events: vec![event],
        cost_now: Cost::default(),
        cost_after: Cost { usd_per_hour: UsdPerHour::from_micros(12_600_000), unpriced: 0 },
        memory: Memory::default(),
    };
    DecisionRecord::of(&"prod".parse().unwrap(), &scaling)
}

#[test]
fn a_decision_says_what_was_seen_what_was_wanted_and_what_held_it() {
    insta::assert_snapshot!(text(&record(), &Style::plain(100)), @r"
    Decision of 2026-11-26T12:00:00Z  prod, burst costs $0.00/h now, $12.60/h after

    stage inference: 200 req/s now
      to be ready for in 13m: 240 req/s by the forecast (lstm, P95) for 12:12; 300 req/s with headroom
      capacity: 160 req/s serve, 160 with what is on its way, 280 wanted
      20 req/s fit nowhere
      20% of the requests cannot be served in time
      not less, stabilization: 180 req/s was needed at 11:59:45 (environments/prod.toml:41); until
        2026-11-26T12:15:00Z
      pool g6e: 3 wanted (+3), 0 serve, 0 to 10
        3 more, 40 req/s per g6e.12xlarge at $4.2/h (environments/prod.toml:41)
        g6e.12xlarge spot: 0 → 3, $4.2/h each
        no more, budget_hour: $120.5/h with one more g6e.12xlarge, above $120/h
          (environments/prod.toml:41)

    g6e: 0 → 3
    ");
}

#[test]
fn it_says_what_was_written_and_what_became_of_that_or_who_led_instead() {
    let shown = |record: &DecisionRecord| {
        let text = text(record, &Style::plain(100));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let old = shown(&record());
    assert!(!old.contains("written"), "an older Floodway has not noted it: {old}");
    let follows = record().with_standing("follows", Some("ada"), Some("ada leads"));
    assert!(shown(&follows).contains("nothing was written: ada leads"), "{}", shown(&follows));
    let leads = || record().with_standing("leads", None, None);
    assert!(shown(&leads()).contains("nothing had to be written"), "{}", shown(&leads()));
    let g6e: crate::id::Name = "g6e".parse().unwrap();
    let write = |what: &str, came| (g6e.clone(), what.to_owned(), Some(came));
    let refused = Err("not allowed to patch it".to_owned());
    let leads = leads().with_done([write("0 → 3", Ok(())), write("replicas 0 → 12", refused)]);
    let told = "written: g6e 0 → 3 (done); g6e replicas 0 → 12 FAILED: not allowed to patch it";
    assert!(shown(&leads).contains(told), "{}", shown(&leads));
}

#[test]
fn it_says_how_the_forecasters_stood_and_which_was_used() {
    let standing = |name: &str, leads, loss, out: Option<&str>| crate::forecast::Standing {
        name: name.to_owned(),
        leads,
        loss,
        ticks: 40,
        out: out.map(str::to_owned),
    };
    let standings = vec![
        standing("ets", true, Some(2.14), None),
        standing("persistence", false, Some(3.0), None),
        standing("mstl", false, None, None),
        standing("lstm", false, Some(1.0), Some("it needs the last 12 steps")),
    ];
    let standings = [("inference".parse().unwrap(), standings)].into();
    let record = record().with_forecasters(&standings);
    let shown = text(&record, &Style::plain(100));
    let unwrapped = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    let ranked = "ets 2.14 (used), persistence 3, mstl, not measured yet";
    assert!(unwrapped.contains(ranked), "{shown}");
    assert!(shown.contains("lstm has no forecast: it needs the last 12 steps"), "{shown}");
    let read = DecisionRecord::from_line(&record.to_line().unwrap()).unwrap();
    assert_eq!(read, record);
}

#[test]
fn it_says_after_how_long_what_is_launched_serves_and_how_that_is_known() {
    let second = Span::from_secs;
    let shown = |change: &dyn Fn(&mut Delays)| {
        let mut launch = Delays::declared(second(420), true);
        change(&mut launch);
        let mut record = record();
        record.scaling.pools.values_mut().for_each(|pool| pool.launch = Some(launch));
        let read = DecisionRecord::from_line(&record.to_line().unwrap()).unwrap();
        assert_eq!(read, record);
        let text = text(&record, &Style::plain(160));
        text.lines().find(|line| line.contains("ready after")).unwrap().trim().to_owned()
    };
    let declared = "ready after 5m median, 10m p95, as declared: no launch was measured yet";
    assert_eq!(shown(&|_| {}), declared);
    let few = "ready after 5m median, 10m p95, as declared: 2 of 3 launches were measured";
    assert_eq!(shown(&|launch| launch.measured = 2), few);
    let cold = |launch: &mut Delays| {
        launch.cold = Delay { median: second(192), p95: second(290) };
        launch.measured = 14;
    };
    let measured = "ready after 3m 12s median, 4m 50s p95, from 14 launches";
    assert_eq!(shown(&cold), measured);
    let warm = |launch: &mut Delays| {
        cold(launch);
        launch.warm = Delay { median: second(58), p95: second(70) };
        launch.warm_measured = 5;
    };
    let warm = shown(&warm);
    assert_eq!(warm, format!("{measured}; warm 58s median, 1m 10s p95, from 5 launches"));
}

#[test]
fn it_is_read_on_a_narrow_screen_too() {
    let text = text(&record(), &Style::plain(30));
    assert!(text.lines().all(|line| line.chars().count() <= 30), "{text}");
}
