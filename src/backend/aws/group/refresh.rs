//! Instance refreshes of groups.

use super::instances::units;
use super::read::{numbered, shape_of, uid};
use super::write::Group;
use crate::backend::aws::account::stale;
use crate::backend::aws::error::code;
use crate::observe::{Problem, ProblemKind, Refresh, Workload};
use crate::plan::{FailureKind, PortError, Rolling, wait_or_cancel};
use aws_sdk_autoscaling::types::{
    AlarmSpecification, AutoScalingGroup, DesiredConfiguration, InstanceRefresh,
    InstanceRefreshStatus, RefreshPreferences, RefreshStrategy, ScaleInProtectedInstances,
    StandbyInstances,
};

/// Percentage of a group that may run meanwhile: others start before the old end.
const MOST: i32 = 110;

/// What is left to replace.
struct Left {
    /// The template's default version.
    default: String,
    /// Instances that are asked for.
    all: usize,
    /// Instances that run another version.
    old: usize,
    /// The version that stands in the group is another one.
    behind: bool,
}

impl Left {
    fn nothing(&self) -> bool {
        self.old == 0 && !self.behind
    }
}

impl Group<'_> {
    /// Begins to replace what does not run the template's default, or joins who
    /// does so already.
    pub(in crate::backend::aws) async fn refresh(
        &self,
        planned: &str,
        how: &Rolling,
    ) -> Result<(), PortError> {
        let Some(live) = self.get().await? else { return Err(stale(self.id)) };
        if uid(&live) != planned {
            return Err(stale(self.id));
        }
        let left = self.left(&live).await?;
        if left.nothing() {
            return Ok(());
        }
        let to = numbered(&live).map(|_| configuration(&live, &left.default));
        let started = self
            .region
            .autoscaling
            .start_instance_refresh()
            .auto_scaling_group_name(&self.id.name)
            .strategy(RefreshStrategy::Rolling)
            .set_desired_configuration(to.clone())
            .preferences(preferences(how, to.is_some()))
            .send()
            .await;
        match started {
            Ok(_) => Ok(()),
            Err(error) if code(&error) == "InstanceRefreshInProgress" => {
                self.join(self.running_refresh().await?.as_ref(), to.as_ref())
            }
            Err(error) => Err(self.failed(error, "StartInstanceRefresh")),
        }
    }

    /// Whether the refresh that `runs` leads to the same.
    fn join(
        &self,
        runs: Option<&InstanceRefresh>,
        to: Option<&DesiredConfiguration>,
    ) -> Result<(), PortError> {
        let Some(runs) = runs else {
            let message = format!("an instance refresh of {} has just ended", self.id.name);
            return Err(PortError { kind: FailureKind::Transient, message, help: None });
        };
        let theirs = runs.desired_configuration();
        if target(theirs) == target(to) && !ends(runs) {
            return Ok(());
        }
        let id = runs.instance_refresh_id().unwrap_or_default();
        Err(PortError {
            kind: FailureKind::Rejected,
            message: format!(
                "another instance refresh of {} is under way: {id}, {}",
                self.id.name,
                runs.status().map_or("unknown", InstanceRefreshStatus::as_str)
            ),
            help: Some(wait_or_cancel(self.id)),
        })
    }

    /// The refresh that is under way.
    pub(in crate::backend::aws) async fn refreshing(&self) -> Result<Option<Refresh>, PortError> {
        Ok(self.running_refresh().await?.map(|runs| Refresh {
            percent: runs.percentage_complete().and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
            ends: ends(&runs),
            to: target(runs.desired_configuration()).map(str::to_owned),
            configured: runs.desired_configuration().is_some(),
            reason: runs.status_reason.filter(|text| !text.is_empty()),
            id: runs.instance_refresh_id.unwrap_or_default(),
        }))
    }

    async fn running_refresh(&self) -> Result<Option<InstanceRefresh>, PortError> {
        Ok(self.newest_refresh().await?.filter(is_active))
    }

    async fn newest_refresh(&self) -> Result<Option<InstanceRefresh>, PortError> {
        let describe = self.region.autoscaling.describe_instance_refreshes();
        let answer = describe.auto_scaling_group_name(&self.id.name).send().await;
        let answer = answer.map_err(|error| self.failed(error, "DescribeInstanceRefreshes"))?;
        let all = answer.instance_refreshes.unwrap_or_default().into_iter();
        let active = |refresh: &InstanceRefresh| is_active(refresh);
        Ok(all.max_by_key(|one| (active(one), one.start_time().map(|time| time.secs()))))
    }

    async fn left(&self, live: &AutoScalingGroup) -> Result<Left, PortError> {
        let default = self.default_version(&shape_of(live).launch_template).await?;
        let versions: Vec<String> = units(live)
            .into_iter()
            .filter(|unit| !unit.ending)
            .filter_map(|unit| unit.version)
            .collect();
        let old = versions.iter().filter(|version| **version != default).count();
        let behind = numbered(live).is_some_and(|number| number != default);
        let all = usize::try_from(live.desired_capacity().unwrap_or(0)).unwrap_or(0);
        Ok(Left { default, all, old, behind })
    }

    /// How far its refresh has come; none: the group is gone.
    pub(in crate::backend::aws) async fn refresh_progress(
        &self,
    ) -> Result<Option<Workload>, PortError> {
        let Some(live) = self.get().await? else { return Ok(None) };
        let left = self.left(&live).await?;
        let newest = self.newest_refresh().await?;
        Ok(Some(progress(&left, newest.as_ref())))
    }
}

