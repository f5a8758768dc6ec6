//! A table of prices as text: what a repository keeps beside its environments,
//! and what ships with Floodway.
//!
//! ```text
//! # comments, and empty lines
//! instance_type,region,usd_per_hour,date
//! g6e.12xlarge,us-east-1,10.49264,2026-07-20
//! ```

use crate::clock::Date;
use crate::diag::{Diagnostic, Diagnostics};
use crate::units::UsdPerHour;
use common::shape::is_region;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

/// The table of an environment, by its path from the environment's file.
pub const PRICE_TABLE: &str = "prices.csv";

const HEAD: &str = "instance_type,region,usd_per_hour,date";

/// One price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceRow {
    /// The instance type.
    pub instance_type: String,
    /// Where.
    pub region: String,
    /// On demand: Linux, shared tenancy.
    pub usd_per_hour: UsdPerHour,
    /// The day that it was true on.
    pub date: Date,
}

/// The rows of `text`; what is wrong with it goes to `found`, all of it at once.
pub fn read(file: &Arc<str>, text: &str, found: &mut Diagnostics) -> Vec<PriceRow> {
    let mut table = Table { file, found, rows: Vec::new(), lines: BTreeMap::new(), head: false };
    let mut at = 0;
    for (number, line) in text.split('\n').enumerate() {
        table.line(line.strip_suffix('\r').unwrap_or(line), at, number + 1);
        at += line.len() + 1;
    }
    table.rows
}

/// The text that [`read`] reads back, in the order of types and regions.
pub fn write(rows: &[PriceRow]) -> String {
    let mut sorted: Vec<&PriceRow> = rows.iter().collect();
    sorted.sort_by_key(|row| (&row.instance_type, &row.region));
    let mut text = format!(
        "# On-demand list prices: Linux, shared tenancy, USD per hour. `floodway prices refresh`\n\
         # writes this file; what [aws.prices] says in an environment wins over it.\n{HEAD}\n"
    );
    for row in sorted {
        let usd = row.usd_per_hour.to_string();
        let usd = usd.trim_start_matches('$').trim_end_matches("/h");
        // Writing to a String does not fail.
        let _ = writeln!(text, "{},{},{usd},{}", row.instance_type, row.region, row.date);
    }
    text
}

struct Table<'a> {
    file: &'a Arc<str>,
    found: &'a mut Diagnostics,
    rows: Vec<PriceRow>,
    /// The line that has the price of a type in a region.
    lines: BTreeMap<(String, String), usize>,
    head: bool,
}

impl Table<'_> {
    fn line(&mut self, line: &str, at: usize, number: usize) {
        if line.trim().is_empty() || line.starts_with('#') {
            return;
        }
        let whole = at..at + line.len();
        if !self.head {
            self.head = true;
            if line.trim_start_matches('\u{feff}') != HEAD {
                let message = "the first line of the table does not name its columns";
                self.wrong(message, &format!("begin it with `{HEAD}`"), whole);
            }
            return;
        }
        let cells: Vec<(&str, Range<usize>)> = cells(line, at).collect();
        let [(instance_type, _), (region, _), _, _] = &cells[..] else {
            let message = format!("{} cells, where a price has 4", cells.len());
            return self.wrong(message, &format!("write `{HEAD}`"), whole);
        };
        let Some(row) = self.row(&cells) else { return };
        let key = ((*instance_type).to_owned(), (*region).to_owned());
        if let Some(first) = self.lines.insert(key, number) {
            let message = format!("{instance_type} in {region} has a price in line {first} too");
            return self.wrong(message, "keep one of them", whole);
        }
        self.rows.push(row);
    }

    fn row(&mut self, cells: &[(&str, Range<usize>)]) -> Option<PriceRow> {
        let before = self.found.counts().0;
        let [(instance_type, a), (region, b), (usd, c), (date, d)] = cells else { return None };
        if !is_instance_type(instance_type) {
            let message = format!("`{instance_type}` is no instance type");
            self.wrong(message, "write it like g6e.12xlarge", a.clone());
        }
        if !is_region(region) {
            let message = format!("`{region}` is not an AWS region");
            self.wrong(message, "write it like us-east-1", b.clone());
        }
        let price: Option<UsdPerHour> = format!("{usd}/h").parse().ok();
        // What is free has no place in a table of what it costs.
        let price = price.filter(|price| price.micros() > 0 && !usd.starts_with('$'));
        if price.is_none() {
            let message = format!("`{usd}` is no price in dollars per hour");
            let help = "write it like 10.49264, above 0 and with at most six decimals";
            self.wrong(message, help, c.clone());
        }
        let day: Option<Date> = date.parse().ok();
        if day.is_none() {
            self.wrong(format!("`{date}` is no day"), "write it like 2026-07-20", d.clone());
        }
        let right = self.found.counts().0 == before;
        let (usd_per_hour, date) = price.zip(day).filter(|_| right)?;
        let (instance_type, region) = ((*instance_type).to_owned(), (*region).to_owned());
        Some(PriceRow { instance_type, region, usd_per_hour, date })
    }

    fn wrong(&mut self, message: impl Into<String>, help: &str, span: Range<usize>) {
        self.found.push(Diagnostic::error(message).help(help).at(self.file, span, ""));
    }
}

/// The cells of a line that begins at byte `at`, and where they are.
fn cells(line: &str, at: usize) -> impl Iterator<Item = (&str, Range<usize>)> {
    let mut start = at;
    line.split(',').map(move |cell| {
        let span = start..start + cell.len();
        start = span.end + 1;
        (cell, span)
    })
}

/// `g6e.12xlarge`, `p6-b200.48xlarge`.
fn is_instance_type(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    text.len() <= 64 && text.split_once('.').is_some_and(|(a, b)| part(a) && part(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Look;

    fn said(text: &str) -> (Vec<PriceRow>, String) {
        let mut found = Diagnostics::default();
        let file: Arc<str> = "environments/prices.csv".into();
        found.sources.insert(Arc::clone(&file), text.into());
        let rows = read(&file, text, &mut found);
        (rows, found.render(Look::PLAIN))
    }

    #[test]
    fn what_is_written_is_read_back() {
        let text = format!(
            "# a comment\n\n{HEAD}\r\ng6e.12xlarge,us-east-1,10.49264,2026-07-20\r\n\
             p6-b200.48xlarge,eu-west-1,120,2026-01-02"
        );
        let (rows, said_of_it) = said(&text);
        assert_eq!(said_of_it, "");
        assert_eq!(rows.len(), 2);
        assert_eq!(said(&write(&rows)), (rows, String::new()));
    }

    #[test]
    fn everything_wrong_is_said_with_its_line_and_column() {
        let (rows, text) = said(&format!(
            "{HEAD}\n\
             g6e.12xlarge,us-east-1,10.49,2026-07-20\n\
             g6e,us-east-1a,free,2026-13-01\n\
             g5.xlarge,us-east-1,0,2026-07-20\n\
             g5.xlarge,us-east-1,1\n\
             g6e.12xlarge,us-east-1,10.50,2026-07-21\n"
        ));
        assert_eq!(rows.len(), 1, "no row is half read");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_table_without_its_head_is_no_table() {
        let (_, text) = said("g6e.12xlarge,us-east-1,10.49,2026-07-20\n");
        assert!(text.contains("prices.csv:1:1"), "{text}");
        assert!(text.contains(HEAD), "{text}");
    }
}
