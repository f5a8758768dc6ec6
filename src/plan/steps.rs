//! The steps of each change, exactly as apply does them.

use super::{Precondition, Rolling, Step, Takes, kinds, view};
use crate::desired::{Desired, INSTANCE_START, Seed};
use crate::observe::{Live, ResourceId};
use crate::spec::Environment;
use crate::units::Span;

/// Kubernetes' own default of `progressDeadlineSeconds`.
const PROGRESS_DEADLINE: u64 = 600;
/// For what lies around a drain: preStop, endpoints, the API's own delays.
const DRAIN_SLACK: u64 = 300;

/// How long steps may wait, as the environment says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits<'a> {
    pub(super) environment: &'a Environment,
}

impl Limits<'_> {
    /// Until the units of `want` serve. Each unit of a Deployment may take its
    /// progress deadline (Kubernetes gives up a rollout that stands still for
    /// longer); when `rolling`, at most that many turns follow each other.
    fn ready(self, want: &Desired, rolling: u32) -> Span {
        let turn = if want.id.kind == kinds::GROUP {
            INSTANCE_START + want.pool.as_ref().map_or(0, |pool| self.startup(pool.as_str()))
        } else {
            let declared = want.body.at("/spec/progressDeadlineSeconds");
            declared.and_then(|seconds| seconds.as_u64()).unwrap_or(PROGRESS_DEADLINE)
        };
        Span::from_secs(turn.saturating_mul(u64::from(rolling.max(1))).saturating_add(60))
    }

    /// Until the units of `live` have finished their work and are gone.
    fn drain(self, live: &Live) -> Span {
        let stages = &self.environment.service.stages;
        let longest = || stages.values().map(|stage| stage.drain).max().unwrap_or_default();
        let marked = live.marks.get("stage").and_then(|stage| stages.get(stage.as_str()));
        let mut drain = marked.map_or_else(longest, |stage| stage.drain);
        if live.id.kind == kinds::GROUP {
            drain = drain.max(self.environment.burst.scale_in.drain);
        }
        Span::from_secs(drain.secs_ceil().saturating_add(DRAIN_SLACK))
    }

    /// Until each instance of `live` has been replaced, one after the other.
    fn refresh(self, live: &Live, pool: &str, how: &Rolling) -> Span {
        let each = INSTANCE_START + self.startup(pool) + u64::from(how.warmup);
        let each = each.saturating_add(self.drain(live).secs_ceil());
        let pauses = how.checkpoints.len() as u64 * u64::from(how.checkpoint_delay);
        let all = each.saturating_mul(live.units().len().max(1) as u64);
        Span::from_secs(all.saturating_add(pauses).saturating_add(60))
    }

    /// How long an engine on a burst pool's instance takes to start.
    fn startup(self, pool: &str) -> u64 {
        let burst = self.environment.aws.as_ref().and_then(|aws| aws.pools.get(pool));
        let stage = burst.and_then(|pool| self.environment.service.stages.get(&pool.stage));
        stage.map_or(0, |stage| stage.startup.secs_ceil())
    }
}

/// Makes a thing that is not there.
pub(super) fn create(limits: Limits<'_>, want: &Desired, seed: Option<Seed>) -> Vec<Step> {
    let begins_empty = begins_empty(want, seed.as_ref());
    let mut steps = vec![Step::Apply {
        id: want.id.clone(),
        body: want.body.clone(),
        seed,
        precondition: Precondition::Absent,
        takes: Takes::Nothing,
    }];
    if kinds::is_workload(&want.id) && !begins_empty {
        steps.extend(wait(limits, want));
    }
    steps
}

/// Whether a new group has no instances to wait for.
fn begins_empty(want: &Desired, seed: Option<&Seed>) -> bool {
    let seeded = seed.map(|seed| seed.value.clone());
    let desired = seeded.or_else(|| want.body.at("/desired"));
    want.id.kind == "AutoScalingGroup" && desired == Some(0.into())
}

