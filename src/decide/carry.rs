//! A declared demand: on-prem first, because it costs nothing more, then burst
//! by list price per unit of capacity. Never by live spot prices: a plan must
//! not change because the market did.

use super::{BurstGroup, Decision, DesiredOwner, PlanningInput, PoolDecision, PoolKind};
use crate::id::Name;
use crate::spec::Count;
use crate::units::Rate;

/// Fills the pools of every stage that declares a demand.
pub(super) fn carry_demands(input: &PlanningInput<'_>, decision: &mut Decision) {
    for (stage, spec) in &input.environment.service.stages {
        if let Some(demand) = spec.demand {
            carry(input, decision, stage, demand);
        }
    }
}

fn carry(input: &PlanningInput<'_>, decision: &mut Decision, stage: &Name, demand: Rate) {
    let key = format!("service.stages.{stage}.demand");
    let mut pools: Vec<_> = decision.pools.iter_mut().filter(|(_, p)| &p.stage == stage).collect();
    pools.sort_by_cached_key(|(name, pool)| (cost_rank(pool), (*name).clone()));

    let mut open = demand;
    for (name, pool) in &mut pools {
        if !is_fixed(input, name) {
            pool.owner = DesiredOwner::Git;
            pool.desired = pool.min;
        }
        open = open.saturating_sub(pool.capacity_per_unit.times(pool.desired));
    }
    for (name, pool) in &mut pools {
        if is_fixed(input, name) {
            continue;
        }
        // Its own line now only bounds it.
        for bounds in &mut pool.reasons {
            bounds.text = format!("between min {} and max {}", pool.min, pool.max);
        }
        if pool.capacity_per_unit == Rate::default() {
            let text = format!("{} units: what one of them carries is not known", pool.desired);
            pool.reasons.insert(0, input.because(&key, text));
            continue;
        }
        // What its own min carries is its part too.
        let before = demand.min(open + pool.capacity_per_unit.times(pool.min));
        let room = pool.max.saturating_sub(pool.min);
        let wanted = open.div_ceil(pool.capacity_per_unit).min(room);
        pool.desired += wanted;
        open = open.saturating_sub(pool.capacity_per_unit.times(wanted));
        let text = format!(
            "{demand} to carry{}; {} × {} per {}{}",
            if before == demand { String::new() } else { format!(", {before} left for this pool") },
            pool.desired,
            pool.capacity_per_unit,
            if matches!(pool.kind, PoolKind::OnPrem) { "replica" } else { "node" },
            why_this_rank(pool),
        );
        pool.reasons.insert(0, input.because(&key, text));
    }
    if open > Rate::default() {
        let text = format!(
            "{open} of the {demand} declared for stage {stage} fits into no pool: raise a max",
        );
        decision.notes.push(input.because(&key, text));
    }
}

/// On-prem before burst; burst by micro-dollars per 1,000 req/s·h, unknown last.
fn cost_rank(pool: &PoolDecision) -> (u8, u128) {
    match &pool.kind {
        PoolKind::OnPrem => (0, 0),
        PoolKind::Burst(groups) => match groups.first().and_then(BurstGroup::usd_per_hour) {
            Some(price) if pool.capacity_per_unit > Rate::default() => {
                let capacity = u128::from(pool.capacity_per_unit.millis());
                (1, u128::from(price.micros()) * 1_000_000 / capacity)
            }
            _ => (2, 0),
        },
    }
}

fn why_this_rank(pool: &PoolDecision) -> String {
    match &pool.kind {
        PoolKind::OnPrem => String::new(),
        PoolKind::Burst(groups) => match groups.first().and_then(BurstGroup::usd_per_hour) {
            Some(price) => format!(" at {price} on demand"),
            None => " at an unknown price".to_owned(),
        },
    }
}

fn is_fixed(input: &PlanningInput<'_>, pool: &Name) -> bool {
    let environment = input.environment;
    let onprem = environment.onprem.as_ref().and_then(|onprem| onprem.pools.get(pool));
    let burst = environment.aws.as_ref().and_then(|aws| aws.pools.get(pool));
    let count = onprem.map(|pool| pool.replicas).or_else(|| burst.map(|pool| pool.size));
    matches!(count, Some(Count::Fixed(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::Supply;
    use crate::desired::fixture;
    use crate::spec::{Catalog, Origins};

    #[test]
    fn a_carried_demand_says_what_each_pool_takes_and_that_git_owns_it() {
        let mut environment = fixture::environment();
        let stage = environment.service.stages.get_mut("inference").unwrap();
        stage.demand = Some(fixture::unit("90 req/s"));
        let decision = super::super::decide(&PlanningInput {
            environment: &environment,
            origins: &Origins::default(),
            catalog: &Catalog::shipped(),
            supply: &Supply::default(),
        });
        let h100 = &decision.pools["h100"];
        assert_eq!((h100.owner, h100.desired), (DesiredOwner::Git, 3));
        let texts: Vec<&str> = h100.reasons.iter().map(|reason| reason.text.as_str()).collect();
        assert_eq!(
            texts[0],
            "90 req/s to carry, 54 req/s left for this pool; 3 × 18 req/s per replica"
        );
        assert_eq!(texts[1], "between min 3 and max 20");
    }
}
