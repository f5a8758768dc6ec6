//! What an apply did, as its journal tells it, for readers.

use super::name::address;
use super::plan::{ActionView, symbol};
use super::style::{Ink, Style};
use super::text::{Line, Screen};
use crate::execute::{Begun, Ended, History, LastWave, Outcome, Told, WaveState, Write};
use crate::observe::ResourceId;
use schemars::JsonSchema;
use serde::Serialize;

/// The version of the JSON.
pub const FORMAT_VERSION: &str = "1.1";

/// What a journal means for the next plan.
const NOTHING_LOST: &str = "the next plan is right from the live world alone";

/// One apply. Also the document that `journal --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(title = "Floodway journal")]
pub struct JournalView {
    /// `MAJOR.MINOR`. A higher minor only adds; refuse another major.
    #[schemars(regex(pattern = r"^1\.[0-9]+$"))]
    pub format_version: String,
    /// The environment.
    pub environment: String,
    /// The file, from the repository's root.
    pub file: String,
    /// Whether there is one, and how it ends.
    pub state: JournalState,
    /// When the apply began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub began: Option<String>,
    /// When it had reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// Who applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// The plan's digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_digest: Option<String>,
    /// The environment's digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment_digest: Option<String>,
    /// Why it stopped early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// The last wave that was begun; absent where there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wave: Option<LastWaveView>,
    /// Its changes, in the plan's order.
    pub changes: Vec<ToldView>,
    /// Writes of which it is not known whether they happened.
    pub in_flight: Vec<WriteView>,
    /// Lines that cannot be read, counted from 1.
    pub damaged_lines: Vec<usize>,
    /// The last line was not written whole: what it announces was not begun.
    pub half_written: bool,
    /// The command that shows an earlier one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earlier: Option<String>,
    /// All of it in one line.
    pub summary: String,
}

/// Whether there is a journal, and how it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JournalState {
    /// There is none.
    None,
    /// The apply has reported.
    Ended,
    /// It was cut off, or it still runs.
    Open,
}

/// How far a wave of an apply has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LastWaveView {
    /// Which, counted from 1.
    pub wave: u32,
    /// Of so many.
    pub of: u32,
    /// `begun`; `waiting`: all of it is done; `passed`: and nothing spoke against it.
    pub state: String,
    /// When this was so.
    pub at: String,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ToldView {
    /// Its unique name; absent where no line that could be read names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// For people: `Deployment inference/deepseek-h100`.
    pub title: String,
    /// What was to happen to it; absent in journals of older versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<ActionView>,
    /// How it ended.
    pub state: ToldState,
    /// When, if that is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Why it is not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The writes that were announced before they were made.
    pub writes: Vec<WriteView>,
}

/// How a change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToldState {
    /// Made.
    Done,
    /// Not made, or made in part.
    Failed,
    /// Not begun, for a reason.
    Skipped,
    /// Nobody knows whether its last write took effect.
    Unknown,
    /// A write was announced, and nothing more is told.
    InFlight,
    /// Nothing was written for it.
    NotBegun,
}

/// A write that was announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WriteView {
    /// When.
    pub at: String,
    /// `apply`, `hold`, `catch_up`, `raise`, `drain`, `delete`, `force_delete`.
    pub step: String,
    /// The thing's unique name.
    pub address: String,
    /// For people.
    pub title: String,
}

impl JournalView {
    /// What readers are told about `history` in `file`; none: there is no such
    /// file. `earlier` is the command that shows the one before.
    pub fn new(
        environment: &str,
        file: String,
        history: Option<&History>,
        earlier: Option<String>,
    ) -> Self {
        let none = History::default();
        let told = history.unwrap_or(&none);
        let begun = told.begun.as_ref();
        let state = match history {
            None => JournalState::None,
            Some(history) if history.ended.is_some() => JournalState::Ended,
            Some(_) => JournalState::Open,
        };
        let changes: Vec<ToldView> =
            told.changes.iter().enumerate().map(|(at, told)| one(at, told)).collect();
        let summary = summary(environment, state, &changes, begun);
        Self {
            format_version: FORMAT_VERSION.into(),
            environment: environment.to_owned(),
            file,
            state,
            began: begun.map(|begun| begun.at.to_string()),
            ended: told.ended.map(|at| at.to_string()),
            holder: begun.and_then(|begun| begun.holder.clone()),
            plan_digest: begun.and_then(|begun| begun.plan_digest.clone()),
            environment_digest: begun.map(|begun| begun.environment_digest.clone()),
            stopped: told.stopped.clone(),
            wave: told.wave.map(LastWaveView::from),
            changes,
            in_flight: told.in_flight().map(WriteView::from).collect(),
            damaged_lines: told.damaged.clone(),
            half_written: told.half_written,
            earlier,
            summary,
        }
    }
}

