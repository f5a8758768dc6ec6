//! What a controller's turn came to: lines for people, and numbers to scrape.

mod numbers;

pub use numbers::{Around, metrics};

use crate::controller::{Done, Turn};
use crate::decide::scaling::{Hold, PoolScaling, StageScaling};
use crate::plan::Step;
use serde::Serialize;

/// One thing that a turn has to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// When it was decided.
    pub at: String,
    /// How much it matters.
    pub level: Level,
    /// What it is.
    pub event: Event,
    /// The side, stage or pool that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// What to read.
    pub message: String,
}

/// How much an entry matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It is as it should be.
    Info,
    /// Something is done without that should be there.
    Warn,
    /// Something was not done that should have been.
    Error,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A side cannot be seen.
    Unseen,
    /// The decision has something to say.
    Notice,
    /// How a stage stands.
    Stage,
    /// A number was written, or would have been.
    Write,
    /// A pool is held.
    Held,
    /// Nothing was written.
    Withheld,
}

/// An entry as a line of JSON.
pub fn json_line(environment: &str, entry: &Entry) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        environment: &'a str,
        #[serde(flatten)]
        entry: &'a Entry,
    }
    let line = serde_json::to_string(&Line { environment, entry });
    format!("{}\n", line.unwrap_or_default())
}

/// What a reader who has seen `before` wants to know of `turn`, line by line; none:
/// nothing that matters has changed.
pub fn lines(turn: &Turn, before: Option<&Turn>) -> Vec<String> {
    let line = |entry: Entry| match (entry.event, &entry.about) {
        (Event::Unseen | Event::Withheld, _) | (_, None) => {
            format!("{} {}", entry.at, entry.message)
        }
        (_, Some(about)) => format!("{} {about}: {}", entry.at, entry.message),
    };
    entries(turn, before).into_iter().map(line).collect()
}

/// The same, as data.
pub fn entries(turn: &Turn, before: Option<&Turn>) -> Vec<Entry> {
    let scaling = &turn.scaling;
    let at = scaling.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let entry = |level, event, about: Option<String>, message| Entry {
        at: at.clone(),
        level,
        event,
        about,
        message,
    };
    let mut said = Vec::new();
    for (side, why) in &turn.unseen {
        let known = before.and_then(|before| before.unseen.get(side));
        if known != Some(why) {
            let message = format!("{side:?} cannot be seen: {why}");
            said.push(entry(Level::Warn, Event::Unseen, Some(format!("{side:?}")), message));
        }
    }
    let told = before.map(|before| &before.scaling.events);
    for event in scaling.events.iter().filter(|event| told.is_none_or(|t| !t.contains(event))) {
        let about = Some(event.about.to_string());
        said.push(entry(Level::Info, Event::Notice, about, event.text.clone()));
    }
    if !turn.done.is_empty() || before.is_none() || !said.is_empty() {
        said.extend(scaling.stages.iter().map(|(name, stage)| {
            let level = if stage.doubt.is_some() { Level::Warn } else { Level::Info };
            entry(level, Event::Stage, Some(name.to_string()), stage_line(stage))
        }));
    }
    said.extend(turn.done.iter().map(|done| {
        let failed = matches!(done.outcome, Some(Err(_)));
        let level = if failed { Level::Error } else { Level::Info };
        entry(level, Event::Write, Some(done.pool.to_string()), done_line(done, turn))
    }));
    for (name, pool) in &scaling.pools {
        let known = before.and_then(|before| before.scaling.pools.get(name));
        let held = hold_line(pool, known);
        said.extend(held.map(|line| entry(Level::Info, Event::Held, Some(name.to_string()), line)));
    }
    if !turn.done.is_empty() {
        said.extend(turn.withheld.iter().map(|why| {
            entry(Level::Info, Event::Withheld, None, format!("nothing was written: {why}"))
        }));
    }
    said
}

fn stage_line(stage: &StageScaling) -> String {
    let demand = stage.demand.map_or_else(|| "unknown".to_owned(), |rate| rate.to_string());
    let expected = match (&stage.expected, stage.expected_by.as_str()) {
        (Some(expected), "") => format!(", expected {expected}"),
        (Some(expected), by) => format!(", expected {expected} ({by})"),
        (None, _) => String::new(),
    };
    let need = stage.need.map_or_else(String::new, |need| format!(", needs {need}"));
    let doubt = stage.doubt.iter().map(|doubt| format!("; {doubt}")).collect::<String>();
    format!(
        "demand {demand}{expected}{need}; serves {}, with what comes {}{doubt}",
        stage.serving, stage.coming
    )
}

fn done_line(done: &Done, turn: &Turn) -> String {
    let what = match &done.step {
        Step::SetUnits { id, from, to, .. } => format!("{} {from} → {to}", id.name),
        Step::DrainUnits { id, units, .. } => format!("{}: {} ends", id.name, units.join(", ")),
        step => step.id().to_string(),
    };
    let reason = turn.scaling.pools.get(&done.pool).and_then(|pool| pool.reasons.first());
    let why = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    let outcome = match &done.outcome {
        None => " (not written)".to_owned(),
        Some(Ok(())) => String::new(),
        Some(Err(error)) => format!(" FAILED: {error}"),
    };
    format!("{what}{outcome}{why}")
}

/// What has begun to hold the pool, and did not before.
fn hold_line(pool: &PoolScaling, before: Option<&PoolScaling>) -> Option<String> {
    let same =
        |hold: &Hold, other: &Hold| (hold.cause, hold.direction) == (other.cause, other.direction);
    let known = |hold: &&Hold| {
        before.is_some_and(|before| before.holds.iter().any(|other| same(hold, other)))
    };
    let held: Vec<String> = pool
        .holds
        .iter()
        .filter(|hold| !known(hold))
        .map(|hold| format!("{}: {}", hold.cause, hold.why))
        .collect();
    (!held.is_empty()).then(|| format!("held by {}", held.join("; ")))
}
