//! Writes to groups. Each can be repeated: it says what shall be, and looks at
//! what is there before.

use super::read::{numbered, protected, shape_of, surplus, tags_of, uid, units};
use super::shape::{Shape, hooks_as_text};
use crate::backend::aws::account::{Region, stale, taken, unsettled};
use crate::backend::aws::error::{code, failed};
use crate::backend::aws::tags::{self, Tags};
use crate::backend::aws::template::Template;
use crate::desired::Seed;
use crate::observe::{Mark, Ownership, ResourceId, marks};
use crate::plan::{PortError, Precondition, applied_digest};
use aws_sdk_autoscaling::types::{AutoScalingGroup, Tag, WarmPoolState};
use serde_json::Value;

/// How often AWS counts a group's instances for CloudWatch; it knows no other.
const GRANULARITY: &str = "1Minute";
/// Instances that one call can name:
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetInstanceProtection.html>
const NAMED_AT_ONCE: usize = 50;

/// One group, to be written.
pub(in crate::backend::aws) struct Group<'a> {
    pub(in crate::backend::aws) region: &'a Region,
    pub(in crate::backend::aws) id: &'a ResourceId,
}

/// What both ways of writing a group say.
macro_rules! shaped {
    ($call:expr, $group:expr, $shape:expr, $version:expr) => {
        $call
            .auto_scaling_group_name(&$group.id.name)
            .mixed_instances_policy($shape.policy($version))
            .min_size($shape.min)
            .max_size($shape.max)
            .vpc_zone_identifier($shape.subnets.join(","))
            .health_check_type("EC2")
            .health_check_grace_period($shape.health_check_grace)
            .default_instance_warmup($shape.instance_warmup)
            .capacity_rebalance($shape.capacity_rebalance)
            .new_instances_protected_from_scale_in($shape.protected_from_scale_in)
            .instance_maintenance_policy($shape.maintenance())
            .instance_lifecycle_policy($shape.lifecycle())
    };
}

