//! Scheduled actions of groups: those that Floodway has named, and no others.

use super::write::Group;
use crate::backend::aws::account::Region;
use crate::backend::aws::error::failed;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::plan::{FailureKind, PortError};
use aws_sdk_autoscaling::primitives::DateTime;
use aws_sdk_autoscaling::types::{
    FailedScheduledUpdateGroupActionRequest, ScheduledUpdateGroupAction,
    ScheduledUpdateGroupActionRequest,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Begins the names of Floodway's own actions.
const PREFIX: &str = "floodway-";
/// Actions that one call can name:
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_BatchPutScheduledUpdateGroupAction.html>
const NAMED_AT_ONCE: usize = 50;
/// Actions that AWS answers in one page.
const AT_ONCE: i32 = 100;

/// The actions of a group, by the schedule that each is of.
pub(in crate::backend::aws) type Schedules = BTreeMap<String, Scheduled>;

/// What a group is asked for at certain times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::backend::aws) struct Scheduled {
    cron: String,
    time_zone: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    desired: Option<i32>,
    /// Somebody's: git owns a group's min and max, and no schedule moves them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<Timestamp>,
}

impl Scheduled {
    /// AWS tells of an action its next time, not its first: that stands in its
    /// name, where it stays.
    fn name(&self, schedule: &str) -> String {
        match self.start {
            Some(start) => format!("{PREFIX}{schedule}@{start}"),
            None => format!("{PREFIX}{schedule}"),
        }
    }

    /// The schedule that a live action is of, and how it stands; none: it is
    /// somebody else's.
    fn of(action: &ScheduledUpdateGroupAction) -> Option<(String, Self)> {
        let name = action.scheduled_action_name()?.strip_prefix(PREFIX)?;
        let (schedule, start) = match name.split_once('@') {
            Some((schedule, start)) => (schedule, Some(start.parse().ok()?)),
            None => (name, None),
        };
        let scheduled = Self {
            cron: action.recurrence().unwrap_or("once").to_owned(),
            time_zone: action.time_zone().unwrap_or("UTC").to_owned(),
            desired: action.desired_capacity(),
            min: action.min_size(),
            max: action.max_size(),
            start,
            end: action.end_time().and_then(|time| Timestamp::from_second(time.secs()).ok()),
        };
        Some((schedule.to_owned(), scheduled))
    }

    fn request(&self, schedule: &str, now: Timestamp) -> ScheduledUpdateGroupActionRequest {
        let moment = |at: Timestamp| DateTime::from_secs(at.as_second());
        ScheduledUpdateGroupActionRequest::builder()
            .scheduled_action_name(self.name(schedule))
            .recurrence(&self.cron)
            .time_zone(&self.time_zone)
            .set_desired_capacity(self.desired)
            // AWS takes no time that has passed, and then it says no more.
            .set_start_time(self.start.filter(|start| *start > now).map(moment))
            .set_end_time(self.end.map(moment))
            .build()
    }

    /// Whether `other` says nothing that a put of this would leave.
    fn covers(&self, other: &Self) -> bool {
        other.min.is_none() && other.max.is_none() && (other.end.is_none() || self.end.is_some())
    }
}

impl Region {
    /// Floodway's scheduled actions by group; of one group, or of all in pages.
    pub(in crate::backend::aws) async fn schedules(
        &self,
        group: Option<&str>,
    ) -> Result<BTreeMap<String, Schedules>, PortError> {
        let actions = all_pages!(
            self.autoscaling
                .describe_scheduled_actions()
                .set_auto_scaling_group_name(group.map(str::to_owned))
                .max_records(AT_ONCE)
        )
        .await
        .map_err(|error| {
            let about = self.about("scheduled actions");
            failed(error, "autoscaling:DescribeScheduledActions", &about)
        })?;
        let mut schedules: BTreeMap<String, Schedules> = BTreeMap::new();
        for action in &actions {
            if let (Some(group), Some((name, scheduled))) =
                (action.auto_scaling_group_name(), Scheduled::of(action))
            {
                schedules.entry(group.to_owned()).or_default().insert(name, scheduled);
            }
        }
        Ok(schedules)
    }
}

impl Group<'_> {
    /// Makes its actions be `wanted`, and leaves those of others.
    pub(super) async fn put_schedules(&self, wanted: &Schedules) -> Result<(), PortError> {
        let there = self.region.schedules(Some(&self.id.name)).await?;
        let there = there.into_values().next().unwrap_or_default();
        if there == *wanted {
            return Ok(());
        }
        let stays = |(name, live): (&String, &Scheduled)| {
            wanted.get(name).is_some_and(|w| w.name(name) == live.name(name) && w.covers(live))
        };
        let gone: Vec<String> = there
            .iter()
            .filter(|entry| !stays(*entry))
            .map(|(name, live)| live.name(name))
            .collect();
        for names in gone.chunks(NAMED_AT_ONCE) {
            let delete = self.region.autoscaling.batch_delete_scheduled_action();
            let answer = delete
                .auto_scaling_group_name(&self.id.name)
                .set_scheduled_action_names(Some(names.to_vec()))
                .send()
                .await
                .map_err(|error| self.failed(error, "BatchDeleteScheduledAction"))?;
            // That there is no such action is what was asked for.
            let failed = answer.failed_scheduled_actions().iter();
            self.all_done(failed.filter(|one| one.error_code() != Some("ValidationError")))?;
        }
        let now = SystemClock.now();
        let new: Vec<_> = wanted
            .iter()
            .filter(|(name, scheduled)| there.get(*name) != Some(*scheduled))
            .map(|(name, scheduled)| scheduled.request(name, now))
            .collect();
        for actions in new.chunks(NAMED_AT_ONCE) {
            let put = self.region.autoscaling.batch_put_scheduled_update_group_action();
            let answer = put
                .auto_scaling_group_name(&self.id.name)
                .set_scheduled_update_group_actions(Some(actions.to_vec()))
                .send()
                .await
                .map_err(|error| self.failed(error, "BatchPutScheduledUpdateGroupAction"))?;
            self.all_done(answer.failed_scheduled_update_group_actions().iter())?;
        }
        Ok(())
    }

    /// The first of `failed` as an error.
    fn all_done<'f>(
        &self,
        mut failed: impl Iterator<Item = &'f FailedScheduledUpdateGroupActionRequest>,
    ) -> Result<(), PortError> {
        let Some(first) = failed.next() else { return Ok(()) };
        Err(PortError {
            kind: FailureKind::Rejected,
            message: format!(
                "scheduled action {} of {}: {} ({})",
                first.scheduled_action_name().unwrap_or_default(),
                self.id,
                first.error_message().unwrap_or("no reason given"),
                first.error_code().unwrap_or("no code"),
            ),
            help: Some("correct the `[[schedule]]` of that name, then apply again".to_owned()),
        })
    }
}
