//! Steps that wait for each other: for some that there are, and not in a circle.

use super::Rules;
use crate::diag::Diagnostic;
use crate::id::Name;
use crate::spec::model::{Phase, PhaseStep};
use std::collections::BTreeSet;

pub(super) fn check(rules: &mut Rules<'_>, name: &Name, phase: &Phase) {
    for (step_name, step) in &phase.steps {
        let path = format!("rollout.phases.{name}.steps.{step_name}");
        if let Some(owner) = &step.owner {
            super::text::check(rules, &format!("{path}.owner"), owner);
        }
        for (at, before) in step.after.iter().enumerate() {
            named(rules, &format!("{path}.after.{at}"), (name, phase), before);
        }
    }
    circles(rules, name, phase);
}

/// `written` is to name a step of this phase, or of an earlier one.
fn named(rules: &mut Rules<'_>, at: &str, (name, phase): (&Name, &Phase), written: &str) {
    let phases = &rules.environment.rollout.phases;
    let Some((other_name, step)) = written.split_once('.') else {
        if !phase.steps.contains_key(written) {
            let message = format!("the phase `{name}` has no step `{written}`");
            let known = known(rules, name, phase);
            let among = ["rollout.phases"];
            rules.unknown(at, &among, message, (written, known.iter().map(String::as_str)));
        }
        return;
    };
    let found = phases.get(other_name).filter(|other| other.steps.contains_key(step));
    match found {
        None => {
            let message = format!("there is no step `{written}`");
            let known = known(rules, name, phase);
            let among = ["rollout.phases"];
            rules.unknown(at, &among, message, (written, known.iter().map(String::as_str)));
        }
        Some(_) if other_name == name.as_str() => {
            let message = format!("`{written}` is a step of this phase");
            rules.error(at, message, &format!("write it without the phase: `{step}`"));
        }
        Some(other) if other.order > phase.order => {
            let order = format!("rollout.phases.{other_name}.order");
            let message = format!("`{written}` is a step of a later phase");
            let help = "a step waits for steps of its own phase and of earlier ones: move one of \
                        the two";
            rules.report(Diagnostic::error(message).help(help), &[(at, ""), (&order, "later")]);
        }
        Some(_) => {}
    }
}

/// What a step of the phase may wait for.
fn known(rules: &Rules<'_>, name: &Name, phase: &Phase) -> Vec<String> {
    let own = phase.steps.keys().map(ToString::to_string);
    let phases = rules.environment.rollout.in_order().into_iter();
    let earlier = phases.filter(|(other, earlier)| *other != name && earlier.order < phase.order);
    let theirs = earlier
        .flat_map(|(other, phase)| phase.steps.keys().map(move |step| format!("{other}.{step}")));
    own.chain(theirs).collect()
}

/// Reports each circle of steps once.
fn circles(rules: &mut Rules<'_>, name: &Name, phase: &Phase) {
    let mut known: BTreeSet<&Name> = BTreeSet::new();
    for start in phase.steps.keys() {
        let Some(circle) = circle(phase, start, &mut known) else { continue };
        let first = circle[0];
        let around: Vec<&str> = circle.iter().chain([&first]).map(|name| name.as_str()).collect();
        let message = format!(
            "the steps of the phase `{name}` wait for each other in a circle: {}",
            around.join(" -> ")
        );
        let path = |step: &Name| format!("rollout.phases.{name}.steps.{step}.after");
        let places: Vec<String> = circle.iter().map(|step| path(step)).collect();
        let places: Vec<(&str, &str)> = places.iter().map(|path| (path.as_str(), "")).collect();
        let help = "each waits for the next: take one of them out of `after`";
        rules.report(Diagnostic::error(message).help(help), &places);
    }
}

/// A circle that can be reached from `start` by steps that are not `known` yet; those
/// that were walked are known.
fn circle<'p>(
    phase: &'p Phase,
    start: &'p Name,
    known: &mut BTreeSet<&'p Name>,
) -> Option<Vec<&'p Name>> {
    if !known.insert(start) {
        return None;
    }
    // The way from `start`, each with the steps that it waits for and were not walked.
    let mut way: Vec<(&Name, Vec<&Name>)> = vec![(start, waits_for(phase, start))];
    let mut found = None;
    while let Some((_, next)) = way.last_mut() {
        let Some(step) = next.pop() else {
            way.pop();
            continue;
        };
        if let Some(at) = way.iter().position(|(on, _)| *on == step) {
            found = found.or_else(|| Some(way[at..].iter().map(|(step, _)| *step).collect()));
        } else if known.insert(step) {
            way.push((step, waits_for(phase, step)));
        }
    }
    found
}

/// The steps of the same phase that `step` waits for.
fn waits_for<'p>(phase: &'p Phase, step: &Name) -> Vec<&'p Name> {
    let after = phase.steps.get(step).map(|step: &PhaseStep| step.after.as_slice());
    let steps = after.unwrap_or_default().iter().rev();
    steps
        .filter_map(|name| phase.steps.get_key_value(name.as_str()))
        .map(|(name, _)| name)
        .collect()
}

/// The steps of the phase that come before `step`, however far.
pub(super) fn before<'p>(phase: &'p Phase, step: &Name) -> BTreeSet<&'p Name> {
    let mut before = BTreeSet::new();
    let mut next = waits_for(phase, step);
    while let Some(step) = next.pop() {
        if before.insert(step) {
            next.extend(waits_for(phase, step));
        }
    }
    before
}
