//! Names of what a pool becomes. A thing is found again by its marks, never by
//! its name; so a renamed pool keeps what runs, and a new name is only made
//! where nothing that can be kept is there.

use crate::decide::{BurstGroup, CapacityType, Decision, SupplyGroup, successors};
use crate::id::Name;
use crate::observe::marks;
use crate::observe::{ByPool, Inventory, Live, Ownership, ResourceId};
use crate::spec::model::Join;
use crate::spec::{BootMode, Environment};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// A DNS label, and a label's value, ends here.
const LABEL_MAX: usize = 63;

/// `parts` joined by `-`, shortened to `room` characters by a hash of the whole
/// where it is longer: the same parts, the same name.
pub(super) fn join(parts: &[&str], room: usize) -> String {
    let whole = parts.join("-");
    if whole.len() <= room {
        return whole;
    }
    let hash: String =
        Sha256::digest(&whole).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let kept: String = whole.chars().take(room - hash.len() - 1).collect();
    format!("{}-{hash}", kept.trim_end_matches('-'))
}

/// `<service>-<stage>`: a stage's Service and ServiceAccount.
pub(super) fn of_stage(environment: &Environment, stage: &Name) -> String {
    join(&[environment.service.name.as_str(), stage.as_str()], LABEL_MAX)
}

/// The workload name of each pool: its Deployment's, or its EndpointSlice's.
pub(super) fn workloads(
    environment: &Environment,
    decision: &Decision,
    inventory: &Inventory,
    there: &ByPool<'_>,
) -> BTreeMap<Name, String> {
    let own: BTreeSet<&str> =
        ours(environment, inventory).map(|live| live.id.name.as_str()).collect();
    let mut names: BTreeMap<Name, String> = decision
        .pools
        .par_iter()
        .filter_map(|(pool, decided)| {
            kept_workload(environment, decision, there, pool, &decided.stage)
                .or_else(|| {
                    of_its_nodes(environment, decision, there, &own, (pool, &decided.stage))
                })
                .map(|name| (pool.clone(), name))
        })
        .collect();
    let mut taken: BTreeSet<String> = cannot_be_adopted(environment, inventory)
        .map(|live| live.id.name.clone())
        .chain(own.into_iter().map(str::to_owned))
        .chain(names.values().cloned())
        .collect();
    for (pool, decided) in &decision.pools {
        if names.contains_key(pool) {
            continue;
        }
        let parts = [environment.service.name.as_str(), decided.stage.as_str(), pool.as_str()];
        let name = lowest_free(&parts, &taken);
        taken.insert(name.clone());
        names.insert(pool.clone(), name);
    }
    names
}

