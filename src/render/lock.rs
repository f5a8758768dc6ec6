//! Who holds an environment's lock, for readers.

use super::style::{Ink, Style};
use super::text::{Line, Screen};
use crate::port::HeldLock;
use schemars::JsonSchema;
use serde::Serialize;

/// The version of the JSON.
pub const FORMAT_VERSION: &str = "1.0";

/// The locks of an environment. Also the document that `lock show --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(title = "Floodway lock")]
pub struct LocksView {
    /// `MAJOR.MINOR`. A higher minor only adds; refuse another major.
    #[schemars(regex(pattern = r"^1\.[0-9]+$"))]
    pub format_version: String,
    /// Whether there is anything to lock.
    pub lockable: bool,
    /// Those that somebody holds.
    pub held: Vec<LockView>,
    /// All of it in one line.
    pub summary: String,
}

/// A lock that somebody holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LockView {
    /// Who.
    pub holder: String,
    /// Since when; absent where it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The last heartbeat; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewed: Option<String>,
    /// The holder is taken for dead: the next apply takes the lock.
    pub expired: bool,
    /// Where it lies.
    pub place: String,
}

impl LocksView {
    /// What readers are told about the locks of `environment` that are `held`;
    /// none: it has nothing to lock.
    pub fn new(environment: &str, held: Option<&[HeldLock]>) -> Self {
        let views: Vec<LockView> = held.unwrap_or_default().iter().map(LockView::from).collect();
        let live = views.iter().find(|lock| !lock.expired);
        let summary = match (held, live, views.first()) {
            (None, ..) => format!(
                "{environment} has nothing to lock: no place that it is connected to keeps a lock."
            ),
            (Some(_), Some(lock), _) => {
                format!("{environment} is locked: {} applies.", lock.holder)
            }
            (Some(_), None, Some(lock)) => format!(
                "The lock of {environment} has run out: {} is taken for dead, and the next apply \
                 takes it.",
                lock.holder
            ),
            (Some(_), None, None) => format!("Nobody holds the lock of {environment}."),
        };
        Self {
            format_version: FORMAT_VERSION.into(),
            lockable: held.is_some(),
            held: views,
            summary,
        }
    }
}

impl From<&HeldLock> for LockView {
    fn from(held: &HeldLock) -> Self {
        Self {
            holder: held.holder.clone(),
            since: held.since.map(|at| at.to_string()),
            renewed: held.renewed.map(|at| at.to_string()),
            expired: held.expired,
            place: held.place.clone(),
        }
    }
}

/// The locks as text.
pub fn text(view: &LocksView, style: &Style) -> String {
    let mut screen = Screen::new(style);
    for lock in &view.held {
        let state = match (lock.expired, &lock.renewed) {
            (true, _) => "run out: no heartbeat for too long",
            (false, Some(_)) => "live",
            (false, None) => "live: it is held as long as its process is there",
        };
        let told = [
            ("holder", Some(lock.holder.as_str())),
            ("since", lock.since.as_deref()),
            ("last renewed", lock.renewed.as_deref()),
            ("state", Some(state)),
            ("lies in", Some(lock.place.as_str())),
        ];
        for (what, value) in told.into_iter().filter_map(|(what, value)| Some((what, value?))) {
            let line = Line::of(Ink::Dim, format!("{what:<14}")).text(value);
            screen.hanging(2, 14, &line);
        }
        screen.blank();
    }
    screen.hanging(0, 2, &Line::of(Ink::Strong, &view.summary));
    screen.finish()
}

/// That the lock of `holder` was broken, or was not held any more.
pub fn broken_text(holder: &str, broken: bool, style: &Style) -> String {
    let mut screen = Screen::new(style);
    let text = if broken {
        format!(
            "Broken: it was {holder}'s. If that apply still runs, it notices at its next heartbeat \
             and stops before its next write."
        )
    } else {
        format!("{holder} has given it back meanwhile: nothing was broken.")
    };
    screen.hanging(0, 2, &Line::from(text));
    screen.finish()
}