impl From<LastWave> for LastWaveView {
    fn from(last: LastWave) -> Self {
        let state = match last.state {
            WaveState::Begun => "begun",
            WaveState::Waiting => "waiting",
            WaveState::Passed => "passed",
        };
        Self { wave: last.wave, of: last.of, state: state.into(), at: last.at.to_string() }
    }
}

impl From<&Write> for WriteView {
    fn from(write: &Write) -> Self {
        Self {
            at: write.at.to_string(),
            step: write.step.clone(),
            address: address(&write.id),
            title: write.id.to_string(),
        }
    }
}

fn one(index: usize, told: &Told) -> ToldView {
    let (state, at, message, help) = match &told.ended {
        Ended::InFlight => (ToldState::InFlight, None, None, None),
        Ended::NotBegun => (ToldState::NotBegun, None, None, None),
        Ended::As(outcome, at) => {
            let (state, message, help) = match outcome {
                Outcome::Done => (ToldState::Done, None, None),
                Outcome::Failed { message, help } => {
                    (ToldState::Failed, Some(message.clone()), help.clone())
                }
                Outcome::Skipped { because } => (ToldState::Skipped, Some(because.clone()), None),
                Outcome::Unknown { message } => (ToldState::Unknown, Some(message.clone()), None),
            };
            (state, at.map(|at| at.to_string()), message, help)
        }
    };
    let nameless = || format!("change {} of the plan", index + 1);
    ToldView {
        address: told.id.as_ref().map(address),
        title: told.id.as_ref().map_or_else(nameless, ResourceId::to_string),
        action: told.action.map(ActionView::from),
        state,
        at,
        message,
        help,
        writes: told.writes.iter().map(WriteView::from).collect(),
    }
}

/// The states in the order in which they are counted and shown.
const STATES: [(ToldState, &str, Ink); 6] = [
    (ToldState::Done, "done", Ink::Add),
    (ToldState::Failed, "failed", Ink::Fail),
    (ToldState::Unknown, "unknown", Ink::Warn),
    (ToldState::InFlight, "in flight", Ink::Warn),
    (ToldState::Skipped, "skipped", Ink::Dim),
    (ToldState::NotBegun, "not begun", Ink::Dim),
];

fn summary(
    environment: &str,
    state: JournalState,
    changes: &[ToldView],
    begun: Option<&Begun>,
) -> String {
    if state == JournalState::None {
        return format!(
            "No journal of {environment} is here, and nothing is lost by that: {NOTHING_LOST}."
        );
    }
    let mut parts: Vec<String> = STATES
        .iter()
        .map(|(state, word, _)| (changes.iter().filter(|told| told.state == *state).count(), word))
        .filter(|(number, word)| *number > 0 || **word == "done")
        .map(|(number, word)| format!("{number} {word}"))
        .collect();
    // Journals of older versions do not name what was never begun.
    let untold = begun.map_or(0, |begun| begun.changes.saturating_sub(changes.len()));
    parts.extend((untold > 0).then(|| format!("{untold} not told of")));
    let head = match state {
        JournalState::Ended => "The apply ended",
        _ => "The apply did not end",
    };
    format!("{head}: {}.", parts.join(", "))
}

/// A journal as text.
pub fn text(view: &JournalView, style: &Style) -> String {
    let mut screen = Screen::new(style);
    if view.state != JournalState::None {
        head(&mut screen, view);
        screen.blank();
        view.changes.iter().for_each(|told| change(&mut screen, view, told));
        screen.blank();
        how_it_ends(&mut screen, view);
    }
    for line in &view.damaged_lines {
        let text = format!("Line {line} of {} is damaged and left out.", view.file);
        screen.hanging(0, 2, &Line::of(Ink::Warn, text));
    }
    if view.half_written {
        let text = "The last line was not written whole: what it announces was not begun.";
        screen.hanging(0, 2, &Line::of(Ink::Warn, text));
    }
    screen.hanging(0, 2, &Line::of(Ink::Strong, &view.summary));
    if let Some(command) = &view.earlier {
        screen.unwrapped(&Line::of(Ink::Dim, "The one before: ").text(command));
    }
    screen.finish()
}

