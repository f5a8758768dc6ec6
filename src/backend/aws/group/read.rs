//! A group as it is.

use super::hooks::Hooks;
use super::instances::{unprotected, workload};
use super::others::others;
use super::requirements;
use super::schedules::Schedules;
use super::shape::{Maintenance, Shape, hooks_from_text};
use crate::backend::aws::tags::{self, Tags};
use crate::observe::{Live, Ownership, ResourceId, RuntimeField, marks};
use aws_sdk_autoscaling::types::{
    AutoScalingGroup, LaunchTemplateOverrides, LaunchTemplateSpecification, RetentionAction,
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
        autoscaler: None,
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

pub(super) fn specification(group: &AutoScalingGroup) -> Option<&LaunchTemplateSpecification> {
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

fn warm_pool(group: &AutoScalingGroup) -> i32 {
    use aws_sdk_autoscaling::types::WarmPoolStatus;
    match group.warm_pool_configuration() {
        Some(pool) if pool.status() != Some(&WarmPoolStatus::PendingDelete) => {
            pool.min_size().unwrap_or(0)
        }
        _ => 0,
    }
}
