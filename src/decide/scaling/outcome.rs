//! The words of a scaling decision.

use super::hold::Hold;
use super::input::{Delays, Mode};
use super::memory::{AsideCause, Memory};
use crate::clock::Timestamp;
use crate::decide::{CapacityType, DesiredOwner, Reason};
use crate::id::Name;
use crate::units::{Rate, Share, Span, UsdPerHour};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The capacity that each pool should have now, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Scaling {
    /// When it was decided.
    pub at: Timestamp,
    /// What the controller could do.
    pub mode: Mode,
    /// By stage.
    pub stages: BTreeMap<Name, StageScaling>,
    /// By pool.
    pub pools: BTreeMap<Name, PoolScaling>,
    /// What is worth telling, beside numbers.
    pub events: Vec<Event>,
    /// What burst costs now.
    pub cost_now: Cost,
    /// What it will cost when all of this has been done.
    pub cost_after: Cost,
    /// For the next decision; no part of a record.
    #[serde(skip)]
    pub memory: Memory,
}

/// What runs costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// As far as it is known.
    pub usd_per_hour: UsdPerHour,
    /// Units whose price is not known.
    pub unpriced: u32,
}

/// One stage's load, and what carries it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageScaling {
    /// The load that is seen; none: nothing is known of it.
    pub demand: Option<Rate>,
    /// Why nothing is scaled in by it; none: it can be believed.
    pub doubt: Option<String>,
    /// The load to be ready for: at the time at which what would be launched now
    /// serves, and never under what is seen.
    pub expected: Option<Rate>,
    /// Why that: `the forecast (lstm, P95) at 12:10`.
    pub expected_by: String,
    /// How far ahead that is.
    pub lead: Span,
    /// What the forecast says of its horizon's end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<Band>,
    /// The capacity that it asks for: over the target utilization.
    pub need: Option<Rate>,
    /// What serves now.
    pub serving: Rate,
    /// With what is on its way.
    pub coming: Rate,
    /// When all of this has been done.
    pub after: Rate,
    /// What is needed and fits nowhere.
    pub unmet: Rate,
    /// The share of requests that cannot be served inside the SLO now: advice to
    /// the gateway.
    pub shed: Share,
    /// The load has risen so suddenly that nothing is scaled in.
    pub panic: bool,
    /// What held all pools of the stage.
    pub holds: Vec<Hold>,
}

/// Between what the load will be at a time, by the forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Band {
    /// When.
    pub at: Timestamp,
    /// Its lowest quantile, P5.
    pub low: Rate,
    /// The quantile that is planned for, `burst.forecast.quantile`.
    pub high: Rate,
}

/// One pool's part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolScaling {
    /// The stage that it serves.
    pub stage: Name,
    /// Who sets its number; only the controller's are to be written.
    pub owner: DesiredOwner,
    /// Whether it could be seen; if not, nothing is to be written.
    pub visible: bool,
    /// Its bounds, in units.
    pub min: u32,
    /// See `min`.
    pub max: u32,
    /// Units that are asked for now, without those on their way out.
    pub now: u32,
    /// Units wanted.
    pub wanted: u32,
    /// Units that serve.
    pub serving: u32,
    /// What one unit carries (of a burst pool: of its first group).
    pub capacity_per_unit: Rate,
    /// What that is of what is declared, where it was learned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worth: Option<Share>,
    /// How long its launches take, measured or declared: what the decision looked
    /// ahead by. None: an older Floodway has not noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch: Option<Delays>,
    /// Pods that its nodes run, where they join a cluster.
    pub pods: Option<u32>,
    /// A Deployment, or the groups of a burst pool, in order of preference.
    pub sources: Vec<SourceScaling>,
    /// Why this many, first the deciding one.
    pub reasons: Vec<Reason>,
    /// What was held, and by what.
    pub holds: Vec<Hold>,
}

/// A Deployment's or a group's number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceScaling {
    /// The group's own name; none: it is a Deployment, or not there yet.
    pub group: Option<String>,
    /// What it is named for: `g6e.12xlarge`; on-prem `replicas`.
    pub label: String,
    /// Its market; none on-prem.
    pub market: Option<CapacityType>,
    /// Asked for now, as it stands in the place.
    pub desired: u32,
    /// Units wanted, when those on their way out are gone.
    pub wanted: u32,
    /// The number to write now: `wanted` and those on their way out, and never
    /// below what serves; equal to `desired` where nothing is to be written. A
    /// shrinking group's number falls with each unit that has drained.
    pub set: u32,
    /// Units to choose, drain and end.
    pub shrink: u32,
    /// Units that drain already stay after all: somebody has said that nothing is
    /// scaled in. No part of a record, where the pool's holds say it.
    #[serde(skip)]
    pub stays: bool,
    /// Why it is left alone for a while.
    pub aside: Option<AsideCause>,
    /// What a unit costs, if that is known; on-prem as declared.
    pub usd_per_hour: Option<UsdPerHour>,
}

impl SourceScaling {
    /// By which it is remembered: `g6e.12xlarge/spot`, on-prem `replicas`.
    pub fn key(&self) -> String {
        match self.market {
            Some(market) => format!("{}/{}", self.label, market.as_str()),
            None => self.label.clone(),
        }
    }
}

/// What is worth telling, beside numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What kind.
    pub kind: EventKind,
    /// The stage or pool; of what is about neither, the environment.
    pub about: Name,
    /// In words.
    pub text: String,
}

/// The kinds of what is worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A pool was raised.
    ScaledOut,
    /// A pool was lowered.
    ScaledIn,
    /// An offering has no capacity, or a number of it is refused, and it is left alone.
    SetAside,
    /// Units never became ready, and are given up.
    GivenUp,
    /// One unit of what was left alone is tried.
    Probe,
    /// What was left alone is used again.
    Recovered,
    /// A unit could not be drained in its time, and stays.
    DrainGivenUp,
    /// A sudden load: nothing is scaled in.
    PanicBegan,
    /// It is over.
    PanicEnded,
    /// Capacity that cannot be seen is counted as lost.
    Lost,
    /// More is needed than fits anywhere.
    Unmet,
    /// All that is needed fits again.
    Met,
    /// Requests cannot all be served inside the SLO.
    Shed,
    /// They can again.
    Served,
    /// The autoscaler that has a pool's number cannot act.
    AutoscalerStuck,
    /// It can again.
    AutoscalerActs,
    /// A budget keeps capacity back that a stage needs.
    BudgetReached,
    /// It has kept none back for a while.
    BudgetFree,
    /// Instances have notice: their place takes them back.
    SpotNotice,
    /// This controller leads from now on.
    LeaderElected,
    /// It leads no more.
    LeaderLost,
    /// An operator holds a pool, or the environment.
    OperatorHold,
    /// An operator has set a pool's number.
    OperatorNumber,
    /// What an operator has said counts no more.
    OperatorResumed,
}

impl EventKind {
    /// Whether somebody should look.
    pub const fn is_warning(self) -> bool {
        match self {
            Self::SetAside | Self::GivenUp | Self::DrainGivenUp => true,
            Self::Lost | Self::Unmet | Self::Shed | Self::AutoscalerStuck => true,
            Self::BudgetReached | Self::SpotNotice | Self::LeaderLost => true,
            Self::ScaledOut | Self::ScaledIn | Self::Probe => false,
            Self::Recovered | Self::PanicBegan | Self::PanicEnded => false,
            Self::Met | Self::Served | Self::AutoscalerActs => false,
            Self::BudgetFree | Self::LeaderElected => false,
            Self::OperatorHold | Self::OperatorNumber | Self::OperatorResumed => false,
        }
    }
}
