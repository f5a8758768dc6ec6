//! What servers answer of a criterion, judged.

use super::{Criterion, Finding, Kind, Question, Verdict};
use crate::clock::Timestamp;
use crate::id::Name;
use crate::signal::{Answer, MeasureError, Range};
use crate::spec::model::{BuiltIn, Over};
use crate::units::Share;

/// What each server said, with its name.
pub type Said = (String, Result<Answer, MeasureError>);

/// How a criterion of `phase` stands by what each server `said`, in the order in which
/// they are declared: as the first has it that knows enough. Where another one that
/// knows enough has it otherwise, nothing is known.
pub fn judge(phase: &Name, question: &Question<'_>, said: &[Said]) -> Finding {
    let criterion = &question.criterion;
    let finding = |stands: Stands| Finding {
        phase: phase.clone(),
        name: criterion.name.clone(),
        kind: criterion.kind,
        summary: criterion.summary.map(str::to_owned),
        measured: criterion.measured(),
        target: criterion.target(),
        unit: criterion.unit(),
        value: stands.value,
        since: stands.since,
        verdict: stands.verdict,
    };
    if let Err(why) = &question.promql {
        return finding(Stands::nothing(why.clone()));
    }
    let mut chosen: Option<(&str, Stands)> = None;
    let mut failures: Vec<String> = Vec::new();
    for (server, answer) in said {
        let stands = of_one(question, server, answer);
        match (&stands.verdict, &chosen) {
            (Verdict::NoData(why), _) if stands.value.is_none() => failures.push(why.clone()),
            (_, None) => chosen = Some((server, stands)),
            (verdict, Some((first, before))) if *verdict != before.verdict => {
                let show = |stands: &Stands| {
                    stands.value.map_or_else(String::new, |value| criterion.unit().show(value))
                };
                let (ours, theirs) = (show(before), show(&stands));
                let why = format!("the servers contradict: {first} says {ours}, {server} {theirs}");
                return finding(Stands::nothing(why));
            }
            (_, Some(_)) => {}
        }
    }
    let none = || {
        let why = failures.into_iter().next();
        Stands::nothing(
            why.unwrap_or_else(|| "no Prometheus is declared (signals.prometheus)".into()),
        )
    };
    finding(chosen.map_or_else(none, |(_, stands)| stands))
}

/// How it stands, by one server.
struct Stands {
    value: Option<f64>,
    since: Option<Timestamp>,
    verdict: Verdict,
}

impl Stands {
    fn nothing(why: String) -> Self {
        Self { value: None, since: None, verdict: Verdict::NoData(why) }
    }
}

/// What is known of one point.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Point {
    Nothing,
    Value(f64),
    /// So many series where one is asked for.
    Several(usize),
}

impl Point {
    fn value(self) -> Option<f64> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }
}

fn of_one(question: &Question<'_>, server: &str, answer: &Result<Answer, MeasureError>) -> Stands {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Stands::nothing(error.message.clone()),
    };
    // A part of what there is may be missing.
    let is_partial = |warning: &&String| !warning.starts_with("PromQL info");
    if let Some(warning) = answer.warnings.iter().find(is_partial) {
        return Stands::nothing(format!("{server} warns: {warning}"));
    }
    let points = points(&question.range, answer);
    let last = points.len();
    let first = question.points.min(last);
    let at = |end: usize| verdict(question, &points[end - question.points.min(end)..end]);
    let (value, now) = match at(last) {
        Ok(found) => found,
        Err(why) => return Stands::nothing(why),
    };
    let same = |end: &usize| at(*end).is_ok_and(|(_, verdict)| verdict == now);
    let earliest = (first..last).rev().take_while(same).last().unwrap_or(last);
    let since = now.why().is_none().then(|| time(&question.range, earliest - 1));
    Stands { value: Some(value), since, verdict: now }
}

