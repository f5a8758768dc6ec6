//! When and how far to burst.

use crate::units::{Share, Span, UsdPerDay, UsdPerHour, UsdPerMonth};
use common::shape::{Dollars, Fraction, table};

table! {
    /// When and how far to burst.
    pub struct Burst {
        /// How much of the capacity is meant to be in use: above it, scale out.
        pub target_utilization: Share = Share::percent(80),
        /// How far and how cautiously to look ahead.
        pub forecast: ForecastPolicy,
        /// When capacity may go.
        pub scale_in: ScaleIn,
        /// The most that burst may cost; it stops scale-out, and never forces
        /// scale-in.
        pub budget: Option<Budget>,
    }
}

table! {
    /// How far and how cautiously to look ahead.
    pub struct ForecastPolicy {
        /// How far ahead: at least the time that a new node needs to serve.
        pub horizon: Span = Span::from_secs(15 * 60),
        /// Which quantile of the forecast to be ready for.
        pub quantile: Share as Fraction = Share::percent(95),
        /// A file of weights that `floodway forecast train` wrote, by its path from
        /// this file: their forecaster is in the race, and its step is the race's.
        pub weights: Option<String>,
    }
}

table! {
    /// When capacity may go.
    pub struct ScaleIn {
        /// For how long it must have been unneeded.
        pub stabilization: Span = Span::from_secs(15 * 60),
        /// How long an instance may finish its work before it is terminated.
        pub drain: Span = Span::from_secs(10 * 60),
        /// How many units of a stage may go at once; the next go when these have.
        pub step: u32 = 1,
        /// The time from one step to the next, at least.
        pub pause: Span = Span::from_secs(60),
    }
}

table! {
    /// The most that burst may cost.
    pub struct Budget {
        /// Dollars per hour, of what runs at once.
        pub usd_per_hour: Option<UsdPerHour> as Option<Dollars>,
        /// Dollars per calendar day, in UTC.
        pub usd_per_day: Option<UsdPerDay> as Option<Dollars>,
        /// Dollars per calendar month, in UTC.
        pub usd_per_month: Option<UsdPerMonth> as Option<Dollars>,
    }
}
