//! The environment's way from phase to phase: how the criteria of a phase stand,
//! what was recorded of it, and which steps it takes.
//!
//! [`criteria`] of a phase become [`Question`]s for a server of measurements; what the
//! servers answer is [`judge`]d into [`Finding`]s. [`findings`] does all of it.

mod asking;
mod built_in;
mod criteria;
mod finding;
#[cfg(test)]
mod fixture;
mod judge;
mod look;
mod passing;
mod phases;
mod record;
mod standing;

pub use asking::Question;
pub use built_in::{inherent_unit, over_a_day};
pub use criteria::{Criterion, criteria};
pub use finding::{Finding, Kind, Verdict};
pub use judge::{Said, judge};
pub use look::{ask, findings};
pub use passing::{Against, Cannot, Passing, promotion, rollback};
pub use phases::{AtMax, PhasePlan, Stage, offline, plan_phases, room_for};
pub use record::{Comparison, Moment, PoolRecord, Record, RecordError, Recorded, Row, comparisons};
pub use standing::{Standing, standing};
