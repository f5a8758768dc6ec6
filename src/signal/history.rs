//! What a signal was, as several servers have it.

use super::agree::differ;
use super::{Answer, Blemishes, MeasureError, Policy, Range, Sample, Series, hygiene};
use crate::clock::Timestamp;

/// A signal over time, and what there is to know about it.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// The values; what nobody knows is a gap.
    pub series: Series,
    /// What was wrong with the samples of the server that was believed.
    pub blemishes: Blemishes,
    /// Failures, warnings and contradictions, for people.
    pub notes: Vec<String>,
    /// Why nothing of it could be read; none: something was, or nobody failed to
    /// answer.
    pub unread: Option<String>,
}

/// What `unit` was at each point of `range`: as the first server has it that
/// answers; what it does not know, as the next one does.
pub fn history(
    said: &[(String, Result<Answer, MeasureError>)],
    unit: &str,
    range: &Range,
    policy: Policy,
    now: Timestamp,
) -> History {
    let (mut notes, mut failed) = (Vec::new(), None);
    let mut all: Vec<(&str, Series, Blemishes)> = Vec::new();
    for (server, answer) in said {
        match usable(answer) {
            Ok(samples) => {
                let (series, blemishes) = hygiene::series(samples, range, policy.skew, now);
                all.push((server, series, blemishes));
            }
            Err(why) => {
                notes.push(format!("{server}: {why}"));
                failed.get_or_insert(why);
            }
        }
        let warnings = answer.iter().flat_map(|answer| &answer.warnings);
        notes.extend(warnings.map(|warning| format!("{server} warns: {warning}")));
    }
    let nothing = || Series::new(range.start, range.step, vec![None; range.points()]);
    // One that knows nothing at all is not the one to believe.
    let knows = |(_, series, _): &(&str, Series, Blemishes)| series.last().is_some();
    let first = all.iter().position(knows).unwrap_or(0);
    let gaps = Blemishes { gaps: range.points(), ..Blemishes::default() };
    let (server, mut series, mut blemishes) =
        if all.is_empty() { ("", nothing(), gaps) } else { all.remove(first) };
    for (other, theirs, _) in &all {
        let against = pairs(&series, theirs).filter(|(ours, theirs)| differ(*ours, *theirs, unit));
        match against.count() {
            0 => {}
            count => notes.push(format!("{other} contradicts {server} at {count} points")),
        }
        let filled = series.values().iter().zip(theirs.values());
        let filled = filled.map(|(ours, theirs)| ours.or(*theirs)).collect();
        series = Series::new(range.start, range.step, filled);
    }
    blemishes.gaps = series.values().iter().filter(|value| value.is_none()).count();
    let unread = failed.filter(|_| series.last().is_none());
    History { series, blemishes, notes, unread }
}

fn pairs<'s>(one: &'s Series, other: &'s Series) -> impl Iterator<Item = (f64, f64)> + 's {
    let both = one.values().iter().zip(other.values());
    both.filter_map(|(one, other)| Some(((*one)?, (*other)?)))
}

fn usable(answer: &Result<Answer, MeasureError>) -> Result<&[Sample], String> {
    let answer = answer.as_ref().map_err(ToString::to_string)?;
    match answer.series.as_slice() {
        [] => Ok(&[]),
        [one] => Ok(&one.samples),
        more => Err(format!("{} series where one is asked for: wrap it in sum()", more.len())),
    }
}
