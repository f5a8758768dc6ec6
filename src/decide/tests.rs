//! Decisions over environments written as users write them.

use super::*;
use crate::id::Name;
use crate::spec::{BootMode, Count, OneFile, Requirements, resolve};
use crate::units::Rate;
use proptest::prelude::*;

/// An environment with one stage, `inference`, of one GPU a replica.
fn environment(pools: &str) -> (Environment, Origins) {
    let text = format!(
        r#"
        [environment]
        name = "test"
        [slo]
        availability = "99.9%"
        error_rate = "1%"
        [service]
        name = "llm"
        namespace = "llm"
        model = "m"
        [service.stages.inference]
        image = "i"
        gpus = 1
        resources = {{ cpu = "8", memory = "64Gi" }}
        [onprem]
        provider = "sim"
        [aws]
        provider = "sim"
        region = "us-east-1"
        {pools}
        "#
    );
    let (resolved, diagnostics) =
        resolve("environments/test.toml", &OneFile("environments/test.toml", text));
    let resolved = resolved.unwrap_or_else(|| panic!("{diagnostics:#?}"));
    (resolved.environment, resolved.origins)
}

fn onprem(name: &str, replicas: &str) -> String {
    format!(
        "[onprem.pools.{name}]\nstage = \"inference\"\nreplicas = {replicas}\ncapacity = \"10 req/s\"\n"
    )
}

/// A burst pool of four-GPU instances: 4 × `capacity` per node.
fn burst(name: &str, size: &str, instance_type: &str, capacity: &str, more: &str) -> String {
    format!(
        "[aws.pools.{name}]\nstage = \"inference\"\nsize = {size}\njoin = \"kubernetes\"\n\
         instance_types = [\"{instance_type}\"]\nsubnets = {{ ids = [\"subnet-1\"] }}\n\
         image = {{ name = \"i\", channel = \"stable\" }}\n\
         capacity = {{ \"{instance_type}\" = \"{capacity}\" }}\n{more}\n"
    )
}

/// The decision where the stage asks for `demand` (empty: for none). What a
/// validated file cannot hold (a demand that fits nowhere) is set here.
fn decided(demand: &str, pools: &[String], supply: &Supply) -> Decision {
    decided_with(demand, pools, supply, |_| {})
}

fn decided_with(
    demand: &str,
    pools: &[String],
    supply: &Supply,
    change: impl Fn(&mut Environment),
) -> Decision {
    let (mut environment, origins) = environment(&pools.concat());
    let stage = environment.service.stages.get_mut("inference").unwrap();
    stage.demand = (!demand.is_empty()).then(|| demand.parse().unwrap());
    change(&mut environment);
    let catalog = Catalog::shipped();
    decide(&PlanningInput {
        environment: &environment,
        origins: &origins,
        catalog: &catalog,
        supply,
    })
}

fn burst_pools(environment: &mut Environment, change: impl Fn(&mut crate::spec::BurstPool)) {
    environment.aws.as_mut().unwrap().pools.values_mut().for_each(change);
}

fn of<'a>(decision: &'a Decision, pool: &str) -> &'a PoolDecision {
    &decision.pools[&pool.parse::<Name>().unwrap()]
}

fn groups(pool: &PoolDecision) -> Vec<(&str, CapacityType, u32)> {
    let PoolKind::Burst(groups) = &pool.kind else { panic!("an on-prem pool has no groups") };
    let group = |group: &BurstGroup| (group.capacity_type, group.desired);
    groups.iter().map(|g| (g.label(), group(g).0, group(g).1)).collect()
}

fn live_onprem(pool: &str, desired: u32) -> Supply {
    let mut supply = Supply::default();
    supply.onprem.insert(pool.parse().unwrap(), OnPremSupply { desired, ready: desired });
    supply
}

