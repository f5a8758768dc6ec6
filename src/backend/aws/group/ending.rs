//! How many instances a group has, which of them end, and its own end.

use super::instances::{protected, surplus, units, unprotected};
use super::read::{is_deleting, uid};
use super::shape::Shape;
use super::write::Group;
use crate::backend::aws::account::stale;
use crate::backend::aws::error::code;
use crate::plan::{FailureKind, PortError};
use aws_sdk_autoscaling::types::AutoScalingGroup;

/// Instances that one call can name:
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetInstanceProtection.html>
const NAMED_AT_ONCE: usize = 50;

/// What becomes of the place that an instance has in its group's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::backend::aws) enum Place {
    /// It goes with the instance.
    Goes,
    /// The group fills it again at once: an instance that ends counts no more.
    Stays,
}

impl Group<'_> {
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
        self.set_protection(&protected(&live), false).await
    }

    /// Who ends an instance names it: those too that are there already.
    pub(super) async fn protect(
        &self,
        shape: &Shape,
        live: &AutoScalingGroup,
    ) -> Result<(), PortError> {
        if !shape.protected_from_scale_in {
            return Ok(());
        }
        if live.new_instances_protected_from_scale_in() == Some(true) {
            return self.set_protection(&unprotected(live), true).await;
        }
        // Those too that started before the group said so.
        let Some(live) = self.get().await? else { return Ok(()) };
        self.set_protection(&unprotected(&live), true).await
    }

    async fn set_protection(&self, ids: &[String], protected: bool) -> Result<(), PortError> {
        for ids in ids.chunks(NAMED_AT_ONCE) {
            let set = self.region.autoscaling.set_instance_protection();
            let set = set.auto_scaling_group_name(&self.id.name);
            let set = set.set_instance_ids(Some(ids.to_vec())).protected_from_scale_in(protected);
            match set.send().await {
                Ok(_) => {}
                // One of them has begun to end since it was seen.
                Err(error) if code(&error) == "ValidationError" => {
                    let failed = self.failed(error, "SetInstanceProtection");
                    return Err(PortError { kind: FailureKind::Transient, ..failed });
                }
                Err(error) => return Err(self.failed(error, "SetInstanceProtection")),
            }
        }
        Ok(())
    }

    /// Ends these instances through the terminate hook; where their places go, each
    /// with one fewer to ask for unless more run than that. Those that are ending or
    /// gone are left: a repeat asks for no fewer than the first try. One that AWS does
    /// not let go keeps none of the others; it is told at the end.
    pub(in crate::backend::aws) async fn end_units(
        &self,
        planned: &str,
        names: &[String],
        place: Place,
    ) -> Result<(), PortError> {
        let Some(live) = self.get().await? else { return Ok(()) };
        if uid(&live) != planned {
            return Err(stale(self.id));
        }
        let (mut surplus, mut refused) = (surplus(&live), None);
        let there = units(&live).into_iter().filter(|unit| !unit.ending);
        for unit in there.filter(|unit| names.contains(&unit.name)) {
            let ended = self
                .region
                .autoscaling
                .terminate_instance_in_auto_scaling_group()
                .instance_id(&unit.name)
                .should_decrement_desired_capacity(place == Place::Goes && surplus == 0)
                .send()
                .await;
            if let Err(error) = ended {
                // A try whose answer was lost may have ended it.
                let again = self.get().await?;
                let left = again.iter().flat_map(units).any(|u| u.name == unit.name && !u.ending);
                if left {
                    let failed = self.failed(error, "TerminateInstanceInAutoScalingGroup");
                    let message = format!("{}: {}", unit.name, failed.message);
                    let failed = PortError { message, ..failed };
                    if failed.kind != FailureKind::Rejected {
                        return Err(failed);
                    }
                    refused = refused.or(Some(failed));
                    continue;
                }
            }
            surplus = surplus.saturating_sub(1);
        }
        refused.map_or(Ok(()), Err)
    }

    /// Deletes it; AWS refuses while instances run, unless they shall end with it.
    pub(in crate::backend::aws) async fn delete(
        &self,
        planned: &str,
        force: bool,
    ) -> Result<(), PortError> {
        let Some(live) = self.get().await? else { return Ok(()) };
        if uid(&live) != planned {
            return Err(stale(self.id));
        }
        // An earlier try has begun.
        if is_deleting(&live) {
            return Ok(());
        }
        if live.warm_pool_configuration().is_some() && !force {
            self.delete_warm_pool().await?;
        }
        let delete = self.region.autoscaling.delete_auto_scaling_group();
        let delete = delete.set_force_delete(force.then_some(true));
        match delete.auto_scaling_group_name(&self.id.name).send().await {
            // A try whose answer was lost may have deleted it.
            Err(error) if code(&error) == "ValidationError" && self.get().await?.is_none() => {
                Ok(())
            }
            Err(error) => Err(self.failed(error, "DeleteAutoScalingGroup")),
            Ok(_) => Ok(()),
        }
    }
}
