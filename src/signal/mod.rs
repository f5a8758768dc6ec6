//! Measured series, and what to believe of them. Data only: clients are behind
//! the ports.

mod reading;
mod series;

pub use reading::{Reading, Verdict};
pub use series::{Sample, Series};
