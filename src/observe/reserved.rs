//! Capacity that is reserved in an account, as the account tells it.

use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};

/// How long before its end EC2 begins to end what runs in a capacity block:
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-blocks-using.html>
const BLOCK_CLOSES: i64 = 30 * 60;

/// One capacity reservation, or one Capacity Block for ML.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserved {
    /// Its one instance type.
    pub instance_type: String,
    /// Its one zone.
    pub zone: String,
    /// Instances that it holds, in use or not.
    pub instances: u32,
    /// As EC2 says it: `active`, `scheduled`, `expired`.
    pub state: String,
    /// Whether it is a capacity block.
    pub block: bool,
    /// When it begins; what has begun may not say.
    pub begins: Option<Timestamp>,
    /// When it ends; none: when somebody gives it back.
    pub ends: Option<Timestamp>,
}

impl Reserved {
    /// Whether instances start in it, now or when it begins.
    pub fn is_open(&self) -> bool {
        matches!(self.state.as_str(), "active" | "scheduled")
    }

    /// Whether it has ended by `now`.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.state == "expired" || self.ends.is_some_and(|end| end <= now)
    }

    /// From when on EC2 ends what still runs in it; only a block does that.
    pub fn closes(&self) -> Option<Timestamp> {
        let end = self.ends.filter(|_| self.block)?;
        Timestamp::from_second(end.as_second() - BLOCK_CLOSES).ok()
    }
}