/// The verdict on one window, with its value; or why there is none.
fn verdict(question: &Question<'_>, window: &[Point]) -> Result<(f64, Verdict), String> {
    let criterion = &question.criterion;
    let known = window.iter().filter(|point| point.value().is_some()).count();
    if known < question.needed() {
        return Err(too_little(question, window, known));
    }
    let value = one(criterion, window).ok_or("there is no value")?;
    let verdict = match (criterion.kind, criterion.holds(value)) {
        (Kind::Exit, Some(true)) => Verdict::Met,
        (Kind::Exit, Some(false)) => Verdict::NotYet,
        (Kind::Abort, Some(true)) => Verdict::Abort,
        (Kind::Abort, Some(false)) => Verdict::Clear,
        (_, None) => Verdict::NoData("it is held against nothing".to_owned()),
    };
    Ok((value, verdict))
}

/// A window's values as one.
fn one(criterion: &Criterion<'_>, window: &[Point]) -> Option<f64> {
    let values = || window.iter().filter_map(|point| point.value());
    let value = match criterion.over {
        Over::Mean => {
            // A minute of which nothing is known is not known to be a good one.
            let is_share_of_minutes = criterion.measure == Some(BuiltIn::Availability);
            let counted = match (is_share_of_minutes, criterion.kind) {
                (true, Kind::Exit) => window.len(),
                _ => values().count(),
            };
            sum(values()) / counted as f64
        }
        Over::Min => values().reduce(f64::min)?,
        Over::Max => values().reduce(f64::max)?,
        Over::Last => values().next_back()?,
    };
    value.is_finite().then_some(value)
}

/// A sum that does not lose what the many small parts of it are (Neumaier's), so that
/// the mean of one value is that value.
fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0);
    for value in values {
        let next = sum + value;
        let larger = if sum.abs() >= value.abs() { (sum, value) } else { (value, sum) };
        lost += (larger.0 - next) + larger.1;
        sum = next;
    }
    sum + lost
}

fn too_little(question: &Question<'_>, window: &[Point], known: usize) -> String {
    let several = window.iter().rev().find_map(|point| match point {
        Point::Several(count) => Some(count),
        _ => None,
    });
    if let Some(count) = several {
        return format!(
            "the query answers {count} series where one is asked for: wrap it in sum()"
        );
    }
    let needs = question.needs.as_ref().map(|needs| format!("; {needs}")).unwrap_or_default();
    if known == 0 {
        return format!("nothing is known of its window{needs}");
    }
    let share = |count: usize| {
        let millionths = count as u64 * 1_000_000 / question.points as u64;
        Share::from_millionths(millionths).whole_percent()
    };
    let minimum = question.criterion.minimum;
    format!("{}% of its window is known, and {minimum} is needed{needs}", share(known))
}

/// The answer on the points of `range`; what is not a number is nothing.
fn points(range: &Range, answer: &Answer) -> Vec<Point> {
    let mut points = vec![Point::Nothing; range.points()];
    let (start, step) = (range.start.as_millisecond(), range.step.millis().max(1));
    for series in &answer.series {
        // Of one series, a point that is there twice with different values is no value.
        for sample in &series.samples {
            let after = u64::try_from(sample.at.as_millisecond().saturating_sub(start));
            let Some(after) = after.ok().filter(|after| after.is_multiple_of(step)) else {
                continue;
            };
            let index = usize::try_from(after / step).ok();
            let Some(point) = index.and_then(|index| points.get_mut(index)) else { continue };
            *point = match *point {
                Point::Nothing => Point::Value(sample.value),
                Point::Value(before) if before == sample.value && answer.series.len() == 1 => {
                    Point::Value(before)
                }
                Point::Value(_) => Point::Several(2),
                Point::Several(count) => Point::Several(count + 1),
            };
        }
    }
    for point in &mut points {
        if point.value().is_some_and(|value| !value.is_finite()) {
            *point = Point::Nothing;
        }
    }
    points
}

fn time(range: &Range, index: usize) -> Timestamp {
    let after = range.step.millis().saturating_mul(index as u64);
    range.start.saturating_add(std::time::Duration::from_millis(after)).unwrap_or(range.end)
}

#[cfg(test)]
mod tests;
