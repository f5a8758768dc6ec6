//! Lifecycle hooks of groups: those that Floodway has named, and no others.

use super::shape::{HOOKS, Shape};
use super::write::Group;
use crate::backend::aws::error::code;
use crate::observe::Wait;
use crate::plan::PortError;
use std::collections::BTreeMap;

/// Heartbeats in seconds, by what the hook waits for.
pub(in crate::backend::aws) type Hooks = BTreeMap<String, i32>;

impl Group<'_> {
    /// Its hooks as they are; of one that acts otherwise than Floodway's, no
    /// time is the right one.
    pub(in crate::backend::aws) async fn hooks(&self) -> Result<Hooks, PortError> {
        let asked = self.region.autoscaling.describe_lifecycle_hooks();
        let answer = asked.auto_scaling_group_name(&self.id.name).send().await;
        let answer = answer.map_err(|error| self.failed(error, "DescribeLifecycleHooks"))?;
        let seen = answer.lifecycle_hooks().iter().filter_map(|seen| {
            let (key, hook) =
                HOOKS.iter().find(|(_, hook)| Some(hook.name) == seen.lifecycle_hook_name())?;
            let acts = seen.lifecycle_transition() == Some(hook.transition)
                && seen.default_result() == Some(hook.default_result);
            let seconds = seen.heartbeat_timeout().filter(|_| acts);
            Some(((*key).to_owned(), seconds.unwrap_or(0)))
        });
        Ok(seen.collect())
    }

    /// Makes its hooks be those of `shape`, whatever its note says of them.
    pub(super) async fn put_hooks(&self, shape: &Shape) -> Result<(), PortError> {
        let there = self.hooks().await?;
        let differs = |key: &str| there.get(key) != shape.hooks.get(key);
        for (key, hook) in HOOKS.iter().filter(|(key, _)| differs(key)) {
            let Some(seconds) = shape.hooks.get(*key) else {
                self.delete_hook(hook.name).await?;
                continue;
            };
            self.region
                .autoscaling
                .put_lifecycle_hook()
                .auto_scaling_group_name(&self.id.name)
                .lifecycle_hook_name(hook.name)
                .lifecycle_transition(hook.transition)
                .default_result(hook.default_result)
                .heartbeat_timeout(*seconds)
                .send()
                .await
                .map_err(|error| self.failed(error, "PutLifecycleHook"))?;
        }
        Ok(())
    }

    /// Lets instances go on that one of Floodway's hooks holds.
    pub(in crate::backend::aws) async fn proceed(
        &self,
        units: &[String],
        wait: Wait,
    ) -> Result<(), PortError> {
        let key = match wait {
            Wait::ToServe => "launch",
            Wait::ToEnd => "terminate",
        };
        let Some((_, hook)) = HOOKS.iter().find(|(named, _)| *named == key) else { return Ok(()) };
        for unit in units {
            let complete = self.region.autoscaling.complete_lifecycle_action();
            let complete = complete
                .auto_scaling_group_name(&self.id.name)
                .lifecycle_hook_name(hook.name)
                .instance_id(unit)
                .lifecycle_action_result("CONTINUE");
            match complete.send().await {
                // The group has no such hook, or the instance has gone on.
                Err(error) if code(&error) != "ValidationError" => {
                    return Err(self.failed(error, "CompleteLifecycleAction"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn delete_hook(&self, name: &str) -> Result<(), PortError> {
        let delete = self.region.autoscaling.delete_lifecycle_hook();
        let delete = delete.auto_scaling_group_name(&self.id.name).lifecycle_hook_name(name);
        match delete.send().await {
            // That there is no such hook is what was asked for.
            Err(error) if code(&error) != "ValidationError" => {
                Err(self.failed(error, "DeleteLifecycleHook"))
            }
            _ => Ok(()),
        }
    }

    /// What else only this group tells, for people: a warm pool that is not full.
    pub(in crate::backend::aws) async fn notes(&self) -> Result<Option<String>, PortError> {
        let asked = self.region.autoscaling.describe_warm_pool();
        let answer = asked.auto_scaling_group_name(&self.id.name).send().await;
        let answer = answer.map_err(|error| self.failed(error, "DescribeWarmPool"))?;
        let least = answer.warm_pool_configuration().and_then(|pool| pool.min_size());
        let least = least.and_then(|least| usize::try_from(least).ok()).unwrap_or(0);
        let stopped = |instance: &&aws_sdk_autoscaling::types::Instance| {
            instance.lifecycle_state().is_some_and(|state| state.as_str() == "Warmed:Stopped")
        };
        let ready = answer.instances().iter().filter(stopped).count();
        let note = || format!("its warm pool holds {ready} of {least} instances");
        Ok((ready < least).then(note))
    }
}
