//! From a rollout with its plans and findings, what readers are told about it.

mod criterion;
mod flowchart;
mod phase;
mod plan;
mod summary;
#[cfg(test)]
mod tests;
mod tiles;
mod timeline;

use super::view::{PassageView, PhaseState, PhaseView, RolloutView};
use crate::clock::Timestamp;
use crate::id::Name;
use crate::rollout::{Comparison, Finding, PhasePlan};
use crate::spec::Environment;
use crate::spec::model::{Passage, Rollout};

/// The version of the JSON.
pub const FORMAT_VERSION: &str = "1.0";

/// What a rollout is rendered from.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The file that declares it.
    pub file: &'a str,
    /// The environment, with all of its rollout.
    pub environment: &'a Environment,
    /// The plans: of the file before the first phase, and of each phase.
    pub plans: &'a [PhasePlan],
    /// How the criteria stand; those that are not here were not measured.
    pub findings: &'a [Finding],
    /// When they were measured.
    pub measured_at: Option<Timestamp>,
    /// Why nothing was measured.
    pub unmeasured: Option<&'a str>,
    /// What was recorded of the phases.
    pub records: &'a [Comparison],
    /// The phase to tell of; none: all of them.
    pub only: Option<&'a Name>,
}

impl<'a> Input<'a> {
    fn rollout(&self) -> &'a Rollout {
        &self.environment.rollout
    }

    /// The phase that is live.
    fn live(&self) -> Option<&'a Name> {
        self.environment.environment.phase.as_ref()
    }

    /// Where `phase` is on the way.
    fn state(&self, phase: &Name) -> PhaseState {
        let phases = &self.rollout().phases;
        let order = |name: &Name| phases.get(name).map(|phase| phase.order);
        match (order(phase), self.live().and_then(order)) {
            (Some(order), Some(live)) if order < live => PhaseState::Past,
            (Some(order), Some(live)) if order == live => PhaseState::Live,
            _ => PhaseState::Ahead,
        }
    }
}

impl RolloutView {
    /// What readers are told about `input`.
    pub fn new(input: &Input<'_>) -> Self {
        let rollout = input.rollout();
        let timeline = timeline::timeline(input);
        let phases: Vec<PhaseView> = rollout
            .in_order()
            .into_iter()
            .enumerate()
            .filter(|(_, (name, _))| input.only.is_none_or(|only| only == *name))
            .map(|(at, (name, phase))| {
                phase::phase_view(input, at + 1, name, phase, &timeline.bars[at])
            })
            .collect();
        Self {
            format_version: FORMAT_VERSION.into(),
            floodway_version: env!("CARGO_PKG_VERSION").into(),
            environment: input.environment.environment.name.to_string(),
            file: input.file.to_owned(),
            service: input.environment.service.name.to_string(),
            measured_at: input.measured_at.map(|at| at.to_string()),
            unmeasured: input.unmeasured.map(str::to_owned),
            summary: summary::summary(input),
            steps: flowchart::flowchart(input),
            start: plan::start_view(input.plans),
            timeline,
            phases,
            history: rollout.history.iter().map(|passage| passage_view(rollout, passage)).collect(),
        }
    }
}

fn passage_view(rollout: &Rollout, passage: &Passage) -> PassageView {
    let text = |name: &Option<Name>| name.as_ref().map(Name::to_string);
    PassageView {
        at: passage.at.clone(),
        what: if is_promotion(rollout, passage) { "promoted" } else { "rolled back" }.into(),
        from: text(&passage.from),
        to: text(&passage.to),
        by: passage.by.clone(),
        reason: passage.reason.clone(),
        overridden: passage.overridden.clone(),
    }
}

/// Whether it led onward. Of phases that the file no longer has, it is taken to have.
fn is_promotion(rollout: &Rollout, passage: &Passage) -> bool {
    let order = |name: &Option<Name>| {
        name.as_ref().map(|name| rollout.phases.get(name).map(|phase| phase.order))
    };
    match (order(&passage.from), order(&passage.to)) {
        (_, None) => false,
        (Some(Some(from)), Some(Some(to))) => to > from,
        _ => true,
    }
}
