//! What a scaling decision costs.

use super::{limit, median};
use floodway::clock::Timestamp;
use floodway::decide::scaling::{
    Delays, Memory, Mode, PoolSeen, Scaling, ScalingInput, Seen, Spent, StageDemand, Tuning, Units,
    scale,
};
use floodway::decide::{self, PlanningInput, PoolKind, Supply, SupplyGroup};
use floodway::id::Name;
use floodway::observe::Hands;
use floodway::observe::Market;
use floodway::spec::{self, Catalog, OneFile, Resolved};
use floodway::units::Span;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Offerings of a pool: ten types in two markets.
pub(crate) const TYPES: usize = 10;
const LIMIT: Duration = Duration::from_millis(10);

/// `pools` burst pools of one stage that `join` so, each of 20 offerings, in which no two
/// types carry the same.
pub(crate) fn environment(pools: usize, join: &str) -> Resolved {
    let mut text = "[environment]\nname = \"big\"\n[slo]\navailability = \"99.9%\"\n\
        [service]\nname = \"llm\"\nnamespace = \"llm\"\nmodel = \"m\"\n\
        [service.stages.inference]\nimage = \"i\"\ngpus = 1\n\
        resources = { cpu = \"8\", memory = \"64Gi\" }\n\
        [onprem]\nprovider = \"sim\"\n\
        [signals]\nprometheus = \"http://prometheus:9090\"\n\
        demand = \"sum(rate(requests_total[1m]))\"\n\
        [aws]\nprovider = \"sim\"\nregion = \"us-east-1\"\n"
        .to_owned();
    let mut types = String::new();
    let mut capacity = String::new();
    for number in 0..TYPES {
        writeln!(text, "prices.\"x{number}.huge\" = \"${}/h\"", 4 + number).unwrap();
        write!(types, "\"x{number}.huge\",").unwrap();
        write!(capacity, "\"x{number}.huge\" = \"{} req/s\",", 10 + number).unwrap();
    }
    for pool in 0..pools {
        writeln!(
            text,
            "[aws.pools.p{pool}]\nstage = \"inference\"\nsize = {{ min = 0, max = 1000 }}\n\
             join = \"{join}\"\ninstance_types = [{types}]\nreplicas_per_node = 1\n\
             subnets = {{ ids = [\"subnet-1\"] }}\nimage = {{ name = \"i\" }}\n\
             capacity = {{ {capacity} }}\nspot = {{ share = \"50%\" }}"
        )
        .unwrap();
    }
    let (resolved, diagnostics) =
        spec::resolve("environments/big.toml", &OneFile("environments/big.toml", text));
    resolved.unwrap_or_else(|| panic!("{diagnostics:#?}"))
}

/// Every group that is declared, with so many nodes each.
fn live(resolved: &Resolved, catalog: &Catalog, nodes: u32) -> (Supply, Seen) {
    let none = Supply::default();
    let decision = decide::decide(&PlanningInput {
        environment: &resolved.environment,
        origins: &resolved.origins,
        catalog,
        supply: &none,
    });
    let (mut supply, mut seen) = (Supply::default(), Seen::default());
    for (name, pool) in &decision.pools {
        let PoolKind::Burst(groups) = &pool.kind else { continue };
        let mut units = PoolSeen { visible: true, ..PoolSeen::default() };
        let mut there = Vec::new();
        for (at, group) in groups.iter().enumerate() {
            let own = format!("big-{name}-{at}");
            units.groups.insert(own.clone(), Units::serving(nodes));
            there.push(SupplyGroup {
                name: own,
                passed_on: None,
                by_requirements: false,
                instance_types: vec![group.label().to_owned()],
                capacity_type: group.capacity_type,
                region: group.region.clone(),
                desired: nodes,
                max: None,
                surplus: 0,
                ready: nodes,
                running: BTreeMap::new(),
                kept: BTreeMap::new(),
            });
        }
        seen.pools.insert(name.clone(), units);
        supply.burst.insert(name.clone(), there);
    }
    (supply, seen)
}

fn measured(what: &str, nodes: u32, load: impl Fn(u32) -> f64) {
    let resolved = environment(100, "standalone");
    let catalog = Catalog::shipped();
    let (supply, seen) = live(&resolved, &catalog, nodes);
    let stage: Name = "inference".parse().unwrap();
    let demand = BTreeMap::from([(stage, StageDemand::of(load(nodes)))]);
    let delays = resolved.environment.aws.iter().flat_map(|aws| aws.pools.keys());
    let delays = delays
        .map(|name| (name.clone(), Delays::declared(Span::from_secs(600), true)))
        .collect::<BTreeMap<_, _>>();
    let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
    let (market, hands) = (Market::default(), Hands::default());
    let (tuning, worth) = (Tuning::default(), BTreeMap::new());
    let decided = |memory: &Memory| -> Scaling {
        scale(&ScalingInput {
            planning: PlanningInput {
                environment: &resolved.environment,
                origins: &resolved.origins,
                catalog: &catalog,
                supply: &supply,
            },
            now,
            seen: &seen,
            market: &market,
            demand: &demand,
            delays: &delays,
            worth: &worth,
            hands: &hands,
            spent: Spent::default(),
            mode: Mode::Normal,
            tuning: &tuning,
            memory,
        })
    };
    let first = decided(&Memory::default());
    let wanted: u32 = first.pools.values().map(|pool| pool.wanted).sum();
    let before: u32 = first.pools.values().map(|pool| pool.now).sum();
    let took = median(31, || {
        let began = Instant::now();
        decided(&first.memory);
        began.elapsed()
    });
    println!(
        "{what}: {took:.2?} (limit {LIMIT:?}; {before} → {wanted} nodes, 100 pools × 20 offerings)"
    );
    limit::hold(what, took, LIMIT);
}

/// What 100 pools carry with so many nodes of each offering, in requests per second.
pub(crate) fn capacity(nodes: u32) -> f64 {
    f64::from(nodes) * 2.0 * 100.0 * (0..TYPES).map(|at| 10.0 + at as f64).sum::<f64>()
}

pub(crate) fn place_10_000_replicas() {
    // 15.5 req/s are a mean node; the first type of each pool carries 10.
    measured("place 10,000 replicas", 0, |_| 80_000.0);
}

pub(crate) fn scale_10_000_nodes() {
    measured("scale among 10,000 nodes", 5, |nodes| capacity(nodes) * 0.7);
}
