//! What happens while a command runs: one JSON object a line (NDJSON), beside
//! the text for people.

use crate::render::error::ErrorView;
use crate::render::plan::{ActionView, TotalsView};
use crate::render::status::ProblemView;
use schemars::JsonSchema;
use serde::Serialize;

/// One line of the stream.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "Floodway event")]
pub struct EventLine {
    /// `MAJOR.MINOR`. A higher minor only adds fields and types of events: skip
    /// what you do not know. Refuse another major.
    #[schemars(regex(pattern = r"^1\.[0-9]+$"))]
    pub format_version: String,
    /// When it happened (RFC 3339), on the clock of the place: the simulator's
    /// is virtual.
    pub at: String,
    /// What happened.
    #[serde(flatten)]
    pub event: EventView,
}

/// Something that a change is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ThingView {
    /// Its unique name: `kubernetes_deployment.inference/deepseek-h100`.
    pub address: String,
    /// `Deployment`, `AutoScalingGroup`.
    pub kind: String,
    /// For people: `inference/deepseek-h100`.
    pub name: String,
    /// What happens to it.
    pub action: ActionView,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventView {
    /// A command began.
    Started {
        /// `plan`, `apply`, `destroy`.
        command: String,
        /// The environment's name.
        environment: String,
        /// The version of Floodway.
        floodway_version: String,
    },
    /// A change was planned.
    PlannedChange {
        /// What.
        #[serde(flatten)]
        thing: ThingView,
        /// Why, with file and line.
        reason: String,
    },
    /// The plan is complete.
    Planned {
        /// Its sums.
        totals: TotalsView,
        /// It in one line.
        summary: String,
        /// Whether it may be applied.
        applicable: bool,
    },
    /// Work on a plan began.
    ApplyStarted {
        /// How many changes will be made.
        changes: usize,
    },
    /// Work on a plan is over.
    ApplyEnded {
        /// Changes that were made.
        done: usize,
        /// Changes that failed.
        failed: usize,
        /// Changes that were not begun.
        skipped: usize,
        /// Changes of which it is not known.
        unknown: usize,
    },
    /// A change began.
    ChangeStarted {
        /// What.
        #[serde(flatten)]
        thing: ThingView,
    },
    /// A step of a change began.
    StepStarted {
        /// What.
        #[serde(flatten)]
        thing: ThingView,
        /// `apply`, `hold`, `await_ready`, `drain`, `drain_units`, `delete`, `force_delete`.
        step: String,
        /// The name of what the step is about: of a replacement, new or old.
        target: String,
    },
    /// A call is made again.
    Retrying {
        /// What.
        #[serde(flatten)]
        thing: ThingView,
        /// What the place said.
        because: String,
        /// Seconds until the next try.
        retry_in_s: f64,
    },
    /// A change waits; repeated, so that life is seen.
    Waiting {
        /// What.
        #[serde(flatten)]
        thing: ThingView,
        /// The step that waits: `await_ready`, `drain`, `drain_units`, `delete`, `force_delete`.
        step: String,
        /// Units that are where they should be.
        ready: u32,
        /// Of so many.
        of: u32,
        /// Why not all.
        problems: Vec<ProblemView>,
        /// Seconds since the change began.
        elapsed_s: f64,
    },
    /// A change is done.
    ChangeDone {
        /// What.
        #[serde(flatten)]
        thing: ThingView,
        /// Seconds that it took.
        elapsed_s: f64,
    },
    /// A change failed; what depends on it is skipped, the rest goes on.
    ChangeFailed {
        /// What.
        #[serde(flatten)]
        thing: ThingView,
        /// Why.
        error: ErrorView,
    },
    /// It is unknown whether a change took effect; the next plan finds out.
    ChangeUnknown {
        /// What.
        #[serde(flatten)]
        thing: ThingView,
        /// Why.
        error: ErrorView,
    },
    /// A change was not begun.
    ChangeSkipped {
        /// What.
        #[serde(flatten)]
        thing: ThingView,
        /// Why.
        why: String,
    },
    /// A wave of the plan began: pool after pool, not all at once.
    WaveStarted {
        /// Which, counted from 1.
        wave: u32,
        /// Of so many.
        of: u32,
        /// Its pools.
        pools: Vec<String>,
        /// How many changes it has.
        changes: usize,
    },
    /// All changes of a wave are done: it is waited, and looked at what speaks
    /// against what follows.
    WaveWaiting {
        /// Which, counted from 1.
        wave: u32,
        /// Of so many.
        of: u32,
        /// For how many seconds.
        wait_s: f64,
    },
    /// The wait after a wave is over, and nothing speaks against what follows.
    WavePassed {
        /// Which, counted from 1.
        wave: u32,
        /// Of so many.
        of: u32,
    },
    /// Nothing new is begun; what is in flight ends.
    Stopping {
        /// Why.
        because: String,
    },
    /// Something to know.
    Warning {
        /// In words.
        message: String,
    },
    /// A command ended with an error before or beside its changes.
    Failed {
        /// What is wrong.
        error: ErrorView,
    },
    /// The end, and the last line.
    Finished {
        /// What became of the changes; absent where none were tried.
        #[serde(skip_serializing_if = "Option::is_none")]
        report: Option<ReportView>,
        /// The process's exit code.
        exit_code: u8,
    },
}

/// What became of every change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct ReportView {
    /// What was made, counted as in the plan; absent where something was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made: Option<MadeView>,
    /// Done.
    pub done: Vec<ThingView>,
    /// Failed, each with its error.
    pub failed: Vec<OutcomeView>,
    /// Not begun, each with the reason.
    pub skipped: Vec<OutcomeView>,
    /// Nobody knows yet, each with the reason.
    pub unknown: Vec<OutcomeView>,
    /// Why it stopped early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// The exact command to run next; absent where nothing is left to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_command: Option<String>,
    /// Commands to run instead, where that is for people to choose.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub or_commands: Vec<String>,
}

/// How much a whole apply made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MadeView {
    /// Things that were not there before.
    pub added: usize,
    /// Things that are otherwise now.
    pub changed: usize,
    /// Things that others stand in for now.
    pub replaced: usize,
    /// Things that are gone.
    pub destroyed: usize,
}

/// A change that was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OutcomeView {
    /// What.
    #[serde(flatten)]
    pub thing: ThingView,
    /// Why.
    pub error: ErrorView,
}
