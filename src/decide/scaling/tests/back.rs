//! What runs on demand for want of spot, on its way back.

use super::world::*;
use crate::decide::split;
use crate::observe::{HandHold, Offer, Override, SpotPrice};
use crate::signal::Verdict;
use proptest::prelude::*;
use std::time::Duration;

const ON_DEMAND: &str = "g5.12xlarge/on-demand";
const SPOT: &str = "g5.12xlarge/spot";

fn pool(max: u32) -> String {
    let size = format!("{{ min = 0, max = {max} }}");
    burst("g5", &size, &[G5], "spot = { share = \"70%\", base_on_demand = 1 }")
}

/// Eleven carry the load, of which four on demand and seven on spot are declared; of spot
/// there were two for a while.
fn short_of_spot(pools: &[String]) -> World {
    let mut world = world(pools);
    world.load(440.0);
    world.group("g5", SPOT).limit = 2;
    world.run(16);
    assert_eq!(both(&mut world), [9, 2]);
    world
}

/// It is there again.
fn back() -> World {
    let mut world = short_of_spot(&[pool(20)]);
    world.group("g5", SPOT).limit = u32::MAX;
    world
}

/// What is asked for, on demand and on spot.
fn both(world: &mut World) -> [u32; 2] {
    [ON_DEMAND, SPOT].map(|of| world.group("g5", of).desired)
}

fn serving(world: &World) -> u32 {
    world.groups.iter().map(|group| group.serving(world.now)).sum()
}

/// All that is asked for in so many turns, and the minute of each change.
fn changes(world: &mut World, turns: usize) -> Vec<(i64, [u32; 2])> {
    let began = world.now;
    let mut seen = vec![(0, both(world))];
    for _ in 0..turns {
        world.run(1);
        let now = both(world);
        if seen.last().is_some_and(|(_, last)| *last != now) {
            seen.push((world.now.duration_since(began).as_secs() / 60, now));
        }
    }
    seen
}

#[test]
fn it_goes_back_one_by_one_when_the_other_serves_and_then_stays() {
    let mut world = back();
    let mut seen = vec![both(&mut world)];
    let (mut told, mut minutes) = (Vec::new(), Vec::new());
    let began = world.now;
    for _ in 0..300 {
        let scaling = world.run(1);
        assert!(serving(&world) >= 11, "{seen:?}");
        let reasons = &scaling.pools["g5"].reasons;
        told.extend(reasons.iter().filter(|why| why.text.starts_with("back to")).cloned());
        let now = both(&mut world);
        if seen.last() != Some(&now) {
            minutes.push(world.now.duration_since(began).as_secs() / 60);
            seen.push(now);
        }
    }
    let one_by_one: [[u32; 2]; 11] =
        [[9, 2], [9, 3], [8, 3], [8, 4], [7, 4], [7, 5], [6, 5], [6, 6], [5, 6], [5, 7], [4, 7]];
    assert_eq!(seen, one_by_one);
    // A window without trouble at first, and a launch between two.
    assert!(minutes[0] >= 12 && minutes[1] - minutes[0] >= 3, "{minutes:?}");
    let key = Some("aws.pools.g5.spot.share");
    assert!(told.iter().all(|why| why.key.as_deref() == key), "{told:?}");
    let more = "back to spot: one g5.12xlarge more on spot, for one g5.12xlarge on demand that \
                goes when it serves";
    let waits = "back to spot: one on demand goes when g5.12xlarge/spot serves";
    let less = "back to spot: one g5.12xlarge on demand less, for what is left carries the \
                440 req/s that was needed";
    for text in [more, waits, less] {
        assert!(told.iter().any(|why| why.text == text), "{text}: {told:?}");
    }
}

#[test]
fn until_then_it_is_said_what_stands_in_and_for_how_long() {
    let mut world = back();
    let scaling = world.run(1);
    let last = scaling.pools["g5"].reasons.last().unwrap();
    let text = "5 on demand in place of spot, until that was without trouble for 15m";
    assert_eq!(last.text, text);
}

