//! When and where capacity is added.

use super::world::*;
use crate::decide::scaling::*;
use crate::forecast::{Forecast, Quantile};
use crate::observe::{Offer, SpotPrice};
use crate::units::{Rate, Share, Span};
use std::time::Duration;

const SPOT: &str = "spot = { share = \"70%\", base_on_demand = 1 }";

#[test]
fn on_prem_comes_first_and_then_burst_by_price() {
    let mut world = three();
    for (load, own, cheap, dear) in
        [(0.0, 1, 0, 0), (35.0, 4, 0, 0), (41.0, 4, 1, 0), (160.0, 4, 3, 0), (161.0, 4, 3, 1)]
    {
        world.load(load);
        let scaling = world.decide();
        let found = ["own", "cheap", "dear"].map(|pool| wanted(&scaling, pool));
        assert_eq!(found, [own, cheap, dear], "{load}");
    }
    let scaling = world.decide();
    let cheap = &scaling.pools["cheap"];
    assert_eq!(
        cheap.reasons[0].text,
        "3 more, 40 req/s per g5.12xlarge at $5.672/h: 161 req/s in 5m (seen now), 161 req/s with \
         headroom"
    );
    assert_eq!(cheap.reasons[0].key.as_deref(), Some("burst.target_utilization"));
    assert!(cheap.reasons[0].at.is_some());
    assert_eq!(scaling.cost_after.usd_per_hour.to_string(), "$27.50864/h");
    assert_eq!(scaling.cost_now, Cost::default());
    assert_eq!(scaling.stages["inference"].shed, Share::ALL);
}

#[test]
fn what_is_on_its_way_counts_once() {
    let mut world = three();
    world.load(150.0);
    for _ in 0..60 {
        let scaling = world.decide();
        world.apply(&scaling, Duration::from_secs(15));
        assert_eq!((world.asked("own"), world.asked("cheap"), world.asked("dear")), (4, 3, 0));
    }
}

#[test]
fn headroom_is_over_the_target_utilization() {
    let mut world = three();
    world.environment.burst.target_utilization = Share::percent(50);
    world.load(35.0);
    let scaling = world.decide();
    assert_eq!((wanted(&scaling, "own"), wanted(&scaling, "cheap")), (4, 1));
    assert_eq!(scaling.stages["inference"].need, Some(Rate::from_millis(70_000)));
}

fn forecast(world: &World, path: &[f64]) -> Forecast {
    let quantile = |level: f64, times: f64| Quantile {
        level,
        path: path.iter().map(|value| value * times).collect(),
    };
    Forecast {
        origin: world.now,
        step: Span::from_secs(60),
        by: "lstm",
        path: path.to_vec(),
        quantiles: vec![quantile(0.5, 1.0), quantile(0.95, 2.0), quantile(0.99, 9.0)],
    }
}

#[test]
fn what_comes_until_new_capacity_serves_is_prepared_for() {
    let mut world = three();
    world.load(10.0);
    let coming = [10.0, 10.0, 60.0, 40.0, 40.0, 400.0, 400.0];
    world.stage().forecast = Some(forecast(&world, &coming));
    let scaling = world.decide();
    // Its P95 reaches 120 within 5 minutes; 800 come later.
    assert_eq!((wanted(&scaling, "own"), wanted(&scaling, "cheap")), (4, 2));
    let stage = &scaling.stages["inference"];
    assert_eq!(stage.expected, Some(Rate::from_millis(120_000)));
    assert_eq!(stage.expected_by, "the forecast (lstm, P95) for 12:03");
    // A pool that takes longer looks further, up to the horizon.
    world.delays.values_mut().for_each(|delays| delays.cold.p95 = Span::from_secs(3600));
    assert_eq!(world.decide().stages["inference"].expected, Some(Rate::from_millis(800_000)));
}

#[test]
fn a_forecast_below_what_is_seen_or_of_another_time_changes_nothing() {
    let mut world = three();
    world.load(75.0);
    world.stage().forecast = Some(forecast(&world, &[1.0; 15]));
    assert_eq!(world.decide().stages["inference"].expected, Some(Rate::from_millis(75_000)));
    let mut old = forecast(&world, &[500.0; 15]);
    old.origin = world.now.saturating_sub(Duration::from_secs(3600)).unwrap();
    world.stage().forecast = Some(old);
    assert_eq!(world.decide().stages["inference"].expected, Some(Rate::from_millis(75_000)));
    world.stage().forecast = Some(forecast(&world, &[f64::NAN, f64::INFINITY, -5.0]));
    assert_eq!(world.decide().stages["inference"].expected, Some(Rate::from_millis(75_000)));
}

