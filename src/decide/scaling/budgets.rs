//! Budgets that keep capacity back: told when one begins to, and when it has kept none
//! back for a while.

use super::fleet::Pool;
use super::hold::HoldCause;
use super::input::ScalingInput;
use super::memory::StageMemory;
use super::outcome::{Event, EventKind};
use super::time::between;
use crate::id::Name;

/// Each budget as holds name it, and as people do.
const BUDGETS: [(HoldCause, &str); 3] = [
    (HoldCause::BudgetHour, "hour"),
    (HoldCause::BudgetDay, "day"),
    (HoldCause::BudgetMonth, "month"),
];

/// Tells which budgets keep back what a stage needs (`stage` are the places of its pools
/// in `pools`). Where its load is not `known`, and where another may decide at the same
/// time, none is known to be free again.
pub(super) fn tell(
    input: &ScalingInput<'_>,
    pools: &[Pool<'_>],
    (name, stage): (&Name, &[usize]),
    (memory, known): (&mut StageMemory, bool),
    events: &mut Vec<Event>,
) {
    let mut push = |kind, text| events.push(Event { kind, about: name.clone(), text });
    for (cause, of) in BUDGETS {
        let mut holds = stage.iter().flat_map(|&at| &pools[at].holds);
        if let Some(hold) = holds.find(|hold| hold.cause == cause) {
            if memory.capped.insert(cause, None).is_none() {
                let text = format!("the budget of the {of} stops scale-out: {}", hold.why.text);
                push(EventKind::BudgetReached, text);
            }
            continue;
        }
        let Some(gone_since) = memory.capped.get_mut(&cause) else { continue };
        if !known || input.mode.is_apart() {
            continue;
        }
        let gone_since = *gone_since.get_or_insert(input.now);
        if between(gone_since, input.now) >= input.tuning.panic_short {
            memory.capped.remove(&cause);
            push(EventKind::BudgetFree, format!("the budget of the {of} stops nothing any more"));
        }
    }
}
