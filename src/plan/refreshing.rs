//! What an instance refresh that is under way says and forbids.

use super::{Action, Change, PlanInput, Refusal, kinds};
use crate::observe::{Live, Refresh, ResourceId};

/// Fields of what instances start from. A refresh that brings its own keeps them
/// meanwhile: <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html>
const OF_SOURCE: [&str; 7] = [
    "instance_types",
    "requirements",
    "capacity_type",
    "allocation",
    "launch_template",
    "pinned",
    "others",
];
/// What every refresh keeps.
const WARM_POOL: &str = "warm_pool";

/// The refresh of a group that is under way.
pub(super) fn of(live: &Live) -> Option<&Refresh> {
    live.workload.as_ref()?.refresh.as_ref()
}

/// What to do about a group's refresh that is in the way.
pub fn wait_or_cancel(group: &ResourceId) -> String {
    format!(
        "wait until it has ended, or: aws autoscaling cancel-instance-refresh --region {} \
         --auto-scaling-group-name {}; then plan again",
        group.scope.as_deref().unwrap_or_default(),
        group.name
    )
}

/// The refreshes of the groups that `changes` are about.
pub(super) fn told(input: &PlanInput<'_>, changes: &[Change]) -> Vec<String> {
    let told = |change: &Change| {
        let live = group(input, change)?;
        let refresh = of(live)?;
        Some(format!("{}: an instance refresh is under way: {refresh}", live.id))
    };
    changes.iter().filter_map(told).collect()
}

/// The changes that AWS takes only after a refresh.
pub(super) fn refused(input: &PlanInput<'_>, changes: &[Change]) -> Vec<Refusal> {
    let refused = |change: &Change| {
        let live = group(input, change).filter(|_| change.action == Action::Update)?;
        let refresh = of(live)?;
        let kept = |path: &str| {
            let field = path.split(['.', '[']).next().unwrap_or(path);
            field == WARM_POOL || (refresh.configured && OF_SOURCE.contains(&field))
        };
        let paths = change.fields.iter().map(|field| field.path.as_str());
        let kept: Vec<&str> = paths.filter(|path| kept(path)).collect();
        (!kept.is_empty()).then(|| in_the_way(live, refresh, &kept.join(", ")))
    };
    changes.iter().filter_map(refused).collect()
}

/// `what` of a group waits for its refresh.
pub(super) fn in_the_way(live: &Live, refresh: &Refresh, what: &str) -> Refusal {
    Refusal::new(
        "refresh",
        format!(
            "{what} of {} cannot change while its instance refresh is under way: {refresh}",
            live.id
        ),
        wait_or_cancel(&live.id),
    )
}

fn group<'a>(input: &PlanInput<'a>, change: &Change) -> Option<&'a Live> {
    let id = change.replaces.as_ref().unwrap_or(&change.id);
    input.inventory.resources.get(id).filter(|live| live.id.kind == kinds::GROUP)
}