/// The names of a pool's groups, each kept where a group goes on as it whose
/// instances serve `workload`: what they join as, and for whom, they learn when
/// they start.
pub(super) fn groups(
    environment: &Environment,
    decision: &Decision,
    (inventory, known): (&Inventory, &ByPool<'_>),
    pool: &Name,
    groups: &[BurstGroup],
    workload: &str,
) -> Vec<String> {
    let join = join_of(environment, pool);
    let pools = former_names(environment, decision, pool);
    let mut there: Vec<(&str, SupplyGroup)> = Vec::new();
    for name in &pools {
        let serving = known.of("AutoScalingGroup", name).iter().filter(|live| {
            !live.deleting
                // Of another market than it was made for, it is replaced.
                && live.fields.text_at("/capacity_type") == live.market()
                && live.marks.get("workload").is_none_or(|served| served == workload)
                && live.marks.get("join").is_none_or(|joins| joins == join)
        });
        let known =
            serving.filter_map(|live| Some((live.id.name.as_str(), SupplyGroup::of(live)?)));
        let mut known: Vec<_> = known.collect();
        known.sort_by_key(|(name, _)| (name.len(), *name));
        there.extend(known);
    }
    let (names, seen): (Vec<&str>, Vec<SupplyGroup>) = there.into_iter().unzip();
    let go_on_as = successors(groups, &seen);
    let name = |(index, group): (usize, &BurstGroup)| {
        let kept = go_on_as.iter().position(|as_group| *as_group == Some(index));
        kept.map_or_else(|| fresh_group(environment, inventory, pool, group), |at| names[at].into())
    };
    groups.iter().enumerate().map(name).collect()
}

/// `<environment>-<pool>-od-<first type>`, or `…-spot-any`; numbered where one of
/// ours has that name.
fn fresh_group(
    environment: &Environment,
    inventory: &Inventory,
    pool: &Name,
    group: &BurstGroup,
) -> String {
    let market = match group.capacity_type {
        CapacityType::OnDemand => "od",
        CapacityType::Spot => "spot",
        CapacityType::CapacityBlock => "block",
    };
    let fresh = format!("{}-{pool}-{market}-{}", environment.environment.name, group.label());
    let is_free = |name: &String| {
        let there = inventory.resources.get(&ResourceId::group(&group.region, name));
        there.is_none_or(|live| live.ownership != Ownership::Ours)
    };
    let numbered = (2u32..).map(|number| format!("{fresh}-{number}"));
    std::iter::once(fresh.clone()).chain(numbered).find(is_free).unwrap_or(fresh)
}

/// The name of a pool's launch template, for instances that boot so, kept where one is
/// there.
pub(super) fn template(
    environment: &Environment,
    decision: &Decision,
    (inventory, known): (&Inventory, &ByPool<'_>),
    pool: &Name,
    (region, boots): (&str, BootMode),
) -> String {
    // No pool's name has a dot.
    let (mark, end) = match boots {
        BootMode::Uefi => (None, ""),
        BootMode::LegacyBios => (Some(boots.as_str()), ".bios"),
    };
    let is_it = |live: &&&Live| {
        let marked = live.marks.get(marks::BOOT_MODE_KEY).map(String::as_str);
        live.id.scope.as_deref() == Some(region) && marked == mark
    };
    let kept = former_names(environment, decision, pool).into_iter().find_map(|name| {
        let here = known.of("LaunchTemplate", &name).iter().filter(is_it);
        here.map(|live| live.id.name.clone()).min_by_key(|name| (name.len(), name.clone()))
    });
    let fresh = || format!("{}-{pool}{end}", environment.environment.name);
    kept.unwrap_or_else(|| {
        let is_free = |name: &String| {
            let there = inventory.resources.get(&ResourceId::launch_template(region, name));
            there.is_none_or(|live| live.ownership != Ownership::Ours)
        };
        let numbered = (2u32..).map(|number| format!("{}-{number}", fresh()));
        std::iter::once(fresh()).chain(numbered).find(is_free).unwrap_or_else(fresh)
    })
}

/// Whether a pool's endpoint is an EndpointSlice; else it is a Deployment.
pub(super) fn is_standalone(environment: &Environment, pool: &Name) -> bool {
    join_of(environment, pool) == "standalone"
}

/// How the instances of a pool join, as its groups say it.
pub(super) fn join_of(environment: &Environment, pool: &Name) -> &'static str {
    let burst = environment.aws.as_ref().and_then(|aws| aws.pools.get(pool));
    match burst.map(|pool| pool.join) {
        Some(Join::Standalone) => "standalone",
        Some(Join::Kubernetes) | None => "kubernetes",
    }
}

/// Deployments and EndpointSlices share one space of names, because a
/// workload's name is also the label of its nodes.
fn ours<'a>(
    environment: &'a Environment,
    inventory: &'a Inventory,
) -> impl Iterator<Item = &'a Live> {
    inventory.resources.values().filter(|live| {
        live.ownership == Ownership::Ours
            && matches!(live.id.kind.as_str(), "Deployment" | "EndpointSlice")
            && live.id.scope.as_deref() == Some(environment.service.namespace.as_str())
    })
}

