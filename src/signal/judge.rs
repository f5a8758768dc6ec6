//! From what one server says of a signal now to a reading.

use super::missing::Missing;
use super::{Answer, Facts, MeasureError, MeasureFailure, Query, Reading, Sample, Verdict};
use crate::clock::Timestamp;
use crate::units::Span;

/// What measurements are held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How old one may be.
    pub max_age: Span,
    /// By how much two clocks may differ before a sample is from the future.
    pub skew: Span,
    /// How long all that is read at once may take; none: as long as each query may.
    pub patience: Option<Span>,
}

impl Policy {
    /// The declared age, and clocks that may differ by five seconds: NTP keeps them
    /// within fractions of one.
    pub fn new(max_age: Span) -> Self {
        Self { max_age, skew: Span::from_secs(5), patience: None }
    }

    /// The same, for measurements that are all read within `patience`.
    #[must_use]
    pub fn within(self, patience: Span) -> Self {
        Self { patience: Some(patience), ..self }
    }
}

/// What one server said of one signal.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Which server, for people.
    pub server: String,
    /// What the query answered.
    pub answer: Result<Answer, MeasureError>,
    /// What is known of the series behind it; none: of these nothing can be asked. An
    /// error: it was asked, and there is no answer.
    pub facts: Result<Option<Facts>, MeasureError>,
    /// The last that was known, where it answers nothing now.
    pub last: Option<Sample>,
    /// Since when the server runs, if it says.
    pub started: Option<Timestamp>,
    /// For how long its series must have been there.
    pub window: Option<Span>,
}

impl Observation {
    fn known(&self) -> Option<&Facts> {
        self.facts.as_ref().ok()?.as_ref()
    }
}

/// A reading, and what else there is to know about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The reading.
    pub reading: Reading,
    /// Warnings of the servers, and what those say that were not believed.
    pub notes: Vec<String>,
    /// That there is nothing to read is no fault.
    pub quiet: bool,
}

impl Measured {
    /// A reading of which there is nothing else to say.
    pub fn plain(reading: Reading) -> Self {
        Self { reading, notes: Vec::new(), quiet: false }
    }

    /// Whether there is nothing to measure, as there may be: nobody has asked for what a
    /// latency would be of, or nothing is in the state that is counted.
    pub fn is_idle(&self) -> bool {
        self.quiet && self.reading.verdict == Verdict::Missing
    }

    /// Whether something that is declared could not be read.
    pub fn is_unreadable(&self) -> bool {
        match self.reading.verdict {
            Verdict::Good | Verdict::Settling(_) | Verdict::Contradicted(_) => false,
            Verdict::Missing => !self.quiet,
            Verdict::Stale { .. } | Verdict::Wrong(_) | Verdict::Unreachable(_) => true,
        }
    }
}

/// What to believe of what a server said at `now`.
pub fn judge(query: &Query, said: &Observation, policy: Policy, now: Timestamp) -> Measured {
    let (sample, verdict) = believe(said, policy, now);
    let warnings = said.answer.as_ref().map_or(&[][..], |answer| &answer.warnings);
    let missing = said.known().and_then(Missing::of);
    let (few, many) = (missing.filter(|one| one.are_few()), missing.filter(|one| !one.are_few()));
    // A part of it may be missing; hints about the query are none of that.
    let partial = warnings.iter().find(|warning| !warning.starts_with("PromQL info")).cloned();
    let doubt = partial.or_else(|| Some(many?.told(&said.server))).or_else(|| unaged(said));
    let verdict = match (verdict, doubt) {
        (Verdict::Good, Some(why)) => Verdict::Contradicted(why),
        (verdict, _) => verdict,
    };
    let value = sample.map(|sample| match few {
        Some(few) => few.made_up(sample.value, query.unit),
        None => sample.value,
    });
    let warn = |warning: &String| format!("{} warns: {warning}", said.server);
    let made_up = few.filter(|_| value.is_some()).map(|few| few.noted(&said.server, query.unit));
    Measured {
        reading: Reading {
            signal: query.signal.clone(),
            unit: query.unit,
            source: format!("{} at {}", query.promql, said.server),
            value,
            at: sample.map(|sample| sample.at),
            verdict,
        },
        notes: warnings.iter().map(warn).chain(made_up).collect(),
        quiet: query.quiet,
    }
}

