//! What a turn has to tell: each thing that matters, and nothing where nothing has
//! changed.

use super::{Entry, Event as Told, Level};
use crate::controller::{Done, Turn};
use crate::decide::DesiredOwner;
use crate::decide::scaling::{
    Direction, Event, EventKind, Hold, HoldCause, PoolScaling, Scaling, SourceScaling, StageScaling,
};
use crate::id::Name;
use crate::observe::{Side, Wait};
use crate::plan::Step;

/// What a reader who has seen `before` wants to know of `turn`.
pub fn entries(turn: &Turn, before: Option<&Turn>) -> Vec<Entry> {
    let scaling = &turn.scaling;
    let at = scaling.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut said = Said { at, entries: Vec::new() };
    sides(turn, before, &mut said);
    if before.is_none() && !scaling.stages.keys().any(|stage| is_scaled(scaling, stage)) {
        let message = "no pool leaves its number to the controller: nothing is scaled";
        said.add(Told::Notice, Level::Warn, None, message.to_owned());
    }
    for (name, stage) in &scaling.stages {
        if is_scaled(scaling, name) {
            let known = before.and_then(|before| before.scaling.stages.get(name));
            let level = if stage.doubt.is_some() { Level::Warn } else { Level::Info };
            said.of(Told::Stage, level, name, stage_line(stage, known));
        }
    }
    let told = before.map(|before| &before.scaling.events);
    let news = scaling.events.iter().filter(|event| told.is_none_or(|t| !t.contains(event)));
    for event in news.filter(|event| !is_written(event, turn)) {
        let level = if event.kind.is_warning() { Level::Warn } else { Level::Info };
        said.of(Told::Notice, level, &event.about, Some(event.text.clone()));
    }
    for done in &turn.done {
        let failed = matches!(done.outcome, Some(Err(_)));
        let level = if failed { Level::Error } else { Level::Info };
        said.of(Told::Write, level, &done.pool, done_line(done, scaling));
    }
    for (name, pool) in &scaling.pools {
        let known = before.and_then(|before| before.scaling.pools.get(name));
        said.of(Told::Held, Level::Info, name, hold_line(name, pool, known, &scaling.events));
    }
    let unnoted = turn.unnoted.as_ref();
    if let Some(why) = unnoted.filter(|_| before.and_then(|b| b.unnoted.as_ref()) != unnoted) {
        said.add(Told::Notice, Level::Info, None, why.clone());
    }
    if let (Some(why), false) = (&turn.withheld, turn.done.is_empty()) {
        said.add(Told::Withheld, Level::Info, None, format!("nothing was written: {why}"));
    }
    said.entries
}

/// What was said so far.
struct Said {
    at: String,
    entries: Vec<Entry>,
}

impl Said {
    fn of(&mut self, event: Told, level: Level, about: &Name, message: Option<String>) {
        if let Some(message) = message {
            self.add(event, level, Some(about.to_string()), message);
        }
    }

    fn add(&mut self, event: Told, level: Level, about: Option<String>, message: String) {
        self.entries.push(Entry { at: self.at.clone(), level, event, about, message });
    }
}

/// The sides that have come out of sight, and those that are back.
fn sides(turn: &Turn, before: Option<&Turn>, said: &mut Said) {
    let called = |side: &Side| match side {
        Side::Kubernetes => "Kubernetes",
        Side::Aws => "AWS",
    };
    for (side, why) in &turn.unseen {
        if before.and_then(|before| before.unseen.get(side)) != Some(why) {
            let (side, message) = (called(side), format!("cannot be seen: {why}"));
            said.add(Told::Unseen, Level::Warn, Some(side.to_owned()), message);
        }
    }
    let lost = before.into_iter().flat_map(|before| before.unseen.keys());
    for side in lost.filter(|side| !turn.unseen.contains_key(side)) {
        let message = "can be seen again".to_owned();
        said.add(Told::Unseen, Level::Info, Some(called(side).to_owned()), message);
    }
}

/// Whether the controller moves numbers of the stage.
fn is_scaled(scaling: &Scaling, stage: &Name) -> bool {
    let mut own = scaling.pools.values().filter(|pool| pool.stage == *stage);
    own.any(|pool| pool.owner == DesiredOwner::Controller)
}

/// How the stage stands, to who has seen nothing of it yet; else what has begun to
/// be in doubt, or has ended to be.
fn stage_line(stage: &StageScaling, before: Option<&StageScaling>) -> Option<String> {
    let Some(before) = before else {
        let demand = stage.demand.map_or_else(|| "unknown".to_owned(), |rate| rate.to_string());
        let need = stage.need.map_or_else(String::new, |need| format!(", {need} needed"));
        let doubt = stage.doubt.iter().map(|doubt| format!("; in doubt: {doubt}"));
        let doubt: String = doubt.collect();
        return Some(format!("demand {demand}{need}, {} serve{doubt}", stage.serving));
    };
    match (&stage.doubt, &before.doubt) {
        (Some(_), Some(_)) | (None, None) => None,
        (Some(doubt), None) => Some(format!("the load is in doubt: {doubt}")),
        (None, Some(_)) => Some("the load can be believed again".to_owned()),
    }
}