impl Group<'_> {
    /// The live group; none: there is none of that name.
    pub(in crate::backend::aws) async fn get(&self) -> Result<Option<AutoScalingGroup>, PortError> {
        let answer = self
            .region
            .autoscaling
            .describe_auto_scaling_groups()
            .auto_scaling_group_names(&self.id.name)
            .send()
            .await
            .map_err(|error| self.failed(error, "DescribeAutoScalingGroups"))?;
        Ok(answer.auto_scaling_groups.unwrap_or_default().into_iter().next())
    }

    /// Makes it be `body`.
    pub(in crate::backend::aws) async fn apply(
        &self,
        mark: &Mark,
        body: &Value,
        seed: Option<&Seed>,
        precondition: &Precondition,
    ) -> Result<(), PortError> {
        let shape = Shape::of(body)?;
        if *precondition == Precondition::Absent && self.create(&shape, body, seed).await? {
            return Ok(());
        }
        let Some(live) = self.get().await? else {
            return Err(match precondition {
                // Its name is taken, and what has it is not to be seen yet.
                Precondition::Absent => unsettled(self.id),
                Precondition::Is(_) => stale(self.id),
            });
        };
        match precondition {
            Precondition::Absent if tags::owner(mark, &tags_of(&live)) != Ownership::Ours => {
                return Err(taken(self.id));
            }
            Precondition::Is(planned) if uid(&live) != *planned => return Err(stale(self.id)),
            Precondition::Absent | Precondition::Is(_) => {}
        }
        self.update(&shape, &live).await?;
        self.put_hooks(&shape).await?;
        self.put_schedules(&shape.schedules).await?;
        self.surround(&shape, body, &live).await
    }

    /// Makes it, with its marks and hooks in the same call: an instance that
    /// starts finds them there. Whether it has been made: one of its name may be
    /// there, by an earlier try whose answer was lost.
    async fn create(
        &self,
        shape: &Shape,
        body: &Value,
        seed: Option<&Seed>,
    ) -> Result<bool, PortError> {
        let seeded = seed.and_then(|seed| seed.value.as_i64());
        let seeded = seeded.and_then(|number| i32::try_from(number).ok());
        // A runtime owner's number keeps to the bounds; git's is refused beyond them.
        let seeded = seeded.unwrap_or(shape.min).max(shape.min).min(shape.max);
        let desired = shape.desired.unwrap_or(seeded);
        let tags = self.all_tags(shape, body);
        let create = self.region.autoscaling.create_auto_scaling_group();
        let version = self.version(shape, None).await?;
        let made = shaped!(create, self, shape, &version)
            .desired_capacity(desired)
            .set_lifecycle_hook_specification_list(Some(shape.hook_specifications()))
            .set_tags(Some(tags.iter().map(|(key, value)| self.tag(key, value)).collect()))
            .send()
            .await;
        match made {
            Ok(_) => {}
            Err(error) if code(&error) == "AlreadyExists" => return Ok(false),
            Err(error) => return Err(self.failed(error, "CreateAutoScalingGroup")),
        }
        if !shape.schedules.is_empty() {
            self.put_schedules(&shape.schedules).await?;
        }
        if shape.warm_pool > 0 {
            self.put_warm_pool(shape).await?;
        }
        if shape.metrics {
            self.count(true).await?;
        }
        Ok(true)
    }

    /// Its tags, and beside those that git owns what it notes of itself.
    fn all_tags(&self, shape: &Shape, body: &Value) -> Tags {
        let mut tags = shape.tags.clone();
        tags.insert(marks::HOOKS.to_owned(), hooks_as_text(&shape.hooks));
        tags.insert(marks::APPLIED.to_owned(), applied_digest(&body.into()));
        tags
    }

    /// What stands in the group itself; nothing, where that is so already.
    async fn update(&self, shape: &Shape, live: &AutoScalingGroup) -> Result<(), PortError> {
        let is = shape_of(live);
        let moves = shape.desired.is_some() && shape.desired != live.desired_capacity();
        if is.same_group(shape) && !moves {
            return Ok(());
        }
        let update = self.region.autoscaling.update_auto_scaling_group();
        let version = self.version(shape, Some(live)).await?;
        shaped!(update, self, shape, &version)
            .set_desired_capacity(shape.desired)
            .send()
            .await
            .map_err(|error| self.failed(error, "UpdateAutoScalingGroup"))?;
        Ok(())
    }

    /// The version of its template that it starts from: a number stays until a
    /// refresh moves it on, and begins as what is the default then.
    async fn version(
        &self,
        shape: &Shape,
        live: Option<&AutoScalingGroup>,
    ) -> Result<String, PortError> {
        if !shape.pinned {
            return Ok("$Default".to_owned());
        }
        let same = live.filter(|&live| shape_of(live).launch_template == shape.launch_template);
        match same.and_then(numbered) {
            Some(number) => Ok(number.to_owned()),
            None => self.default_version(&shape.launch_template).await,
        }
    }

    /// The default version of a template of its region, as a number.
    pub(super) async fn default_version(&self, template: &str) -> Result<String, PortError> {
        let id = ResourceId::launch_template(&self.region.name, template);
        let template = Template { region: self.region, id: &id }.get().await?;
        let number = template.and_then(|template| template.default_version_number());
        number.map(|number| number.to_string()).ok_or_else(|| stale(&id))
    }

    /// What stands beside it, and last of all the note that all of it was done.
    async fn surround(
        &self,
        shape: &Shape,
        body: &Value,
        live: &AutoScalingGroup,
    ) -> Result<(), PortError> {
        let is = shape_of(live);
        let (tags, wanted) = (tags_of(live), self.all_tags(shape, body));
        if is.warm_pool != shape.warm_pool {
            self.put_warm_pool(shape).await?;
        }
        if is.metrics != shape.metrics {
            self.count(shape.metrics).await?;
        }
        let outdated = tags::outdated(&tags, &shape.tags);
        if !outdated.is_empty() {
            let gone = outdated.iter().map(|key| self.tag(key, &tags[key])).collect();
            let delete = self.region.autoscaling.delete_tags().set_tags(Some(gone));
            delete.send().await.map_err(|error| self.failed(error, "DeleteTags"))?;
        }
        let new = wanted.iter().filter(|(key, value)| tags.get(*key) != Some(*value));
        let new: Vec<Tag> = new.map(|(key, value)| self.tag(key, value)).collect();
        if !new.is_empty() {
            let put = self.region.autoscaling.create_or_update_tags().set_tags(Some(new));
            put.send().await.map_err(|error| self.failed(error, "CreateOrUpdateTags"))?;
        }
        Ok(())
    }

    /// As many stopped instances as asked for, whatever runs: AWS keeps the
    /// larger of the minimum and what is prepared less what runs.
    async fn put_warm_pool(&self, shape: &Shape) -> Result<(), PortError> {
        if shape.warm_pool == 0 {
            return self.delete_warm_pool().await;
        }
        self.region
            .autoscaling
            .put_warm_pool()
            .auto_scaling_group_name(&self.id.name)
            .min_size(shape.warm_pool)
            .max_group_prepared_capacity(shape.warm_pool)
            .pool_state(WarmPoolState::Stopped)
            .send()
            .await
            .map_err(|error| self.failed(error, "PutWarmPool"))?;
        Ok(())
    }

    /// Nothing is served from there: it need not drain.
    async fn delete_warm_pool(&self) -> Result<(), PortError> {
        let delete = self.region.autoscaling.delete_warm_pool();
        let delete = delete.auto_scaling_group_name(&self.id.name).force_delete(true);
        match delete.send().await {
            Err(error) if code(&error) != "ValidationError" => {
                Err(self.failed(error, "DeleteWarmPool"))
            }
            _ => Ok(()),
        }
    }

    async fn count(&self, counted: bool) -> Result<(), PortError> {
        let api = &self.region.autoscaling;
        if counted {
            let enable = api.enable_metrics_collection().granularity(GRANULARITY);
            let enabled = enable.auto_scaling_group_name(&self.id.name).send().await;
            enabled.map_err(|error| self.failed(error, "EnableMetricsCollection"))?;
        } else {
            let disable = api.disable_metrics_collection();
            let disabled = disable.auto_scaling_group_name(&self.id.name).send().await;
            disabled.map_err(|error| self.failed(error, "DisableMetricsCollection"))?;
        }
        Ok(())
    }

    /// Asks for `number` instances.
    pub(in crate::backend::aws) async fn set_desired(&self, number: i32) -> Result<(), PortError> {
        let set = self.region.autoscaling.set_desired_capacity();
        set.auto_scaling_group_name(&self.id.name)
            .desired_capacity(number)
            .honor_cooldown(false)
            .send()
            .await
            .map_err(|error| self.failed(error, "SetDesiredCapacity"))?;
        Ok(())
    }

    /// No instance is started any more, and all that run may end: each goes
    /// through the terminate hook, where it finishes its work.
    pub(in crate::backend::aws) async fn drain(&self, planned: &str) -> Result<(), PortError> {
        let Some(live) = self.get().await? else { return Ok(()) };
        if uid(&live) != planned {
            return Err(stale(self.id));
        }
        let zero = (Some(0), Some(0), Some(0), Some(false));
        let is = (
            live.min_size(),
            live.max_size(),
            live.desired_capacity(),
            live.new_instances_protected_from_scale_in(),
        );
        if is != zero {
            let update = self.region.autoscaling.update_auto_scaling_group();
            update
                .auto_scaling_group_name(&self.id.name)
                .min_size(0)
                .max_size(0)
                .desired_capacity(0)
                .new_instances_protected_from_scale_in(false)
                .send()
                .await
                .map_err(|error| self.failed(error, "UpdateAutoScalingGroup"))?;
        }
        if live.warm_pool_configuration().is_some() {
            self.delete_warm_pool().await?;
        }
        // Those too that started meanwhile.
        let Some(live) = self.get().await? else { return Ok(()) };
        for ids in protected(&live).chunks(NAMED_AT_ONCE) {
            let unprotect = self.region.autoscaling.set_instance_protection();
            unprotect
                .auto_scaling_group_name(&self.id.name)
                .set_instance_ids(Some(ids.to_vec()))
                .protected_from_scale_in(false)
                .send()
                .await
                .map_err(|error| self.failed(error, "SetInstanceProtection"))?;
        }
        Ok(())
    }

    /// Ends these instances through the terminate hook, each with one fewer to
    /// ask for unless more run than that. Those that are ending or gone are left: a repeat asks for no
    /// fewer than the first try.
    pub(in crate::backend::aws) async fn drain_units(
        &self,
        planned: &str,
        names: &[String],
    ) -> Result<(), PortError> {
        let Some(live) = self.get().await? else { return Ok(()) };
        if uid(&live) != planned {
            return Err(stale(self.id));
        }
        let mut surplus = surplus(&live);
        let there = units(&live).into_iter().filter(|unit| !unit.ending);
        for unit in there.filter(|unit| names.contains(&unit.name)) {
            let ended = self
                .region
                .autoscaling
                .terminate_instance_in_auto_scaling_group()
                .instance_id(&unit.name)
                .should_decrement_desired_capacity(surplus == 0)
                .send()
                .await;
            surplus = surplus.saturating_sub(1);
            let Err(error) = ended else { continue };
            // A try whose answer was lost may have ended it.
            let again = self.get().await?;
            let left = again.iter().flat_map(units).any(|u| u.name == unit.name && !u.ending);
            if left {
                return Err(self.failed(error, "TerminateInstanceInAutoScalingGroup"));
            }
        }
        Ok(())
    }

    /// Deletes it; AWS refuses while instances run.
    pub(in crate::backend::aws) async fn delete(&self, planned: &str) -> Result<(), PortError> {
        let Some(live) = self.get().await? else { return Ok(()) };
        if uid(&live) != planned {
            return Err(stale(self.id));
        }
        if live.warm_pool_configuration().is_some() {
            self.delete_warm_pool().await?;
        }
        let delete = self.region.autoscaling.delete_auto_scaling_group();
        match delete.auto_scaling_group_name(&self.id.name).send().await {
            // A try whose answer was lost may have deleted it.
            Err(error) if code(&error) == "ValidationError" && self.get().await?.is_none() => {
                Ok(())
            }
            Err(error) => Err(self.failed(error, "DeleteAutoScalingGroup")),
            Ok(_) => Ok(()),
        }
    }

    /// No instance gets it: what an instance is, its template says.
    fn tag(&self, key: &str, value: &str) -> Tag {
        Tag::builder()
            .resource_id(&self.id.name)
            .resource_type("auto-scaling-group")
            .key(key)
            .value(value)
            .propagate_at_launch(false)
            .build()
    }

    pub(super) fn failed<E>(
        &self,
        error: aws_sdk_autoscaling::error::SdkError<
            E,
            aws_sdk_autoscaling::config::http::HttpResponse,
        >,
        call: &str,
    ) -> PortError
    where
        E: aws_sdk_autoscaling::error::ProvideErrorMetadata + std::error::Error + 'static,
    {
        failed(error, &format!("autoscaling:{call}"), &self.id.to_string())
    }
}
