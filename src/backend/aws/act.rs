//! Writes.

use super::account::{Account, stale};
use super::group::{self, Group, Place};
use super::template::Template;
use crate::observe::{Mark, ResourceId, marks};
use crate::plan::{FailureKind, PortError, Step};
use crate::port::Act;
use async_trait::async_trait;
use aws_sdk_autoscaling::types::AutoScalingGroup;

impl Account {
    fn group<'a>(&'a self, id: &'a ResourceId) -> Result<Group<'a>, PortError> {
        Ok(Group { region: self.region_of(id)?, id })
    }

    fn template<'a>(&'a self, id: &'a ResourceId) -> Result<Template<'a>, PortError> {
        Ok(Template { region: self.region_of(id)?, id })
    }

    /// Asks for at least `least` instances of the group, if it is the `planned`
    /// one; none: whichever there is.
    async fn raise(
        &self,
        id: &ResourceId,
        planned: Option<&str>,
        least: i32,
    ) -> Result<(), PortError> {
        let group = self.group(id)?;
        let live = group.get().await?;
        let is_meant = |live: &AutoScalingGroup| planned.is_none_or(|uid| group::uid(live) == uid);
        let Some(live) = live.filter(is_meant) else { return Err(stale(id)) };
        let most = live.max_size().unwrap_or(least);
        match live.desired_capacity().unwrap_or(0) {
            has if has >= least.min(most) => Ok(()),
            _ => group.set_desired(least.min(most)).await,
        }
    }

    /// Asks for `to` instances where `from` are asked for, within the bounds that
    /// AWS holds.
    async fn set_units(
        &self,
        id: &ResourceId,
        planned: &str,
        from: u32,
        to: u32,
    ) -> Result<(), PortError> {
        let group = self.group(id)?;
        let live = group.get().await?.filter(|live| group::uid(live) == planned);
        let Some(live) = live else { return Err(stale(id)) };
        match u32::try_from(live.desired_capacity().unwrap_or(0)).unwrap_or(0) {
            has if has == to => Ok(()),
            has if has == from => group.set_desired(i32::try_from(to).unwrap_or(i32::MAX)).await,
            has => Err(PortError::moved(id, has)),
        }
    }
}

#[async_trait]
impl Act for Account {
    async fn act(&self, step: &Step) -> Result<(), PortError> {
        let id = step.id();
        let is_template = match id.kind.as_str() {
            "LaunchTemplate" => true,
            "AutoScalingGroup" | "InstanceRefresh" => false,
            _ => return Err(unknown(id)),
        };
        match step {
            Step::AwaitReady { .. } => Ok(()),
            Step::Apply { body, precondition, .. } if is_template => {
                let mark = mark_in(&body.value());
                self.template(id)?.apply(&mark, &body.value(), precondition).await
            }
            Step::Apply { body, seed, precondition, .. } => {
                let mark = mark_in(&body.value());
                self.group(id)?.apply(&mark, &body.value(), seed.as_ref(), precondition).await
            }
            Step::Delete { uid, .. } if is_template => self.template(id)?.delete(uid).await,
            Step::Delete { uid, ends, .. } => self.group(id)?.delete(uid, *ends > 0).await,
            Step::Drain { uid, .. } if !is_template => self.group(id)?.drain(uid).await,
            Step::CatchUp { with, .. } if !is_template => match self.group(with)?.get().await? {
                Some(old) => self.raise(id, None, old.desired_capacity().unwrap_or(0)).await,
                None => Ok(()),
            },
            Step::Raise { uid, least, .. } if !is_template => {
                self.raise(id, Some(uid), i32::try_from(*least).unwrap_or(i32::MAX)).await
            }
            Step::SetUnits { uid, from, to, .. } if !is_template => {
                self.set_units(id, uid, *from, *to).await
            }
            Step::Proceed { units, wait, .. } if !is_template => {
                self.group(id)?.proceed(units, *wait).await
            }
            Step::PassOn { uid, to, number, .. } if !is_template => {
                self.group(id)?.note(uid, marks::PASSED_ON, &format!("{number} {to}")).await
            }
            // A group's number has no owner that could lose it.
            Step::Hold { .. } => Ok(()),
            Step::DrainUnits { uid, units, .. } if !is_template => {
                self.group(id)?.end_units(uid, units, Place::Goes).await
            }
            Step::ReplaceUnits { uid, units, .. } if !is_template => {
                self.group(id)?.end_units(uid, units, Place::Stays).await
            }
            Step::Refresh { uid, how, .. } => {
                let group = id.refreshed_group();
                self.group(&group)?.refresh(uid, how).await
            }
            Step::DrainUnits { .. }
            | Step::ReplaceUnits { .. }
            | Step::PassOn { .. }
            | Step::Drain { .. }
            | Step::CatchUp { .. }
            | Step::Raise { .. }
            | Step::SetUnits { .. }
            | Step::SetEndpoints { .. }
            | Step::Proceed { .. } => Ok(()),
        }
    }
}

/// Whose a body is: its own tags say so.
fn mark_in(body: &serde_json::Value) -> Mark {
    let tag = |key: &str| {
        let value = body.get("tags").and_then(|tags| tags.get(key)?.as_str());
        value.unwrap_or_default().to_owned()
    };
    Mark {
        environment: tag(marks::ENVIRONMENT),
        repository: tag(marks::REPOSITORY),
        file: tag(marks::FILE),
    }
}

fn unknown(id: &ResourceId) -> PortError {
    PortError {
        kind: FailureKind::Rejected,
        message: format!("{id} is of a kind that Floodway does not write in AWS"),
        help: None,
    }
}
