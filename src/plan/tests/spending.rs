//! What burst may cost and run at once, and what is said of prices.

use super::world::{World, of};
use crate::observe::{Market, Offer, QuotaOf, SpotPrice};
use crate::plan::*;
use crate::spec::model::{Budget, ByRegion, Count, Quotas};
use crate::spec::model::{BurstPool, QuotaFamily};
use crate::units::UsdPerHour;
use proptest::prelude::*;

/// Refusals of what is tried here: in another region, images and subnets may not
/// be found.
fn guards(plan: &Plan) -> Vec<&str> {
    let guards = plan.refusals.iter().map(|refusal| refusal.guard.as_str());
    guards.filter(|guard| *guard != "lookup").collect()
}

fn pool<'w>(world: &'w mut World, name: &str) -> &'w mut BurstPool {
    world.environment.aws.as_mut().unwrap().pools.get_mut(name).unwrap()
}

fn size(world: &mut World, count: Count) {
    pool(world, "g6e").size = count;
}

fn up_to(max: u32) -> Count {
    Count::Between { min: 0, max }
}

fn budget(usd: &str) -> Option<Budget> {
    Some(Budget {
        usd_per_hour: Some(format!("${usd}/h").parse().unwrap()),
        usd_per_day: None,
        usd_per_month: Some("$9000/month".parse().unwrap()),
    })
}

fn delta<'p>(plan: &'p Plan, name: &str) -> &'p PoolDelta {
    plan.pools.iter().find(|pool| pool.pool == name).unwrap()
}

fn warned(plan: &Plan, text: &str) -> bool {
    plan.warnings.iter().any(|warning| warning.contains(text))
}

#[test]
fn a_budget_stops_growth_and_takes_nothing_away() {
    let mut world = World::applied();
    world.environment.burst.budget = budget("25");
    size(&mut world, Count::Fixed(1));
    assert_eq!(world.plan().refusals, [], "$20.98 an hour fit");
    size(&mut world, Count::Fixed(2));
    let plan = world.plan();
    assert_eq!(guards(&plan), ["budget"]);
    assert_eq!(
        plan.refusals[0].message,
        "burst would cost $31.47/h with every pool at its max (edge 1 × $10.49/h, g6e 2 × \
         $10.49/h), and burst.budget.usd_per_hour is $25/h"
    );
    assert!(warned(&plan, "$22973.1/month"));

    world.environment.burst.budget = None;
    let plan = world.plan();
    world.execute(&plan);
    world.environment.burst.budget = budget("5");
    let plan = world.plan();
    assert_eq!(plan.refusals, [], "what runs may stay");
    assert!(warned(&plan, "this plan raises nothing"));
    size(&mut world, Count::Fixed(1));
    assert_eq!(world.plan().refusals, [], "less is welcome, though it is still too much");

    size(&mut world, Count::Fixed(4));
    world.options.targets = vec!["h100".parse().unwrap()];
    let partial = world.plan();
    assert_eq!(partial.refusals, [], "a part that has nothing to do with it");
    assert_eq!(partial.totals.nodes.after, partial.totals.nodes.before);
    assert_eq!(partial.totals.burst.after, partial.totals.burst.before);
}

#[test]
fn what_a_controller_may_grow_to_is_bounded_when_its_max_is_set() {
    let mut world = World::empty();
    // g6e may run 10, edge 1, at $10.49: though nothing but edge runs yet.
    world.environment.burst.budget = budget("115");
    assert_eq!(guards(&world.plan()), ["budget"]);
    world.environment.burst.budget = budget("115.39");
    assert_eq!(world.plan().refusals, []);

    let mut world = World::applied();
    world.environment.burst.budget = budget("100");
    assert_eq!(world.plan().refusals, [], "nothing changes");
    size(&mut world, up_to(12));
    assert_eq!(guards(&world.plan()), ["budget"]);
    size(&mut world, up_to(9));
    let plan = world.plan();
    assert_eq!(plan.refusals, [], "lower is welcome, and $104.90 are still too much");
    assert!(warned(&plan, "this plan raises nothing"), "{:?}", plan.warnings);
    assert!(of(&plan, "AutoScalingGroup", "prod-g6e-od-g6e.12xlarge").action == Action::Update);
    world.environment.aws.as_mut().unwrap().pools.remove("g6e");
    world.options.confirm = Some("prod".into());
    world.environment.environment.max_destroy = 10;
    assert_eq!(world.plan().refusals, [], "what only goes is never refused for its cost");
}

