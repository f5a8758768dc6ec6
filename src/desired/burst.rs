//! The Auto Scaling groups of burst pools.

use super::lookups::Found;
use super::scene::Scene;
use super::{Desired, DesiredError, Missing, Seed, launch, names};
use crate::clock::Timestamp;
use crate::decide::{BurstGroup, CapacityType, DesiredOwner, PoolDecision, PoolKind, split};
use crate::id::Name;
use crate::observe::{Requirements, Reserved, ResourceId, marks};
use crate::spec::model::{Aws, BurstPool, Stage};
use crate::spec::{BootMode, Environment};
use crate::units::Span;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// From a launched instance to a joined node, beside the engine's own start; in
/// seconds.
pub(crate) const INSTANCE_START: u64 = 900;
/// What a group's own times end at, in seconds: a day. No instance that works
/// takes that long.
const LONGEST: u64 = 86_400;
/// What a hook's heartbeat may be, in seconds; an agent that works asks for more
/// time: <https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks.html>
const HEARTBEAT: std::ops::RangeInclusive<u64> = 30..=7200;

/// Every burst pool's launch template and groups, and what of the account they
/// need and is not there.
pub(super) fn members(
    scene: &Scene<'_>,
    missing: &mut Vec<Missing>,
) -> Result<Vec<Desired>, DesiredError> {
    let mut desired = Vec::new();
    let Some(aws) = &scene.environment().aws else { return Ok(desired) };
    for (name, decided) in &scene.input.decision.pools {
        let (PoolKind::Burst(groups), Some(pool)) = (&decided.kind, aws.pools.get(name)) else {
            continue;
        };
        let mut boots: BTreeSet<BootMode> = groups.iter().map(|group| group.boot_mode).collect();
        if groups.is_empty() {
            boots.insert(BootMode::Uefi);
        }
        for boots in boots {
            desired.push(launch::template(scene, aws, (name, pool), decided, boots, missing)?);
        }
        let found = Found { scene, aws, name, pool };
        found.types(missing);
        let reserved = found.reserved(missing);
        let subnets = &found.subnets(reserved, missing);
        let best = groups.first().map(BurstGroup::label);
        let ids = group_ids(scene, name, decided);
        for (index, (group, id)) in groups.iter().zip(ids).enumerate() {
            let warm_pool = if warm_group(groups) == Some(index) { pool.warm_pool } else { 0 };
            let first = Some(group.label()) == best;
            let one =
                One { scene, aws, name, decided, pool, group, first, warm_pool, subnets, reserved };
            desired.push(one.desired(id));
        }
    }
    Ok(desired)
}

/// The pool's groups in their order; none for an on-prem pool.
pub(super) fn group_ids(scene: &Scene<'_>, pool: &Name, decided: &PoolDecision) -> Vec<ResourceId> {
    let PoolKind::Burst(groups) = &decided.kind else { return Vec::new() };
    let input = scene.input;
    let workload = scene.workloads.get(pool).map(String::as_str).unwrap_or_default();
    let (environment, decision) = (input.environment, input.decision);
    let there = (input.inventory, &scene.there);
    let names = names::groups(environment, decision, there, pool, groups, workload);
    let id = |(group, name): (&BurstGroup, String)| ResourceId::group(&group.region, &name);
    groups.iter().zip(names).map(id).collect()
}

/// AWS keeps no warm pool beside spot instances, and stopped instances of a
/// second choice would be paid for without use: the first on-demand group.
fn warm_group(groups: &[BurstGroup]) -> Option<usize> {
    groups.iter().position(|group| group.capacity_type == CapacityType::OnDemand)
}

/// How long an instance may finish its work.
pub(super) fn drain(environment: &Environment, stage: &Stage) -> Span {
    environment.burst.scale_in.drain.max(stage.drain)
}

