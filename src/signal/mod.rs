//! Measured series, and what to believe of them. Data and judgement only: clients
//! are behind the ports.
//!
//! [`declared`] says what an environment wants to know; a server's [`Answer`]s,
//! with the [`facts`] about the series behind them, are [`judged`](judge) into a
//! [`Reading`], or put in order into a [`History`]. What a cluster and an account
//! tell by themselves are [`readings_of`] the inventory.

mod agree;
mod declared;
mod facts;
mod history;
mod hygiene;
mod judge;
mod missing;
mod places;
mod raw;
mod reading;
mod series;
mod sets;

pub use agree::agree;
pub use declared::{Query, declared, demand_of, upstream_of, upstream_service};
pub use facts::{Facts, FactsQuery};
pub use history::{History, history};
pub use hygiene::{Blemishes, series};
pub use judge::{Measured, Observation, Policy, judge};
pub use places::readings_of;
pub use raw::{Answer, MeasureError, MeasureFailure, Range, RawSeries};
pub use reading::{Reading, Verdict};
pub use series::{Sample, Series};