#[test]
fn an_event_and_what_waits_count_beside_what_is_seen() {
    let mut world = three();
    world.load(30.0);
    world.stage().factor = 3.0;
    let scaling = world.decide();
    assert_eq!(scaling.stages["inference"].expected, Some(Rate::from_millis(90_000)));
    assert_eq!(scaling.stages["inference"].expected_by, "an event that is expected");
    // 3,000 requests, answered within the five minutes that a launch takes.
    world.stage().waiting = Some(3000.0);
    assert_eq!(world.decide().stages["inference"].expected, Some(Rate::from_millis(100_000)));
}

#[test]
fn nothing_runs_and_a_request_waits() {
    let mut world = world(&[burst("cheap", "{ min = 0, max = 3 }", &[G5], "")]);
    world.load(0.0);
    assert_eq!(wanted(&world.decide(), "cheap"), 0);
    world.stage().waiting = Some(1.0);
    assert_eq!(wanted(&world.decide(), "cheap"), 1);
}

#[test]
fn warm_instances_come_before_cold_ones() {
    let mut world = three();
    world.has("own", "replicas", 4);
    world.group("dear", "g6e.12xlarge/on-demand").warm = 1;
    world.load(115.0);
    let scaling = world.decide();
    assert_eq!((wanted(&scaling, "cheap"), wanted(&scaling, "dear")), (1, 1));
}

#[test]
fn above_its_base_a_pool_is_spot_in_its_share() {
    let mut world = world(&[burst("g5", "{ min = 0, max = 20 }", &[G5], SPOT)]);
    world.load(440.0);
    let expected = [("g5.12xlarge/on-demand".to_owned(), 4), ("g5.12xlarge/spot".to_owned(), 7)];
    assert_eq!(groups(&world.decide(), "g5"), expected);
}

#[test]
fn spot_that_is_short_is_made_up_on_demand() {
    let mut world = world(&[burst("g5", "{ min = 0, max = 20 }", &[G5], SPOT)]);
    world.load(440.0);
    world.group("g5", "g5.12xlarge/spot").limit = 2;
    let first = world.decide();
    world.apply(&first, Duration::from_secs(15));
    let scaling = world.decide();
    let expected = [("g5.12xlarge/on-demand".to_owned(), 9), ("g5.12xlarge/spot".to_owned(), 2)];
    assert_eq!(groups(&scaling, "g5"), expected);
    assert!(kinds(&scaling).contains(&EventKind::SetAside));
    let spot = scaling.pools["g5"].sources.iter().find(|one| one.wanted == 2).unwrap();
    assert_eq!((spot.desired, spot.set, spot.shrink), (7, 2, 0), "nothing that is there goes");
}

#[test]
fn what_is_on_its_way_out_takes_a_place_and_comes_back_before_anything_is_launched() {
    let spot = "spot = { share = \"100%\" }";
    // Whether there is money for ten or for any number.
    for budget in [57, 999] {
        let budget = format!("budget = {{ usd_per_hour = {budget} }}\n");
        let mut world = world(&[budget, burst("g5", "{ min = 0, max = 10 }", &[G5], spot)]);
        world.has("g5", "g5.12xlarge/on-demand", 10);
        world.group("g5", "g5.12xlarge/on-demand").draining = 8;
        world.load(300.0);
        let scaling = world.decide();
        assert_eq!(groups(&scaling, "g5"), [("g5.12xlarge/on-demand".to_owned(), 8)]);
        assert_eq!((scaling.pools["g5"].wanted, out(&scaling)), (8, vec![]));
        world.load(900.0);
        let scaling = world.decide();
        assert_eq!(groups(&scaling, "g5"), [("g5.12xlarge/on-demand".to_owned(), 10)]);
        assert_eq!(out(&scaling), [HoldCause::Max]);
    }
}

#[test]
fn what_its_place_takes_back_while_it_drains_does_not_come_back() {
    let mut world = world(&[burst("g5", "{ min = 0, max = 4 }", &[G5], "")]);
    world.has("g5", "g5.12xlarge/on-demand", 4);
    let group = world.group("g5", "g5.12xlarge/on-demand");
    (group.draining, group.cannot_stay) = (2, 1);
    world.load(900.0);
    let scaling = world.decide();
    assert_eq!((wanted(&scaling, "g5"), out(&scaling)), (3, vec![HoldCause::Max]));
}

