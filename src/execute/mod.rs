//! Makes a plan so: every step that the plan names and no other.
//!
//! Nothing is decided here. Independent changes go on when one fails; what
//! depends on a failed one is left alone, and the report says how each ended. Where
//! the plan has waves, one begins when all of the one before is done and its [`Gate`]
//! lets it.

mod event;
mod gate;
mod history;
mod journal;
mod report;
mod run;
mod steps;
#[cfg(test)]
mod tests;
mod waves;

pub use event::{Event, Listener};
pub use gate::{Gate, Halt, HaltKind};
pub use history::{Begun, Ended, History, LastWave, Told, Write};
pub use journal::{Entry, Journal, NoJournal, Planned, Skipped, WaveState};
pub use report::{Outcome, Report};
pub use run::{Executor, Limits, StopSignal};
