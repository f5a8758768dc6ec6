//! The plan of every phase, without any place: an empty world is brought to the
//! file as it is before the first phase, then to one phase after the other.

use crate::decide::Decision;
use crate::execute::{Limits, NoJournal, Outcome, Report, StopSignal};
use crate::id::Name;
use crate::pipeline::{self, ApplyRequest, Error, Session};
use crate::plan::{Plan, PlanOptions};
use crate::spec::model::{AwsProvider, OnPremProvider};
use crate::spec::{Environment, Resolved};
use crate::units::Rate;
use std::collections::BTreeMap;

/// The environment at one place on its way.
pub struct Stage {
    /// The phase; none: the file before the first one.
    pub phase: Option<Name>,
    /// The environment there.
    pub resolved: Resolved,
}

/// What a phase changes.
pub struct PhasePlan {
    /// The phase; none: the file before the first one.
    pub phase: Option<Name>,
    /// In which world: the last phase that could be applied; none: in the file before
    /// the first phase, and of that itself an empty world.
    pub from: Option<Name>,
    /// The plan, or why there is none.
    pub plan: Result<Plan, String>,
    /// Why the world could not be brought there; none: it was.
    pub stuck: Option<String>,
    /// What every pool at its max comes to.
    pub at_max: AtMax,
}

/// What every pool at its max comes to; of a burst pool, of the type that it prefers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AtMax {
    /// Requests/s inside the SLO, by stage.
    pub capacity: BTreeMap<String, Rate>,
    /// GPUs.
    pub gpus: u32,
}

impl AtMax {
    fn of(decision: &Decision) -> Self {
        let mut sum = Self::default();
        for pool in decision.pools.values() {
            let stage = sum.capacity.entry(pool.stage.to_string()).or_default();
            *stage = *stage + pool.capacity_per_unit.times(pool.max);
            sum.gpus = sum.gpus.saturating_add(pool.gpus_per_unit.saturating_mul(pool.max));
        }
        sum
    }
}

/// Plans and applies `stages`, in their order, in the world that `connect` gives each
/// of them. What cannot be applied is left, and the next is planned from the world
/// before it.
///
/// Destroying in a protected environment is taken to be confirmed: who applies it is
/// asked then.
pub async fn plan_phases(
    stages: Vec<Stage>,
    connect: impl Fn(Resolved) -> Result<Session, Error>,
    stop: StopSignal,
) -> Vec<PhasePlan> {
    let mut plans: Vec<PhasePlan> = Vec::with_capacity(stages.len());
    let mut from = None;
    for Stage { phase, resolved } in stages {
        let planned = match connect(offline(resolved)) {
            Ok(session) => one(&session, stop.clone()).await,
            Err(error) => Err(error),
        };
        let (plan, stuck, at_max) = match planned {
            Ok((plan, stuck, at_max)) => (Ok(plan), stuck, at_max),
            Err(error) => (Err(error.to_string()), Some(error.to_string()), AtMax::default()),
        };
        let arrived = stuck.is_none();
        plans.push(PhasePlan { phase: phase.clone(), from: from.clone(), plan, stuck, at_max });
        if arrived {
            from = phase;
        }
    }
    plans
}

/// Plans and applies; with why it was not applied.
async fn one(session: &Session, stop: StopSignal) -> Result<(Plan, Option<String>, AtMax), Error> {
    let name = session.resolved.environment.environment.name.to_string();
    let options = PlanOptions { confirm: Some(name), ..PlanOptions::default() };
    let seen = pipeline::look(session, []).await?;
    let at_max = AtMax::of(&seen.decision);
    let plan = pipeline::plan_from(session, &seen, &options).await?;
    if let Some(refusal) = plan.refusals.first() {
        let why = format!("guard {}: {}", refusal.guard, refusal.message);
        return Ok((plan, Some(why), at_max));
    }
    let request = ApplyRequest {
        holder: "rollout",
        journal: &NoJournal,
        listener: &|_| {},
        stop,
        limits: Limits::default(),
    };
    let stuck = match pipeline::apply(session, &plan, &request).await {
        Ok(applied) => unfinished(&applied.report),
        Err(error) => Some(error.to_string()),
    };
    Ok((plan, stuck, at_max))
}

/// Why the world is not there yet.
fn unfinished(report: &Report) -> Option<String> {
    let wrong = |(id, outcome): &(_, Outcome)| match outcome {
        Outcome::Failed { message, .. } | Outcome::Unknown { message } => {
            Some(format!("{id}: {message}"))
        }
        Outcome::Done | Outcome::Skipped { .. } => None,
    };
    let stopped = || report.stopped.clone().unwrap_or_else(|| "it was not finished".to_owned());
    (!report.is_done()).then(|| report.changes.iter().find_map(wrong).unwrap_or_else(stopped))
}

/// The same environment in simulated places.
pub fn offline(mut resolved: Resolved) -> Resolved {
    if let Some(onprem) = &mut resolved.environment.onprem {
        onprem.provider = OnPremProvider::Sim;
        onprem.context = None;
        // The simulated cluster is not the declared one, and is not taken for it.
        onprem.cluster_uid = None;
    }
    if let Some(aws) = &mut resolved.environment.aws {
        aws.provider = AwsProvider::Sim;
    }
    resolved
}

/// An environment whose cluster has room for each of `stages`: what runs on-prem in
/// any of them finds nodes there. None where there are no stages.
pub fn room_for(stages: &[Stage]) -> Option<Environment> {
    let (last, others) = stages.split_last()?;
    let mut room = last.resolved.environment.clone();
    for Stage { resolved, .. } in others {
        let environment = &resolved.environment;
        for (name, stage) in &environment.service.stages {
            room.service.stages.entry(name.clone()).or_insert_with(|| stage.clone());
        }
        let Some(theirs) = &environment.onprem else { continue };
        let onprem = room.onprem.get_or_insert_with(|| theirs.clone());
        for (name, pool) in &theirs.pools {
            let same = onprem.pools.values().any(|known| {
                known.stage == pool.stage
                    && known.replicas == pool.replicas
                    && known.node_selector == pool.node_selector
            });
            if !same {
                // Nodes of its own, whatever the pool's are called now.
                let free = (0..).map(|number| format!("{:.30}-{number}", name.as_str()));
                let free = free.filter_map(|name| name.parse::<Name>().ok());
                if let Some(free) = free.into_iter().find(|free| !onprem.pools.contains_key(free)) {
                    onprem.pools.insert(free, pool.clone());
                }
            }
        }
    }
    Some(room)
}