#[test]
fn nothing_of_it_happens_where_nothing_may_be_scaled_in_or_out() {
    let holds = |scale_in: bool, pool: Option<&str>| HandHold {
        pool: pool.map(name),
        scale_in,
        scale_out: !scale_in,
        reason: "a test".to_owned(),
        ..HandHold::default()
    };
    for hold in [holds(true, None), holds(false, None), holds(true, Some("g5"))] {
        let mut world = back();
        world.hands.holds.push(hold.clone());
        assert_eq!(changes(&mut world, 160).len(), 1, "{hold:?}");
        world.hands.holds.clear();
        assert!(changes(&mut world, 60).len() > 1, "it has waited for no more than that");
    }
    let mut world = back();
    world.hands.overrides.push(Override {
        pool: name("g5"),
        units: 11,
        until: None,
        reason: "a test".to_owned(),
        by: "ada".to_owned(),
        since: world.now,
    });
    assert_eq!(changes(&mut world, 160).len(), 1, "an operator's number");
    let mut world = back();
    world.stage().verdict = Verdict::Missing;
    assert_eq!(changes(&mut world, 160).len(), 1, "the load is not known");
    let mut world = back();
    world.unseen.push(name("g5"));
    assert_eq!(changes(&mut world, 160).len(), 1, "it cannot be seen");
}

#[test]
fn what_comes_first_must_have_room_and_money_and_be_no_dearer() {
    for pools in [
        vec![pool(11)],
        vec!["budget = { usd_per_hour = 63 }\n".to_owned(), pool(20)],
        vec!["[aws.quotas]\nspot_g = 96\n".to_owned(), pool(20)],
    ] {
        let mut world = short_of_spot(&pools);
        world.group("g5", SPOT).limit = u32::MAX;
        assert_eq!(changes(&mut world, 160).len(), 1, "{pools:?}");
        let scaling = world.decide();
        assert_eq!(out(&scaling), [], "nothing is missing: {pools:?}");
    }
    let mut world = back();
    let offer = Offer { region: "us-east-1".into(), instance_type: "g5.12xlarge".into() };
    let usd_per_hour = "$9/h".parse().unwrap();
    let price = SpotPrice { usd_per_hour, zone: "us-east-1a".into(), at: world.now };
    world.market.spot.insert(offer, price);
    assert_eq!(changes(&mut world, 160).len(), 1, "the market asks for more");
}

#[test]
fn while_there_is_none_it_is_tried_more_and_more_seldom_and_nothing_piles_up() {
    let mut world = short_of_spot(&[pool(20)]);
    let seen = changes(&mut world, 1600);
    assert!(seen.iter().all(|(_, both)| [[9, 2], [9, 3]].contains(both)), "{seen:?}");
    let tries: Vec<i64> =
        seen.iter().filter(|(_, both)| *both == [9, 3]).map(|(minute, _)| *minute).collect();
    let apart: Vec<i64> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!((2..6).contains(&apart.len()), "{tries:?}");
    assert!(apart.windows(2).all(|pair| pair[1] >= pair[0] + 20), "{tries:?}");
}

#[test]
fn when_spot_is_taken_back_it_must_be_quiet_for_twice_as_long() {
    let mut world = back();
    world.run(32);
    world.group("g5", SPOT).cannot_stay = 1;
    world.run(8);
    world.group("g5", SPOT).cannot_stay = 0;
    let seen = changes(&mut world, 300);
    assert!((29..33).contains(&seen[1].0), "{seen:?}");
    assert_eq!(seen.last().unwrap().1, [4, 7]);
}

#[test]
fn a_notice_is_trouble_before_anybody_has_named_what_it_is_for() {
    let mut world = back();
    world.run(12);
    world.group("g5", SPOT).taken_back = 1;
    world.run(8);
    world.group("g5", SPOT).taken_back = 0;
    let seen = changes(&mut world, 160);
    assert!(seen[1].0 >= 29, "{seen:?}");
}

