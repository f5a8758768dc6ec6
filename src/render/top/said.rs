//! The lines of the view: what is held, what operators have said, what was changed.

use super::Top;
use crate::decide::DesiredOwner;
use crate::decide::scaling::{Direction, Hold, PoolScaling, Scaling};
use crate::id::Name;
use crate::observe::{Aborted, HandHold, Override, Pause};
use crate::render::text::span;

/// Stages of which the controller moves numbers.
pub(super) fn scaled(scaling: &Scaling) -> Vec<&Name> {
    let own = scaling.pools.values().filter(|pool| pool.owner == DesiredOwner::Controller);
    let mut stages: Vec<&Name> = own.map(|pool| &pool.stage).collect();
    stages.sort();
    stages.dedup();
    stages
}

/// After how long 95 of 100 launches of a pool serve; in parentheses where that is
/// declared and not measured.
pub(super) fn ready(pool: &PoolScaling) -> String {
    match &pool.launch {
        Some(launch) if launch.is_measured() => span(launch.cold.p95),
        Some(launch) => format!("({})", span(launch.cold.p95)),
        None => "-".to_owned(),
    }
}

/// What keeps numbers as they are, and what operators have said.
pub(super) fn held(top: &Top<'_>, scaling: &Scaling) -> Vec<String> {
    let mut lines = Vec::new();
    match top.hands {
        Ok(hands) => {
            lines.extend(hands.pause.iter().map(paused_by_hand));
            lines.extend(hands.aborted.iter().filter(|one| one.stands()).map(given_up));
            lines.extend(hands.holds.iter().map(hold_by_hand));
            lines.extend(hands.overrides.iter().map(set_by_hand));
        }
        Err(why) => lines.push(format!("what operators say is not known: {why}")),
    }
    let of_stages = scaled(scaling).into_iter().filter_map(|name| {
        let stage = scaling.stages.get(name)?;
        Some(stage.holds.iter().map(move |hold| (name, hold)))
    });
    let of_pools =
        scaling.pools.iter().flat_map(|(name, pool)| pool.holds.iter().map(move |h| (name, h)));
    lines.extend(of_stages.flatten().chain(of_pools).map(|(name, hold)| held_by(name, hold)));
    lines
}

fn paused_by_hand(pause: &Pause) -> String {
    format!("by hand: the rollout is paused: {} ({})", pause.reason, pause.by)
}

/// A phase that may not be applied until somebody lets it.
fn given_up(aborted: &Aborted) -> String {
    let Aborted { phase, criterion, value, target, .. } = aborted;
    format!("phase {phase} was aborted: {criterion} was {value}, which is {target}")
}

fn hold_by_hand(hold: &HandHold) -> String {
    let what = hold.pool.as_ref().map_or("everything", |pool| pool.as_str());
    let which = match (hold.scale_in, hold.scale_out) {
        (true, true) => "not to be moved",
        (true, false) => "not to be scaled in",
        (false, _) => "not to be scaled out",
    };
    let until = hold.until.map_or_else(String::new, |until| format!(" until {until}"));
    format!("by hand: {what} {which}{until}: {} ({})", hold.reason, hold.by)
}

fn set_by_hand(set: &Override) -> String {
    let until = set.until.map_or_else(String::new, |until| format!(" until {until}"));
    format!("by hand: {} at {}{until}: {} ({})", set.pool, set.units, set.reason, set.by)
}

fn held_by(name: &Name, hold: &Hold) -> String {
    let kept = match hold.direction {
        Direction::ScaleIn => "not scaled in",
        Direction::ScaleOut => "not scaled out",
    };
    format!("{name} {kept} ({}): {}", hold.cause, hold.why.text)
}

/// The last things that were changed or went wrong, the newest first, at most
/// `most`.
pub(super) fn changes(top: &Top<'_>, most: usize) -> Vec<(String, bool)> {
    let mut lines: Vec<(String, bool)> = Vec::new();
    let shown = top.records.get(..=top.at).unwrap_or_default();
    for record in shown.iter().rev() {
        let scaling = &record.scaling;
        let at = scaling.at.strftime("%H:%M:%S");
        let pools = scaling.pools.iter().filter(|(_, pool)| {
            pool.owner == DesiredOwner::Controller && pool.visible && pool.wanted != pool.now
        });
        for (name, pool) in pools {
            let why = pool.reasons.first().map_or("", |reason| reason.text.as_str());
            lines.push((format!("{at} {name} {} → {}: {why}", pool.now, pool.wanted), false));
        }
        for event in scaling.events.iter().filter(|event| event.kind.is_warning()) {
            let known = lines.last().is_some_and(|(line, _)| line.ends_with(&event.text));
            if !known {
                lines.push((format!("{at} {}: {}", event.about, event.text), true));
            }
        }
        if lines.len() >= most {
            break;
        }
    }
    lines.truncate(most);
    lines
}
