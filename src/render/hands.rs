//! What operators have said by hand, for readers.

use super::style::{Ink, Style};
use super::text::{Line, Screen};
use crate::clock::Timestamp;
use crate::observe::{Aborted, HandHold, Hands, Lifted, Override, Pause};
use schemars::JsonSchema;
use serde::Serialize;

/// The version of the JSON.
pub const FORMAT_VERSION: &str = "1.1";

/// What operators have said by hand. Also the document that `hold`, `scale` and
/// `resume` print with `--json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(title = "Floodway hands")]
pub struct HandsView {
    /// `MAJOR.MINOR`. A higher minor only adds; refuse another major.
    #[schemars(regex(pattern = r"^1\.[0-9]+$"))]
    pub format_version: String,
    /// The environment's name.
    pub environment: String,
    /// When this was so (RFC 3339).
    pub as_of: String,
    /// What this command did, in one line.
    pub summary: String,
    /// What counts now.
    pub hands: SaidView,
}

/// What counts of what operators have said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SaidView {
    /// Numbers that are not to be moved.
    pub holds: Vec<HoldView>,
    /// Numbers that are set.
    pub overrides: Vec<OverrideView>,
    /// Nothing more of the rollout goes out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseView>,
    /// The phase that an apply gave up last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aborted: Option<AbortedView>,
}

/// `floodway rollout pause`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PauseView {
    /// What the operator says.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When it was said (RFC 3339).
    pub since: String,
}

/// A phase that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AbortedView {
    /// The phase.
    pub phase: String,
    /// The abort criterion that was met.
    pub criterion: String,
    /// What was measured.
    pub value: String,
    /// What it is held against.
    pub target: String,
    /// Whose apply it was.
    pub by: String,
    /// When it stopped (RFC 3339).
    pub since: String,
    /// Who let it go on all the same; absent where nobody has: it may not be applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifted: Option<LiftedView>,
}

/// `floodway rollout resume --reason`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LiftedView {
    /// What the operator says.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When it was said (RFC 3339).
    pub at: String,
}

/// `floodway hold`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HoldView {
    /// The pool; absent for the whole environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Nothing is scaled in.
    pub scale_in: bool,
    /// Nothing is scaled out.
    pub scale_out: bool,
    /// Until when (RFC 3339); absent: until somebody resumes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// What the operator says.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When it was said (RFC 3339).
    pub since: String,
}

/// `floodway scale`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OverrideView {
    /// The pool.
    pub pool: String,
    /// Its number.
    pub units: u32,
    /// Until when (RFC 3339); absent: until somebody resumes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// What the operator says.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When it was said (RFC 3339).
    pub since: String,
}

impl HandsView {
    /// What counts in `environment` after a command that did what `summary` says.
    pub fn new(environment: &str, now: Timestamp, hands: &Hands, summary: String) -> Self {
        Self {
            format_version: FORMAT_VERSION.into(),
            environment: environment.into(),
            as_of: now.to_string(),
            summary,
            hands: hands.into(),
        }
    }
}

impl From<&Hands> for SaidView {
    fn from(hands: &Hands) -> Self {
        Self {
            holds: hands.holds.iter().map(Into::into).collect(),
            overrides: hands.overrides.iter().map(Into::into).collect(),
            pause: hands.pause.as_ref().map(Into::into),
            aborted: hands.aborted.as_ref().map(Into::into),
        }
    }
}

impl From<&Pause> for PauseView {
    fn from(pause: &Pause) -> Self {
        Self { reason: pause.reason.clone(), by: pause.by.clone(), since: pause.since.to_string() }
    }
}

impl From<&Aborted> for AbortedView {
    fn from(aborted: &Aborted) -> Self {
        let lifted = |lifted: &Lifted| LiftedView {
            reason: lifted.reason.clone(),
            by: lifted.by.clone(),
            at: lifted.at.to_string(),
        };
        Self {
            phase: aborted.phase.to_string(),
            criterion: aborted.criterion.clone(),
            value: aborted.value.clone(),
            target: aborted.target.clone(),
            by: aborted.by.clone(),
            since: aborted.since.to_string(),
            lifted: aborted.lifted.as_ref().map(lifted),
        }
    }
}

impl From<&HandHold> for HoldView {
    fn from(hold: &HandHold) -> Self {
        Self {
            pool: hold.pool.as_ref().map(ToString::to_string),
            scale_in: hold.scale_in,
            scale_out: hold.scale_out,
            until: hold.until.map(|until| until.to_string()),
            reason: hold.reason.clone(),
            by: hold.by.clone(),
            since: hold.since.to_string(),
        }
    }
}

impl From<&Override> for OverrideView {
    fn from(set: &Override) -> Self {
        Self {
            pool: set.pool.to_string(),
            units: set.units,
            until: set.until.map(|until| until.to_string()),
            reason: set.reason.clone(),
            by: set.by.clone(),
            since: set.since.to_string(),
        }
    }
}

impl SaidView {
    /// A line each: `held: pool h100, no scale-in until …: an incident (ada@host)`.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line> {
        let until = |until: &Option<String>| match until {
            Some(until) => format!("until {until}"),
            None => "until it is resumed".to_owned(),
        };
        let said = |line: Line, reason: &str, by: &str, since: &str| {
            line.prose(reason).ink(Ink::Dim, format!(" ({by}, {since})"))
        };
        let holds = self.holds.iter().map(move |hold| {
            let what = match &hold.pool {
                Some(pool) => format!("pool {pool}"),
                None => "everything".to_owned(),
            };
            let directions = match (hold.scale_in, hold.scale_out) {
                (true, true) => "no scale-in and no scale-out",
                (true, false) => "no scale-in",
                (false, _) => "no scale-out",
            };
            let line = Line::of(Ink::Warn, "held: ").ink(Ink::Strong, what);
            let line = line.text(format!(", {directions} {}: ", until(&hold.until)));
            said(line, &hold.reason, &hold.by, &hold.since)
        });
        let sets = self.overrides.iter().map(move |set| {
            let line = Line::of(Ink::Warn, "set: ").ink(Ink::Strong, format!("pool {}", set.pool));
            let line = line.text(format!(" to {} {}: ", set.units, until(&set.until)));
            said(line, &set.reason, &set.by, &set.since)
        });
        let pause = self.pause.iter().map(move |pause| {
            let line = Line::of(Ink::Warn, "paused: ").ink(Ink::Strong, "the rollout");
            said(line.text(": "), &pause.reason, &pause.by, &pause.since)
        });
        let aborted = self.aborted.iter().flat_map(move |aborted| {
            let AbortedView { phase, criterion, value, target, by, since, lifted } = aborted;
            let line = Line::of(Ink::Fail, "aborted: ").ink(Ink::Strong, format!("phase {phase}"));
            let why = format!("{criterion} was {value}, which is {target}");
            let first = said(line.text(": "), &why, by, since);
            let lifted = lifted.as_ref().map(|lifted| {
                let line = Line::of(Ink::Dim, "  lifted: ");
                said(line, &lifted.reason, &lifted.by, &lifted.at)
            });
            [Some(first), lifted].into_iter().flatten()
        });
        pause.chain(aborted).chain(holds).chain(sets)
    }
}

/// What counts, as text.
pub fn text(view: &HandsView, style: &Style) -> String {
    let mut screen = Screen::new(style);
    for line in view.hands.lines() {
        screen.hanging(0, 2, &line);
    }
    screen.hanging(0, 2, &Line::of(Ink::Strong, &view.summary));
    screen.finish()
}
