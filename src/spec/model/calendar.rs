//! What the operations team knows ahead: days off, and planned events.

use crate::id::Name;
use common::shape::{Factor, table};

table! {
    /// What the operations team knows ahead of every day.
    pub struct Calendar {
        /// The IANA time zone that the service's users live by.
        pub time_zone: String = "UTC".to_owned(),
        /// A file of days off, by its path from this file; see
        /// `environments/holidays-us.csv`.
        pub holidays: Option<String>,
    }
}

table! {
    /// What is planned, and will be felt: a launch, a campaign, a maintenance.
    pub struct Event {
        /// What it is called.
        pub name: Name,
        /// When it begins, like `2026-12-01T08:00:00Z`.
        pub start: String,
        /// When it is over.
        pub end: String,
        /// By how much the load is expected to be multiplied: 1.8 is 80 % more.
        pub factor: f64 as Factor,
    }
}