fn live_burst(pool: &str, groups: &[(&str, CapacityType, u32)]) -> Supply {
    let mut supply = Supply::default();
    let group = |(name, capacity_type, desired): &(&str, CapacityType, u32)| SupplyGroup {
        name: format!("{name} {capacity_type:?}"),
        passed_on: None,
        region: "us-east-1".to_owned(),
        instance_types: name.split(' ').map(str::to_owned).collect(),
        capacity_type: *capacity_type,
        desired: *desired,
        max: None,
        surplus: 0,
        ready: *desired,
        running: Default::default(),
        kept: Default::default(),
        by_requirements: false,
    };
    supply.burst.insert(pool.parse().unwrap(), groups.iter().map(group).collect());
    supply
}

#[test]
fn a_number_is_what_git_says_whatever_is_live() {
    let decision = decided("", &[onprem("h100", "12")], &live_onprem("h100", 3));
    let pool = of(&decision, "h100");
    assert_eq!((pool.owner, pool.min, pool.desired, pool.max), (DesiredOwner::Git, 12, 12, 12));
    assert_eq!(pool.live, Some(3));
    assert_eq!(pool.reasons[0].text, "set to 12");
    assert_eq!(pool.reasons[0].key.as_deref(), Some("onprem.pools.h100.replicas"));
    let at = pool.reasons[0].at.as_deref().unwrap();
    assert!(at.starts_with("environments/test.toml:"), "{at}");
}

#[test]
fn between_min_and_max_the_runtime_owner_keeps_what_is_live() {
    let pools = [onprem("h100", "{ min = 3, max = 20 }")];
    for (live, desired) in [(None, 3), (Some(7), 7), (Some(1), 3), (Some(40), 20)] {
        let supply = live.map_or_else(Supply::default, |live| live_onprem("h100", live));
        let decision = decided("", &pools, &supply);
        let pool = of(&decision, "h100");
        assert_eq!((pool.owner, pool.desired), (DesiredOwner::Controller, desired), "{live:?}");
    }
}

#[test]
fn an_autoscaler_owns_what_it_scales() {
    let pool = onprem("h100", "{ min = 3, max = 20 }") + "hpa = { cpu = \"70%\" }\n";
    let decision = decided("", &[pool], &Supply::default());
    assert_eq!(of(&decision, "h100").owner, DesiredOwner::Hpa);
    assert_eq!(
        of(&decision, "h100").reasons[0].text,
        "starts at min 3; then owned by the HPA up to 20"
    );
}

#[test]
fn a_demand_is_carried_on_prem_first_and_then_by_price_per_request() {
    // 12xlarge: $10.49264 for 40 req/s; g5.12xlarge: $5.672 for 24 req/s is cheaper.
    let pools = [
        burst("a-dear", "{ min = 0, max = 10 }", "g6e.12xlarge", "10 req/s", ""),
        burst("b-cheap", "{ min = 0, max = 2 }", "g5.12xlarge", "6 req/s", ""),
        onprem("z-own", "{ min = 1, max = 4 }"),
    ];
    let decision = decided("100 req/s", &pools, &Supply::default());
    let desired = |pool| of(&decision, pool).desired;
    assert_eq!((desired("z-own"), desired("b-cheap"), desired("a-dear")), (4, 2, 1));
    assert!(decision.pools.values().all(|pool| pool.owner == DesiredOwner::Git));
    assert_eq!(decision.notes, []);
    assert_eq!(
        of(&decision, "b-cheap").reasons[0].text,
        "100 req/s to carry, 60 req/s left for this pool; 2 × 24 req/s per node at $5.672/h on demand"
    );
    assert_eq!(of(&decision, "b-cheap").reasons[1].text, "between min 0 and max 2");
    assert_eq!(of(&decision, "b-cheap").reasons.len(), 2, "no word of another owner");
}

#[test]
fn a_declared_price_wins_over_the_table() {
    let pools = [
        "prices = { \"g6e.12xlarge\" = \"$1/h\" }\n".to_owned(),
        burst("dear", "{ min = 0, max = 10 }", "g6e.12xlarge", "10 req/s", ""),
        burst("cheap", "{ min = 0, max = 10 }", "g5.12xlarge", "6 req/s", ""),
    ];
    let decision = decided("30 req/s", &pools, &Supply::default());
    assert_eq!((of(&decision, "dear").desired, of(&decision, "cheap").desired), (1, 0));
}