#[test]
fn quotas_hold_with_every_pool_at_its_max() {
    let declare = |world: &mut World, quota: ByRegion<u32>| {
        let quotas = Quotas { on_demand_g: Some(quota), ..Quotas::default() };
        world.environment.aws.as_mut().unwrap().quotas = quotas;
    };
    let mut world = World::empty();
    declare(&mut world, ByRegion::Everywhere(528));
    assert_eq!(world.plan().refusals, [], "11 × 48 vCPUs");
    declare(&mut world, ByRegion::Everywhere(527));
    let plan = world.plan();
    assert_eq!(guards(&plan), ["quota"]);
    assert_eq!(
        plan.refusals[0].message,
        "with every pool at its max, 528 vCPUs of \"Running On-Demand G and VT instances\" are \
         needed in us-east-1 (edge 1 × 48, g6e 10 × 48), and the quota is 527, as declared"
    );
    assert!(plan.refusals[0].help.contains("L-DB2E81BA"), "{}", plan.refusals[0].help);
    declare(&mut world, ByRegion::In([("us-west-2".to_owned(), 0)].into()));
    assert_eq!(world.plan().refusals, [], "another region's");

    let (region, family) = ("us-east-1".to_owned(), QuotaFamily::SpotG);
    world.inventory.market.quotas.insert(QuotaOf { region: region.clone(), family }, 96);
    let plan = world.plan();
    assert_eq!(guards(&plan), ["quota"]);
    assert!(plan.refusals[0].message.ends_with("the quota is 96, as AWS says"));
    let quotas = Quotas { spot_g: Some(ByRegion::Everywhere(48)), ..Quotas::default() };
    world.environment.aws.as_mut().unwrap().quotas = quotas;
    let said = world.plan().refusals[0].message.clone();
    assert!(said.ends_with("the quota is 48, as declared"), "the lower of both: {said}");

    let mut world = World::applied();
    declare(&mut world, ByRegion::Everywhere(100));
    let plan = world.plan();
    assert_eq!(plan.refusals, [], "what runs may stay");
    assert!(warned(&plan, "as declared; this plan raises nothing"));
    pool(&mut world, "edge").size = Count::Fixed(2);
    assert_eq!(guards(&world.plan()), ["quota"]);
}

#[test]
fn what_has_no_price_is_never_free() {
    let mut world = World::empty();
    world.environment.burst.budget = budget("20");
    pool(&mut world, "g6e").region = Some("us-west-2".into());
    let plan = world.plan();
    let g6e = delta(&plan, "g6e");
    assert_eq!(g6e.cost.after.exact(), Some(UsdPerHour::default()), "nothing of it runs");
    assert!(g6e.cost.at_max.is_unknown());
    assert_eq!(plan.totals.burst.at_max.to_string(), "at least $10.49/h");
    assert_eq!(guards(&plan), ["budget"], "what is not known is held by no budget");
    let types = "g5.12xlarge in us-west-2, g6e.12xlarge in us-west-2";
    let refused = plan.refusals.iter().find(|refusal| refusal.guard == "budget");
    let said = &refused.unwrap().message;
    assert!(said.contains(&format!("no price is known of {types}")), "{said}");
    assert!(warned(&plan, &format!("what pool g6e costs is not known: no price of {types}")));

    let prices = &mut world.environment.aws.as_mut().unwrap().prices;
    let here = |usd: &str| ByRegion::In([("us-west-2".into(), usd.parse().unwrap())].into());
    prices.insert("g5.12xlarge".into(), here("$3/h"));
    let plan = world.plan();
    assert_eq!(delta(&plan, "g6e").cost.at_max.to_string(), "at least $30/h");
    assert_eq!(guards(&plan), ["budget", "budget"], "what is known breaks it");
    let prices = &mut world.environment.aws.as_mut().unwrap().prices;
    prices.insert("g6e.12xlarge".into(), ByRegion::Everywhere("$1/h".parse().unwrap()));
    let plan = world.plan();
    assert_eq!(delta(&plan, "g6e").cost.at_max.to_string(), "$30/h", "the dearest");
    assert_eq!(delta(&plan, "edge").cost.after.to_string(), "$1/h", "declared wins");
}

