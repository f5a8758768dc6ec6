//! What goes on for a while: told when it begins, when it has changed by much, and
//! when it is over, and not with each decision.

use super::memory::{Ongoing, StageMemory};
use super::outcome::{Event, EventKind, StageScaling};
use super::time::between;
use crate::clock::Timestamp;
use crate::id::Name;
use crate::units::Span;

/// It is told again when it is so much more or less than was told last: half as much
/// again, or two thirds of it.
const STEP: (u64, u64) = (3, 2);

/// What there is to tell of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    Goes,
    Over,
}

/// What of a stage is known now; what is not is as it was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// The load to be ready for.
    pub(super) need: bool,
    /// The load now, and all that serves it.
    pub(super) served: bool,
}

/// Tells what of a stage's load fits nowhere, and what is not served in time.
pub(super) fn tell(
    (name, now): (&Name, Timestamp),
    (stage, known): (&StageScaling, Known),
    quiet: Span,
    memory: &mut StageMemory,
    events: &mut Vec<Event>,
) {
    let mut push = |kind, text| events.push(Event { kind, about: name.clone(), text });
    let amount = |known: bool, amount: u64| known.then_some(amount);
    match news(&mut memory.unmet, amount(known.need, stage.unmet.millis()), now, quiet) {
        Some(News::Goes) => {
            let text = format!("{} more is needed than fits anywhere", stage.unmet);
            push(EventKind::Unmet, text);
        }
        Some(News::Over) => push(EventKind::Met, "all that is needed fits again".to_owned()),
        None => {}
    }
    match news(&mut memory.shed, amount(known.served, stage.shed.millionths()), now, quiet) {
        Some(News::Goes) => {
            let text = format!("{} of the requests cannot be served in time", stage.shed);
            push(EventKind::Shed, text);
        }
        Some(News::Over) => {
            push(EventKind::Served, "all requests can be served in time again".to_owned());
        }
        None => {}
    }
}

/// What there is to tell of an amount. It is over when it was nothing for `quiet`.
fn news(
    memory: &mut Option<Ongoing>,
    amount: Option<u64>,
    now: Timestamp,
    quiet: Span,
) -> Option<News> {
    let amount = amount?;
    let Some(known) = memory else {
        if amount == 0 {
            return None;
        }
        *memory = Some(Ongoing { told: amount, gone_since: None });
        return Some(News::Goes);
    };
    if amount == 0 {
        let since = *known.gone_since.get_or_insert(now);
        if between(since, now) < quiet {
            return None;
        }
        *memory = None;
        return Some(News::Over);
    }
    known.gone_since = None;
    let by = |number: u64, times: u64| u128::from(number) * u128::from(times);
    let more = by(amount, STEP.1) >= by(known.told, STEP.0);
    let less = by(amount, STEP.0) <= by(known.told, STEP.1);
    if !more && !less {
        return None;
    }
    known.told = amount;
    Some(News::Goes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const QUIET: Span = Span::from_secs(60);

    fn at(second: usize) -> Timestamp {
        Timestamp::from_second(second as i64).unwrap()
    }

    /// What is told of amounts that are seen second by second.
    fn told(amounts: &[u64]) -> Vec<Option<News>> {
        let mut memory = None;
        let each = amounts.iter().enumerate();
        each.map(|(second, amount)| news(&mut memory, Some(*amount), at(second), QUIET)).collect()
    }

    #[test]
    fn it_is_told_when_it_begins_when_it_has_changed_by_half_and_when_it_is_over() {
        let mut amounts = vec![0, 1000, 1001, 1499, 1500, 1001, 1000, 0, 0, 900];
        amounts.extend([0; 61]);
        let told: Vec<(usize, News)> = told(&amounts)
            .into_iter()
            .enumerate()
            .filter_map(|(second, news)| Some((second, news?)))
            .collect();
        use News::{Goes, Over};
        assert_eq!(told, [(1, Goes), (4, Goes), (6, Goes), (70, Over)]);
    }

    proptest! {
        #[test]
        fn what_moves_a_little_is_told_once(
            amounts in proptest::collection::vec(1000u64..1200, 1..600),
        ) {
            prop_assert_eq!(told(&amounts).into_iter().flatten().count(), 1);
        }

        #[test]
        fn what_is_told_last_is_never_far_from_what_is(
            amounts in proptest::collection::vec(0u64..10_000, 1..300),
        ) {
            let mut memory = None;
            for (second, amount) in amounts.into_iter().enumerate() {
                news(&mut memory, Some(amount), at(second), QUIET);
                if amount > 0 {
                    let told = memory.as_ref().unwrap().told as f64;
                    prop_assert!(amount as f64 / told < 1.5 && amount as f64 / told > 0.66);
                }
            }
        }
    }
}