#[test]
fn a_pool_without_a_price_comes_last() {
    let priced = "prices = { \"x9.mystery\" = \"$1/h\" }\n".to_owned();
    let known = burst("b-known", "{ min = 0, max = 1 }", "g5.12xlarge", "6 req/s", "");
    let unknown = "replicas_per_node = 4";
    let unknown = burst("a-unknown", "{ min = 0, max = 10 }", "x9.mystery", "100 req/s", unknown);
    let pools = [priced, unknown, known];
    let decision = decided_with("30 req/s", &pools, &Supply::default(), |environment| {
        environment.aws.as_mut().unwrap().prices.clear();
    });
    assert_eq!((of(&decision, "b-known").desired, of(&decision, "a-unknown").desired), (1, 1));
    assert!(of(&decision, "a-unknown").reasons[0].text.ends_with("at an unknown price"));
}

#[test]
fn what_is_fixed_or_demanded_as_a_minimum_counts_before_anything_is_added() {
    let pools = [
        onprem("flexible", "{ min = 0, max = 20 }"),
        burst("fixed", "2", "g5.12xlarge", "6 req/s", ""),
        burst("warm", "{ min = 1, max = 9 }", "g6e.12xlarge", "3 req/s", ""),
    ];
    let decision = decided("85 req/s", &pools, &Supply::default());
    let desired = |pool| of(&decision, pool).desired;
    // 2 × 24 and 1 × 12 are there anyway: 25 are left, for three replicas of 10.
    assert_eq!((desired("fixed"), desired("warm"), desired("flexible")), (2, 1, 3));
    assert_eq!(of(&decision, "fixed").reasons[0].text, "set to 2");
}

#[test]
fn a_minimum_above_the_demand_is_not_more_than_the_demand() {
    let pools = [onprem("h100", "{ min = 9, max = 20 }")];
    let decision = decided("50 req/s", &pools, &Supply::default());
    let text = &of(&decision, "h100").reasons[0].text;
    assert_eq!(text, "50 req/s to carry; 9 × 10 req/s per replica");
}

#[test]
fn a_demand_that_fits_nowhere_is_said_and_everything_is_at_its_max() {
    let decision =
        decided("220 req/s", &[onprem("h100", "{ min = 1, max = 4 }")], &Supply::default());
    assert_eq!(of(&decision, "h100").desired, 4);
    assert_eq!(
        decision.notes[0].text,
        "180 req/s of the 220 req/s declared for stage inference fits into no pool: raise a max"
    );
}

#[test]
fn a_unit_that_carries_nothing_is_not_bought_for_a_demand() {
    let pools = [burst("odd", "{ min = 1, max = 50 }", "g5.12xlarge", "6 req/s", "")];
    let decision = decided_with("100 req/s", &pools, &Supply::default(), |environment| {
        burst_pools(environment, |pool| pool.capacity.clear());
    });
    assert_eq!(of(&decision, "odd").desired, 1);
    assert_eq!(decision.notes.len(), 1);
}

#[test]
fn above_the_base_the_share_is_spot_rounded_in_favour_of_on_demand() {
    let spot = "spot = { share = \"70%\", base_on_demand = 1 }";
    for (size, on_demand, spot_count) in [(0, 0, 0), (1, 1, 0), (2, 2, 0), (3, 2, 1), (11, 4, 7)] {
        let pool = burst("g6e", "11", "g6e.12xlarge", "9 req/s", spot);
        let decision = decided_with("", &[pool], &Supply::default(), |environment| {
            burst_pools(environment, |pool| pool.size = Count::Fixed(size));
        });
        let expected = [
            ("g6e.12xlarge", CapacityType::OnDemand, on_demand),
            ("g6e.12xlarge", CapacityType::Spot, spot_count),
        ];
        assert_eq!(groups(of(&decision, "g6e")), expected, "{size}");
    }
}

