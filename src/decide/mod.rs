//! How much capacity each pool should have, and why: planning input → decision.

mod decision;

pub use decision::{
    BurstGroup, CapacityType, Decision, DesiredOwner, OnPremSupply, PoolDecision, PoolKind, Reason,
    Supply, SupplyGroup,
};
