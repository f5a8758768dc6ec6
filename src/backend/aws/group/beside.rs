//! What stands beside a group: its warm pool, metrics and tags.

use super::others::of_the_warm_pool;
use super::read::{shape_of, tags_of, uid};
use super::shape::Shape;
use super::write::Group;
use crate::backend::aws::account::stale;
use crate::backend::aws::error::code;
use crate::backend::aws::tags;
use crate::plan::PortError;
use aws_sdk_autoscaling::types::{AutoScalingGroup, InstanceReusePolicy, Tag, WarmPoolState};
use serde_json::Value;

/// How often AWS counts a group's instances for CloudWatch; it knows no other.
const GRANULARITY: &str = "1Minute";

impl Group<'_> {
    /// What stands beside it, and last of all the note that all of it was done.
    pub(super) async fn surround(
        &self,
        shape: &Shape,
        body: &Value,
        live: &AutoScalingGroup,
    ) -> Result<(), PortError> {
        let is = shape_of(live);
        let (tags, wanted) = (tags_of(live), self.all_tags(shape, body));
        if is.warm_pool != shape.warm_pool || of_the_warm_pool(&is.others) {
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

    /// Puts a tag on it, where it is there.
    pub(in crate::backend::aws) async fn note(
        &self,
        planned: &str,
        key: &str,
        value: &str,
    ) -> Result<(), PortError> {
        let Some(live) = self.get().await? else { return Ok(()) };
        if uid(&live) != planned {
            return Err(stale(self.id));
        }
        let put = self.region.autoscaling.create_or_update_tags().tags(self.tag(key, value));
        put.send().await.map_err(|error| self.failed(error, "CreateOrUpdateTags"))?;
        Ok(())
    }

    /// As many stopped instances as asked for, whatever runs: AWS keeps the
    /// larger of the minimum and what is prepared less what runs.
    pub(super) async fn put_warm_pool(&self, shape: &Shape) -> Result<(), PortError> {
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
            .instance_reuse_policy(InstanceReusePolicy::builder().reuse_on_scale_in(false).build())
            .send()
            .await
            .map_err(|error| self.failed(error, "PutWarmPool"))?;
        Ok(())
    }

    /// Nothing is served from there: it need not drain.
    pub(super) async fn delete_warm_pool(&self) -> Result<(), PortError> {
        let delete = self.region.autoscaling.delete_warm_pool();
        let delete = delete.auto_scaling_group_name(&self.id.name).force_delete(true);
        match delete.send().await {
            Err(error) if code(&error) != "ValidationError" => {
                Err(self.failed(error, "DeleteWarmPool"))
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn count(&self, counted: bool) -> Result<(), PortError> {
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
}
