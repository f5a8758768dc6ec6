//! Why the pipeline ended without a result.

use crate::desired::DesiredError;
use crate::observe::Location;
use crate::plan::{PlanError, PlanFailure, Refusal, Stale};
use crate::port::PortError;

/// Why there is no plan, or why it was not applied.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A place did not answer as needed.
    #[error(transparent)]
    Place(#[from] PortError),
    /// The desired objects cannot be rendered.
    #[error(transparent)]
    Desired(#[from] DesiredError),
    /// The changes cannot be worked out.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The places would refuse changes.
    #[error(transparent)]
    Rejected(#[from] PlanFailure),
    /// Guards forbid applying.
    #[error("{}", guards(.0))]
    Refused(Vec<Refusal>),
    /// The world or the environment is not as it was when the plan was made.
    #[error("the plan is stale: {}", list(.0))]
    Stale(Vec<Stale>),
    /// The plan was made for another place.
    #[error("the plan was made for {planned}, this is {here}", planned = .planned.title, here = .here.title)]
    Elsewhere {
        /// The plan's.
        planned: Box<Location>,
        /// The one that is connected.
        here: Box<Location>,
    },
}

fn guards(refusals: &[Refusal]) -> String {
    let texts: Vec<_> =
        refusals.iter().map(|r| format!("refused by guard {}: {}", r.guard, r.message)).collect();
    texts.join("\n")
}

fn list(stale: &[Stale]) -> String {
    let texts: Vec<_> = stale.iter().map(ToString::to_string).collect();
    texts.join("; ")
}
