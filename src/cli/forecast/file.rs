//! A history in a CSV file.

use super::super::exit::{Exit, Failure};
use crate::clock::Timestamp;
use crate::signal::Series;
use crate::units::Span;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// The most bytes that are read: some 50 years of minutes.
const MOST: u64 = 1 << 30;

/// The most steps that a history may span.
const MOST_STEPS: i64 = 10_000_000;

/// A history, and the digest of what it was read from.
#[derive(Debug)]
pub(super) struct History {
    pub(super) series: Series,
    /// SHA-256 of the file, in hex.
    pub(super) sha256: String,
}

/// Reads `path`: a head with `time` (RFC 3339, or Unix seconds) or `t_s` (seconds
/// since any beginning), and `value` or `rate_rps`; other columns are left alone.
/// The step is the least distance between two rows, and each row stands on its
/// nearest step; an empty value and a step without a row are gaps.
pub(super) fn read(path: &Path) -> Result<History, Failure> {
    let unreadable = |error: std::io::Error| Failure::file(path, "cannot be read", &error);
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MOST {
        return Err(wrong(path, "is larger than 1 GiB"));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(History { series: parse(path, &bytes)?, sha256 })
}

fn wrong(path: &Path, what: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, format!("{} {what}", path.display())).help(
        "a history is a CSV with the head `time,value`: times like 2026-12-01T08:00:00Z or in \
         Unix seconds, an empty value where there was none",
    )
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Series, Failure> {
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).comment(Some(b'#')).from_reader(bytes);
    let head = reader.headers().map_err(|error| wrong(path, error))?.clone();
    let column = |names: [&str; 2]| {
        head.iter().position(|name| names.contains(&name.trim_start_matches('\u{feff}')))
    };
    let (Some(time), Some(value)) = (column(["time", "t_s"]), column(["value", "rate_rps"])) else {
        return Err(wrong(path, "names no columns `time` and `value` in its first line"));
    };
    let mut rows: BTreeMap<i64, Option<f64>> = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(|error| wrong(path, error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |at: usize| record.get(at).unwrap_or_default();
        let at = millis(cell(time))
            .ok_or_else(|| wrong(path, format!("line {line}: `{}` is no time", cell(time))))?;
        let read = match cell(value) {
            "" => None,
            text => Some(
                text.parse::<f64>()
                    .map_err(|_| wrong(path, format!("line {line}: `{text}` is no value")))?,
            ),
        };
        // A load is not negative; what is not a number is a gap.
        rows.insert(at, read.filter(|value| value.is_finite() && *value >= 0.0));
    }
    series(&rows).map_err(|why| wrong(path, why))
}

/// Unix milliseconds.
fn millis(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<f64>() {
        let fits = seconds.abs() < 1e11;
        return fits.then(|| (seconds * 1000.0).round() as i64);
    }
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

fn series(rows: &BTreeMap<i64, Option<f64>>) -> Result<Series, String> {
    let times: Vec<i64> = rows.keys().copied().collect();
    let step = times.windows(2).map(|pair| pair[1] - pair[0]).min();
    let (Some(step), Some(first), Some(last)) = (step, times.first(), times.last()) else {
        return Err("has fewer than two rows".to_owned());
    };
    let index = |at: i64| (at - first + step / 2) / step;
    if index(*last) > MOST_STEPS {
        return Err(format!("spans over {MOST_STEPS} steps of {} s", step as f64 / 1000.0));
    }
    let mut values = vec![None; index(*last) as usize + 1];
    for (at, value) in rows {
        values[index(*at) as usize] = *value;
    }
    let start = Timestamp::from_millisecond(*first).map_err(|error| error.to_string())?;
    Ok(Series::new(start, Span::from_millis(step.unsigned_abs()), values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Series, String> {
        parse(Path::new("x.csv"), text.as_bytes())
            .map_err(|failure| failure.view.map(|view| view.message).unwrap_or_default())
    }

    #[test]
    fn a_step_without_a_row_and_an_empty_value_are_gaps() {
        let text = "time,value\n2026-01-01T00:00:00Z,1\n2026-01-01T00:01:00Z,\n\
                    2026-01-01T00:02:00Z,3\n2026-01-01T00:05:00Z,NaN\n";
        let series = parsed(text).unwrap();
        assert_eq!(series.step(), Span::from_secs(60));
        assert_eq!(series.values(), [Some(1.0), None, Some(3.0), None, None, None]);
    }

    #[test]
    fn columns_are_found_by_their_names() {
        let series = parsed("t_s,clients,rate_rps\n600,3,2.5\n0,1,1.5\n").unwrap();
        assert_eq!(series.values(), [Some(1.5), Some(2.5)]);
        assert_eq!(series.start(), Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        assert!(parsed("a,b\n1,2\n").unwrap_err().contains("names no columns"));
        assert!(parsed("time,value\n0,1\nsoon,2\n").unwrap_err().contains("line 3: `soon`"));
        assert!(parsed("time,value\n0,1\n60,many\n").unwrap_err().contains("line 3: `many`"));
        assert!(parsed("time,value\n0,1\n").unwrap_err().contains("fewer than two rows"));
    }
}
