//! The pipeline, end to end: one environment, connected, planned and applied.
//!
//! Everything that decides is pure and stands elsewhere; here it is fed from
//! the places and its outcome is carried out.

mod apply;
mod error;
mod gate;
mod hands;
mod lock;
mod look;
mod make_plan;
mod measure;

pub use apply::{Applied, ApplyRequest, apply, apply_in_waves, clock, compare};
pub use error::Error;
pub use gate::{Met, Sight, Unknown, Watch};
pub use hands::{change_hands, hands};
pub use lock::{Holding, break_lock, held_locks};
pub use look::{Seen, look, look_at, look_closely, search};
pub use make_plan::{destroy_plan, find_drift, import_plan, make_plan, plan_from};
pub use measure::{Heard, measure, measure_again, past};

use crate::desired::{self, Templates};
use crate::observe::{Mark, ResourceId};
use crate::port::{Backends, Scope};
use crate::spec::{Catalog, Resolved};

/// One environment with its places.
pub struct Session {
    /// What git declares.
    pub resolved: Resolved,
    /// The same as TOML: what a saved plan remembers.
    pub text: String,
    /// Whose it is.
    pub mark: Mark,
    /// Its places, connected.
    pub backends: Backends,
    /// Instance types, and what they cost.
    pub catalog: Catalog,
    /// What objects are rendered from.
    pub templates: Templates,
    /// What this build cannot do for this environment; shown with every plan.
    pub limits: Vec<String>,
}

impl Session {
    /// What to look for in the places; `named` beside what carries marks.
    pub fn scope(&self, named: impl IntoIterator<Item = ResourceId>) -> Scope {
        let environment = &self.resolved.environment;
        Scope {
            named: named.into_iter().collect(),
            offers: desired::offers(environment),
            lookups: desired::lookups(environment, &self.catalog).into_iter().collect(),
            ..Scope::of(self.mark.clone(), environment.service.namespace.as_str())
        }
    }
}
