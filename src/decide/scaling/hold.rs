//! What keeps numbers as they are.

use crate::clock::Timestamp;
use crate::decide::Reason;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Something that would have been done, and was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// What kept it.
    pub cause: HoldCause,
    /// Which way.
    pub direction: Direction,
    /// Until when, where that is known.
    pub until: Option<Timestamp>,
    /// In words, with the TOML line or the signal's value.
    pub why: Reason,
}

/// Which way a number would have moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Down.
    ScaleIn,
    /// Up.
    ScaleOut,
}

/// All that can keep a number as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldCause {
    /// The load is not known well enough.
    Data,
    /// The pool, or another of its stage, cannot be seen.
    Unseen,
    /// The API server does not answer: numbers only rise.
    KubernetesUnreachable,
    /// The place of the lease does not answer: numbers only rise.
    LeaseUnreachable,
    /// An operator's hold.
    Operator,
    /// An operator's number.
    Override,
    /// A freeze.
    Freeze,
    /// The budget of the hour.
    BudgetHour,
    /// The budget of the day.
    BudgetDay,
    /// The budget of the month.
    BudgetMonth,
    /// There is a budget, and a price is not known.
    PriceUnknown,
    /// The account may run no more at once.
    Quota,
    /// The pool's max.
    Max,
    /// The group or Deployment is not there.
    NotThere,
    /// The place has no capacity of it.
    NoCapacity,
    /// Its units never become ready.
    NeverReady,
    /// The autoscaler that owns the number does not raise it.
    Autoscaler,
    /// A capacity block ends before what is launched now would be of use.
    BlockEnds,
    /// It was needed not long ago.
    Stabilization,
    /// The last step in was not long ago, or has not drained yet.
    Step,
    /// A sudden load.
    Panic,
    /// Something of the stage is on its way.
    Pending,
    /// Another hand raised the number not long ago.
    RaisedByOthers,
    /// What was to go could not be drained in its time.
    Drain,
}

impl HoldCause {
    /// As metrics and records name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Unseen => "unseen",
            Self::KubernetesUnreachable => "kubernetes_unreachable",
            Self::LeaseUnreachable => "lease_unreachable",
            Self::Operator => "operator",
            Self::Override => "override",
            Self::Freeze => "freeze",
            Self::BudgetHour => "budget_hour",
            Self::BudgetDay => "budget_day",
            Self::BudgetMonth => "budget_month",
            Self::PriceUnknown => "price_unknown",
            Self::Quota => "quota",
            Self::Max => "max",
            Self::NotThere => "not_there",
            Self::NoCapacity => "no_capacity",
            Self::NeverReady => "never_ready",
            Self::Autoscaler => "autoscaler",
            Self::BlockEnds => "block_ends",
            Self::Stabilization => "stabilization",
            Self::Step => "step",
            Self::Panic => "panic",
            Self::Pending => "pending",
            Self::RaisedByOthers => "raised_by_others",
            Self::Drain => "drain",
        }
    }
}

impl fmt::Display for HoldCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Hold {
    /// Nothing more is added.
    pub(super) fn out(cause: HoldCause, why: Reason) -> Self {
        Self { cause, direction: Direction::ScaleOut, until: None, why }
    }

    /// Nothing is taken away.
    pub(super) fn of_in(cause: HoldCause, why: Reason) -> Self {
        Self { cause, direction: Direction::ScaleIn, until: None, why }
    }

    /// Until then.
    #[must_use]
    pub(super) fn until(mut self, until: Option<Timestamp>) -> Self {
        self.until = until;
        self
    }
}

/// A reason that is no line of the TOML.
pub(super) fn plain(text: impl Into<String>) -> Reason {
    Reason { key: None, at: None, text: text.into() }
}