#[test]
fn the_places_of_what_is_given_up_are_free_when_it_is_gone() {
    let spot = "spot = { share = \"100%\" }";
    let mut world = world(&[burst("g5", "{ min = 0, max = 4 }", &[G5], spot)]);
    world.has("g5", "g5.12xlarge/on-demand", 4);
    world.group("g5", "g5.12xlarge/on-demand").broken = true;
    world.drain = Duration::from_secs(30);
    world.load(900.0);
    let mut gives_up = world.run(50);
    while gives_up.pools["g5"].sources[0].aside.is_none() {
        gives_up = world.run(1);
    }
    assert_eq!((groups(&gives_up, "g5"), gives_up.pools["g5"].sources[0].shrink), (vec![], 4));
    assert_eq!(out(&gives_up), [HoldCause::Max]);
    let why = &gives_up.pools["g5"].holds[0].why.text;
    assert_eq!(why, "4 units, its max, with 4 on their way out");
    let goes = world.run(1);
    assert_eq!((wanted(&goes, "g5"), world.asked("g5")), (0, 4));
    assert_eq!(groups(&world.run(2), "g5"), [("g5.12xlarge/spot".to_owned(), 4)]);
}

#[test]
fn what_spot_costs_now_moves_a_pool_before_another() {
    let spot = "spot = { share = \"100%\" }";
    let mut world = world(&[
        burst("cheap", "{ min = 0, max = 9 }", &[G5], ""),
        burst("dear", "{ min = 0, max = 9 }", &[G6E], spot),
    ]);
    world.load(40.0);
    assert_eq!(wanted(&world.decide(), "dear"), 0);
    let offer = Offer { region: "us-east-1".into(), instance_type: "g6e.12xlarge".into() };
    let price = "$3/h".parse().unwrap();
    let price = SpotPrice { usd_per_hour: price, zone: "us-east-1a".into(), at: world.now };
    world.market.spot.insert(offer, price);
    let scaling = world.decide();
    assert_eq!((wanted(&scaling, "cheap"), wanted(&scaling, "dear")), (0, 1));
    assert_eq!(scaling.cost_after.usd_per_hour.to_string(), "$3/h");
}

#[test]
fn a_load_that_is_too_much_is_told_when_it_begins_and_when_it_is_over() {
    let mut world = world(&[burst("cheap", "{ min = 0, max = 1 }", &[G5], "")]);
    world.load(0.0);
    world.run(2);
    let mut told = Vec::new();
    for step in 0..100 {
        world.load(if step < 60 { 90.0 + f64::from(step % 3) } else { 20.0 });
        let scaling = world.decide();
        told.extend(kinds(&scaling).into_iter().map(|kind| (step, kind)));
        world.apply(&scaling, Duration::from_secs(15));
    }
    let of = |kind: EventKind| -> Vec<i32> {
        told.iter().filter(|(_, one)| *one == kind).map(|(step, _)| *step).collect()
    };
    assert_eq!((of(EventKind::Unmet), of(EventKind::Met)), (vec![0], vec![64]));
    // All of the load at first; a good half once the one instance serves.
    assert_eq!((of(EventKind::Shed).len(), of(EventKind::Served)), (2, vec![64]));
}

#[test]
fn a_free_replica_that_is_quick_does_not_hold_burst_back() {
    let mut world = three();
    let quick = Delay { median: Span::from_secs(20), p95: Span::from_secs(60) };
    world.delays.insert(name("own"), Delays::of(quick));
    world.has("own", "replicas", 3);
    world.load(25.0);
    // In three minutes more than all of on-prem carries; the replica serves in one.
    world.stage().forecast = Some(forecast(&world, &[12.0, 12.0, 40.0, 40.0, 40.0, 40.0]));
    let scaling = world.decide();
    assert_eq!(["own", "cheap"].map(|pool| wanted(&scaling, pool)), [3, 1]);
    // Not so where the replica makes up for all that comes.
    world.stage().forecast = Some(forecast(&world, &[12.0, 12.0, 19.0, 19.0, 19.0, 19.0]));
    let scaling = world.decide();
    assert_eq!(["own", "cheap"].map(|pool| wanted(&scaling, pool)), [3, 0]);
}

