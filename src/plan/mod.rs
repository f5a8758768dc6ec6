//! Exactly which changes: the difference between desired and inventory,
//! ordered, guarded, and bound to the world it was computed from.

mod change;
mod step;
mod verdict;

pub use change::{
    Action, Change, Checked, FieldChange, Fingerprint, Flow, Plan, PoolDelta, Refusal, Totals,
};
pub use step::{Precondition, Step};
pub use verdict::{CheckRequest, FailureKind, PortError, Verdict};
