//! Frames of the live view.

use super::{COLUMNS, LINES, Top, draw, text};
use crate::clock::Timestamp;
use crate::decide::scaling::*;
use crate::decide::{CapacityType, DesiredOwner, Reason};
use crate::observe::{Aborted, HandHold, Hands, Lifted, Override, Pause};
use crate::render::Style;
use crate::units::{Rate, Span, UsdPerHour};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::collections::BTreeMap;

const PLAIN: Style = Style::plain(80);

fn requests(number: u64) -> Rate {
    Rate::from_millis(number * 1000)
}

fn reason(text: &str) -> Reason {
    Reason { key: None, at: None, text: text.to_owned() }
}

fn pool(stage: &str, owner: DesiredOwner, (now, wanted, serving): (u32, u32, u32)) -> PoolScaling {
    PoolScaling {
        stage: stage.parse().unwrap(),
        owner,
        visible: true,
        min: 0,
        max: 4,
        now,
        wanted,
        serving,
        capacity_per_unit: requests(18),
        worth: None,
        launch: None,
        pods: None,
        sources: Vec::new(),
        reasons: vec![reason("1 more, 18 req/s each: 70 req/s in 15m")],
        holds: Vec::new(),
    }
}

/// A morning, minute by minute: the load rises, and at the 40th minute burst does.
fn morning() -> Vec<DecisionRecord> {
    let begin: Timestamp = "2026-11-26T08:00:00Z".parse().unwrap();
    let at = |minute: u64| begin + std::time::Duration::from_secs(60 * minute);
    let one = |minute: u64| {
        let load = requests(20 + minute / 2);
        let stage = StageScaling {
            demand: Some(load),
            expected: Some(load + requests(4)),
            lead: Span::from_secs(900),
            band: Some(Band {
                at: at(minute + 15),
                low: load + requests(5),
                high: load + requests(9),
            }),
            need: Some(load + requests(12)),
            serving: requests(if minute > 44 { 90 } else { 54 }),
            coming: requests(if minute > 40 { 90 } else { 54 }),
            ..StageScaling::default()
        };
        let unmeasured = StageScaling { serving: requests(400), ..StageScaling::default() };
        let (burst, cost) = match minute {
            ..40 => ((0, 0, 0), 0),
            40 => ((0, 1, 0), 0),
            41..45 => ((1, 1, 0), 10_490_000),
            _ => ((1, 1, 1), 10_490_000),
        };
        let mut g6e = pool("inference", DesiredOwner::Controller, burst);
        g6e.sources = vec![SourceScaling {
            group: Some("day-g6e-od-g6e.12xlarge".to_owned()),
            label: "g6e.12xlarge".to_owned(),
            market: Some(CapacityType::OnDemand),
            desired: burst.0,
            wanted: burst.1,
            set: burst.1,
            shrink: 0,
            stays: false,
            aside: None,
            usd_per_hour: Some(UsdPerHour::from_micros(10_490_000)),
        }];
        g6e.holds = match minute {
            41..45 => vec![Hold {
                cause: HoldCause::Pending,
                direction: Direction::ScaleIn,
                until: None,
                why: reason("1 instance is on its way"),
            }],
            _ => Vec::new(),
        };
        let event = Event {
            kind: EventKind::SetAside,
            about: "g6e".parse().unwrap(),
            text: "g5.12xlarge/on-demand has no capacity, tried again in 1m".to_owned(),
        };
        let scaling = Scaling {
            at: at(minute),
            mode: Mode::Normal,
            stages: BTreeMap::from([
                ("inference".parse().unwrap(), stage),
                ("postprocess".parse().unwrap(), unmeasured),
            ]),
            pools: BTreeMap::from([
                ("h100".parse().unwrap(), pool("inference", DesiredOwner::Controller, (3, 3, 3))),
                ("g6e".parse().unwrap(), g6e),
                ("post".parse().unwrap(), pool("postprocess", DesiredOwner::Git, (2, 2, 2))),
            ]),
            events: if minute == 41 { vec![event] } else { Vec::new() },
            cost_now: Cost { usd_per_hour: UsdPerHour::from_micros(cost), unpriced: 0 },
            cost_after: Cost {
                usd_per_hour: UsdPerHour::from_micros(u64::from(burst.1) * 10_490_000),
                unpriced: 0,
            },
            memory: Memory::default(),
        };
        DecisionRecord::of(&"day".parse().unwrap(), &scaling)
    };
    (0..60).map(one).collect()
}

fn hands() -> Hands {
    Hands {
        holds: vec![HandHold {
            scale_in: true,
            reason: "INC-7: caches are cold".to_owned(),
            by: "ada@host".to_owned(),
            ..HandHold::default()
        }],
        overrides: vec![Override {
            pool: "g6e".parse().unwrap(),
            units: 2,
            until: Some("2026-11-26T10:00:00Z".parse().unwrap()),
            reason: "launch".to_owned(),
            by: "ada@host".to_owned(),
            since: "2026-11-26T08:00:00Z".parse().unwrap(),
        }],
        ..Hands::default()
    }
}

