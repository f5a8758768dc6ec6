//! Where an environment stands on its way, and what comes next.

use super::Input;
use crate::id::Name;
use crate::render::rollout::view::{NextView, SummaryView, Tone};
use crate::render::text::count;
use crate::rollout::{Finding, Kind, Verdict};
use crate::spec::model::Passage;

/// What readers are told first.
pub(super) fn summary(input: &Input<'_>) -> SummaryView {
    let live = input.live();
    let since = live.and_then(|live| {
        let led_here = |passage: &&Passage| passage.to.as_ref() == Some(live);
        input.rollout().history.iter().rev().find(led_here).map(|passage| passage.at.clone())
    });
    let exits: Vec<&Finding> = findings(input, live, Kind::Exit).collect();
    let declared =
        live.and_then(|live| input.rollout().phases.get(live)).map_or(0, |phase| phase.exit.len());
    SummaryView {
        standing: standing(input, live, since.as_deref()),
        live: live.map(Name::to_string),
        since,
        met: exits.iter().filter(|found| found.verdict == Verdict::Met).count(),
        criteria: declared,
        next: next(input, live, declared),
        tiles: super::tiles::tiles(input),
    }
}

fn findings<'a>(
    input: &Input<'a>,
    live: Option<&'a Name>,
    kind: Kind,
) -> impl Iterator<Item = &'a Finding> {
    let of = move |found: &&Finding| Some(&found.phase) == live && found.kind == kind;
    input.findings.iter().filter(of)
}

fn standing(input: &Input<'_>, live: Option<&Name>, since: Option<&str>) -> String {
    let phases = input.rollout().in_order();
    let environment = &input.environment.environment.name;
    let Some(live) = live else {
        return format!(
            "{environment} stands before the first of {}.",
            count(phases.len(), "phase")
        );
    };
    let at = phases.iter().position(|(name, _)| *name == live).map_or(0, |at| at + 1);
    let since = since.and_then(|at| at.get(..10)).map(|day| format!(", since {day}"));
    let since = since.unwrap_or_default();
    format!("{environment} is in phase {live}, {at} of {}{since}.", phases.len())
}

fn next(input: &Input<'_>, live: Option<&Name>, declared: usize) -> NextView {
    let name = &input.environment.environment.name;
    let view = |tone, text: String, command: Option<&str>| NextView {
        tone,
        text,
        command: command
            .map(|command| format!("floodway rollout {}", command.replace("ENV", name.as_str()))),
    };
    let after = input.rollout().after(live);
    let Some(live) = live else {
        return match after {
            Some(first) => {
                view(Tone::Good, format!("Begin with phase {first}."), Some("promote ENV"))
            }
            None => view(Tone::Good, "There are no phases.".to_owned(), None),
        };
    };
    let aborts: Vec<_> = findings(input, Some(live), Kind::Abort)
        .filter(|found| found.verdict == Verdict::Abort)
        .map(|found| found.name.as_str())
        .collect();
    if !aborts.is_empty() {
        let verb = if aborts.len() == 1 { "holds" } else { "hold" };
        let text = format!("Give {live} up: the abort criterion {} {verb}.", aborts.join(", "));
        return view(Tone::Bad, text, Some("rollback ENV --reason \"…\""));
    }
    if declared == 0 {
        let text = format!("{live} declares no exit criteria: whether it is done, people decide.");
        return view(Tone::Wait, text, after.map(|_| "promote ENV"));
    }
    let exits: Vec<_> = findings(input, Some(live), Kind::Exit).collect();
    let open: Vec<&str> = exits
        .iter()
        .filter(|found| found.verdict != Verdict::Met)
        .map(|found| found.name.as_str())
        .collect();
    if exits.len() < declared {
        let text = format!("{live} has {declared} exit criteria, and they were not measured.");
        let text = if declared == 1 {
            text.replace("criteria, and they were", "criterion, and it was")
        } else {
            text
        };
        return view(Tone::Wait, text, Some("status ENV"));
    }
    if !open.is_empty() {
        let text = format!(
            "Not yet: {} of {declared} exit criteria of {live} hold; open: {}.",
            declared - open.len(),
            open.join(", ")
        );
        return view(Tone::Wait, text, Some("status ENV"));
    }
    match after {
        Some(next) => view(
            Tone::Good,
            format!("All exit criteria of {live} hold: go on to {next}."),
            Some("promote ENV"),
        ),
        None => view(
            Tone::Good,
            format!(
                "All exit criteria of {live} hold, and it is the last phase: the rollout is done."
            ),
            None,
        ),
    }
}
