//! What burst may cost, and how much of it AWS lets an account run (law 14).
//!
//! More is never begun than budget and quotas allow with every pool at its max:
//! what a controller may do between two plans is bounded when the bounds are
//! set. What runs already is never taken away for it, and a plan that raises
//! nothing is not refused for what stood before it.

use super::{Action, Change, Costs, PlanInput, PoolDelta, Refusal, Totals, kinds};
use crate::decide::{BurstGroup, CapacityType, GroupType, PoolKind};
use crate::observe::Body;
use crate::spec::model::QuotaFamily;
use crate::units::{UsdPerHour, UsdPerMonth};
use std::collections::{BTreeMap, BTreeSet};

/// Hours of an average month: 365 × 24 ÷ 12.
const HOURS_PER_MONTH: u32 = 730;

/// Refusals and warnings of budget and quotas.
pub(super) fn limits(
    input: &PlanInput<'_>,
    changes: &[Change],
    pools: &[PoolDelta],
    totals: &Totals,
) -> (Vec<Refusal>, Vec<String>) {
    let growing = growing(changes);
    let mut found = Found::default();
    hourly(input, pools, &growing, &mut found);
    found.warnings.extend(monthly(input, totals.burst));
    for (of, need) in &needs(input) {
        quota(input, of, need, &growing, &mut found);
    }
    (found.refusals, found.warnings)
}

#[derive(Default)]
struct Found {
    refusals: Vec<Refusal>,
    warnings: Vec<String>,
}

impl Found {
    /// Refuses what a plan raises, and only tells of what it leaves.
    fn over(&mut self, raises: bool, refusal: Refusal) {
        if raises {
            self.refusals.push(refusal);
        } else {
            let Refusal { message, help, .. } = refusal;
            self.warnings
                .push(format!("{message}; this plan raises nothing, and is not refused: {help}"));
        }
    }
}

/// The pools of which `changes` make a group, raise its bounds or number, or let
/// it start another type.
fn growing(changes: &[Change]) -> BTreeSet<&str> {
    let number = |body: &Option<Body>, field: &str| {
        body.as_ref().and_then(|body| body.at(field)).and_then(|value| value.as_u64())
    };
    let raises = |change: &Change| {
        ["/min", "/max", "/desired"].iter().any(|field| {
            let after = number(&change.body, field);
            after.is_some_and(|after| after > number(&change.before, field).unwrap_or(after))
        })
    };
    let widens = |change: &Change| {
        let types = |body: &Option<Body>| body.as_ref().and_then(|body| body.at("/instance_types"));
        let (before, after) = (types(&change.before), types(&change.body));
        let before = before.as_ref().and_then(|types| types.as_array());
        let mut after = after.iter().filter_map(|types| types.as_array()).flatten();
        after.any(|name| before.is_some_and(|before| !before.contains(name)))
    };
    let grows = |change: &&Change| match change.action {
        Action::Create => true,
        Action::Update | Action::Replace => raises(change) || widens(change),
        Action::NoOp | Action::Delete => false,
    };
    let groups = changes.iter().filter(|change| change.id.kind == kinds::GROUP);
    groups.filter(grows).filter_map(|change| change.pool.as_deref()).collect()
}

fn hourly(input: &PlanInput<'_>, pools: &[PoolDelta], growing: &BTreeSet<&str>, found: &mut Found) {
    let budget = input.environment.burst.budget.as_ref();
    let Some(limit) = budget.and_then(|budget| budget.usd_per_hour) else { return };
    let declared = |pool: &&PoolDelta| {
        pool.unit == "instances" && input.decision.pools.contains_key(pool.pool.as_str())
    };
    let burst: Vec<&PoolDelta> = pools.iter().filter(declared).collect();
    let at_max: super::Cost = burst.iter().map(|pool| pool.cost.at_max).sum();
    let uncounted: BTreeSet<String> = burst
        .iter()
        .filter(|pool| pool.cost.at_max.is_partial)
        .flat_map(|pool| unpriced(pool))
        .collect();
    if !uncounted.is_empty() {
        let list: Vec<String> = uncounted.into_iter().collect();
        let place = place(input, "burst.budget.usd_per_hour");
        let blocks =
            burst.iter().any(|pool| pool.cost.at_max.is_partial && is_paid_in_advance(pool));
        let help = if blocks {
            "give their prices in [aws.prices] or environments/prices.csv, of a capacity block as \
             `usd_per_hour` in the pool's reservation, or do without a budget"
        } else {
            "give their prices in [aws.prices] or environments/prices.csv, or do without a budget"
        };
        // What is not known is not nothing.
        let refusal = Refusal::new(
            "budget",
            format!(
                "burst.budget.usd_per_hour{place} cannot be held: no price is known of {}",
                list.join(", ")
            ),
            help,
        );
        found.over(!growing.is_empty(), refusal);
    }
    if at_max.known <= limit {
        return;
    }
    let parts: Vec<String> = burst.iter().filter_map(|pool| part(pool)).collect();
    let place = place(input, "burst.budget.usd_per_hour");
    let refusal = Refusal::new(
        "budget",
        format!(
            "burst would cost {at_max} with every pool at its max ({}), and \
             burst.budget.usd_per_hour is {limit}{place}",
            parts.join(", ")
        ),
        "lower a pool's max, take its dearest instance type out, or raise the budget",
    );
    found.over(!growing.is_empty(), refusal);
}

/// `g6e 10 × $9.44/h`, of a pool that costs something at max; where it is no such
/// product, `g6e $80/h`.
fn part(pool: &PoolDelta) -> Option<String> {
    let dearest = pool.prices.iter().filter_map(super::Priced::on_demand).max();
    let dearest = dearest.filter(|_| pool.cost.at_max.known > UsdPerHour::default())?;
    Some(if pool.cost.at_max.known == dearest.times(pool.max) {
        format!("{} {} × {dearest}", pool.pool, pool.max)
    } else {
        format!("{} {}", pool.pool, pool.cost.at_max)
    })
}

