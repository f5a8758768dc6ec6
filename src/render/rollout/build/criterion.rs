//! From a criterion and what was found of it, what readers are told.

use super::Input;
use crate::id::Name;
use crate::render::rollout::view::{CriterionView, VerdictView};
use crate::rollout::{Criterion, Finding, Kind, Verdict, criteria};
use crate::spec::model::Phase;

/// The criteria of `phase` of this kind.
pub(super) fn criterion_views(
    input: &Input<'_>,
    name: &Name,
    phase: &Phase,
    kind: Kind,
) -> Vec<CriterionView> {
    let all = criteria(phase).into_iter().filter(|criterion| criterion.kind == kind);
    all.map(|criterion| view(&criterion, finding(input, name, &criterion))).collect()
}

/// What was found of `criterion` of the phase `name`.
pub(super) fn finding<'a>(
    input: &Input<'a>,
    name: &Name,
    criterion: &Criterion<'_>,
) -> Option<&'a Finding> {
    input.findings.iter().find(|found| {
        found.phase == *name && found.kind == criterion.kind && found.name == *criterion.name
    })
}

fn view(criterion: &Criterion<'_>, found: Option<&Finding>) -> CriterionView {
    let number = found.and_then(|found| found.value);
    let (verdict, why) = match found.map(|found| &found.verdict) {
        Some(Verdict::Met) => (VerdictView::Met, None),
        Some(Verdict::NotYet) => (VerdictView::NotYet, None),
        Some(Verdict::Clear) => (VerdictView::Clear, None),
        Some(Verdict::Abort) => (VerdictView::Abort, None),
        Some(Verdict::NoData(why)) => (VerdictView::NoData, Some(why.clone())),
        None => (VerdictView::NoData, None),
    };
    CriterionView {
        name: criterion.name.to_string(),
        summary: criterion.summary.map(str::to_owned),
        measured: criterion.measured(),
        target: criterion.target(),
        window: criterion.window.to_string(),
        value: number.map(|value| criterion.unit().show(value)),
        number,
        since: found.and_then(|found| found.since).map(|since| since.to_string()),
        verdict,
        why,
    }
}
