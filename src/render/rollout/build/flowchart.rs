//! The steps of all phases, as boxes and arrows.

use super::Input;
use crate::id::Name;
use crate::render::rollout::view::{BoxView, FlowPhaseView, FlowchartView, LinkView};
use std::collections::BTreeMap;

/// The picture of the steps of the phases that are told of.
pub(super) fn flowchart(input: &Input<'_>) -> FlowchartView {
    let told = |name: &&Name| input.only.is_none_or(|only| only == *name);
    let mut known: BTreeMap<(&str, &str), String> = BTreeMap::new();
    let mut phases = Vec::new();
    for (at, (name, phase)) in input.rollout().in_order().into_iter().enumerate() {
        if !told(&name) {
            continue;
        }
        let steps = phase.steps_in_order().into_iter().enumerate();
        let boxes = steps.map(|(number, (step_name, step))| {
            let id = format!("p{}s{}", at + 1, number + 1);
            known.insert((name.as_str(), step_name.as_str()), id.clone());
            BoxView {
                id,
                name: step_name.to_string(),
                summary: step.summary.clone(),
                manual: step.is_manual(),
            }
        });
        let boxes = boxes.collect();
        phases.push(FlowPhaseView { id: format!("p{}", at + 1), name: name.to_string(), boxes });
    }
    let mut links = Vec::new();
    for (name, phase) in input.rollout().in_order() {
        for (step_name, step) in phase.steps_in_order() {
            let Some(to) = known.get(&(name.as_str(), step_name.as_str())) else { continue };
            for before in &step.after {
                let from = before.split_once('.').unwrap_or((name.as_str(), before));
                // One of a phase that is not told of has no box.
                if let Some(from) = known.get(&from) {
                    links.push(LinkView { from: from.clone(), to: to.clone() });
                }
            }
        }
    }
    FlowchartView { phases, links }
}
