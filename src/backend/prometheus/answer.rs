//! What a server answers, read.

use super::error;
use crate::clock::Timestamp;
use crate::signal::{Answer, MeasureError, MeasureFailure, RawSeries, Sample};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The most of an error or a warning that is quoted.
const MOST_QUOTED: usize = 300;

#[derive(Deserialize)]
struct Envelope<D> {
    status: String,
    data: Option<D>,
    #[serde(default, rename = "errorType")]
    error_type: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Data {
    Vector(Vec<Series>),
    Matrix(Vec<Series>),
    Scalar(Point),
    String(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
struct Series {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    value: Option<Point>,
    #[serde(default)]
    values: Vec<Point>,
}

/// A time in seconds, and a number as text.
#[derive(Deserialize)]
struct Point(f64, String);

#[derive(Deserialize)]
struct RuntimeInfo {
    #[serde(rename = "startTime")]
    start_time: Option<String>,
}

/// Reads the answer to a query.
pub(super) fn read(server: &str, body: &[u8]) -> Result<Answer, MeasureError> {
    let garbage = |why: &str| {
        let message = format!("{server} answers what is no answer of Prometheus: {why}");
        error(MeasureFailure::Garbage, message, Some("check the address in [signals] prometheus"))
    };
    let envelope: Envelope<Data> =
        serde_json::from_slice(body).map_err(|why| garbage(&why.to_string()))?;
    if envelope.status != "success" {
        return Err(refusal(server, &envelope.error_type, &envelope.error));
    }
    let series = match envelope.data {
        None => return Err(garbage("it holds no data")),
        Some(Data::String(_)) => return Err(garbage("a text in place of a number")),
        Some(Data::Scalar(point)) => {
            vec![Series { metric: BTreeMap::new(), value: Some(point), values: Vec::new() }]
        }
        Some(Data::Vector(series) | Data::Matrix(series)) => series,
    };
    let sample = |point: &Point| {
        let millis = (point.0 * 1000.0).round();
        let at = (millis.abs() < 1e15).then(|| Timestamp::from_millisecond(millis as i64).ok())?;
        Some(Sample { at: at?, value: point.1.parse().ok()? })
    };
    let one = |series: Series| {
        let samples = series.value.iter().chain(&series.values).map(sample);
        Some(RawSeries { samples: samples.collect::<Option<_>>()?, labels: series.metric })
    };
    let series = series.into_iter().map(one).collect::<Option<_>>();
    let series = series.ok_or_else(|| garbage("a sample has no time or no number"))?;
    Ok(Answer { series, warnings: envelope.warnings.iter().map(|text| quoted(text)).collect() })
}

/// What an answer with a status other than 200 says; none: nothing in Prometheus'
/// own words.
pub(super) fn failure(server: &str, body: &[u8]) -> Option<MeasureError> {
    let envelope: Envelope<serde::de::IgnoredAny> = serde_json::from_slice(body).ok()?;
    let told = envelope.status == "error" && !envelope.error.is_empty();
    told.then(|| refusal(server, &envelope.error_type, &envelope.error))
}

/// <https://github.com/prometheus/prometheus/blob/main/web/api/v1/api.go>
fn refusal(server: &str, kind: &str, text: &str) -> MeasureError {
    let text = quoted(text);
    match kind {
        "timeout" | "canceled" | "unavailable" | "internal" => error(
            MeasureFailure::Unreachable,
            format!("{server} cannot answer now ({kind}): {text}"),
            None,
        ),
        _ => error(
            MeasureFailure::Refused,
            format!("{server} refuses the query ({kind}): {text}"),
            Some("try it in Prometheus' own page"),
        ),
    }
}

/// When the server was started.
pub(super) fn started(body: &[u8]) -> Option<Timestamp> {
    let envelope: Envelope<RuntimeInfo> = serde_json::from_slice(body).ok()?;
    envelope.data?.start_time?.parse().ok()
}

/// On one line, and not too long.
fn quoted(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST_QUOTED) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}
