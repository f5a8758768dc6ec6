//! A history in a CSV file.

use super::super::exit::{Exit, Failure};
use crate::clock::Timestamp;
use crate::forecast::UPSTREAM;
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
    /// The call volumes of upstream services beside it, by their names.
    pub(super) upstream: Vec<(String, Series)>,
    /// SHA-256 of the file, in hex.
    pub(super) sha256: String,
}

/// Reads `path`: a head with `time` (RFC 3339, or Unix seconds) or `t_s` (seconds
/// since any beginning), `value` or `rate_rps`, and the call volume of a service in
/// each column `upstream/NAME`; other columns are left alone.
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
    let (series, upstream) = parse(path, &bytes)?;
    Ok(History { series, upstream, sha256 })
}

fn wrong(path: &Path, what: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, format!("{} {what}", path.display())).help(
        "a history is a CSV with the head `time,value`: times like 2026-12-01T08:00:00Z or in \
         Unix seconds, an empty value where there was none",
    )
}

/// A load, and the call volumes beside it.
type Parsed = (Series, Vec<(String, Series)>);

fn parse(path: &Path, bytes: &[u8]) -> Result<Parsed, Failure> {
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).comment(Some(b'#')).from_reader(bytes);
    let head = reader.headers().map_err(|error| wrong(path, error))?.clone();
    let column = |names: [&str; 2]| {
        head.iter().position(|name| names.contains(&name.trim_start_matches('\u{feff}')))
    };
    let (Some(time), Some(value)) = (column(["time", "t_s"]), column(["value", "rate_rps"])) else {
        return Err(wrong(path, "names no columns `time` and `value` in its first line"));
    };
    let services: BTreeMap<&str, usize> = head
        .iter()
        .enumerate()
        .filter_map(|(at, name)| Some((name.strip_prefix(UPSTREAM)?, at)))
        .collect();
    let columns: Vec<usize> = [value].into_iter().chain(services.values().copied()).collect();
    let mut rows: BTreeMap<i64, Vec<Option<f64>>> = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(|error| wrong(path, error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |at: usize| record.get(at).unwrap_or_default();
        let at = millis(cell(time))
            .ok_or_else(|| wrong(path, format!("line {line}: `{}` is no time", cell(time))))?;
        let read = |column: &usize| match cell(*column) {
            "" => Ok(None),
            text => {
                let read = text.parse::<f64>();
                let read =
                    read.map_err(|_| wrong(path, format!("line {line}: `{text}` is no value")))?;
                // A load is not negative; what is not a number is a gap.
                Ok(Some(read).filter(|value| value.is_finite() && *value >= 0.0))
            }
        };
        rows.insert(at, columns.iter().map(read).collect::<Result<_, Failure>>()?);
    }
    let names = services.into_keys().map(str::to_owned);
    let mut all = series(&rows, columns.len()).map_err(|why| wrong(path, why))?.into_iter();
    let own = all.next().ok_or_else(|| wrong(path, "has no values"))?;
    Ok((own, names.zip(all).collect()))
}

/// Unix milliseconds.
fn millis(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<f64>() {
        let fits = seconds.abs() < 1e11;
        return fits.then(|| (seconds * 1000.0).round() as i64);
    }
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// The series of each of `columns` values of the rows.
fn series(rows: &BTreeMap<i64, Vec<Option<f64>>>, columns: usize) -> Result<Vec<Series>, String> {
    let times: Vec<i64> = rows.keys().copied().collect();
    let step = times.windows(2).map(|pair| pair[1] - pair[0]).min();
    let (Some(step), Some(first), Some(last)) = (step, times.first(), times.last()) else {
        return Err("has fewer than two rows".to_owned());
    };
    let index = |at: i64| (at - first + step / 2) / step;
    if index(*last) > MOST_STEPS {
        return Err(format!("spans over {MOST_STEPS} steps of {} s", step as f64 / 1000.0));
    }
    let start = Timestamp::from_millisecond(*first).map_err(|error| error.to_string())?;
    let step_of = Span::from_millis(step.unsigned_abs());
    let one = |column: usize| {
        let mut values = vec![None; index(*last) as usize + 1];
        for (at, row) in rows {
            values[index(*at) as usize] = row[column];
        }
        Series::new(start, step_of, values)
    };
    Ok((0..columns).map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Series, String> {
        all(text).map(|(series, _)| series)
    }

    fn all(text: &str) -> Result<Parsed, String> {
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
    fn upstream_services_stand_in_columns_of_their_own_in_the_order_of_their_names() {
        let text = "time,upstream/web,value,upstream/app\n0,7,1,\n60,8,2,5\n";
        let (series, upstream) = all(text).unwrap();
        assert_eq!(series.values(), [Some(1.0), Some(2.0)]);
        let told: Vec<(&str, &[Option<f64>])> =
            upstream.iter().map(|(name, series)| (name.as_str(), series.values())).collect();
        assert_eq!(told, [("app", &[None, Some(5.0)][..]), ("web", &[Some(7.0), Some(8.0)][..])]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        assert!(parsed("a,b\n1,2\n").unwrap_err().contains("names no columns"));
        assert!(parsed("time,value\n0,1\nsoon,2\n").unwrap_err().contains("line 3: `soon`"));
        assert!(parsed("time,value\n0,1\n60,many\n").unwrap_err().contains("line 3: `many`"));
        assert!(parsed("time,value\n0,1\n").unwrap_err().contains("fewer than two rows"));
    }
}