/// Offerings of `pool` whose price is not known: `p5.48xlarge in us-west-2`.
pub(super) fn unpriced(pool: &PoolDelta) -> impl Iterator<Item = String> {
    let unknown = pool.prices.iter().filter(|priced| priced.price.is_none());
    let names: BTreeSet<String> = unknown
        .filter_map(|priced| priced.offering.as_ref())
        .map(|offering| format!("{} in {}", offering.instance_type, offering.region))
        .collect();
    names.into_iter()
}

/// Whether its capacity is a block, whose price no list has.
pub(super) fn is_paid_in_advance(pool: &PoolDelta) -> bool {
    let block = |priced: &super::Priced| {
        let offering = priced.offering.as_ref();
        offering.is_some_and(|offering| offering.capacity_type == CapacityType::CapacityBlock)
    };
    pool.prices.iter().any(block)
}

/// How long burst capacity stays is not known here: only a warning.
fn monthly(input: &PlanInput<'_>, burst: Costs) -> Option<String> {
    let limit = input.environment.burst.budget.as_ref()?.usd_per_month?;
    let month = UsdPerMonth::from_micros(burst.after.known.times(HOURS_PER_MONTH).micros());
    let grows = burst.after.known > burst.before.known;
    (grows && month > limit).then(|| {
        format!(
            "burst capacity that stays for a month costs {month}, and burst.budget.usd_per_month \
             is {limit}"
        )
    })
}

/// What may run at once of one family in one region.
#[derive(Default)]
struct Need<'a> {
    vcpus: u64,
    /// `g6e 10 × 48`
    parts: Vec<String>,
    pools: BTreeSet<&'a str>,
    /// Types whose vCPUs are not known.
    uncounted: BTreeSet<&'a str>,
}

/// What every pool at its max needs. In which of its groups it then is, is for
/// its owner to say: in each family the largest counts.
fn needs<'a>(input: &PlanInput<'a>) -> BTreeMap<(&'a str, QuotaFamily), Need<'a>> {
    let mut needs: BTreeMap<(&str, QuotaFamily), Need<'_>> = BTreeMap::new();
    for (name, pool) in &input.decision.pools {
        let PoolKind::Burst(groups) = &pool.kind else { continue };
        let mut families: BTreeMap<(&str, QuotaFamily), Vec<&GroupType>> = BTreeMap::new();
        // Of capacity blocks the quotas are others, and held when one is bought:
        // https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
        let block = |group: &&BurstGroup| group.capacity_type == CapacityType::CapacityBlock;
        for group in groups.iter().filter(|group| pool.max > 0 && !block(group)) {
            let spot = group.capacity_type == CapacityType::Spot;
            for one in &group.types {
                if let Some(family) = QuotaFamily::of(&one.name, spot) {
                    families.entry((&group.region, family)).or_default().push(one);
                }
            }
        }
        for (of, types) in families {
            let need = needs.entry(of).or_default();
            need.pools.insert(name.as_str());
            let unknown = types.iter().filter(|one| one.vcpus.is_none());
            need.uncounted.extend(unknown.map(|one| one.name.as_str()));
            if let Some(most) = types.iter().filter_map(|one| one.vcpus).max() {
                need.vcpus += u64::from(pool.max) * u64::from(most);
                need.parts.push(format!("{name} {} × {most}", pool.max));
            }
        }
    }
    needs
}

fn quota(
    input: &PlanInput<'_>,
    (region, family): &(&str, QuotaFamily),
    need: &Need<'_>,
    growing: &BTreeSet<&str>,
    found: &mut Found,
) {
    let Some((limit, source)) = limit(input, region, *family) else { return };
    let (title, key) = (family.title(), family.key());
    if !need.uncounted.is_empty() {
        let list: Vec<&str> = need.uncounted.iter().copied().collect();
        found.warnings.push(format!(
            "quota \"{title}\" in {region} is checked without {}: its vCPUs are not known",
            list.join(", ")
        ));
    }
    if need.vcpus <= u64::from(limit) {
        return;
    }
    let refusal = Refusal::new(
        "quota",
        format!(
            "with every pool at its max, {} vCPUs of \"{title}\" are needed in {region} ({}), and \
             the quota is {limit}, {source}",
            need.vcpus,
            need.parts.join(", ")
        ),
        format!(
            "lower a pool's max, or ask AWS to raise quota {} in {region} and say so in \
             aws.quotas.{key}",
            family.code()
        ),
    );
    found.over(need.pools.iter().any(|pool| growing.contains(pool)), refusal);
}

/// The lower of what is declared and what AWS says, and which it is.
fn limit(input: &PlanInput<'_>, region: &str, family: QuotaFamily) -> Option<(u32, String)> {
    let aws = input.environment.aws.as_ref();
    let declared = aws.and_then(|aws| aws.quotas.get(family)?.get(region).copied());
    let read = input.inventory.market.quota(family, region);
    match (declared, read) {
        (Some(declared), read) if read.is_none_or(|read| declared <= read) => {
            let place = place(input, &format!("aws.quotas.{}", family.key()));
            Some((declared, format!("as declared{place}")))
        }
        (_, Some(read)) => Some((read, "as AWS says".to_owned())),
        (_, None) => None,
    }
}

/// ` (environments/prod.toml:107)`, where `key` has a line.
fn place(input: &PlanInput<'_>, key: &str) -> String {
    let place = input.origins.exact(key);
    place.map(|place| format!(" ({}:{})", place.file, place.line)).unwrap_or_default()
}