#[test]
fn a_notice_in_the_middle_of_an_exchange_leaves_nothing_over() {
    let mut world = back();
    while both(&mut world) != [9, 3] {
        world.run(1);
    }
    world.group("g5", SPOT).taken_back = 1;
    assert_eq!(changes(&mut world, 20).len(), 1, "it may have to stand in for that one");
    world.group("g5", SPOT).taken_back = 0;
    assert_eq!(changes(&mut world, 600).last().unwrap().1, [4, 7]);
}

#[test]
fn what_serves_only_in_part_is_waited_for() {
    let mut world = back();
    while both(&mut world) != [9, 3] {
        world.run(1);
    }
    world.group("g5", SPOT).partly = 1;
    assert_eq!(changes(&mut world, 60).len(), 1);
    world.group("g5", SPOT).partly = 0;
    assert_eq!(changes(&mut world, 3).last().unwrap().1, [8, 3]);
}

#[test]
fn nothing_is_bought_where_an_autoscalers_room_is_part_of_what_carries_the_need() {
    let own = onprem("own", "{ min = 20, max = 40 }") + "hpa = { cpu = \"70%\" }\n";
    let mut world = world(&[own, pool(20)]);
    world.has("own", "replicas", 20);
    world.has("g5", ON_DEMAND, 4);
    world.load(200.0);
    world.stage().factor = 2.0;
    assert_eq!(changes(&mut world, 160).len(), 1);
}

#[test]
fn what_is_not_written_is_asked_for_again_and_not_doubled() {
    let mut world = world(&[pool(20)]);
    world.has("g5", ON_DEMAND, 11);
    world.load(440.0);
    let mut decided = world.run(60);
    while wanted(&decided, "g5") == 11 {
        decided = world.run(1);
    }
    let expected = [(ON_DEMAND.to_owned(), 11), (SPOT.to_owned(), 1)];
    assert_eq!(groups(&decided, "g5"), expected);
    for _ in 0..40 {
        world.now = world.now.saturating_add(Duration::from_secs(15)).unwrap();
        assert_eq!(groups(&world.decide(), "g5"), expected);
    }
}

#[test]
fn what_came_and_is_needed_by_then_stays_with_what_it_came_for() {
    let mut world = back();
    while both(&mut world) != [9, 3] {
        world.run(1);
    }
    world.load(480.0);
    let seen = changes(&mut world, 60);
    assert_eq!(seen[1].1, [9, 4], "twelve are needed, and the next comes for one of those");
    assert!(seen.iter().all(|(_, both)| both.iter().sum::<u32>() >= 12), "{seen:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn whatever_spot_does_it_ends_as_it_is_declared_and_stays_so(
        load in 1u32..560,
        limits in prop::collection::vec((0u32..6, 40usize..120), 1..3),
    ) {
        let mut world = world(&[pool(20)]);
        world.load(f64::from(load));
        let total = load.div_ceil(40);
        let mut serve = false;
        for (limit, turns) in limits.into_iter().chain([(u32::MAX, 700)]) {
            world.group("g5", SPOT).limit = limit;
            for _ in 0..turns {
                world.run(1);
                let asked = both(&mut world);
                prop_assert!(asked.iter().sum::<u32>() <= total + 1, "{asked:?} for {load}");
                let all = serving(&world) >= total;
                prop_assert!(all || !serve, "{asked:?} for {load}");
                serve = all;
            }
        }
        let declared = &world.environment.aws.as_ref().unwrap().pools["g5"].spot;
        let (on_demand, spot) = split(total, declared.as_ref());
        prop_assert_eq!(both(&mut world), [on_demand, spot]);
        let last = changes(&mut world, 120);
        prop_assert_eq!(last.len(), 1);
    }
}