#[test]
fn a_runtime_owned_pool_keeps_what_each_group_has() {
    let pool = burst(
        "g6e",
        "{ min = 0, max = 10 }",
        "g6e.12xlarge",
        "9 req/s",
        "spot = { share = \"70%\", base_on_demand = 1 }",
    );
    let live =
        [("g6e.12xlarge", CapacityType::OnDemand, 1), ("g6e.12xlarge", CapacityType::Spot, 5)];
    let decision = decided("", &[pool], &live_burst("g6e", &live));
    assert_eq!(groups(of(&decision, "g6e")), live);
    assert_eq!(of(&decision, "g6e").live, Some(6));
}

#[test]
fn instances_of_a_type_that_is_not_declared_any_more_are_replaced_and_not_lost() {
    let spot = "spot = { share = \"70%\", base_on_demand = 1 }";
    let pool = burst("burst", "{ min = 0, max = 10 }", "g6e.12xlarge", "9 req/s", spot);
    let live = [("g5.12xlarge", CapacityType::OnDemand, 1), ("g5.12xlarge", CapacityType::Spot, 4)];
    let decision = decided("", &[pool], &live_burst("burst", &live));
    let expected =
        [("g6e.12xlarge", CapacityType::OnDemand, 1), ("g6e.12xlarge", CapacityType::Spot, 4)];
    assert_eq!(groups(of(&decision, "burst")), expected);
}

/// A pool of two types of four GPUs, each with what a replica on it carries.
fn of_two(size: &str, [g6e, g5]: [&str; 2], more: &str) -> String {
    let both = "\"g6e.12xlarge\", \"g5.12xlarge\"";
    burst("two", size, "g6e.12xlarge", g6e, more)
        .replace("types = [\"g6e.12xlarge\"]", &format!("types = [{both}]"))
        .replace("capacity = {", &format!("capacity = {{ \"g5.12xlarge\" = \"{g5}\","))
}

fn types(pool: &PoolDecision) -> Vec<Vec<&str>> {
    let PoolKind::Burst(groups) = &pool.kind else { panic!("an on-prem pool has no groups") };
    groups.iter().map(|g| g.types.iter().map(|one| one.name.as_str()).collect()).collect()
}

#[test]
fn types_that_carry_the_same_share_a_group_in_each_market() {
    let spot = "spot = { share = \"50%\" }";
    let equal = decided("", &[of_two("2", ["9 req/s", "9 req/s"], spot)], &Supply::default());
    let both = vec!["g6e.12xlarge", "g5.12xlarge"];
    assert_eq!(types(of(&equal, "two")), [both.clone(), both]);
    let (g6e, spot) = ("g6e.12xlarge", CapacityType::Spot);
    let expected = [(g6e, CapacityType::OnDemand, 1), (g6e, spot, 1)];
    assert_eq!(groups(of(&equal, "two")), expected);

    let apart = decided("", &[of_two("2", ["9 req/s", "6 req/s"], "")], &Supply::default());
    assert_eq!(types(of(&apart, "two")), [["g6e.12xlarge"], ["g5.12xlarge"]]);
}

#[test]
fn types_share_no_group_where_their_gpus_or_replicas_differ() {
    let types_of = |more: &str| {
        let pool = of_two("1", ["9 req/s", "9 req/s"], more).replace("g5.12xlarge", "p5.48xlarge");
        let decision = decided("", &[pool], &Supply::default());
        types(of(&decision, "two")).len()
    };
    assert_eq!(types_of(""), 2, "eight replicas beside four");
    assert_eq!(types_of("replicas_per_node = 2"), 2, "eight GPUs beside four");
}

