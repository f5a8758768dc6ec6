//! What a controller's turn came to: lines for people, and numbers to scrape.

mod entries;
mod numbers;

pub use entries::entries;
pub use numbers::{Around, metrics};

use crate::controller::Turn;
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
    let line = |entry: Entry| match &entry.about {
        None => format!("{} {}", entry.at, entry.message),
        Some(about) if entry.event == Event::Unseen => {
            format!("{} {about} {}", entry.at, entry.message)
        }
        Some(about) => format!("{} {about}: {}", entry.at, entry.message),
    };
    entries(turn, before).into_iter().map(line).collect()
}
