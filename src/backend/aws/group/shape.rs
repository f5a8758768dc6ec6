//! What a group is, as plans say it.

use super::others::SPOT_MAX_PRICE;
use super::requirements;
use super::schedules::Schedules;
use crate::observe::Requirements;
use crate::plan::{FailureKind, PortError};
use aws_sdk_autoscaling::types::{
    InstanceLifecyclePolicy, InstanceMaintenancePolicy, InstancesDistribution, LaunchTemplate,
    LaunchTemplateSpecification, LifecycleHookSpecification, MixedInstancesPolicy, RetentionAction,
    RetentionTriggers,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The owned fields of a group; see `desired` for what each means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::backend::aws) struct Shape {
    pub(super) instance_types: Vec<String>,
    /// What AWS finds types by, where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) requirements: Option<Requirements>,
    pub(super) capacity_type: String,
    pub(super) allocation: String,
    pub(super) min: i32,
    pub(super) max: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) desired: Option<i32>,
    pub(super) launch_template: String,
    /// Which version it starts from stands in the group, and a refresh moves it
    /// on; else it is the template's default.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) pinned: bool,
    pub(super) subnets: Vec<String>,
    pub(super) warm_pool: i32,
    pub(super) health_check_grace: i32,
    pub(super) instance_warmup: i32,
    pub(super) capacity_rebalance: bool,
    pub(super) protected_from_scale_in: bool,
    /// Instances in service that AWS may end by its own choice; never asked for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) unprotected: usize,
    pub(super) maintenance: Maintenance,
    pub(super) metrics: bool,
    /// An instance whose drain is given up is kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) retain: bool,
    /// Heartbeats in seconds, by what the hook waits for.
    pub(super) hooks: BTreeMap<String, i32>,
    /// By their names in the file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) schedules: Schedules,
    pub(super) tags: BTreeMap<String, String>,
    /// What somebody put into it that a write takes out again, by its name in the
    /// API; never asked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) others: BTreeMap<String, String>,
}

/// How many instances there may be while some are replaced, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Maintenance {
    pub(super) min_healthy: i32,
    pub(super) max_healthy: i32,
}

/// A hook: what it is called, and when it acts.
pub(super) struct Hook {
    pub(super) name: &'static str,
    pub(super) transition: &'static str,
    /// What happens to an instance for which nobody answers.
    pub(super) default_result: &'static str,
}

/// The hooks that a group may have, by their key.
pub(super) const HOOKS: [(&str, Hook); 2] = [
    (
        "launch",
        Hook {
            name: "floodway-launch",
            transition: "autoscaling:EC2_INSTANCE_LAUNCHING",
            default_result: "ABANDON",
        },
    ),
    (
        "terminate",
        Hook {
            name: "floodway-terminate",
            transition: "autoscaling:EC2_INSTANCE_TERMINATING",
            default_result: "CONTINUE",
        },
    ),
];

impl Shape {
    /// From a plan's body.
    ///
    /// # Errors
    /// A body that another Floodway has written.
    pub(super) fn of(body: &Value) -> Result<Self, PortError> {
        serde_json::from_value(body.clone()).map_err(|error| PortError {
            kind: FailureKind::Rejected,
            message: format!("the plan says of a group what this Floodway cannot do: {error}"),
            help: Some("plan again with this version".to_owned()),
        })
    }

    /// Whether what stands in the group itself is the same; its instances, hooks,
    /// schedules, warm pool, metrics and tags stand beside it, and desired may move by itself.
    pub(super) fn same_group(&self, other: &Self) -> bool {
        let inner = |shape: &Self| Self {
            desired: None,
            unprotected: 0,
            warm_pool: 0,
            metrics: true,
            hooks: BTreeMap::new(),
            schedules: Schedules::new(),
            tags: BTreeMap::new(),
            ..shape.clone()
        };
        inner(self) == inner(other)
    }

    /// Whether instances start from the same.
    pub(super) fn same_source(&self, other: &Self) -> bool {
        let inner = |shape: &Self| Self {
            instance_types: shape.instance_types.clone(),
            requirements: shape.requirements.clone(),
            capacity_type: shape.capacity_type.clone(),
            allocation: shape.allocation.clone(),
            launch_template: shape.launch_template.clone(),
            pinned: shape.pinned,
            others: shape.others.clone(),
            ..other.clone()
        };
        inner(self) == *other
    }