/// Unmarked Deployments that are in sight because they shall be adopted, and
/// whose selector is not ours: selectors never change, so they are replaced.
fn cannot_be_adopted<'a>(
    environment: &'a Environment,
    inventory: &'a Inventory,
) -> impl Iterator<Item = &'a Live> {
    inventory.resources.values().filter(|live| {
        live.ownership == Ownership::Unmarked
            && live.id.kind == "Deployment"
            && live.id.scope.as_deref() == Some(environment.service.namespace.as_str())
            && !has_own_selector(live)
    })
}

fn kept_workload(
    environment: &Environment,
    decision: &Decision,
    there: &ByPool<'_>,
    pool: &Name,
    stage: &Name,
) -> Option<String> {
    let kind = if is_standalone(environment, pool) { "EndpointSlice" } else { "Deployment" };
    let namespace = Some(environment.service.namespace.as_str());
    former_names(environment, decision, pool).into_iter().find_map(|name| {
        there
            .of(kind, &name)
            .iter()
            .filter(|live| live.id.scope.as_deref() == namespace && can_stay(live, stage))
            .map(|live| live.id.name.clone())
            .min_by_key(|name| (name.len(), name.clone()))
    })
}

/// The workload that a burst pool's instances were started for, if that itself
/// is gone: made anew under its name, it runs on them.
fn of_its_nodes(
    environment: &Environment,
    decision: &Decision,
    there: &ByPool<'_>,
    taken: &BTreeSet<&str>,
    (pool, stage): (&Name, &Name),
) -> Option<String> {
    let join = join_of(environment, pool);
    let is_taken = |name: &String| taken.contains(name.as_str());
    former_names(environment, decision, pool).into_iter().find_map(|name| {
        let groups = there.of("AutoScalingGroup", &name).iter().filter(|live| {
            !live.deleting
                && live.marks.get("stage").is_some_and(|marked| marked == stage.as_str())
                && live.marks.get("join").is_some_and(|joins| joins == join)
        });
        let served = groups.filter_map(|live| live.marks.get("workload").cloned());
        served.filter(|name| !is_taken(name)).min_by_key(|name| (name.len(), name.clone()))
    })
}

/// Whether what cannot be changed in place is as it should be.
fn can_stay(live: &Live, stage: &Name) -> bool {
    let same_stage = live.marks.get("stage").is_none_or(|marked| marked == stage.as_str());
    !live.deleting && same_stage && has_own_selector(live)
}

/// Whether its selector, as far as it is seen, is the one that we would give it.
fn has_own_selector(live: &Live) -> bool {
    let selector = live.fields.at("/spec/selector/matchLabels");
    selector.is_none_or(|labels| {
        labels.as_object().is_some_and(|labels| labels.len() == 1)
            && labels.get(marks::WORKLOAD).and_then(|v| v.as_str()) == Some(&live.id.name)
    })
}

/// The pool's name and then those it had before, by `[[moved]]`; not those that
/// another pool of today has.
fn former_names(environment: &Environment, decision: &Decision, pool: &Name) -> Vec<String> {
    let mut names = vec![pool.to_string()];
    let mut next = 0;
    while let Some(name) = names.get(next).cloned() {
        for moved in environment.moved.iter().filter(|moved| moved.to == name) {
            let reused = decision.pools.contains_key(moved.from.as_str());
            if !reused && !names.contains(&moved.from) {
                names.push(moved.from.clone());
            }
        }
        next += 1;
    }
    names
}

fn lowest_free(parts: &[&str], taken: &BTreeSet<String>) -> String {
    let first = join(parts, LABEL_MAX);
    if !taken.contains(&first) {
        return first;
    }
    let mut number = 2u32;
    loop {
        let suffix = format!("-{number}");
        let name = format!("{}{suffix}", join(parts, LABEL_MAX - suffix.len()));
        if !taken.contains(&name) {
            return name;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests;