#[test]
fn a_group_goes_on_by_its_first_type_and_else_by_one_that_nothing_else_goes_on_by() {
    let equal = of_two("{ min = 0, max = 9 }", ["9 req/s", "9 req/s"], "");
    let od = CapacityType::OnDemand;
    let desired = |live: &[(&str, CapacityType, u32)]| {
        let decision = decided("", std::slice::from_ref(&equal), &live_burst("two", live));
        groups(of(&decision, "two"))[0].2
    };
    assert_eq!(desired(&[("g6e.12xlarge", od, 3)]), 3);
    assert_eq!(desired(&[("g5.12xlarge g6e.12xlarge", od, 3)]), 3, "reordered");
    assert_eq!(desired(&[("g5.12xlarge", od, 3)]), 3, "a better type came before it");
    let two = [("g5.12xlarge", od, 2), ("g6e.12xlarge", od, 3)];
    assert_eq!(desired(&two), 5, "what is merged into it is carried on");
    assert_eq!(desired(&[("g5.12xlarge", od, 5), ("g6e.12xlarge", od, 7)]), 9, "up to its max");
    assert_eq!(desired(&[("p5.48xlarge", od, 2)]), 2, "what is of another type is replaced");

    let apart = of_two("{ min = 0, max = 9 }", ["9 req/s", "6 req/s"], "");
    let live = live_burst("two", &[("g6e.12xlarge g5.12xlarge", od, 5)]);
    let decision = decided("", &[apart], &live);
    let numbers: Vec<u32> = groups(of(&decision, "two")).iter().map(|group| group.2).collect();
    assert_eq!(numbers, [5, 0], "a split takes nothing away");
}

#[test]
fn what_is_above_a_lower_max_is_not_kept() {
    let pool = burst("g6e", "{ min = 0, max = 2 }", "g6e.12xlarge", "9 req/s", "");
    let live = [("g6e.12xlarge", CapacityType::OnDemand, 5)];
    let decision = decided("", &[pool], &live_burst("g6e", &live));
    assert_eq!(groups(of(&decision, "g6e")), [("g6e.12xlarge", CapacityType::OnDemand, 2)]);
}

#[test]
fn a_pool_that_moves_to_another_region_counts_each_region_for_itself() {
    let pool = || burst("g6e", "{ min = 0, max = 10 }", "g6e.12xlarge", "9 req/s", "");
    let mut supply = live_burst("g6e", &[("g6e.12xlarge", CapacityType::OnDemand, 3)]);
    let there = supply.burst.get_mut("g6e").unwrap();
    there[0].region = "us-west-2".to_owned();
    let moved = [("g6e.12xlarge", CapacityType::OnDemand, 3)];
    assert_eq!(groups(of(&decided("", &[pool()], &supply), "g6e")), moved);
    // Cut off when both are there: as many are meant as before.
    supply.burst.get_mut("g6e").unwrap()[0].passed_on = Some(("new".to_owned(), 3));
    let both = SupplyGroup {
        name: "new".to_owned(),
        region: "us-east-1".to_owned(),
        passed_on: None,
        ..supply.burst["g6e"][0].clone()
    };
    supply.burst.get_mut("g6e").unwrap().push(both);
    assert_eq!(groups(of(&decided("", &[pool()], &supply), "g6e")), moved);
}

#[test]
fn what_goes_with_its_market_is_carried_on_in_the_other() {
    let pool = burst("g6e", "{ min = 0, max = 10 }", "g6e.12xlarge", "9 req/s", "");
    let (od, spot) = (CapacityType::OnDemand, CapacityType::Spot);
    let mut supply = live_burst("g6e", &[("g6e.12xlarge", od, 1), ("g6e.12xlarge", spot, 2)]);
    let number = |supply: &Supply| {
        let decision = decided("", std::slice::from_ref(&pool), supply);
        groups(of(&decision, "g6e"))[0].2
    };
    assert_eq!(number(&supply), 3);
    // A plan was cut off after it had raised it, and its owner has scaled it since.
    let there = supply.burst.get_mut("g6e").unwrap();
    there[1].passed_on = Some((there[0].name.clone(), 3));
    for (has, means) in [(1, 3), (3, 3), (4, 4)] {
        supply.burst.get_mut("g6e").unwrap()[0].desired = has;
        assert_eq!(number(&supply), means, "{has}");
    }
}

#[test]
fn replicas_on_a_node_follow_from_its_gpus() {
    let pool = burst("g6e", "1", "g6e.12xlarge", "9 req/s", "");
    let decision = decided("", &[pool], &Supply::default());
    let pool = of(&decision, "g6e");
    assert_eq!((pool.gpus_per_unit, pool.capacity_per_unit), (4, Rate::from_millis(36_000)));
}

