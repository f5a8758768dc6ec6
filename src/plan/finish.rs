//! The plan with what the places said to it.

use super::{
    Action, Change, Checked, Draft, FailureKind, Plan, PortError, Refusal, Verdict, totals,
};
use crate::observe::{Ownership, ResourceId};

/// The places refuse changes: there is nothing that could be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", summary(.rejected))]
pub struct PlanFailure {
    /// Each refused thing and why, in the order of the plan; never empty.
    pub rejected: Vec<(ResourceId, PortError)>,
}

fn summary(rejected: &[(ResourceId, PortError)]) -> String {
    match rejected {
        [(id, error)] => format!("{id} would be refused: {error}"),
        _ => format!("{} changes would be refused", rejected.len()),
    }
}

/// Joins `draft` with the answers to [`Draft::check_requests`], in any order. A
/// request without an answer counts as not checked.
///
/// # Errors
/// All that the places would refuse.
pub fn finish(
    draft: Draft,
    verdicts: impl IntoIterator<Item = (usize, Verdict)>,
) -> Result<Plan, PlanFailure> {
    let Draft { mut plan, requests, needed } = draft;
    for (index, _) in &requests {
        plan.changes[*index].checked = Checked::Not("the server was not asked".to_owned());
    }
    let mut rejected = Vec::new();
    let mut asked = vec![false; plan.changes.len()];
    for (index, _) in requests {
        asked[index] = true;
    }
    for (index, verdict) in verdicts {
        let Some(change) = plan.changes.get_mut(index).filter(|_| asked[index]) else { continue };
        match verdict {
            Verdict::Accepted => change.checked = Checked::ByServer,
            Verdict::Noted(note) => {
                change.checked = Checked::ByServer;
                change.notes.push(note);
            }
            Verdict::Unchanged => unchanged(change, needed.contains(&index)),
            Verdict::Taken(live) => {
                let refusal = match &live.ownership {
                    Ownership::Other(owner) => Refusal::owned_by_other(&live.id, owner),
                    Ownership::Unmarked | Ownership::Ours => Refusal::not_adopted(&live.id),
                };
                change.checked = Checked::Not(refusal.message.clone());
                change.steps.clear();
                plan.refusals.push(refusal);
            }
            Verdict::NotChecked(why) => change.checked = Checked::Not(why),
            // Whose a field is can be said only with the whole plan in sight.
            Verdict::Rejected(error) if error.kind == FailureKind::Conflict => {
                let refusal = Refusal::conflict(&change.id, &error.message);
                change.checked = Checked::Not(error.message);
                plan.refusals.push(refusal);
            }
            Verdict::Rejected(error) => rejected.push((index, change.id.clone(), error)),
        }
    }
    if !rejected.is_empty() {
        rejected.sort_by_key(|(index, ..)| *index);
        let rejected = rejected.into_iter().map(|(_, id, error)| (id, error)).collect();
        return Err(PlanFailure { rejected });
    }
    plan.totals = totals::totals(&plan.mark, &plan.changes, &plan.pools);
    Ok(plan)
}

/// The server sees no difference where we did: a spelling that it knows and we
/// do not. Only an update can end so; what does more than its write stays.
fn unchanged(change: &mut Change, needed: bool) {
    change.checked = Checked::ByServer;
    if change.action != Action::Update || needed {
        return;
    }
    change.action = Action::NoOp;
    change.unchanged += change.fields.len();
    change.fields.clear();
    change.notes.clear();
    change.steps.clear();
    change.after.clear();
    change.wave = 0;
    change.before = None;
    change.checked = Checked::NotNeeded;
}
