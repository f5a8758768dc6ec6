//! What became of one criterion of a phase.

use crate::clock::Timestamp;
use crate::id::Name;
use crate::spec::model::LimitUnit;

/// Which of a phase's criteria it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The phase is done when all of these hold.
    Exit,
    /// The phase is given up when one of these holds.
    Abort,
}

/// A criterion, and how it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The phase.
    pub phase: Name,
    /// The criterion's name in the phase.
    pub name: Name,
    /// Which it is.
    pub kind: Kind,
    /// What it means, in words; none: the file does not say.
    pub summary: Option<String>,
    /// What is measured: the name of what Floodway knows, or the query.
    pub measured: String,
    /// What it is held against: `at least 99.9%`, `above 5%`.
    pub target: String,
    /// What the value is a number of.
    pub unit: LimitUnit,
    /// The value over the window that ends now; none: nothing is known of it.
    pub value: Option<f64>,
    /// Since when it stands as it does, as far back as was looked; none where there is
    /// no data.
    pub since: Option<Timestamp>,
    /// How it stands.
    pub verdict: Verdict,
}

/// How a criterion stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// An exit criterion holds.
    Met,
    /// An exit criterion does not hold yet.
    NotYet,
    /// An abort criterion does not hold.
    Clear,
    /// An abort criterion holds.
    Abort,
    /// There is too little to tell, and why. Never met, and never a reason to abort.
    NoData(String),
}