fn head(screen: &mut Screen<'_>, view: &JournalView) {
    let mut line = Line::of(Ink::Strong, format!("Apply of {}", view.environment));
    if let Some(began) = &view.began {
        line = line.text(format!(" begun at {began}"));
    }
    if let Some(ended) = &view.ended {
        line = line.text(format!(", ended at {ended}"));
    }
    if let Some(holder) = &view.holder {
        line = line.text(format!(", by {holder}"));
    }
    screen.hanging(0, 2, &line);
    let short = |digest: &String| digest.chars().take(12).collect::<String>();
    let told = [("plan", &view.plan_digest), ("environment", &view.environment_digest)];
    let digests: Vec<String> = told
        .iter()
        .filter_map(|(what, digest)| Some(format!("{what} {}", short(digest.as_ref()?))))
        .collect();
    if !digests.is_empty() {
        screen.hanging(2, 2, &Line::of(Ink::Dim, digests.join(", ")));
    }
}

fn change(screen: &mut Screen<'_>, view: &JournalView, told: &ToldView) {
    const COLUMN: usize = 11;
    let found = STATES.iter().find(|(state, ..)| *state == told.state);
    let (word, ink) = found.map_or(("", Ink::Plain), |(_, word, ink)| (*word, *ink));
    let sign = told.action.map_or((" ", Ink::Plain), symbol);
    let line = Line::of(ink, format!("{word:<9}"))
        .ink(sign.1, format!("{:>4} ", sign.0))
        .ink(Ink::Strong, &told.title);
    screen.hanging(0, COLUMN, &line);
    let mut writes = told.writes.iter().peekable();
    if writes.peek().is_some() {
        let texts: Vec<String> = writes
            .map(|write| {
                let other = if write.title == told.title { "" } else { &write.title };
                let text = format!("{} {other}", verb(&write.step));
                format!("{} at {}", text.trim_end(), write.at)
            })
            .collect();
        screen.hanging(COLUMN + 3, 2, &Line::of(Ink::Dim, texts.join("; ")));
    }
    // What stopped all of them is said once, below.
    let why = told.message.as_ref().filter(|_| told.message != view.stopped);
    for text in why.into_iter().chain(&told.help) {
        screen.hanging(COLUMN + 3, 2, &Line::new().prose(text));
    }
}

fn how_it_ends(screen: &mut Screen<'_>, view: &JournalView) {
    if let Some(LastWaveView { wave, of, state, at }) = &view.wave {
        let state = match state.as_str() {
            "begun" => "had begun",
            "waiting" => "was done, and waited for,",
            _ => "was done, and nothing spoke against it,",
        };
        screen.hanging(0, 2, &Line::from(format!("Wave {wave} of {of} {state} at {at}.")));
    }
    if let Some(why) = &view.stopped {
        screen.hanging(0, 2, &Line::of(Ink::Warn, format!("Stopped early: {why}")));
    }
    if view.state != JournalState::Open {
        return;
    }
    for write in &view.in_flight {
        let doing = Line::of(Ink::Warn, "Cut off while: ")
            .ink(Ink::Strong, format!("{} {}", verb(&write.step), write.title))
            .text(format!(": it may or may not have happened; {NOTHING_LOST}."));
        screen.hanging(0, 2, &doing);
    }
    if view.in_flight.is_empty() {
        let text = format!("Cut off between two writes: {NOTHING_LOST}.");
        screen.hanging(0, 2, &Line::of(Ink::Warn, text));
    }
    let lock = format!("floodway lock show {}", view.environment);
    let text = format!("Whether that apply still runs, the lock tells: {lock}");
    screen.hanging(0, 2, &Line::of(Ink::Dim, text));
}

/// A step as people say it.
fn verb(step: &str) -> &str {
    match step {
        "catch_up" => "catch up",
        "force_delete" => "delete by force",
        other => other,
    }
}
