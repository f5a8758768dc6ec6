//! A group as it is.

use super::hooks::Hooks;
use super::others::others;
use super::requirements;
use super::schedules::Schedules;
use super::shape::{Maintenance, Shape, hooks_from_text};
use crate::backend::aws::tags::{self, Tags};
use crate::observe::{
    Live, Ownership, Problem, ProblemKind, ResourceId, RuntimeField, Unit, Workload, marks,
};
use crate::units::Span;
use aws_sdk_autoscaling::types::{
    AutoScalingGroup, Instance, LaunchTemplateOverrides, LaunchTemplateSpecification,
    LifecycleState, RetentionAction,
};
use serde_json::json;
use std::collections::BTreeMap;

/// What stands beside a group, and only calls of its own tell.
#[derive(Debug, Default)]
pub(in crate::backend::aws) struct Beside {
    pub(in crate::backend::aws) schedules: Schedules,
    /// None: nobody asked, and they are believed to be as they were last written.
    pub(in crate::backend::aws) hooks: Option<Hooks>,
}

/// What is seen of a group of `region`.
pub(in crate::backend::aws) fn live(
    region: &str,
    owner: impl Fn(&Tags) -> Ownership,
    group: &AutoScalingGroup,
    beside: Beside,
) -> Live {
    let tags = tags_of(group);
    let ownership = owner(&tags);
    let mut shape = Shape { schedules: beside.schedules, ..shape(group, &tags, &ownership) };
    shape.hooks = beside.hooks.unwrap_or(shape.hooks);
    Live {
        id: ResourceId::group(region, group.auto_scaling_group_name().unwrap_or_default()),
        uid: uid(group),
        fields: serde_json::to_value(shape).unwrap_or_default().into(),
        taken: BTreeMap::new(),
        runtime: Some(RuntimeField {
            path: "/desired".to_owned(),
            value: json!(group.desired_capacity().unwrap_or(0)),
            managers: Vec::new(),
        }),
        marks: tags::marks_of(&tags),
        applyset: None,
        version: numbered(group).map(str::to_owned),
        workload: Some(workload(group)),
        deleting: is_deleting(group),
        ownership,
    }
}

pub(super) fn is_deleting(group: &AutoScalingGroup) -> bool {
    group.status().is_some_and(|status| status.starts_with("Delete"))
}

/// Its ARN, which is made anew with the group, and when that was.
pub(in crate::backend::aws) fn uid(group: &AutoScalingGroup) -> String {
    let created = group.created_time().map_or(0, |time| time.secs());
    format!("{} {created}", group.auto_scaling_group_arn().unwrap_or_default())
}

pub(in crate::backend::aws) fn tags_of(group: &AutoScalingGroup) -> Tags {
    let tags = group.tags().iter();
    tags.filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or("").to_owned())))
        .collect()
}

/// Its fields, as git would own them, without its schedules: only a call of
/// their own tells them.
pub(super) fn shape_of(group: &AutoScalingGroup) -> Shape {
    shape(group, &tags_of(group), &Ownership::Ours)
}

fn shape(group: &AutoScalingGroup, tags: &Tags, ownership: &Ownership) -> Shape {
    let block = tags.get(marks::BLOCK).filter(|_| group.mixed_instances_policy().is_none());
    let (capacity_type, allocation) = market(group);
    let capacity_type = block.map_or(capacity_type, |_| "capacity-block".to_owned());
    let maintenance = group.instance_maintenance_policy();
    let mut subnets: Vec<String> = group
        .vpc_zone_identifier()
        .unwrap_or_default()
        .split(',')
        .map(|subnet| subnet.trim().to_owned())
        .filter(|subnet| !subnet.is_empty())
        .collect();
    subnets.sort();
    let owned = match ownership {
        Ownership::Ours => tags::owned(tags),
        _ => tags.clone(),
    };
    Shape {
        instance_types: block.map_or_else(|| instance_types(group), |name| vec![name.clone()]),
        requirements: overrides(group).first().and_then(requirements::of),
        capacity_type,
        allocation,
        min: group.min_size().unwrap_or(0),
        max: group.max_size().unwrap_or(0),
        desired: group.desired_capacity(),
        launch_template: launch_template(group),
        pinned: numbered(group).is_some(),
        subnets,
        warm_pool: warm_pool(group),
        health_check_grace: group.health_check_grace_period().unwrap_or(0),
        instance_warmup: group.default_instance_warmup().unwrap_or(0),
        capacity_rebalance: group.capacity_rebalance().unwrap_or(false),
        protected_from_scale_in: group.new_instances_protected_from_scale_in().unwrap_or(false),
        unprotected: unprotected(group).len(),
        maintenance: Maintenance {
            min_healthy: maintenance.and_then(|m| m.min_healthy_percentage()).unwrap_or(-1),
            max_healthy: maintenance.and_then(|m| m.max_healthy_percentage()).unwrap_or(-1),
        },
        metrics: !group.enabled_metrics().is_empty(),
        retain: retains(group),
        hooks: tags.get(marks::HOOKS).map(|text| hooks_from_text(text)).unwrap_or_default(),
        schedules: Schedules::new(),
        tags: owned,
        others: others(group),
    }
}

