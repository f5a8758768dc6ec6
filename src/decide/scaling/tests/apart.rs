//! Decisions of two controllers that may both lead, and do not see each other.

use super::world::*;
use crate::decide::scaling::*;
use crate::observe::QuotaOf;
use crate::spec::model::QuotaFamily;
use crate::units::{Share, Span};
use proptest::prelude::*;

const GROUPS: [(&str, &str); 5] = [
    ("cheap", "g5.12xlarge/on-demand"),
    ("cheap", "g5.12xlarge/spot"),
    ("cheap", "g6e.12xlarge/on-demand"),
    ("cheap", "g6e.12xlarge/spot"),
    ("dear", "g6e.12xlarge/on-demand"),
];

fn cut_off(max: [u32; 2], budget: u32) -> World {
    let spot = "spot = { share = \"50%\", base_on_demand = 0 }";
    let size = |max: u32| format!("{{ min = 0, max = {max} }}");
    let mut world = world(&[
        format!("budget = {{ usd_per_hour = {budget} }}\n"),
        onprem("own", "{ min = 0, max = 4 }"),
        burst("cheap", &size(max[0]), &[G5, G6E], spot),
        burst("dear", &size(max[1]), &[G6E], ""),
    ]);
    world.mode = Mode::KubernetesUnreachable;
    world.unseen.push(name("own"));
    world
}

/// What one of them remembers, and believes.
#[derive(Debug, Clone)]
struct Mind {
    load: f64,
    worth: [u64; 2],
    aside: [bool; 5],
    draining: [u32; 5],
    quota: Option<u32>,
}

fn mind() -> impl Strategy<Value = Mind> {
    let draining = prop::array::uniform5(0u32..3);
    let aside = prop::array::uniform5(any::<bool>());
    let quota = prop::option::of(0u32..500);
    let worth = prop::array::uniform2(prop_oneof![Just(50u64), Just(100), Just(150)]);
    (100f64..900.0, worth, aside, draining, quota).prop_map(
        |(load, worth, aside, draining, quota)| Mind { load, worth, aside, draining, quota },
    )
}

impl Mind {
    /// What it would write: for each group a number, unless it is less than what stands.
    fn decides(&self, world: &mut World) -> Vec<u32> {
        let aside = |cause| Aside {
            cause,
            since: world.now,
            step: Span::from_secs(600),
            until: world.now + std::time::Duration::from_secs(600),
            probe: None,
            message: String::new(),
        };
        let mut memory = Memory::default();
        for (at, (pool, key)) in GROUPS.iter().enumerate().filter(|(at, _)| self.aside[*at]) {
            let cause = [AsideCause::NoCapacity, AsideCause::NeverReady][at % 2];
            let known = SourceMemory { aside: Some(aside(cause)), ..SourceMemory::default() };
            memory.sources.entry(name(pool)).or_default().insert((*key).to_owned(), known);
        }
        world.memory = memory;
        world.load(self.load);
        for (pool, worth) in ["cheap", "dear"].iter().zip(self.worth) {
            world.worth.insert(name(pool), Share::percent(worth));
        }
        world.market.quotas.clear();
        if let Some(limit) = self.quota {
            let (region, family) = ("us-east-1".to_owned(), QuotaFamily::OnDemandG);
            world.market.quotas.insert(QuotaOf { region, family }, limit);
        }
        for ((pool, key), draining) in GROUPS.iter().zip(self.draining) {
            let group = world.group(pool, key);
            group.draining = draining.min(group.desired);
        }
        let scaling = world.decide();
        let numbers = GROUPS.iter().map(|(pool, key)| {
            let named = |one: &&SourceScaling| {
                let market = one.market.map_or("", |market| market.as_str());
                format!("{}/{market}", one.label) == *key
            };
            let source = scaling.pools[&name(pool)].sources.iter().find(named).unwrap();
            let draining = world.group(pool, key).draining;
            // Those of its own that drain stay first.
            source.set - draining.min(source.set.saturating_sub(source.desired))
        });
        numbers.collect()
    }
}

/// Dollars per hour of so many instances of each group.
fn costs(units: &[u32]) -> f64 {
    let price = |key: &str| if key.starts_with("g5.") { 5.672 } else { 10.49264 };
    GROUPS.iter().zip(units).map(|((_, key), units)| price(key) * f64::from(*units)).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_two_remember_together_they_stay_within_bounds_and_budget(
        has in prop::array::uniform5(0u32..4),
        max in prop::array::uniform2(1u32..12),
        budget in 1u32..160,
        minds in prop::array::uniform2(mind()),
        order in prop::collection::vec((0usize..2, any::<bool>()), 4..12),
    ) {
        let mut world = cut_off(max, budget);
        for ((pool, key), has) in GROUPS.iter().zip(has) {
            world.has(pool, key, has);
        }
        let mut meant = [0, 1].map(|who| Some(minds[who].decides(&mut world)));
        for (who, decides) in order {
            if decides {
                meant[who] = Some(minds[who].decides(&mut world));
                continue;
            }
            // Written late, when the other may have written already.
            for ((pool, key), to) in GROUPS.iter().zip(meant[who].take().unwrap_or_default()) {
                let now = world.now;
                let group = world.group(pool, key);
                group.desired = group.desired.max(to);
                group.units.resize(group.desired as usize, now);
            }
            let stands: Vec<u32> =
                GROUPS.iter().map(|(pool, key)| world.group(pool, key).desired).collect();
            let [cheap, dear] = [&stands[..4], &stands[4..]].map(|of| of.iter().sum::<u32>());
            let before: u32 = has[..4].iter().sum();
            prop_assert!(cheap <= max[0].max(before), "{stands:?}");
            prop_assert!(dear <= max[1].max(has[4]), "{stands:?}");
            let most = f64::from(budget).max(costs(&has));
            prop_assert!(costs(&stands) <= most + 1e-6, "{} of {most}", costs(&stands));
        }
    }
}

#[test]
fn of_each_pool_the_first_type_on_demand_is_raised_and_the_hold_says_so() {
    let mut world = cut_off([9, 9], 9999);
    world.has("cheap", "g5.12xlarge/spot", 2);
    world.load(800.0);
    let scaling = world.decide();
    let expected = [("g5.12xlarge/on-demand".to_owned(), 7), ("g5.12xlarge/spot".to_owned(), 2)];
    assert_eq!(groups(&scaling, "cheap"), expected);
    assert_eq!(wanted(&scaling, "dear"), 9);
    let holds = &scaling.pools["cheap"].holds;
    assert!(holds.iter().any(|hold| hold.cause == HoldCause::Max), "{holds:?}");
    // With room left, and the pool's one group at its share of the budget.
    let mut world = cut_off([9, 9], 40);
    world.load(800.0);
    let scaling = world.decide();
    let each = ["cheap", "dear"].map(|pool| wanted(&scaling, pool));
    assert_eq!(each, [3, 2], "one each in turn: 5.672 and 10.49264, of 40");
    assert!(out(&scaling).contains(&HoldCause::KubernetesUnreachable), "{scaling:?}");
}