/// A sum that is nothing may come out so little below it: queries reckon with fractions.
const ROUNDING: f64 = 1e-6;

/// The value, or nothing where it is below that by rounding alone.
pub(super) fn nothing_less(value: f64) -> f64 {
    if value < 0.0 && value > -ROUNDING { 0.0 } else { value }
}

fn believe(said: &Observation, policy: Policy, now: Timestamp) -> (Option<Sample>, Verdict) {
    let answer = match &said.answer {
        Ok(answer) => answer,
        Err(error) => {
            let message = match &error.help {
                Some(help) => format!("{error}; {help}"),
                None => error.to_string(),
            };
            let verdict = match error.kind {
                MeasureFailure::Unreachable | MeasureFailure::Denied => {
                    Verdict::Unreachable(message)
                }
                MeasureFailure::Refused | MeasureFailure::Garbage => Verdict::Wrong(message),
            };
            return (None, verdict);
        }
    };
    let mut filled = answer.series.iter().filter_map(|series| series.samples.last().copied());
    let Some(sample) = filled.next() else { return lost(said, policy, now) };
    let more = filled.count();
    if more > 0 {
        let why = format!("{} series where one number is asked for: wrap it in sum()", more + 1);
        return (None, Verdict::Wrong(why));
    }
    let value = nothing_less(sample.value);
    let sample = Sample { value, ..sample };
    if !value.is_finite() {
        return (None, Verdict::Wrong(format!("{value} is no measurement")));
    }
    if value < 0.0 {
        return (None, Verdict::Wrong(format!("{value} is below nothing")));
    }
    let newest = said.known().and_then(|facts| facts.newest);
    let at = newest.map_or(sample.at, |newest| newest.min(sample.at));
    let ahead = newest.unwrap_or(sample.at).max(sample.at);
    let measured = Some(Sample { at, value });
    let skew = since(now, ahead);
    if skew > policy.skew {
        let why = format!("measured {skew} from now: its clock and ours differ");
        return (None, Verdict::Wrong(why));
    }
    if let Some(stale) = stale(at, policy, now) {
        return (measured, stale);
    }
    if let Some(settling) = settling(said, now) {
        return (measured, settling);
    }
    (measured, Verdict::Good)
}

/// How old it is could not be told, nor whether it is the whole.
fn unaged(said: &Observation) -> Option<String> {
    let error = said.facts.as_ref().err()?;
    Some(format!("its age is not known: {error}"))
}

/// Nothing is answered: its series have ended, or there were none.
fn lost(said: &Observation, policy: Policy, now: Timestamp) -> (Option<Sample>, Verdict) {
    let known = said.last.filter(|last| last.value.is_finite() && last.value >= 0.0);
    match known {
        Some(last) => match stale(last.at, policy, now) {
            Some(stale) => (Some(last), stale),
            None => (Some(last), Verdict::Missing),
        },
        None => (None, Verdict::Missing),
    }
}

fn stale(at: Timestamp, policy: Policy, now: Timestamp) -> Option<Verdict> {
    let age = since(at, now);
    (age > policy.max_age).then_some(Verdict::Stale { age, limit: policy.max_age })
}

fn settling(said: &Observation, now: Timestamp) -> Option<Verdict> {
    let window = said.window?;
    if let Some(started) = said.started
        && since(started, now) < window
    {
        let age = since(started, now);
        let why = format!("{} has run for {age}, and {window} is its window", said.server);
        return Some(Verdict::Settling(why));
    }
    let young = said.known()?.young?;
    Some(Verdict::Settling(format!("its series began less than {young} ago, its window")))
}

/// From `earlier` to `later`, in whole seconds once it is more than one; nothing
/// where they stand the other way round.
fn since(earlier: Timestamp, later: Timestamp) -> Span {
    let millis = later.as_millisecond().saturating_sub(earlier.as_millisecond());
    let millis = u64::try_from(millis).unwrap_or(0);
    Span::from_millis(if millis > 1000 { millis / 1000 * 1000 } else { millis })
}

#[cfg(test)]
mod tests;