#[test]
fn quick_replicas_that_are_refused_hold_no_burst_back() {
    let mut world = world(&[
        onprem("own", "{ min = 1, max = 9 }"),
        burst("cheap", "{ min = 0, max = 9 }", &[G5], ""),
    ]);
    let quick = Delay { median: Span::from_secs(20), p95: Span::from_secs(60) };
    world.delays.insert(name("own"), Delays::of(quick));
    world.has("own", "replicas", 2);
    world.group("own", "replicas").takes = 2;
    world.load(40.0);
    let refused = world.run(1);
    assert_eq!(refused.pools["own"].sources[0].aside, Some(AsideCause::Refused));
    assert_eq!(["own", "cheap"].map(|pool| wanted(&refused, pool)), [2, 1]);
    world.apply(&refused, Duration::from_secs(61));
    // 60 are there or come, and nothing is short within the minute that a replica takes. Of
    // the 100 in three minutes one replica can still make up for 10, not seven for 70.
    world.stage().forecast = Some(forecast(&world, &[12.0, 12.0, 50.0, 50.0, 50.0, 50.0]));
    let scaling = world.decide();
    assert_eq!(["own", "cheap"].map(|pool| wanted(&scaling, pool)), [2, 2]);
}

#[test]
fn budgets_stop_scale_out_and_take_nothing_away() {
    let budget = |text: &str| {
        let pools = burst("cheap", "{ min = 0, max = 9 }", &[G5], "");
        let mut world = world(&[format!("budget = {{ {text} }}\n"), pools]);
        world.load(400.0);
        world
    };
    let mut hour = budget("usd_per_hour = 12");
    let scaling = hour.decide();
    assert_eq!((wanted(&scaling, "cheap"), out(&scaling)), (2, vec![HoldCause::BudgetHour]));
    let hold = &scaling.pools["cheap"].holds[0];
    assert_eq!(hold.why.key.as_deref(), Some("burst.budget.usd_per_hour"));
    assert_eq!(scaling.stages["inference"].unmet, Rate::from_millis(320_000));
    // Over it already: what runs stays.
    hour.has("cheap", "g5.12xlarge/on-demand", 5);
    assert_eq!(wanted(&hour.decide(), "cheap"), 5);

    let mut day = budget("usd_per_day = 50");
    day.spent.day_micros = 47_000_000;
    let scaling = day.decide();
    // What is begun runs for 25 minutes at least: two cost 4.7 dollars.
    assert_eq!((wanted(&scaling, "cheap"), out(&scaling)), (1, vec![HoldCause::BudgetDay]));

    let mut month = budget("usd_per_month = 50");
    month.spent.month_micros = 50_000_000;
    let scaling = month.decide();
    assert_eq!((wanted(&scaling, "cheap"), out(&scaling)), (0, vec![HoldCause::BudgetMonth]));

    let mut unknown = budget("usd_per_hour = 1000");
    unknown.catalog = crate::spec::Catalog::default();
    unknown
        .catalog
        .insert("g5.12xlarge".into(), crate::spec::InstanceType { gpus: 4, vcpus: 48, efa: None });
    assert_eq!(out(&unknown.decide()), [HoldCause::PriceUnknown]);
}

#[test]
fn a_quota_bounds_all_pools_of_a_family_together() {
    let quota = "[aws.quotas]\non_demand_g = 144\n".to_owned();
    let mut world = world(&[
        quota,
        burst("cheap", "{ min = 0, max = 2 }", &[G5], ""),
        burst("dear", "{ min = 0, max = 9 }", &[G6E], ""),
    ]);
    world.load(400.0);
    let scaling = world.decide();
    // 48 vCPUs each.
    assert_eq!((wanted(&scaling, "cheap"), wanted(&scaling, "dear")), (2, 1));
    assert_eq!(out(&scaling), [HoldCause::Quota, HoldCause::Max]);
}

#[test]
fn on_prem_that_cannot_be_seen_is_held_and_then_counted_as_lost() {
    let mut world = three();
    world.has("own", "replicas", 4);
    world.load(40.0);
    world.decide();
    world.unseen.push(name("own"));
    let held = world.run(20);
    assert_eq!((wanted(&held, "cheap"), wanted(&held, "own")), (0, 4));
    let lost = world.run(1);
    assert_eq!((wanted(&lost, "cheap"), wanted(&lost, "own")), (1, 4));
    assert!(kinds(&lost).contains(&EventKind::Lost));
    assert_eq!(lost.pools["own"].sources[0].set, 4, "nothing is written");
    let later = world.run(1);
    assert_eq!(wanted(&later, "cheap"), 1);
    assert!(!kinds(&later).contains(&EventKind::Lost), "it is told once");
    world.unseen.clear();
    world.run(1);
    world.unseen.push(name("own"));
    assert!(!kinds(&world.run(20)).contains(&EventKind::Lost));
    assert!(kinds(&world.run(1)).contains(&EventKind::Lost), "and anew, where it is lost again");
}