fn top<'a>(records: &'a [DecisionRecord], at: usize, hands: &'a Hands) -> Top<'a> {
    Top { environment: "day", records, at, frozen: false, stage: 0, hands: Ok(hands) }
}

#[test]
fn a_frame_shows_load_forecast_pools_cost_and_the_last_changes() {
    let (records, none) = (morning(), Hands::default());
    insta::assert_snapshot!("last", text(&top(&records, 59, &none), &PLAIN, COLUMNS, LINES));
}

#[test]
fn an_earlier_decision_shows_what_was_known_then_and_what_held() {
    let (records, hands) = (morning(), hands());
    let frozen = Top { frozen: true, ..top(&records, 41, &hands) };
    insta::assert_snapshot!("frozen", text(&frozen, &PLAIN, COLUMNS, LINES));
}

#[test]
fn a_rollout_that_does_not_go_on_is_said_and_one_that_was_let_go_on_is_not() {
    let records = morning();
    let since = "2026-11-26T08:00:00Z".parse().unwrap();
    let by = || "ada@host".to_owned();
    let aborted = |lifted| Aborted {
        phase: "medium".parse().unwrap(),
        criterion: "errors".to_owned(),
        value: "7%".to_owned(),
        target: "above 5%".to_owned(),
        by: by(),
        since,
        lifted,
    };
    let said = |hands: &Hands| text(&top(&records, 59, hands), &PLAIN, 120, LINES);
    let halted = said(&Hands {
        pause: Some(Pause { reason: "INC-8".to_owned(), by: by(), since }),
        aborted: Some(aborted(None)),
        ..Hands::default()
    });
    assert!(halted.contains("by hand: the rollout is paused: INC-8 (ada@host)"), "{halted}");
    assert!(halted.contains("phase medium was aborted: errors was 7%, which is above 5%"));
    let lifted = Lifted { reason: "known".to_owned(), by: by(), at: since };
    let goes_on = said(&Hands { aborted: Some(aborted(Some(lifted))), ..Hands::default() });
    assert!(!goes_on.contains("aborted"), "{goes_on}");
}

#[test]
fn where_there_is_room_it_says_after_how_long_a_launch_serves() {
    let (mut records, none) = (morning(), Hands::default());
    let delay = Delay { median: Span::from_secs(192), p95: Span::from_secs(290) };
    let pools = records.iter_mut().flat_map(|record| &mut record.scaling.pools);
    for (name, pool) in pools {
        let measured = if name.as_str() == "g6e" { 14 } else { 0 };
        pool.launch = Some(Delays { measured, ..Delays::of(delay) });
    }
    let wide = text(&top(&records, 59, &none), &PLAIN, 100, LINES);
    let of = |name: &str| wide.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(of("POOL").contains("READY IN"), "{wide}");
    assert!(of("g6e").contains(" 4m 50s ") && of("h100").contains(" (4m 50s) "), "{wide}");
    let narrow = text(&top(&records, 59, &none), &PLAIN, COLUMNS, LINES);
    assert!(!narrow.contains("READY IN"), "{narrow}");
}

#[test]
fn what_cannot_be_known_is_said() {
    let (records, none) = (morning(), Hands::default());
    let unknown = Top { hands: Err("the cluster does not answer"), ..top(&records, 59, &none) };
    let said = text(&unknown, &PLAIN, COLUMNS, LINES);
    assert!(said.contains("what operators say is not known: the cluster does not answer"));
    let nothing = Top { records: &[], ..top(&records, 0, &none) };
    assert!(text(&nothing, &PLAIN, COLUMNS, LINES).contains("no decision of day"));
}

#[test]
fn every_size_of_a_terminal_can_be_drawn_on() {
    let (records, hands) = (morning(), hands());
    for (columns, lines) in [(1, 1), (20, 5), (40, 12), (80, 16), (80, 24), (200, 60)] {
        for unicode in [true, false] {
            let style = Style { unicode, color: true, ..PLAIN };
            let mut terminal = Terminal::new(TestBackend::new(columns, lines)).unwrap();
            let view = top(&records, 59, &hands);
            terminal.draw(|frame| draw(&view, &style, frame.area(), frame.buffer_mut())).unwrap();
            let drawn = terminal.backend().buffer().content().iter().any(|c| c.symbol() != " ");
            assert!(drawn, "nothing on {columns} × {lines}");
        }
    }
}

#[test]
fn without_unicode_no_line_is_drawn_by_dots() {
    let (records, none) = (morning(), Hands::default());
    let style = Style { unicode: false, ..PLAIN };
    let said = text(&top(&records, 59, &none), &style, COLUMNS, LINES);
    assert!(said.is_ascii(), "{said}");
}
