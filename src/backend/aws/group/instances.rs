//! The instances of a group as they are.

use super::read::specification;
use crate::observe::{Live, Ownership, Problem, ProblemKind, Unit, Wait, Workload};
use crate::units::Span;
use aws_sdk_autoscaling::types::{
    AutoScalingGroup, Instance, LaunchTemplateSpecification, LifecycleState,
};

/// What runs in it. Instances of an older template serve as well as others.
pub(in crate::backend::aws) fn workload(group: &AutoScalingGroup) -> Workload {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let instances = group.instances();
    let serves = |instance: &&Instance| {
        instance.lifecycle_state() == Some(&LifecycleState::InService)
            && instance.health_status().is_none_or(|health| health == "Healthy")
    };
    let desired = u32::try_from(group.desired_capacity().unwrap_or(0)).unwrap_or(0);
    let ready = number(instances.iter().filter(serves).count());
    let warm = u32::try_from(group.warm_pool_size().unwrap_or(0)).unwrap_or(0);
    let drained = desired == 0 && group.max_size() == Some(0);
    let kept = named(group, is_retained);
    let existing = number(instances.len() - kept.len());
    let mut problems = Vec::new();
    if !kept.is_empty() {
        let names: Vec<&str> = kept.iter().map(|unit| unit.name.as_str()).collect();
        problems.push(Problem {
            kind: ProblemKind::Other,
            units: number(kept.len()),
            message: format!("kept after its drain, and paid for: {}", names.join(", ")),
        });
    }
    problems.extend(suspended(group).map(|message| Problem {
        kind: ProblemKind::Refused,
        units: desired.abs_diff(existing),
        message,
    }));
    Workload {
        desired,
        warm,
        // A group goes only when its stopped instances are gone too.
        existing: if drained { existing.saturating_add(warm) } else { existing },
        surplus: number(surplus(group)),
        updated: existing,
        ready,
        pending: desired.saturating_sub(ready),
        observed: true,
        stalled: false,
        problems,
        units: units(group),
        kept,
        refresh: None,
        failed: None,
    }
}

/// Processes without which no instance starts, or none ends.
fn suspended(group: &AutoScalingGroup) -> impl Iterator<Item = String> {
    let processes = group.suspended_processes().iter();
    let named = processes.filter_map(|process| Some((process.process_name()?, process)));
    named.filter(|(name, _)| matches!(*name, "Launch" | "Terminate")).map(|(name, process)| {
        let why = process.suspension_reason().unwrap_or("no reason given");
        format!("the process {name} is suspended: {why}")
    })
}

/// What somebody has set, and stays theirs, and keeps instances from starting or
/// ending as plans say it. Protection holds against a lifetime, too:
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/asg-max-instance-lifetime.html>
pub(in crate::backend::aws) fn notes(group: &AutoScalingGroup) -> Vec<String> {
    let lifetime = group.max_instance_lifetime().and_then(|seconds| u64::try_from(seconds).ok());
    let lifetime = lifetime.filter(|seconds| *seconds > 0).map(|seconds| {
        let limit = Span::from_secs(seconds);
        format!("MaxInstanceLifetime is {limit}: AWS replaces older instances that are unprotected")
    });
    suspended(group).chain(lifetime).collect()
}

/// Whether a refresh may be under way: its instances are not all of the template's
/// `default`, or a version stands in the group, which only a refresh moves on.
pub(in crate::backend::aws) fn may_be_refreshed(live: &Live, default: Option<&str>) -> bool {
    let mut versions = live.units().iter().filter_map(|unit| unit.version.as_deref());
    let first = default.or_else(|| versions.next());
    let differs = versions.any(|version| Some(version) != first);
    live.ownership == Ownership::Ours && (live.version.is_some() || differs)
}

/// How many more run than are asked for, and do not end by that: they are
/// protected.
pub(super) fn surplus(group: &AutoScalingGroup) -> usize {
    let stays = |instance: &&Instance| {
        let state = instance.lifecycle_state().map_or("", LifecycleState::as_str);
        !is_ending(state) && !is_retained(instance)
    };
    let staying: Vec<&Instance> = group.instances().iter().filter(stays).collect();
    let protected = staying.iter().filter(|one| one.protected_from_scale_in() == Some(true));
    let desired = usize::try_from(group.desired_capacity().unwrap_or(0)).unwrap_or(0);
    staying.len().saturating_sub(desired).min(protected.count())
}

fn is_ending(state: &str) -> bool {
    ["Terminat", "Detach"].iter().any(|begin| state.starts_with(begin))
}

/// Whether a hook holds it; which one, only its group's hooks would tell.
fn waits(state: &str) -> Option<Wait> {
    match state {
        "Pending:Wait" => Some(Wait::ToServe),
        "Terminating:Wait" => Some(Wait::ToEnd),
        _ => None,
    }
}

/// Its instances, by ID, without those that are kept after their drain.
pub(super) fn units(group: &AutoScalingGroup) -> Vec<Unit> {
    named(group, |instance| !is_retained(instance))
}

fn named(group: &AutoScalingGroup, which: impl Fn(&Instance) -> bool) -> Vec<Unit> {
    let own = specification(group).and_then(LaunchTemplateSpecification::launch_template_name);
    let version = |instance: &Instance| {
        let from = instance.launch_template()?;
        let version = from.version()?;
        let name = from.launch_template_name();
        Some(if name == own {
            version.to_owned()
        } else {
            format!("{version} of {}", name.unwrap_or("another template"))
        })
    };
    let unit = |instance: &Instance| {
        let state = instance.lifecycle_state().map_or("", LifecycleState::as_str);
        Some(Unit {
            name: instance.instance_id()?.to_owned(),
            ready: state == "InService",
            instance_type: instance.instance_type().map(str::to_owned),
            waits: waits(state),
            // What a person has set aside, a refresh leaves.
            version: version(instance).filter(|_| !state.contains("Standby")),
            set_aside: state.contains("Standby"),
            ending: is_ending(state),
            address: None,
            taken_back: None,
        })
    };
    let those = group.instances().iter().filter(|instance| which(instance));
    let mut units: Vec<Unit> = those.filter_map(unit).collect();
    units.sort_by(|a, b| a.name.cmp(&b.name));
    units
}

/// The instances that AWS itself must not end.
pub(super) fn protected(group: &AutoScalingGroup) -> Vec<String> {
    ids(group, |one| one.protected_from_scale_in() == Some(true))
}

/// The instances that AWS may end by its own choice. Those that start are
/// protected when they are in service, those that end need it no more, and those of
/// a warm pool cannot be:
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetInstanceProtection.html>
pub(super) fn unprotected(group: &AutoScalingGroup) -> Vec<String> {
    ids(group, |one| {
        one.lifecycle_state() == Some(&LifecycleState::InService)
            && one.protected_from_scale_in() != Some(true)
    })
}

fn ids(group: &AutoScalingGroup, which: impl Fn(&Instance) -> bool) -> Vec<String> {
    let those = group.instances().iter().filter(|one| which(one));
    those.filter_map(|one| one.instance_id()).map(str::to_owned).collect()
}

/// Whether it is kept after its drain, and counts for nothing.
fn is_retained(instance: &Instance) -> bool {
    instance.lifecycle_state().is_some_and(|state| state.as_str().ends_with(":Retained"))
}
