//! Times in which the controller leaves numbers alone.

use crate::id::Name;
use crate::units::Span;
use common::shape::table;

table! {
    /// A time in which the controller leaves numbers as they are: from `start` to
    /// `end`, or for `duration` from each moment of `cron` on.
    pub struct Freeze {
        /// What it is called.
        pub name: Name,
        /// When it begins: minute, hour, day of the month, month, day of the
        /// week.
        pub cron: Option<String>,
        /// How long it lasts from then on, a week at most.
        pub duration: Option<Span>,
        /// The IANA time zone that `cron` is in.
        pub time_zone: String = "UTC".to_owned(),
        /// Not before this moment, like `2026-12-01T00:00:00Z`.
        pub start: Option<String>,
        /// Not after this moment.
        pub end: Option<String>,
        /// Whether nothing is scaled in.
        pub scale_in: bool = true,
        /// Whether nothing is scaled out; what is promised may then not be kept.
        pub scale_out: bool = false,
    }
}
