//! What is known to come: numbers for certain times.

use crate::id::Name;
use common::shape::table;

table! {
    /// A number that a burst pool is given at certain times, as a scheduled
    /// action of its groups; between them its controller moves it on.
    pub struct Schedule {
        /// What it is called.
        pub name: Name,
        /// The burst pool.
        pub pool: Name,
        /// When: minute, hour, day of the month, month, day of the week.
        pub cron: String,
        /// The IANA time zone that `cron` is in.
        pub time_zone: String = "UTC".to_owned(),
        /// Instances of the pool from then on.
        pub desired: u32,
        /// Not before this moment, like `2026-12-01T00:00:00Z`.
        pub start: Option<String>,
        /// Not after this moment.
        pub end: Option<String>,
    }
}
