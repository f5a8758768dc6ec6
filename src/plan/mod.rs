//! Exactly which changes: the difference between desired and inventory,
//! ordered, guarded, and bound to the world it was computed from.
//!
//! [`draft`] works the plan out; the places are asked its
//! [`Draft::check_requests`]; [`finish`] joins their answers.

mod change;
mod cost;
mod destroy;
mod diff;
mod draft;
mod drift;
mod edges;
mod elsewhere;
mod fingerprint;
mod finish;
mod guard;
mod halted;
mod heirs;
mod images;
mod import;
mod input;
mod instances;
mod kinds;
mod moving;
mod one;
mod order;
mod orphans;
mod owners;
mod parent;
pub mod quantity;
mod reasons;
mod refresh;
mod refreshing;
mod reservations;
mod room;
pub mod saved;
mod sharing;
mod shrinking;
mod slots;
mod spending;
mod stale;
mod step;
mod steps;
mod target;
#[cfg(test)]
pub(crate) mod tests;
mod totals;
mod verdict;
mod view;
mod waves;

pub use change::{
    Action, Change, Checked, FieldChange, Fingerprint, Flow, Plan, PoolDelta, Refusal, Totals,
};
pub use cost::{Cost, Costs, MarketCost, Offering, Priced, of_group};
pub use destroy::destroy_plan;
pub use diff::{Diff, diff, diff_wanted};
pub use draft::{Draft, draft};
pub use drift::{Drift, Finding, What, applied_digest, drift};
pub use finish::{PlanFailure, finish};
pub use guard::wrong_place;
pub use halted::halted;
pub use images::{Differences, Differs, ImageChange, PackageChange};
pub use import::{Import, import_options, imported};
pub use input::{PlanError, PlanInput, PlanOptions};
pub use kinds::resource_named;
pub use orphans::{Claim, Orphan, orphans};
pub use refreshing::wait_or_cancel;
pub use stale::{Stale, staleness};
pub use step::{Precondition, Rolling, Step, Takes};
pub use target::Target;
pub use verdict::{CheckRequest, FailureKind, PortError, Verdict};
pub use waves::WavePlan;