fn progress(left: &Left, newest: Option<&InstanceRefresh>) -> Workload {
    use InstanceRefreshStatus::{Cancelled, Failed, RollbackFailed, RollbackSuccessful};
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let active = newest.is_some_and(is_active);
    let status = newest.and_then(InstanceRefresh::status);
    let failed = [Cancelled, Failed, RollbackFailed, RollbackSuccessful];
    let failed = !active && status.is_some_and(|status| failed.contains(status));
    // Others start before the old ones end, and count when they are warm.
    let cold = newest.filter(|_| active).and_then(InstanceRefresh::instances_to_update);
    let cold = cold.and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
    let (all, new) = (number(left.all), number(left.all.saturating_sub(left.old.max(cold))));
    // What one began that had no more to do than this is over, however it ended.
    if left.nothing() && !active {
        let (observed, ready) = (true, all);
        return Workload { observed, ready, ..workload(all, all) };
    }
    let mut workload = Workload { observed: !active, stalled: failed, ..workload(all, new) };
    if !active && !failed {
        // It has succeeded: what is old still, it was not to replace.
        (workload.updated, workload.ready) = (all, all);
    }
    let reason = newest.and_then(InstanceRefresh::status_reason).filter(|text| !text.is_empty());
    let word = status.map_or("Pending", InstanceRefreshStatus::as_str);
    if failed || reason.is_some() {
        let message = match (failed, reason) {
            (true, Some(reason)) => format!("{word}: {reason}"),
            (true, None) => word.to_owned(),
            (false, reason) => reason.unwrap_or_default().to_owned(),
        };
        let kind = ProblemKind::Other;
        workload.problems.push(Problem { kind, units: number(left.old), message });
    }
    workload
}

fn workload(all: u32, new: u32) -> Workload {
    Workload {
        desired: all,
        existing: all,
        updated: new,
        ready: new,
        pending: all - new,
        ..Workload::default()
    }
}

fn is_active(refresh: &InstanceRefresh) -> bool {
    use InstanceRefreshStatus::{Baking, Cancelling, InProgress, Pending, RollbackInProgress};
    let active = [Pending, InProgress, Baking, Cancelling, RollbackInProgress];
    refresh.status().is_some_and(|status| active.contains(status))
}

/// It is being cancelled, or goes back.
fn ends(refresh: &InstanceRefresh) -> bool {
    let ends = [InstanceRefreshStatus::Cancelling, InstanceRefreshStatus::RollbackInProgress];
    refresh.status().is_some_and(|status| ends.contains(status))
}

/// The group's own policy or template, with another version of that.
fn configuration(live: &AutoScalingGroup, version: &str) -> DesiredConfiguration {
    let mut policy = live.mixed_instances_policy.clone();
    let mut alone = live.launch_template.clone();
    let template = policy.as_mut().and_then(|policy| policy.launch_template.as_mut());
    let of_policy = template.and_then(|t| t.launch_template_specification.as_mut());
    for named in of_policy.into_iter().chain(&mut alone) {
        named.version = Some(version.to_owned());
        // One name is enough, and two are refused.
        named.launch_template_id = None;
    }
    DesiredConfiguration::builder()
        .set_mixed_instances_policy(policy)
        .set_launch_template(alone)
        .build()
}

/// The template's version that a refresh leads to; none: the group's own.
fn target(configuration: Option<&DesiredConfiguration>) -> Option<&str> {
    let configuration = configuration?;
    let policy = configuration.mixed_instances_policy().and_then(|policy| policy.launch_template());
    let of_policy = policy.and_then(|template| template.launch_template_specification());
    of_policy.or(configuration.launch_template())?.version()
}

fn preferences(how: &Rolling, goes_back: bool) -> RefreshPreferences {
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let mut preferences = RefreshPreferences::builder()
        .min_healthy_percentage(number(how.min_healthy))
        // AWS takes no wider range than 100.
        .max_healthy_percentage(MOST.min(number(how.min_healthy) + 100))
        .instance_warmup(number(how.warmup))
        .skip_matching(true)
        // All are protected, lest AWS choose which end when fewer are asked for.
        .scale_in_protected_instances(ScaleInProtectedInstances::Refresh)
        .standby_instances(StandbyInstances::Ignore);
    if !how.checkpoints.is_empty() {
        let points = how.checkpoints.iter().copied().map(number);
        // AWS replaces no more than the last says.
        let points = points.filter(|point| *point < 100).chain([100]).collect();
        preferences = preferences
            .set_checkpoint_percentages(Some(points))
            .checkpoint_delay(number(how.checkpoint_delay));
    }
    if !how.alarms.is_empty() {
        let alarms = AlarmSpecification::builder().set_alarms(Some(how.alarms.clone())).build();
        preferences = preferences.auto_rollback(goes_back).alarm_specification(alarms);
    }
    preferences.build()
}