#[test]
fn what_git_owns_is_never_touched_and_counts() {
    let mut world = world(&[
        onprem("own", "3"),
        burst("fixed", "1", &[G5], ""),
        burst("moves", "{ min = 0, max = 9 }", &[G5], ""),
    ]);
    world.has("own", "replicas", 2);
    world.has("fixed", "g5.12xlarge/on-demand", 3);
    world.load(200.0);
    let scaling = world.decide();
    // 2 × 10 and 3 × 40 are there: 60 are open.
    assert_eq!(["own", "fixed", "moves"].map(|pool| wanted(&scaling, pool)), [2, 3, 2]);
    assert_eq!(scaling.pools["own"].sources[0].set, 2);
    assert_eq!(scaling.pools["own"].owner, crate::decide::DesiredOwner::Git);
}

#[test]
fn an_engines_profile_says_what_its_replicas_carry_of_these_tokens() {
    let profile = "profile = { alpha_ms = 7.47, beta_ms_per_seq = 0.044, gamma_ms = 15.415, \
                   delta_ms_per_token_seq = 0.000337 }\n";
    let mut world = world(&[onprem("own", "{ min = 0, max = 9 }") + profile]);
    world.load(60.0);
    assert_eq!(wanted(&world.decide(), "own"), 6, "no tokens are measured");
    world.stage().tokens = Some(TokenMix { prompt: 128.0, output: 128.0 });
    assert_eq!(wanted(&world.decide(), "own"), 2);
    world.stage().tokens = Some(TokenMix { prompt: 128.0, output: 512.0 });
    assert_eq!(wanted(&world.decide(), "own"), 7);
    world.worth.insert(name("own"), Share::percent(150));
    assert_eq!(wanted(&world.decide(), "own"), 5);
}

#[test]
fn a_min_and_a_schedule_ask_for_a_least_number_the_latter_ahead_of_time() {
    let schedule =
        "[[schedule]]\nname = \"noon\"\npool = \"cheap\"\ncron = \"10 12 * * *\"\ndesired = 3\n";
    let pools = burst("cheap", "{ min = 1, max = 9 }", &[G5], "");
    let mut world = world(&[pools, schedule.to_owned()]);
    world.load(0.0);
    // Until five minutes before.
    let before = world.run(19);
    assert_eq!(wanted(&before, "cheap"), 1);
    let ahead = world.run(1);
    assert_eq!(wanted(&ahead, "cheap"), 3);
    assert_eq!(ahead.pools["cheap"].reasons[0].text, "schedule `noon`: 3");
}

#[test]
fn what_cannot_be_served_in_time_is_said_to_the_gateway() {
    let mut world = three();
    world.has("own", "replicas", 4);
    world.load(50.0);
    let scaling = world.decide();
    assert_eq!(scaling.stages["inference"].shed, Share::percent(20));
    assert!(kinds(&scaling).contains(&EventKind::Shed));
    world.load(40.0);
    assert_eq!(world.decide().stages["inference"].shed, Share::default());
}

#[test]
fn on_prem_that_a_new_controller_has_not_seen_is_held_as_the_one_before_left_it() {
    let mut world = world(&[
        onprem("own", "{ min = 0, max = 4 }"),
        burst("b", "{ min = 0, max = 9 }", &[G5], ""),
    ]);
    world.has("own", "replicas", 4);
    world.load(40.0);
    world.run(4);
    // Another goes on with what was noted.
    world.memory = world.memory.clone().without_numbers();
    world.unseen.push(name("own"));
    world.seen_at.clear();
    world.since = Some(world.now);
    assert_eq!(wanted(&world.run(8), "b"), 0, "for as long as `onprem.lost_after`");
    assert_eq!(wanted(&world.run(20), "b"), 1);
}

#[test]
fn a_clock_that_was_ahead_for_a_while_holds_nothing_for_so_long() {
    let mut world = world(&[burst("b", "{ min = 0, max = 4 }", &[G5, G6E], "")]);
    world.group("b", "g5.12xlarge/on-demand").limit = 0;
    world.load(10.0);
    let right = world.now;
    world.now = right + Duration::from_secs(30 * 24 * 3600);
    world.run(8);
    world.now = right;
    let scaling = world.decide();
    let aside = world.memory.sources["b"]["g5.12xlarge/on-demand"].aside.clone().unwrap();
    assert!(aside.until <= right + aside.step.duration(), "{aside:?}");
    assert!(scaling.memory.at <= Some(right));
}
