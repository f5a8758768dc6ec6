//! What is reserved for pools: whether it fits, how much it holds, and when it
//! ends.

use super::{Action, Change, PlanInput, Refusal, kinds};
use crate::desired::reservation;
use crate::observe::Reserved;
use crate::spec::model::BurstPool;

/// Refusals of what would start in a reservation that does not take it, and what
/// people must know of each. One that is not there is a lookup without answer.
pub(super) fn check(input: &PlanInput<'_>, changes: &[Change]) -> (Vec<Refusal>, Vec<String>) {
    let (mut refusals, mut warnings) = (Vec::new(), Vec::new());
    let Some(aws) = &input.environment.aws else { return (refusals, warnings) };
    for (name, pool) in &aws.pools {
        let lookup = reservation(aws, pool);
        let Some(reserved) = lookup.and_then(|lookup| input.inventory.reserved.get(&lookup)) else {
            continue;
        };
        let one = One { input, name: name.as_str(), pool, reserved };
        warnings.extend(one.end());
        warnings.extend(one.room());
        let changed = changes.iter().any(|change| {
            change.pool.as_deref() == Some(name.as_str())
                && matches!(change.action, Action::Create | Action::Update | Action::Replace)
        });
        for (message, help) in one.faults() {
            if changed {
                refusals.push(Refusal::new("reservation", message, help));
            } else {
                warnings.push(format!("{message}; this plan changes nothing there: {help}"));
            }
        }
    }
    (refusals, warnings)
}

struct One<'a> {
    input: &'a PlanInput<'a>,
    name: &'a str,
    pool: &'a BurstPool,
    reserved: &'a Reserved,
}

impl One<'_> {
    /// `capacity block cr-0a1b`, with the line that names it.
    fn title(&self) -> String {
        let kind = if self.reserved.block { "capacity block" } else { "capacity reservation" };
        let id = self.pool.reservation_id().unwrap_or_default();
        let place = self.input.origins.origin(&format!("aws.pools.{}.reservation", self.name));
        let place = place.map(|place| format!(" ({}:{})", place.file, place.line));
        format!("{kind} {id}{}", place.unwrap_or_default())
    }

    /// Why nothing can start in it, and what to do.
    fn faults(&self) -> Vec<(String, &'static str)> {
        let (reserved, name) = (self.reserved, self.name);
        let mut faults = Vec::new();
        if reserved.has_ended(self.input.inventory.taken_at) {
            faults.push((
                format!("{} of pool {name} has ended", self.title()),
                "name another one, or take the pool out of the file",
            ));
        } else if !reserved.is_open() {
            faults.push((
                format!("{} of pool {name} is {}", self.title(), reserved.state),
                "wait until it is active or scheduled, or name another one",
            ));
        }
        let declared = self.pool.block().is_some();
        if declared != reserved.block {
            let is = if reserved.block { "is a capacity block" } else { "is no capacity block" };
            let help = if reserved.block {
                "add `block = true` to the pool's reservation"
            } else {
                "remove `block` from the pool's reservation"
            };
            faults.push((format!("the reservation of pool {name} {is}: {}", self.title()), help));
        }
        if let Some(wanted) =
            self.pool.instance_types.iter().find(|t| **t != reserved.instance_type)
        {
            faults.push((
                format!(
                    "{} is of {}, and pool {name} starts {wanted}",
                    self.title(),
                    reserved.instance_type
                ),
                "name the type that is reserved in the pool's `instance_types`",
            ));
        }
        if self.is_elsewhere() {
            faults.push((
                format!(
                    "{} is in {}, where pool {name} has no subnet",
                    self.title(),
                    reserved.zone
                ),
                "give the pool a subnet of that zone",
            ));
        }
        faults
    }

    /// Whether the zones of all its subnets are known, and are others.
    fn is_elsewhere(&self) -> bool {
        let of_pool = self.input.desired.resources.iter().filter(|wanted| {
            wanted.id.kind == kinds::GROUP
                && wanted.pool.as_ref().is_some_and(|pool| pool.as_str() == self.name)
        });
        let subnets: Vec<String> = of_pool
            .filter_map(|wanted| serde_json::from_value(wanted.body.at("/subnets")?).ok())
            .flat_map(|subnets: Vec<String>| subnets)
            .collect();
        let zones = &self.input.inventory.zones;
        let elsewhere = |id: &String| zones.get(id).is_some_and(|zone| *zone != self.reserved.zone);
        !subnets.is_empty() && subnets.iter().all(elsewhere)
    }

    /// When a block begins and ends.
    fn end(&self) -> Option<String> {
        let (reserved, now) = (self.reserved, self.input.inventory.taken_at);
        let (end, closes) = (reserved.ends?, reserved.closes()?);
        if reserved.has_ended(now) {
            return None;
        }
        let begin = reserved.begins.filter(|begin| *begin > now);
        let begin = begin.map(|begin| format!("begins at {begin} and ")).unwrap_or_default();
        Some(format!(
            "{} of pool {}, {} × {} in {}, {begin}ends at {end}: from {closes} on EC2 ends what \
             still runs in it",
            self.title(),
            self.name,
            reserved.instances,
            reserved.instance_type,
            reserved.zone
        ))
    }

    /// More than is reserved never starts.
    fn room(&self) -> Option<String> {
        let max = self.input.decision.pools.get(self.name)?.max;
        (max > self.reserved.instances).then(|| {
            format!(
                "pool {} may grow to {max} instances, and {} holds {}: more than that never start",
                self.name,
                self.title(),
                self.reserved.instances
            )
        })
    }
}