/// One group, and what it is made from.
struct One<'a> {
    scene: &'a Scene<'a>,
    aws: &'a Aws,
    name: &'a Name,
    decided: &'a PoolDecision,
    pool: &'a BurstPool,
    group: &'a BurstGroup,
    /// Of the pool's first instance type.
    first: bool,
    warm_pool: u32,
    subnets: &'a [String],
    reserved: Option<&'a Reserved>,
}

impl One<'_> {
    fn desired(&self, id: ResourceId) -> Desired {
        let Self { scene, name, decided, group, .. } = *self;
        let git = decided.owner == DesiredOwner::Git;
        let template = launch::template_id(scene, name, self.pool, group.boot_mode);
        let mut body = self.body(&template.name);
        if git {
            body["desired"] = json!(group.desired);
        }
        let seed =
            Seed { path: "/desired".to_owned(), value: json!(group.desired), owner: decided.owner };
        let (market, key) = match group.capacity_type {
            CapacityType::OnDemand if group.by_requirements => ("on demand", "requirements"),
            CapacityType::OnDemand => ("on demand", "instance_types"),
            CapacityType::Spot => ("spot", "spot"),
            CapacityType::CapacityBlock => ("in a capacity block", "reservation"),
        };
        let types: Vec<&str> = group.types.iter().map(|one| one.name.as_str()).collect();
        let mut text = format!("{} {market} for pool {name}", types.join(" or "));
        if let Some(required) = self.requirements() {
            text.push_str(&format!(": what has {required} now"));
        }
        // The mark that tells a later run where to look is left first.
        let parent = scene.environment().onprem.is_some().then(|| scene.parent_id());
        Desired {
            id,
            body: body.into(),
            seed: (!git).then_some(seed),
            pool: Some(name.clone()),
            reason: scene.because(format!("aws.pools.{name}.{key}"), text),
            after: parent.into_iter().chain([template]).collect(),
            immutable: vec![
                "/instance_types",
                "/capacity_type",
                "/tags/floodway.dev~1workload",
                "/tags/floodway.dev~1join",
            ],
            member: true,
        }
    }

    fn requirements(&self) -> Option<Requirements> {
        self.pool.requirements.as_ref().map(Requirements::from)
    }

    /// Which types meet requirements is AWS's to find, whenever it starts one.
    fn named_types(&self) -> Vec<&str> {
        let named = self.group.types.iter().filter(|_| !self.group.by_requirements);
        named.map(|one| one.name.as_str()).collect()
    }

    fn body(&self, template: &str) -> Value {
        let Self { scene, name, decided, pool, group, .. } = *self;
        let workload = scene.workloads.get(name).map(String::as_str).unwrap_or_default();
        let mut tags = tags(scene, name, &decided.stage, workload);
        for (key, value) in launch::capacity_tags(pool, group) {
            tags[key] = json!(value);
        }
        tags[marks::MARKET] = json!(group.capacity_type);
        let block = group.capacity_type == CapacityType::CapacityBlock;
        if block {
            tags[marks::BLOCK] = json!(group.label());
            if let Some(closes) = self.reserved.and_then(Reserved::closes) {
                tags[marks::CLOSES] = json!(closes.to_string());
            }
        }
        let stage = scene.environment().service.stages.get(&pool.stage);
        let mut body = json!({
            "instance_types": self.named_types(),
            "capacity_type": group.capacity_type,
            // How AWS chooses among types and zones.
            "allocation": match group.capacity_type {
                // Where no type is named, none comes first:
                // https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstancesDistribution.html
                CapacityType::OnDemand if group.by_requirements => "lowest-price",
                CapacityType::OnDemand => "prioritized",
                CapacityType::Spot => "price-capacity-optimized",
                CapacityType::CapacityBlock => "none",
            },
            // The pool's min is a sum over its groups, which Floodway holds; were it
            // each group's, AWS would start it once per group.
            "min": 0,
            "max": group.max,
            "launch_template": template,
            "subnets": self.subnets,
            "warm_pool": self.warm_pool,
            // Seconds in which an instance that starts is not judged.
            "health_check_grace": launch::start_seconds(scene, pool).min(LONGEST),
            "instance_warmup": stage.map_or(0, |stage| stage.startup.secs_ceil()).min(LONGEST),
            // A spot instance that may soon be taken back is replaced before.
            "capacity_rebalance": group.capacity_type == CapacityType::Spot,
            // Who ends an instance names it: AWS chooses none by itself.
            "protected_from_scale_in": true,
            "maintenance": match block {
                // Replaced instances are launched before the old ones end.
                false => json!({ "min_healthy": 100, "max_healthy": 110 }),
                // A block that is full has no room for that.
                true => json!({ "min_healthy": 90, "max_healthy": 100 }),
            },
            "metrics": true,
            "hooks": self.hooks(stage),
            "tags": tags,
        });
        if let Some(required) = self.requirements() {
            body["requirements"] = json!(required);
        }
        if !pool.refresh.alarms.is_empty() {
            // Only a group in which the version stands can go back to it.
            body["pinned"] = json!(true);
        }
        // A spot instance is taken back whatever its policy says.
        let on_demand = group.capacity_type == CapacityType::OnDemand;
        if on_demand && self.aws.launch_of(pool).retain == Some(true) {
            body["retain"] = json!(true);
        }
        let schedules = self.schedules();
        if !schedules.is_empty() {
            body["schedules"] = schedules.into();
        }
        body
    }

    /// This group's part of the numbers that the pool gets at certain times:
    /// they go to the first instance type, between the markets as a new pool's.
    fn schedules(&self) -> serde_json::Map<String, Value> {
        let all = self.scene.environment().schedule.iter();
        let moment = |text: &Option<String>| text.as_ref()?.parse::<Timestamp>().ok();
        let now = self.scene.input.inventory.taken_at;
        let own = all.filter(|schedule| {
            let ended = moment(&schedule.end).is_some_and(|end| end <= now);
            self.first && schedule.pool == *self.name && !ended
        });
        own.map(|schedule| {
            let (on_demand, spot) = split(schedule.desired, self.pool.spot.as_ref());
            let mut action = json!({
                "cron": schedule.cron,
                "time_zone": schedule.time_zone,
                "desired": match self.group.capacity_type {
                    CapacityType::OnDemand | CapacityType::CapacityBlock => on_demand,
                    CapacityType::Spot => spot,
                },
            });
            for (key, moment) in
                [("start", moment(&schedule.start)), ("end", moment(&schedule.end))]
            {
                if let Some(moment) = moment {
                    action[key] = json!(moment.to_string());
                }
            }
            (schedule.name.to_string(), action)
        })
        .collect()
    }

    /// Seconds that an instance has before it must serve, and from its end on.
    fn hooks(&self, stage: Option<&Stage>) -> Value {
        let clamp = |seconds: u64| seconds.clamp(*HEARTBEAT.start(), *HEARTBEAT.end());
        let drain = stage.map_or(0, |stage| drain(self.scene.environment(), stage).secs_ceil());
        let mut hooks = json!({ "terminate": clamp(drain) });
        if self.aws.launch_of(self.pool).launch_hook.unwrap_or(true) {
            hooks["launch"] = json!(clamp(launch::start_seconds(self.scene, self.pool)));
        }
        hooks
    }
}

/// Tags play the part that labels and the ApplySet's parent play in a cluster.
pub(super) fn tags(scene: &Scene<'_>, pool: &Name, stage: &Name, workload: &str) -> Value {
    let mark = scene.input.mark;
    json!({
        marks::MANAGED_BY: marks::MANAGER,
        marks::ENVIRONMENT: mark.environment,
        marks::REPOSITORY: mark.repository,
        marks::FILE: mark.file,
        marks::STAGE: stage,
        marks::POOL: pool,
        marks::WORKLOAD: workload,
        marks::JOIN: names::join_of(scene.environment(), pool),
    })
}
