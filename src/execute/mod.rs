//! Makes a plan so: every step that the plan names and no other.
//!
//! Nothing is decided here. Independent changes go on when one fails; what
//! depends on a failed one is left alone, and the report says how each ended.

mod event;
mod history;
mod journal;
mod report;
mod run;
mod steps;
#[cfg(test)]
mod tests;

pub use event::{Event, Listener};
pub use history::{Begun, Ended, History, Told, Write};
pub use journal::{Entry, Journal, NoJournal, Planned, Skipped};
pub use report::{Outcome, Report};
pub use run::{Executor, Limits, StopSignal};
