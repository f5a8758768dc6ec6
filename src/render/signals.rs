//! What is measured, for readers.

use super::style::{Ink, Style};
use super::text::{Line, Screen, Table, count, span};
use crate::clock::Timestamp;
use crate::signal::{Measured, Verdict};
use crate::spec::Environment;
use crate::units::Span;
use schemars::JsonSchema;
use serde::Serialize;

/// The version of the JSON.
pub const FORMAT_VERSION: &str = "1.0";

/// All signals. Also the document that `signals --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "Floodway signals")]
pub struct SignalsView {
    /// `MAJOR.MINOR`. A higher minor only adds; refuse another major.
    #[schemars(regex(pattern = r"^1\.[0-9]+$"))]
    pub format_version: String,
    /// The environment's name.
    pub environment: String,
    /// When they were read, in RFC 3339.
    pub at: String,
    /// Everything that is declared could be read.
    pub complete: bool,
    /// Demand first.
    pub signals: Vec<SignalView>,
    /// All of it in one line.
    pub summary: String,
}

/// One signal.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SignalView {
    /// Which: `demand/inference`.
    pub signal: String,
    /// The newest value that could be used, however old.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Its unit.
    pub unit: String,
    /// How old it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<f64>,
    /// `good`, `stale`, `missing`, `wrong`, `settling`, `contradicted`,
    /// `unreachable`.
    pub verdict: String,
    /// Why it is not good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// It is declared, and cannot be read.
    pub unreadable: bool,
    /// Capacity may be released by it.
    pub may_scale_in: bool,
    /// The query, and the server.
    pub source: String,
    /// What else the servers say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl SignalsView {
    /// What readers are told; of what the places told, with the time that it is
    /// there. None: they could not be looked at.
    pub fn new(
        environment: &Environment,
        measured: &[Measured],
        places: Option<(&[Measured], Timestamp)>,
        now: Timestamp,
    ) -> Self {
        let unseen = places.is_none();
        let (there, their_now) = places.unwrap_or((&[], now));
        let ours = measured.iter().map(|one| view(one, now));
        let theirs = there.iter().map(|one| view(one, their_now));
        let signals: Vec<SignalView> = ours.chain(theirs).collect();
        let unreadable = signals.iter().filter(|signal| signal.unreadable).count();
        let number = signals.len();
        let summary = match (unreadable, number) {
            (_, 0) if !unseen => "Nothing is measured: there are no [signals].".to_owned(),
            (0, _) if unseen => "What the places themselves tell could not be read.".to_owned(),
            (0, _) => format!("{}, all read.", count(number, "signal")),
            (_, _) => format!("{unreadable} of {} cannot be read.", count(number, "signal")),
        };
        Self {
            format_version: FORMAT_VERSION.into(),
            environment: environment.environment.name.to_string(),
            at: now.to_string(),
            complete: unreadable == 0 && !unseen,
            signals,
            summary,
        }
    }
}

fn view(measured: &Measured, now: Timestamp) -> SignalView {
    let reading = &measured.reading;
    let age = reading.at.map(|at| {
        let millis = now.as_millisecond().saturating_sub(at.as_millisecond());
        millis.max(0) as f64 / 1000.0
    });
    // Nobody asked, so nothing took any time.
    let idle = measured.quiet && reading.verdict == Verdict::Missing;
    SignalView {
        signal: reading.signal.clone(),
        value: reading.value,
        unit: reading.unit.to_owned(),
        age_seconds: age,
        verdict: reading.verdict.word().to_owned(),
        why: if idle { Some("nothing to measure".to_owned()) } else { reading.verdict.why() },
        unreadable: measured.is_unreadable(),
        may_scale_in: reading.verdict.may_scale_in(),
        source: reading.source.clone(),
        notes: measured.notes.clone(),
    }
}

/// All signals as text; with `source`, where each was asked for.
pub fn text(view: &SignalsView, style: &Style, source: bool) -> String {
    let mut screen = Screen::new(style);
    if !view.signals.is_empty() {
        let mut table = Table::new(&["SIGNAL", ">VALUE", "UNIT", ">AGE", "VERDICT"]);
        for signal in &view.signals {
            let dash = || "–".to_owned();
            let age = signal.age_seconds.map(|age| span(Span::from_millis((age * 1000.0) as u64)));
            table.row([
                Line::of(Ink::Strong, &signal.signal),
                Line::from(signal.value.map_or_else(dash, number)),
                Line::of(Ink::Dim, unit(signal)),
                Line::from(age.unwrap_or_else(dash)),
                Line::of(ink(signal), &signal.verdict),
            ]);
            if let Some(why) = &signal.why {
                table.across(2, Line::new().prose(why));
            }
            for note in &signal.notes {
                table.across(2, Line::of(Ink::Dim, "note: ").prose(note));
            }
            if source {
                table.across(2, Line::of(Ink::Dim, &signal.source));
            }
        }
        screen.table(&table);
        screen.blank();
    }
    screen.unwrapped(&Line::of(Ink::Strong, &view.summary));
    screen.finish()
}

fn unit(signal: &SignalView) -> &str {
    if signal.unit == "share" { "of 1" } else { &signal.unit }
}

fn ink(signal: &SignalView) -> Ink {
    match signal.verdict.as_str() {
        "good" => Ink::Add,
        _ if signal.unreadable => Ink::Fail,
        _ => Ink::Change,
    }
}

/// Three digits after the point at most, and of small numbers as many as tell
/// something.
fn number(value: f64) -> String {
    let digits = if value != 0.0 && value.abs() < 0.01 { 5 } else { 3 };
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests;
