//! What a controller's turn came to: lines for people, and numbers to scrape.

mod entries;
mod numbers;

pub use entries::entries;
pub use numbers::{Around, metrics};

use crate::controller::Turn;

/// One thing that a turn has to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it was decided.
    pub at: String,
    /// How much it matters.
    pub level: Level,
    /// What it is.
    pub event: Event,
    /// The side, stage or pool that it is about.
    pub about: Option<String>,
    /// What to read.
    pub message: String,
}

/// How much an entry matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// It is as it should be.
    Info,
    /// Something is done without that should be there.
    Warn,
    /// Something was not done that should have been.
    Error,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

impl Event {
    /// As programs read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unseen => "unseen",
            Self::Notice => "notice",
            Self::Stage => "stage",
            Self::Write => "write",
            Self::Held => "held",
            Self::Withheld => "withheld",
        }
    }
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
