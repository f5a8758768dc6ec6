//! An environment that stands in another namespace than its file says.

use super::{PlanInput, Refusal};
use crate::observe::{Live, Ownership};

/// Why nothing may be planned here, if `live` is what this environment has made
/// from another namespace: it has the names of that, and would be made twice.
pub(super) fn refusal(input: &PlanInput<'_>, live: &Live) -> Option<Refusal> {
    let there = live.marks.get("namespace")?;
    // The set's id is a digest of both names: a mark alone would prove nothing.
    let same_name = live.applyset.as_ref() == Some(&input.mark.applyset_id(there));
    let elsewhere = matches!(live.ownership, Ownership::Other(_)) && same_name;
    let (name, here) = (&input.mark.environment, &input.environment.service.namespace);
    elsewhere.then(|| Refusal {
        guard: "namespace".to_owned(),
        message: format!(
            "environment {name} stands in namespace {there} (so says {}), and {} says {here}",
            live.id, input.mark.file
        ),
        help: format!(
            "keep service.namespace = \"{there}\"; to move, put it back, run `floodway destroy \
             {name}`, then change it and apply; if that is another environment, give this one \
             another environment.name"
        ),
    })
}