    fn specification(&self, version: &str) -> LaunchTemplateSpecification {
        let named = LaunchTemplateSpecification::builder();
        named.launch_template_name(&self.launch_template).version(version).build()
    }

    /// Its template alone names type and market: AWS takes no policy in a
    /// capacity block.
    fn is_block(&self) -> bool {
        self.capacity_type == "capacity-block"
    }

    /// The template, where it stands alone.
    pub(super) fn template(&self, version: &str) -> Option<LaunchTemplateSpecification> {
        self.is_block().then(|| self.specification(version))
    }

    /// All instances on demand or all spot, of these types in this order, or of
    /// what meets the requirements. What `is` there says of a price at most, an
    /// empty one takes away:
    /// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstancesDistribution.html>
    pub(super) fn policy(&self, version: &str, is: Option<&Self>) -> Option<MixedInstancesPolicy> {
        if self.is_block() {
            return None;
        }
        let template = self.specification(version);
        let overrides = match &self.requirements {
            Some(required) => vec![requirements::by(required)],
            None => self.instance_types.iter().map(|name| requirements::named(name)).collect(),
        };
        let spot = self.capacity_type == "spot";
        let capped = is.is_some_and(|is| is.others.contains_key(SPOT_MAX_PRICE));
        let distribution = InstancesDistribution::builder()
            .set_spot_max_price(capped.then(String::new))
            .on_demand_base_capacity(0)
            .on_demand_percentage_above_base_capacity(if spot { 0 } else { 100 });
        let distribution = match spot {
            true => distribution.spot_allocation_strategy(&self.allocation),
            false => distribution.on_demand_allocation_strategy(&self.allocation),
        };
        let policy = MixedInstancesPolicy::builder()
            .launch_template(
                LaunchTemplate::builder()
                    .launch_template_specification(template)
                    .set_overrides(Some(overrides))
                    .build(),
            )
            .instances_distribution(distribution.build());
        Some(policy.build())
    }

    pub(super) fn maintenance(&self) -> InstanceMaintenancePolicy {
        InstanceMaintenancePolicy::builder()
            .min_healthy_percentage(self.maintenance.min_healthy)
            .max_healthy_percentage(self.maintenance.max_healthy)
            .build()
    }

    pub(super) fn lifecycle(&self) -> InstanceLifecyclePolicy {
        let (retain, terminate) = (RetentionAction::Retain, RetentionAction::Terminate);
        let action = if self.retain { retain } else { terminate };
        let triggers = RetentionTriggers::builder().terminate_hook_abandon(action).build();
        InstanceLifecyclePolicy::builder().retention_triggers(triggers).build()
    }

    /// The hooks that it has, with their heartbeats.
    pub(super) fn hooks(&self) -> impl Iterator<Item = (&'static Hook, i32)> {
        HOOKS.iter().filter_map(|(key, hook)| Some((hook, *self.hooks.get(*key)?)))
    }

    pub(super) fn hook_specifications(&self) -> Vec<LifecycleHookSpecification> {
        let one = |(hook, seconds): (&Hook, i32)| {
            LifecycleHookSpecification::builder()
                .lifecycle_hook_name(hook.name)
                .lifecycle_transition(hook.transition)
                .default_result(hook.default_result)
                .heartbeat_timeout(seconds)
                .build()
        };
        self.hooks().map(one).collect()
    }
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// The hooks as a tag's value: `launch=1800 terminate=600`.
pub(super) fn hooks_as_text(hooks: &BTreeMap<String, i32>) -> String {
    let one = |(key, seconds): (&String, &i32)| format!("{key}={seconds}");
    hooks.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// What [`hooks_as_text`] wrote; nothing of what it did not.
pub(super) fn hooks_from_text(text: &str) -> BTreeMap<String, i32> {
    let one = |part: &str| {
        let (key, seconds) = part.split_once('=')?;
        Some((key.to_owned(), seconds.parse().ok()?))
    };
    text.split(' ').filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_are_read_as_they_were_noted() {
        let hooks = BTreeMap::from([("launch".to_owned(), 1800), ("terminate".to_owned(), 600)]);
        assert_eq!(hooks_as_text(&hooks), "launch=1800 terminate=600");
        assert_eq!(hooks_from_text("launch=1800 terminate=600"), hooks);
        assert_eq!(hooks_from_text("garbage"), BTreeMap::new());
        assert_eq!(hooks_from_text(""), BTreeMap::new());
    }
}
