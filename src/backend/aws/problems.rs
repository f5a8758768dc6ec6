//! Why instances do not come: what a group's scaling activities say.

use super::account::Region;
use super::error::failed;
use crate::clock::Timestamp;
use crate::observe::{Failed, Problem, ProblemKind, Workload};
use crate::plan::PortError;
use aws_sdk_autoscaling::types::{Activity, ScalingActivityStatusCode};

/// The newest of a group's activities that are looked at.
const LOOKED_AT: i32 = 20;

impl Region {
    /// Adds to `workload` why it has fewer instances than it asks for.
    ///
    /// # Errors
    /// What its group did cannot be read: then it says no more than that they are on their
    /// way.
    pub(super) async fn explain(
        &self,
        group: &str,
        workload: &mut Workload,
    ) -> Result<(), PortError> {
        let asked = self.autoscaling.describe_scaling_activities();
        let answer = asked.auto_scaling_group_name(group).max_records(LOOKED_AT).send().await;
        let (activities, read) = match answer {
            Ok(answer) => (answer.activities.unwrap_or_default(), Ok(())),
            Err(error) => {
                let error = failed(error, "autoscaling:DescribeScalingActivities", group);
                (Vec::new(), Err(error))
            }
        };
        let starting = workload.existing.saturating_sub(workload.ready);
        let missing = workload.desired.saturating_sub(workload.existing);
        if let Some(failure) = newest_failure(&activities).filter(|_| missing > 0) {
            let message = failure.status_message().unwrap_or("no reason given").to_owned();
            workload.problems.push(Problem { kind: kind(&message), units: missing, message });
            let at = failure.end_time().or(failure.start_time());
            let at = at.and_then(|at| Timestamp::from_second(at.secs()).ok());
            workload.failed = Some(Failed { units: missing, at });
        } else if missing > 0 {
            let message = "instances are being launched".to_owned();
            workload.problems.push(Problem {
                kind: ProblemKind::Starting,
                units: missing,
                message,
            });
        }
        if starting > 0 {
            let message = "instances boot and load their weights".to_owned();
            let kind = ProblemKind::Starting;
            workload.problems.push(Problem { kind, units: starting, message });
        }
        workload.problems.sort_by_key(|problem| std::cmp::Reverse(problem.kind));
        read
    }
}

/// The last launch that failed, unless one has succeeded since. They come
/// newest first.
fn newest_failure(activities: &[Activity]) -> Option<&Activity> {
    let is_launch = |activity: &&Activity| {
        activity.description().is_none_or(|text| !text.starts_with("Terminating"))
    };
    let newest = activities.iter().filter(is_launch).find(|activity| {
        matches!(
            activity.status_code(),
            Some(
                ScalingActivityStatusCode::Failed
                    | ScalingActivityStatusCode::Cancelled
                    | ScalingActivityStatusCode::Successful
            )
        )
    });
    newest.filter(|activity| activity.status_code() == Some(&ScalingActivityStatusCode::Failed))
}

/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-capacity.html>
fn kind(message: &str) -> ProblemKind {
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if has(&["LimitExceeded", "limit", "quota", "not authorized", "nauthorized", "permission"])
        || has(&["InsufficientFreeAddresses"])
    {
        ProblemKind::Refused
    } else if has(&["InsufficientInstanceCapacity", "UnfulfillableCapacity", "no Spot capacity"])
        || message.contains("sufficient") && message.contains("capacity")
    {
        ProblemKind::InsufficientCapacity
    } else {
        ProblemKind::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(status: ScalingActivityStatusCode, message: &str) -> Activity {
        Activity::builder().status_code(status).status_message(message).build()
    }

    #[test]
    fn the_last_launch_that_failed_counts_unless_one_has_succeeded_since() {
        use ScalingActivityStatusCode::*;
        let none = activity(Failed, "InsufficientInstanceCapacity: no more");
        let some = activity(Successful, "");
        let running = activity(InProgress, "");
        let newest = |list: &[Activity]| newest_failure(list).is_some();
        assert!(newest(&[running.clone(), none.clone(), some.clone()]));
        assert!(!newest(&[some, none]));
        assert!(!newest(&[running]));
    }

    #[test]
    fn a_lack_of_capacity_is_told_from_a_quota() {
        let lack = "We currently do not have sufficient p5.48xlarge capacity in the Availability \
                    Zone you requested";
        assert_eq!(kind(lack), ProblemKind::InsufficientCapacity);
        let quota =
            "You have requested more vCPU capacity than your current vCPU limit of 8 allows";
        assert_eq!(kind(quota), ProblemKind::Refused);
    }
}
