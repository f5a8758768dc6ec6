//! What is read of a decision.

use super::text;
use crate::decide::scaling::*;
use crate::decide::{CapacityType, DesiredOwner, Reason};
use crate::observe::{HandHold, Hands, Override};
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
fn what_operators_said_is_shown_where_it_keeps_nothing_too() {
    let hold = |pool: Option<&str>, scale_in, reason: &str| HandHold {
        pool: pool.map(|pool| pool.parse().unwrap()),
        scale_in,
        scale_out: !scale_in,
        reason: reason.to_owned(),
        by: "ada@host".to_owned(),
        ..HandHold::default()
    };
    let until = Some("2026-11-26T14:00:00Z".parse().unwrap());
    let number = Override {
        pool: "g6e".parse().unwrap(),
        units: 3,
        until,
        reason: "launch".to_owned(),
        by: "bob".to_owned(),
        since: crate::clock::Timestamp::UNIX_EPOCH,
    };
    let mut hands = Hands {
        holds: vec![
            hold(None, true, "INC-7"),
            HandHold { until, ..hold(Some("g6e"), false, "dry") },
        ],
        overrides: vec![number],
        ..Hands::default()
    };
    // One that has run out, and one that stands for what could not be read.
    let ended = Some("2026-11-26T11:00:00Z".parse().unwrap());
    hands.holds.push(HandHold { until: ended, ..hold(None, false, "ended") });
    hands.holds.push(HandHold { by: String::new(), ..hold(None, false, "unread") });
    let shown = |record: DecisionRecord| {
        let read = DecisionRecord::from_line(&record.to_line().unwrap()).unwrap();
        assert_eq!(read, record);
        let text = text(&record, &Style::plain(160));
        let of = |line: &&str| line.contains("ada@host") || line.contains("bob");
        text.lines().filter(of).map(|line| line.trim_end().to_owned()).collect::<Vec<_>>()
    };
    let environment = "hold of scale-in by ada@host until it is resumed: nothing to hold (INC-7)";
    let pool =
        "    hold of scale-out by ada@host until 2026-11-26T14:00:00Z: nothing to hold (dry)";
    let number = "    number 3 by bob until 2026-11-26T14:00:00Z: nothing to set (launch)";
    assert_eq!(shown(record().with_said(&hands)), [environment, pool, number]);
    assert!(!text(&record().with_said(&hands), &Style::plain(160)).contains("unread"));
    // What keeps something is told there, and not once more.
    let mut bound = record();
    let why = |text: &str| Reason { key: None, at: None, text: text.to_owned() };
    let by_hand = |direction, text: &str| Hold {
        cause: HoldCause::Operator,
        direction,
        until: None,
        why: why(text),
    };
    let stage = bound.scaling.stages.get_mut("inference").unwrap();
    stage.holds.push(by_hand(Direction::ScaleIn, "an operator's hold: INC-7"));
    let g6e = bound.scaling.pools.get_mut("g6e").unwrap();
    g6e.holds.push(by_hand(Direction::ScaleOut, "an operator's hold: dry"));
    g6e.reasons.push(why("an operator's number, 3: launch"));
    let bound = bound.with_said(&hands);
    assert!(bound.said.len() == 3 && bound.said.iter().all(|said| said.binds), "{:?}", bound.said);
    assert_eq!(shown(bound), [""; 0]);
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
