//! What a turn has to tell: each thing that matters, and nothing where nothing has
//! changed.

use super::{Entry, Event as Told, Level};
use crate::controller::{Done, Turn};
use crate::decide::DesiredOwner;
use crate::decide::scaling::{
    Direction, Event, EventKind, Hold, HoldCause, PoolScaling, Scaling, StageScaling,
};
use crate::id::Name;
use crate::observe::{Side, Wait};
use crate::plan::Step;
use crate::render::scaling::{source, what};

/// What a reader who has seen `before` wants to know of `turn`.
pub fn entries(turn: &Turn, before: Option<&Turn>) -> Vec<Entry> {
    let scaling = &turn.scaling;
    let at = scaling.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut said = Said { at, entries: Vec::new() };
    standing(turn, before, &mut said);
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
    for (name, why) in &turn.load.unforecast {
        if before.and_then(|before| before.load.unforecast.get(name)) != Some(why) {
            let message = format!("it cannot be looked ahead as it should: {why}");
            said.of(Told::Notice, Level::Warn, name, Some(message));
        }
    }
    let told = before.map(|before| &before.scaling.events);
    let news = scaling.events.iter().filter(|event| told.is_none_or(|t| !t.contains(event)));
    for event in news.filter(|event| !is_of_standing(event) && !is_written(event, turn)) {
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

/// Whether it may write, where that has changed since; before the first turn it could.
fn standing(turn: &Turn, before: Option<&Turn>, said: &mut Said) {
    let stood = before.map_or((None, None), stands);
    match stands(turn) {
        now if now == stood => {}
        // Said at the end, with what would have been written.
        (Some(_), _) if !turn.done.is_empty() => {}
        (Some(why), _) => {
            let message = format!("nothing is written: {why}");
            said.add(Told::Withheld, Level::Info, None, message);
        }
        (None, Some(silent)) => {
            let message = format!("{silent} does not answer: it led last, and only adds capacity");
            said.add(Told::Notice, Level::Warn, None, message);
        }
        (None, None) => said.add(Told::Notice, Level::Info, None, "it leads".to_owned()),
    }
}

/// Why nothing may be written, and what does not answer where only more may be.
fn stands(turn: &Turn) -> (Option<&str>, Option<&'static str>) {
    (turn.withheld.as_deref(), turn.scaling.mode.silent())
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

/// Whether an event says how it stands, which has a line of its own.
fn is_of_standing(event: &Event) -> bool {
    matches!(event.kind, EventKind::LeaderElected | EventKind::LeaderLost)
}

/// Whether an event says what the line of a write says.
fn is_written(event: &Event, turn: &Turn) -> bool {
    let of_pool = |done: &&Done| done.pool == event.about && !done.follows(&turn.scaling);
    let mut writes = turn.done.iter().filter(of_pool);
    matches!(event.kind, EventKind::ScaledOut | EventKind::ScaledIn)
        && writes.any(|done| matches!(done.step, Step::SetUnits { .. }))
}

fn done_line(done: &Done, scaling: &Scaling) -> Option<String> {
    let outcome = match &done.outcome {
        None => " (not written)".to_owned(),
        Some(Ok(())) if done.follows(scaling) => return None,
        Some(Ok(())) => String::new(),
        Some(Err(error)) => format!(" FAILED: {error}"),
    };
    let why = match why(done, scaling) {
        "" => String::new(),
        why => format!(": {why}"),
    };
    Some(format!("{}{outcome}{why}", what(done, scaling)))
}

/// Why it was written; nothing where that goes without saying.
fn why<'s>(done: &Done, scaling: &'s Scaling) -> &'s str {
    match &done.step {
        // What a group is asked for less than before never ran.
        Step::SetUnits { from, to, .. } if to < from && source(done, scaling).is_some() => {
            "not asked for any more: there is none to be had"
        }
        Step::SetUnits { .. } if done.follows(scaling) => "replicas go with the nodes",
        Step::SetUnits { .. } => {
            let pool = scaling.pools.get(&done.pool);
            pool.and_then(|pool| pool.reasons.first()).map_or("", |reason| reason.text.as_str())
        }
        Step::DrainUnits { .. } => "its drain is over",
        Step::ReplaceUnits { .. } => "AWS takes spot back",
        Step::Proceed { wait: Wait::ToServe, .. } => "their nodes have joined",
        Step::Proceed { wait: Wait::ToEnd, .. } => "nothing is left on them",
        _ => "",
    }
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
        let (kind, about) = match hold.cause {
            HoldCause::NoCapacity => (EventKind::SetAside, name),
            HoldCause::NeverReady => (EventKind::GivenUp, name),
            HoldCause::Autoscaler => (EventKind::AutoscalerStuck, name),
            HoldCause::BudgetHour | HoldCause::BudgetDay | HoldCause::BudgetMonth => {
                (EventKind::BudgetReached, &pool.stage)
            }
            _ => return false,
        };
        // A budget stops all pools of a stage, and is told with the words of one.
        let of_one = kind == EventKind::BudgetReached;
        let says = |event: &Event| !of_one || event.text.ends_with(hold.why.text.as_str());
        events.iter().any(|event| event.kind == kind && event.about == *about && says(event))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::Reason;
    use crate::decide::scaling::Mode;
    use crate::units::Rate;

    fn turn(mode: Mode, withheld: Option<&str>) -> Turn {
        let scaling = Scaling { mode, ..Scaling::default() };
        Turn { scaling, withheld: withheld.map(str::to_owned), ..Turn::default() }
    }

    #[test]
    fn whom_it_follows_and_that_it_leads_is_said_once() {
        let leads = turn(Mode::Normal, None);
        let follows = turn(Mode::Normal, Some("ada leads"));
        let cut_off = turn(Mode::KubernetesUnreachable, None);
        let said = |turn: &Turn, before: Option<&Turn>| {
            let of_pools = "no pool leaves its number to the controller: nothing is scaled";
            let entries = entries(turn, before).into_iter().map(|entry| entry.message);
            entries.filter(|message| message != of_pools).collect::<Vec<_>>()
        };
        assert_eq!(said(&leads, None), [""; 0]);
        assert_eq!(said(&follows, None), ["nothing is written: ada leads"]);
        assert_eq!(said(&follows, Some(&follows)), [""; 0]);
        assert_eq!(said(&leads, Some(&follows)), ["it leads"]);
        assert!(said(&cut_off, Some(&leads))[0].contains("only adds capacity"));
        assert_eq!(said(&cut_off, Some(&cut_off)), [""; 0]);
        assert_eq!(said(&leads, Some(&cut_off)), ["it leads"]);
        let mut elected = leads.clone();
        elected.scaling.events = vec![event(EventKind::LeaderElected, "this controller leads")];
        assert_eq!(said(&elected, Some(&follows)), ["it leads"]);
    }

    fn event(kind: EventKind, text: &str) -> Event {
        Event { kind, about: "inference".parse().unwrap(), text: text.to_owned() }
    }

    #[test]
    fn a_budget_that_is_told_of_the_stage_is_not_told_again_of_the_pool_that_it_stops() {
        let hold = |text: &str| Hold {
            cause: HoldCause::BudgetHour,
            direction: Direction::ScaleOut,
            until: None,
            why: Reason { key: None, at: None, text: text.to_owned() },
        };
        let mut pool = PoolScaling {
            stage: "inference".parse().unwrap(),
            owner: DesiredOwner::Controller,
            visible: true,
            min: 0,
            max: 4,
            now: 1,
            wanted: 1,
            serving: 1,
            capacity_per_unit: Rate::default(),
            worth: None,
            launch: None,
            pods: None,
            sources: Vec::new(),
            reasons: Vec::new(),
            holds: vec![hold("$17/h with one more, above $12/h")],
        };
        let name: Name = "g6e".parse().unwrap();
        let text = "the budget of the hour stops scale-out: $17/h with one more, above $12/h";
        let told = [event(EventKind::BudgetReached, text)];
        assert_eq!(hold_line(&name, &pool, None, &told), None);
        assert!(hold_line(&name, &pool, None, &[]).is_some(), "no event tells it");
        // Another pool of the stage is stopped by another price.
        pool.holds = vec![hold("$22/h with one more, above $12/h")];
        let line = hold_line(&name, &pool, None, &told).unwrap();
        assert_eq!(line, "not scaled out (budget_hour): $22/h with one more, above $12/h");
    }
}