/// Whether an event says what the line of a write says.
fn is_written(event: &Event, turn: &Turn) -> bool {
    let of_pool = |done: &&Done| done.pool == event.about && !follows(done, &turn.scaling);
    let mut writes = turn.done.iter().filter(of_pool);
    matches!(event.kind, EventKind::ScaledOut | EventKind::ScaledIn)
        && writes.any(|done| matches!(done.step, Step::SetUnits { .. }))
}

/// Replicas of a burst pool go with its nodes.
fn follows(done: &Done, scaling: &Scaling) -> bool {
    let pool = scaling.pools.get(&done.pool);
    done.step.id().side == Side::Kubernetes && pool.is_some_and(|pool| pool.pods.is_some())
}

fn done_line(done: &Done, scaling: &Scaling) -> Option<String> {
    let outcome = match &done.outcome {
        None => " (not written)".to_owned(),
        Some(Ok(())) if follows(done, scaling) => return None,
        Some(Ok(())) => String::new(),
        Some(Err(error)) => format!(" FAILED: {error}"),
    };
    let pool = scaling.pools.get(&done.pool);
    let (what, why) = match &done.step {
        Step::SetUnits { id, from, to, .. } => {
            let source = pool.and_then(|pool| {
                pool.sources.iter().find(|source| source.group.as_deref() == Some(&*id.name))
            });
            let label = source.map_or_else(String::new, label);
            let reason = pool.and_then(|pool| pool.reasons.first());
            let why = match source.filter(|_| to < from) {
                // What a group is asked for less than before never ran.
                Some(_) => "not asked for any more: there is none to be had".to_owned(),
                None if follows(done, scaling) => "replicas go with the nodes".to_owned(),
                None => reason.map_or_else(String::new, |reason| reason.text.clone()),
            };
            (format!("{label}{from} → {to}"), why)
        }
        Step::DrainUnits { units, .. } => {
            let ends = if units.len() == 1 { "ends" } else { "end" };
            (format!("{} {ends}", units.join(", ")), "its drain is over".to_owned())
        }
        Step::ReplaceUnits { units, .. } => {
            let are = if units.len() == 1 { "is" } else { "are" };
            (format!("{} {are} replaced", units.join(", ")), "AWS takes spot back".to_owned())
        }
        Step::Proceed { units, wait, .. } => {
            let why = match wait {
                Wait::ToServe => "their nodes have joined",
                Wait::ToEnd => "nothing is left on them",
            };
            (format!("no hook holds {} any more", units.join(", ")), why.to_owned())
        }
        Step::SetEndpoints { to, .. } => {
            let all = to.as_array().map_or(&[] as &[_], Vec::as_slice);
            let are = |condition: &str| {
                all.iter().filter(|endpoint| endpoint["conditions"][condition] == true).count()
            };
            let (ready, ending) = (are("ready"), are("terminating"));
            let leave = if ending == 0 { String::new() } else { format!(", {ending} drain") };
            (format!("endpoints: {ready} ready{leave}"), String::new())
        }
        step => (step.id().to_string(), String::new()),
    };
    let why = if why.is_empty() { why } else { format!(": {why}") };
    Some(format!("{what}{outcome}{why}"))
}

/// `g6e.12xlarge on demand `
fn label(source: &SourceScaling) -> String {
    let market = source.market.map_or("", |market| market.as_str());
    format!("{} {market} ", source.label)
}

/// What has begun to hold the pool, and is told by no event.
fn hold_line(
    name: &Name,
    pool: &PoolScaling,
    before: Option<&PoolScaling>,
    events: &[Event],
) -> Option<String> {
    let same =
        |hold: &Hold, other: &Hold| (hold.cause, hold.direction) == (other.cause, other.direction);
    let known = |hold: &Hold| {
        before.is_some_and(|before| before.holds.iter().any(|other| same(hold, other)))
    };
    let told = |hold: &Hold| {
        let kind = match hold.cause {
            HoldCause::NoCapacity => EventKind::SetAside,
            HoldCause::NeverReady => EventKind::GivenUp,
            _ => return false,
        };
        events.iter().any(|event| event.kind == kind && event.about == *name)
    };
    let held: Vec<String> = pool
        .holds
        .iter()
        .filter(|hold| !known(hold) && !told(hold))
        .map(|hold| {
            let kept = match hold.direction {
                Direction::ScaleIn => "not scaled in",
                Direction::ScaleOut => "not scaled out",
            };
            format!("{kept} ({}): {}", hold.cause, hold.why.text)
        })
        .collect();
    (!held.is_empty()).then(|| held.join("; "))
}
