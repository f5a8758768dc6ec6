//! The pipeline, repeated: what is measured decides what each pool should have,
//! and that is made so, for days and through faults.

pub mod lead;

mod ahead;
mod alone;
mod aside;
mod bursts;
mod counts;
mod doing;
mod drains;
mod endpoints;
mod gauge;
mod hear;
mod index;
mod launches;
mod learned;
mod left;
mod loads;
mod notes;
mod report;
mod seen;
mod spend;
mod tally;
mod tell;
mod track;
mod turn;
mod world;
mod writes;

pub use bursts::Response;
pub use counts::{Counts, Outcome, RESPONSE_SECONDS, Responses};
pub use drains::{Drains, Going, Went};
pub use gauge::{Gauge, Load};
pub use launches::Launches;
pub use left::{LeftOver, Why};
pub use notes::has_place_for_notes;
pub use report::{Done, Part, Turn};
pub use spend::Spend;
pub use tally::{PoolTally, StageTally, Tally};
pub use turn::{Controller, Settings};

#[cfg(test)]
mod tests;