fn market(usd: &str) -> Market {
    let offer = Offer { region: "us-east-1".into(), instance_type: "g6e.12xlarge".into() };
    let price = SpotPrice {
        usd_per_hour: usd.parse().unwrap(),
        zone: "us-east-1b".into(),
        at: crate::clock::Timestamp::UNIX_EPOCH,
    };
    Market { spot: [(offer, price)].into(), ..Market::default() }
}

#[test]
fn spot_prices_are_summed_and_decide_nothing() {
    let mut world = World::applied();
    world.scale("AutoScalingGroup", "prod-g6e-spot-g6e.12xlarge", 2, "floodway-run");
    world.scale("AutoScalingGroup", "prod-g6e-od-g6e.12xlarge", 1, "floodway-run");
    size(&mut world, up_to(11));
    world.environment.burst.budget = budget("200");
    let without = world.plan();
    assert_eq!(delta(&without, "g6e").cost.before.to_string(), "$31.47/h", "an upper bound");
    world.inventory.market = market("$4/h");
    let with = world.plan();
    let g6e = delta(&with, "g6e");
    assert_eq!(g6e.cost.before.to_string(), "$18.49/h");
    assert_eq!(g6e.cost.at_max.to_string(), "$115.39/h", "at on-demand prices");
    let by_market: Vec<String> =
        g6e.markets.iter().map(|market| market.costs.before.to_string()).collect();
    assert_eq!(by_market, ["$10.49/h", "$8/h"]);
    assert_eq!(g6e.markets[1].costs.at_max.to_string(), "$62.37/h", "of g5, whose spot is unknown");

    for usd in ["$4/h", "$1000/h"] {
        world.inventory.market = market(usd);
        let other = world.plan();
        assert_eq!(other.changes, without.changes);
        assert_eq!(other.refusals, without.refusals);
        assert_eq!(staleness(&without, &world.inventory, "digest", ""), []);
    }
}

#[test]
fn replicas_on_prem_cost_what_is_declared() {
    let mut world = World::empty();
    assert_eq!(world.plan().totals.on_prem, Costs::default());
    let pools = &mut world.environment.onprem.as_mut().unwrap().pools;
    pools.get_mut("h100").unwrap().usd_per_hour = Some("$2.5/h".parse().unwrap());
    world.environment.burst.budget = budget("116");
    let plan = world.plan();
    let cost = delta(&plan, "h100").cost;
    assert_eq!(
        [cost.before, cost.after, cost.at_max].map(|c| c.to_string()),
        ["$0/h", "$7.5/h", "$50/h"]
    );
    assert_eq!(plan.refusals, [], "a budget is of burst");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn at_max_bounds_what_stands_within_the_bounds(
        min in 0u32..3, more in 0u32..5, live in prop::collection::vec(0u32..5, 2), far: bool,
    ) {
        let mut world = World::applied();
        let max = min + more;
        size(&mut world, Count::Between { min, max });
        for (group, count) in ["od", "spot"].iter().zip(&live) {
            let name = format!("prod-g6e-{group}-g6e.12xlarge");
            world.scale("AutoScalingGroup", &name, *count, "floodway-run");
        }
        if far {
            pool(&mut world, "edge").region = Some("eu-west-1".into());
        }
        let plan = world.plan();
        for pool in &plan.pools {
            let inside = (pool.min..=pool.max).contains(&pool.units.after);
            let cost = pool.cost;
            prop_assert!(!inside || cost.at_max.known >= cost.after.known, "{:?}", pool);
            prop_assert!(!inside || cost.at_max.is_partial || !cost.after.is_partial);
        }
    }
}