/// Waits until the units of a workload serve.
pub(super) fn wait(limits: Limits<'_>, want: &Desired) -> Vec<Step> {
    vec![Step::AwaitReady { id: want.id.clone(), limit: limits.ready(want, 1) }]
}

/// Makes a group as it is wanted, but with room for all that runs in it.
pub(super) fn roomy(want: &Desired, live: &Live, takes: Takes) -> Step {
    let runs = live.workload.as_ref().map_or(0, |workload| u64::from(workload.desired));
    let mut body = want.body.clone();
    body.edit(|body| {
        view::remove(body, "/desired");
        let max = body.get("max").and_then(serde_json::Value::as_u64).unwrap_or(0);
        view::set(body, "/max", max.max(runs).into());
    });
    let precondition = Precondition::Is(live.uid.clone());
    Step::Apply { id: want.id.clone(), body, seed: None, precondition, takes }
}

/// Ends these units of `live`.
pub(super) fn drain_units(limits: Limits<'_>, live: &Live, units: Vec<String>) -> Step {
    let (id, uid) = (live.id.clone(), live.uid.clone());
    Step::DrainUnits { id, uid, units, limit: limits.drain(live) }
}

/// Replaces the instances of `live` that run another version than they should.
pub(super) fn refresh(limits: Limits<'_>, id: ResourceId, live: &Live, how: Rolling) -> Step {
    let limit = limits.refresh(live, live.pool().unwrap_or_default(), &how);
    Step::Refresh { id, uid: live.uid.clone(), how, limit }
}

/// Brings a thing to what is wanted.
pub(super) fn update(
    limits: Limits<'_>,
    want: &Desired,
    live: &Live,
    hold: Option<&str>,
    takes: Takes,
    rolls: bool,
) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(path) = hold {
        let (id, uid) = (live.id.clone(), live.uid.clone());
        steps.push(Step::Hold { id, path: path.to_owned(), uid });
    }
    steps.push(Step::Apply {
        id: want.id.clone(),
        body: want.body.clone(),
        seed: None,
        precondition: Precondition::Is(live.uid.clone()),
        takes,
    });
    if rolls && kinds::is_workload(&want.id) {
        let units = live.workload.as_ref().map_or(1, |workload| workload.desired);
        steps.push(Step::AwaitReady { id: want.id.clone(), limit: limits.ready(want, units) });
    }
    steps
}

/// Makes `want` under a new name, and takes `old` away when it serves.
pub(super) fn replace(
    limits: Limits<'_>,
    want: &Desired,
    seed: Option<Seed>,
    old: &Live,
) -> Vec<Step> {
    let moves = seed.as_ref().map(|seed| seed.path.clone());
    let mut steps = create(limits, want, seed);
    if let Some(path) = moves {
        let catch_up = Step::CatchUp { id: want.id.clone(), with: old.id.clone(), path };
        // Before the wait, for what happened since the plan; after it, for what
        // happened meanwhile.
        steps.insert(1, catch_up.clone());
        steps.push(catch_up);
        steps.extend(wait(limits, want));
    }
    steps.extend(retire(limits, old));
    steps
}

/// Takes a thing away; what runs in it finishes first, and where `successor`
/// carries on for it, that must serve before.
pub(super) fn delete(limits: Limits<'_>, live: &Live, successor: Option<&Desired>) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(want) = successor {
        steps.extend(wait(limits, want));
    }
    steps.extend(retire(limits, live));
    steps
}

/// Takes a group away with all that runs in it, at once.
pub(super) fn end_at_once(live: &Live, ends: u32) -> Vec<Step> {
    vec![Step::Delete { id: live.id.clone(), uid: live.uid.clone(), ends }]
}

fn retire(limits: Limits<'_>, live: &Live) -> Vec<Step> {
    let delete = Step::Delete { id: live.id.clone(), uid: live.uid.clone(), ends: 0 };
    if kinds::is_workload(&live.id) {
        let (id, uid) = (live.id.clone(), live.uid.clone());
        vec![Step::Drain { id, uid, limit: limits.drain(live) }, delete]
    } else {
        vec![delete]
    }
}
