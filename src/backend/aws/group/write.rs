//! Writes to groups. Each can be repeated: it says what shall be, and looks at
//! what is there before.

use super::read::{numbered, shape_of, tags_of, uid};
use super::shape::{Shape, hooks_as_text};
use crate::backend::aws::account::{Region, required, stale};
use crate::backend::aws::error::{code, failed};
use crate::backend::aws::tags::{self, Tags};
use crate::backend::aws::template::Template;
use crate::desired::Seed;
use crate::observe::{Mark, ResourceId, marks};
use crate::plan::{PortError, Precondition, applied_digest, wait_or_cancel};
use aws_sdk_autoscaling::types::{AutoScalingGroup, Tag};
use serde_json::Value;

/// One group, to be written.
pub(in crate::backend::aws) struct Group<'a> {
    pub(in crate::backend::aws) region: &'a Region,
    pub(in crate::backend::aws) id: &'a ResourceId,
}

/// What both ways of writing a group say.
macro_rules! shaped {
    ($call:expr, $group:expr, $shape:expr) => {
        $call
            .auto_scaling_group_name(&$group.id.name)
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
        let facts = |live: &_| (uid(live), tags::owner(mark, &tags_of(live)));
        let live = required(self.id, precondition, self.get().await?, facts)?;
        self.update(&shape, &live).await?;
        self.protect(&shape, &live).await?;
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
        let made = shaped!(create, self, shape)
            .set_mixed_instances_policy(shape.policy(&version, None))
            .set_launch_template(shape.template(&version))
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
    pub(super) fn all_tags(&self, shape: &Shape, body: &Value) -> Tags {
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
        let mut update = shaped!(self.region.autoscaling.update_auto_scaling_group(), self, shape);
        // Meanwhile a refresh that brings its own, AWS takes no other, even if it is the same.
        if !is.same_source(shape) {
            let version = self.version(shape, Some(live)).await?;
            update = update
                .set_mixed_instances_policy(shape.policy(&version, Some(&is)))
                .set_launch_template(shape.template(&version));
        }
        update
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

    /// No instance gets it: what an instance is, its template says.
    pub(super) fn tag(&self, key: &str, value: &str) -> Tag {
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
        let failed = failed(error, &format!("autoscaling:{call}"), &self.id.to_string());
        let meanwhile = failed.help.is_none() && failed.message.contains("active instance refresh");
        let help = if meanwhile { Some(wait_or_cancel(self.id)) } else { failed.help };
        PortError { help, ..failed }
    }
}
