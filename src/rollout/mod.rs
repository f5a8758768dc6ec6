//! The environment's way from phase to phase: how the criteria of a phase stand,
//! what was recorded of it, and which steps it takes.

mod finding;

pub use finding::{Finding, Kind, Verdict};
