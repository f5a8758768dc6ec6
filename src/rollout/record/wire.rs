//! A record as a file.

use super::{Moment, PoolRecord, Record, Recorded};
use crate::spec::model::LimitUnit;
use serde::Deserialize;
use std::fmt::Write as _;

/// The version of the file's format.
const FORMAT: u32 = 1;

const HEAD: &str = "\
# What was measured around a phase: written by `floodway rollout record`, and left as it
# is from then on.
";

/// Why a file is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It is not TOML, or not such a file.
    #[error("it is no record: {0}")]
    Syntax(String),
    /// Another Floodway wrote it.
    #[error("it has the format {0}, and this Floodway reads {FORMAT}")]
    Format(u32),
    /// A word or a name in it means nothing.
    #[error("`{0}` means nothing there")]
    Word(String),
}

#[derive(Deserialize)]
struct Versioned {
    format: u32,
}

#[derive(Deserialize)]
struct Wire {
    environment: String,
    phase: String,
    moment: String,
    at: String,
    by: String,
    #[serde(default)]
    notes: Vec<String>,
    #[serde(default)]
    number: Vec<Number>,
    #[serde(default)]
    pool: Vec<Pool>,
}

#[derive(Deserialize)]
struct Number {
    name: String,
    measured: String,
    window: String,
    unit: String,
    value: Option<f64>,
    target: Option<String>,
    verdict: Option<String>,
    why: Option<String>,
}

#[derive(Deserialize)]
struct Pool {
    name: String,
    unit: String,
    desired: u32,
    ready: u32,
    requests_per_second: f64,
    gpus: Option<u32>,
    usd_per_hour: Option<f64>,
}

const UNITS: [(LimitUnit, &str); 5] = [
    (LimitUnit::Number, "number"),
    (LimitUnit::Share, "share"),
    (LimitUnit::Seconds, "seconds"),
    (LimitUnit::Dollars, "dollars"),
    (LimitUnit::Rate, "rate"),
];

pub(super) fn read(text: &str) -> Result<Record, RecordError> {
    let syntax = |error: toml::de::Error| RecordError::Syntax(error.message().to_owned());
    let Versioned { format } = toml::from_str(text).map_err(syntax)?;
    if format != FORMAT {
        return Err(RecordError::Format(format));
    }
    let wire: Wire = toml::from_str(text).map_err(syntax)?;
    let word = |word: &str| RecordError::Word(word.to_owned());
    let moments = [Moment::Before, Moment::After];
    let moment = moments.into_iter().find(|moment| moment.as_str() == wire.moment);
    let number = |number: Number| {
        let unit = UNITS.into_iter().find(|(_, word)| *word == number.unit);
        Ok(Recorded {
            unit: unit.ok_or_else(|| word(&number.unit))?.0,
            name: number.name,
            measured: number.measured,
            window: number.window,
            value: number.value.filter(|value| value.is_finite()),
            target: number.target,
            verdict: number.verdict,
            why: number.why,
        })
    };
    Ok(Record {
        environment: wire.environment,
        phase: wire.phase.parse().map_err(|_| word(&wire.phase))?,
        moment: moment.ok_or_else(|| word(&wire.moment))?,
        at: wire.at.parse().map_err(|_| word(&wire.at))?,
        by: wire.by,
        numbers: wire.number.into_iter().map(number).collect::<Result<_, _>>()?,
        pools: wire.pool.into_iter().map(pool).collect(),
        notes: wire.notes,
    })
}

fn pool(pool: Pool) -> PoolRecord {
    let Pool { name, unit, desired, ready, requests_per_second, gpus, usd_per_hour } = pool;
    PoolRecord { name, unit, desired, ready, requests_per_second, gpus, usd_per_hour }
}

pub(super) fn write(record: &Record) -> String {
    let mut text = HEAD.to_owned();
    let _ = writeln!(text, "format = {FORMAT}");
    string(&mut text, "environment", &record.environment);
    string(&mut text, "phase", record.phase.as_str());
    string(&mut text, "moment", record.moment.as_str());
    string(&mut text, "at", &record.at.to_string());
    string(&mut text, "by", &record.by);
    let notes: Vec<String> = record.notes.iter().map(|note| quoted(note)).collect();
    if !notes.is_empty() {
        let _ = writeln!(text, "notes = [\n    {},\n]", notes.join(",\n    "));
    }
    for number in &record.numbers {
        text.push_str("\n[[number]]\n");
        string(&mut text, "name", &number.name);
        string(&mut text, "measured", &number.measured);
        string(&mut text, "window", &number.window);
        let unit = UNITS.into_iter().find(|(unit, _)| *unit == number.unit);
        string(&mut text, "unit", unit.map_or("number", |(_, word)| word));
        if let Some(value) = number.value {
            let shown = number.unit.show(value);
            let _ = writeln!(text, "value = {value:?}  # {shown}");
        }
        let texts =
            [("target", &number.target), ("verdict", &number.verdict), ("why", &number.why)];
        for (key, value) in texts {
            value.iter().for_each(|value| string(&mut text, key, value));
        }
    }
    for pool in &record.pools {
        text.push_str("\n[[pool]]\n");
        string(&mut text, "name", &pool.name);
        string(&mut text, "unit", &pool.unit);
        let _ = writeln!(text, "desired = {}\nready = {}", pool.desired, pool.ready);
        let _ = writeln!(text, "requests_per_second = {:?}", pool.requests_per_second);
        if let Some(gpus) = pool.gpus {
            let _ = writeln!(text, "gpus = {gpus}");
        }
        if let Some(usd) = pool.usd_per_hour {
            let _ = writeln!(text, "usd_per_hour = {usd:?}");
        }
    }
    text
}

fn string(text: &mut String, key: &str, value: &str) {
    let _ = writeln!(text, "{key} = {}", quoted(value));
}

/// A basic string of TOML: as JSON has it, but for the one character more that TOML does
/// not take as it is.
fn quoted(text: &str) -> String {
    let json = serde_json::to_string(text).unwrap_or_default();
    json.replace('\u{7f}', "\\u007f")
}