/// The market that its instances are bought in, and how AWS chooses there.
fn market(group: &AutoScalingGroup) -> (String, String) {
    let distribution =
        group.mixed_instances_policy().and_then(|policy| policy.instances_distribution());
    let Some(distribution) = distribution else {
        return ("on-demand".to_owned(), "none".to_owned());
    };
    let base = distribution.on_demand_base_capacity().unwrap_or(0);
    let share = distribution.on_demand_percentage_above_base_capacity().unwrap_or(100);
    let text = |text: Option<&str>| text.unwrap_or("none").to_owned();
    match (base, share) {
        (_, 100) => ("on-demand".to_owned(), text(distribution.on_demand_allocation_strategy())),
        (0, 0) => ("spot".to_owned(), text(distribution.spot_allocation_strategy())),
        _ => (
            format!("{base} on-demand, then {share}%"),
            text(distribution.spot_allocation_strategy()),
        ),
    }
}

fn overrides(group: &AutoScalingGroup) -> &[LaunchTemplateOverrides] {
    let template = group.mixed_instances_policy().and_then(|policy| policy.launch_template());
    template.map(|template| template.overrides()).unwrap_or_default()
}

fn instance_types(group: &AutoScalingGroup) -> Vec<String> {
    overrides(group).iter().filter_map(|one| one.instance_type()).map(str::to_owned).collect()
}

fn specification(group: &AutoScalingGroup) -> Option<&LaunchTemplateSpecification> {
    let mixed = group.mixed_instances_policy().and_then(|policy| policy.launch_template());
    mixed.and_then(|mixed| mixed.launch_template_specification()).or(group.launch_template())
}

/// Its template's name; with a version, if that is neither the template's
/// default nor a number.
fn launch_template(group: &AutoScalingGroup) -> String {
    let Some(named) = specification(group) else { return "none".to_owned() };
    let name = named.launch_template_name().or(named.launch_template_id()).unwrap_or_default();
    match named.version() {
        Some("$Default") | None => name.to_owned(),
        Some(_) if numbered(group).is_some() => name.to_owned(),
        Some(version) => format!("{name}, version {version}"),
    }
}

/// The number of its template's version, if one stands in it.
pub(super) fn numbered(group: &AutoScalingGroup) -> Option<&str> {
    let version = specification(group)?.version()?;
    version.parse::<u64>().ok().map(|_| version)
}

fn retains(group: &AutoScalingGroup) -> bool {
    let policy = group.instance_lifecycle_policy();
    let triggers = policy.and_then(|policy| policy.retention_triggers());
    let action = triggers.and_then(|triggers| triggers.terminate_hook_abandon());
    action == Some(&RetentionAction::Retain)
}

/// Whether it is kept after its drain, and counts for nothing.
fn is_retained(instance: &Instance) -> bool {
    instance.lifecycle_state().is_some_and(|state| state.as_str().ends_with(":Retained"))
}

fn warm_pool(group: &AutoScalingGroup) -> i32 {
    use aws_sdk_autoscaling::types::WarmPoolStatus;
    match group.warm_pool_configuration() {
        Some(pool) if pool.status() != Some(&WarmPoolStatus::PendingDelete) => {
            pool.min_size().unwrap_or(0)
        }
        _ => 0,
    }
}

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
    let (retained, there): (Vec<_>, Vec<_>) = instances.iter().partition(|i| is_retained(i));
    let existing = number(there.len());
    let mut problems = Vec::new();
    if !retained.is_empty() {
        let names: Vec<&str> = retained.iter().filter_map(|one| one.instance_id()).collect();
        problems.push(Problem {
            kind: ProblemKind::Other,
            units: number(retained.len()),
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

/// Its instances, by ID, without those that are kept after their drain.
pub(super) fn units(group: &AutoScalingGroup) -> Vec<Unit> {
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
            // What a person has set aside, a refresh leaves.
            version: version(instance).filter(|_| !state.contains("Standby")),
            ending: is_ending(state),
        })
    };
    let there = group.instances().iter().filter(|instance| !is_retained(instance));
    let mut units: Vec<Unit> = there.filter_map(unit).collect();
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