proptest! {
    #[test]
    fn carrying_stays_within_bounds_and_buys_no_unit_too_many(
        demand in 1u32..400,
        own in (0u32..5, 0u32..12),
        cheap in (0u32..3, 0u32..6),
        dear in (0u32..3, 0u32..6),
    ) {
        let size = |(min, more): (u32, u32)| format!("{{ min = {min}, max = {} }}", min + more.max(1));
        let pools = [
            onprem("own", &size(own)),
            burst("cheap", &size(cheap), "g5.12xlarge", "6 req/s", ""),
            burst("dear", &size(dear), "g6e.12xlarge", "10 req/s", ""),
        ];
        let decision = decided(&format!("{demand} req/s"), &pools, &Supply::default());
        let carried: Rate = decision.pools.values().map(|p| p.capacity_per_unit.times(p.desired)).sum();
        let demand = Rate::from_millis(u64::from(demand) * 1000);
        for pool in decision.pools.values() {
            prop_assert!((pool.min..=pool.max).contains(&pool.desired));
        }
        let full = |name: &str| of(&decision, name).desired == of(&decision, name).max;
        let grown = |name: &str| of(&decision, name).desired > of(&decision, name).min;
        if carried < demand {
            prop_assert!(full("own") && full("cheap") && full("dear"));
            prop_assert_eq!(decision.notes.len(), 1);
        } else {
            prop_assert_eq!(decision.notes.len(), 0);
            let last = ["dear", "cheap", "own"].into_iter().find(|name| grown(name));
            if let Some(last) = last {
                let spare = carried.saturating_sub(demand);
                prop_assert!(spare < of(&decision, last).capacity_per_unit, "one unit less would do");
            }
        }
        prop_assert!(!grown("cheap") || full("own"));
        prop_assert!(!grown("dear") || full("cheap"));
    }
}

#[test]
fn types_that_boot_otherwise_are_in_groups_of_their_own() {
    let types = |types: &'static [&'static str]| {
        move |environment: &mut Environment| {
            burst_pools(environment, |pool| {
                pool.instance_types = types.iter().map(|&name| name.to_owned()).collect();
                pool.capacity = types
                    .iter()
                    .map(|&name| (name.to_owned(), "9 req/s".parse().unwrap()))
                    .collect();
            });
        }
    };
    let boots = |decision: &Decision| {
        let PoolKind::Burst(groups) = &of(decision, "b").kind else { panic!("it bursts") };
        groups.iter().map(|g| (g.label().to_owned(), g.boot_mode)).collect::<Vec<_>>()
    };
    let (uefi, bios) = (BootMode::Uefi, BootMode::LegacyBios);
    let pool = [burst("b", "{ min = 0, max = 4 }", "p5.48xlarge", "9 req/s", "")];
    let change = types(&["p5.48xlarge", "p4d.24xlarge", "p4de.24xlarge"]);
    let decision = decided_with("", &pool, &Supply::default(), change);
    let expected = [("p5.48xlarge".to_owned(), uefi), ("p4d.24xlarge".to_owned(), bios)];
    assert_eq!(boots(&decision), expected);

    let by_requirements = |found: &[&str]| {
        let mut supply = Supply::default();
        let found = found.iter().map(|&name| name.to_owned()).collect();
        supply.matching.insert("b".parse().unwrap(), found);
        let decision = decided_with("", &pool, &supply, |environment| {
            burst_pools(environment, |pool| {
                pool.instance_types = Vec::new();
                pool.requirements = Some(Requirements {
                    gpus: 8,
                    gpu_names: Vec::new(),
                    allowed: Vec::new(),
                    vcpus: crate::spec::model::Vcpus { min: 0, max: None },
                    memory: crate::spec::model::MemoryWithin { min: None, max: None },
                    excluded: Vec::new(),
                });
            });
        });
        boots(&decision).remove(0).1
    };
    assert_eq!(by_requirements(&["p4d.24xlarge", "p4de.24xlarge"]), bios);
    assert_eq!(by_requirements(&["p4d.24xlarge", "p5.48xlarge"]), uefi);
    assert_eq!(by_requirements(&[]), uefi);
}
