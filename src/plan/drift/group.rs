//! Auto Scaling groups: no owners of fields, but a digest of what was applied.

use super::super::{fingerprint::half_digest, view};
use super::{Finding, What};
use crate::desired::Desired;
use crate::observe::{Body, Live, marks};

/// The field that the runtime may own, of every group.
const DESIRED: &str = "/desired";

/// What tells a group as it was applied from one that somebody has changed: the
/// digest of its fields without the one that the runtime may own, and without
/// the tag that keeps this very digest ([`marks::APPLIED`]).
pub fn applied_digest(fields: &Body) -> String {
    let mut fields = fields.clone();
    fields.edit(|fields| {
        view::remove(fields, DESIRED);
        view::remove(fields, &view::applied_tag());
    });
    half_digest(&fields)
}

/// Whether a group is not as it was applied; none: it carries no digest.
pub(super) fn changed_since_applied(live: &Live) -> Option<bool> {
    let applied = live.marks.get(marks::APPLIED_KEY)?;
    Some(applied_digest(&live.fields) != *applied)
}

/// What others changed of a group that the file asks for.
pub(super) fn compare(want: &Desired, live: &Live) -> Vec<Finding> {
    let finding = |what, doubt: Option<&str>| Finding {
        id: live.id.clone(),
        what,
        doubt: doubt.map(str::to_owned),
    };
    let not_git = want.seed.as_ref().map(|seed| seed.path.as_str());
    let owned = view::owned(live, Some(&want.body), not_git).value();
    let (number, differences): (Vec<_>, Vec<_>) =
        view::difference(live, &owned, &want.body.value())
            .fields
            .into_iter()
            .partition(|field| field.path == DESIRED.trim_start_matches('/'));
    let field = |field: super::FieldChange| What::Field {
        path: field.path,
        wanted: field.after,
        is: field.before,
        by: Vec::new(),
        edited: false,
    };
    let unedited = live.marks.get(marks::APPLIED_KEY) == Some(&applied_digest(&want.body));
    let mut found: Vec<Finding> = match changed_since_applied(live) {
        Some(false) => Vec::new(),
        Some(true) if unedited => {
            differences.into_iter().map(|difference| finding(field(difference), None)).collect()
        }
        Some(true) => vec![finding(What::Mixed { differences }, None)],
        None => differences
            .into_iter()
            .map(|difference| finding(field(difference), Some(NO_RECORD)))
            .collect(),
    };
    found.extend(number.into_iter().map(|number| finding(field(number), Some(NUMBER))));
    found
}

const NO_RECORD: &str = "the group carries no record of what was applied: somebody set it, or the \
                         file asks for it only since the last apply";
const NUMBER: &str = "AWS does not say who set how many: somebody did, or the file asks for \
                      another number since the last apply";
