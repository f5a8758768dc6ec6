//! A calendar's days off: a file of the repository, below the folder of the
//! environment that names it.
//!
//! ```text
//! # comments, and empty lines; the source belongs here
//! date,name
//! 2026-12-25,Christmas Day
//! ```

use super::model::Environment;
use super::side_file;
use crate::clock::Date;
use crate::diag::{Diagnostic, Diagnostics};
use common::document::{Loader, Spots};
use std::collections::BTreeMap;
use std::sync::Arc;

const HEAD: &str = "date,name";

/// The key that names the file.
const KEY: &str = "calendar.holidays";

/// A day off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holiday {
    /// The day, in the calendar's time zone.
    pub date: Date,
    /// What it is called.
    pub name: String,
}

/// The days of the file that `environment` names, in their order.
pub(super) fn load(
    environment: &Environment,
    spots: &Spots,
    loader: &dyn Loader,
    found: &mut Diagnostics,
) -> Vec<Holiday> {
    let named = environment.calendar.as_ref().and_then(|calendar| calendar.holidays.as_deref());
    let Some(written) = named else { return Vec::new() };
    let named = (KEY, written, "holidays.csv");
    let Some(read_file) = side_file::read(named, spots, loader, found) else { return Vec::new() };
    let file: Arc<str> = read_file.path.as_str().into();
    let text = String::from_utf8_lossy(&read_file.bytes);
    found.sources.insert(Arc::clone(&file), text.as_ref().into());
    read(&file, &text, found)
}

/// The days of `text`; what is wrong with it goes to `found`, all of it at once.
fn read(file: &Arc<str>, text: &str, found: &mut Diagnostics) -> Vec<Holiday> {
    let mut days: BTreeMap<Date, String> = BTreeMap::new();
    let (mut at, mut head) = (0, false);
    for raw in text.split('\n') {
        let line = raw.strip_suffix('\r').unwrap_or(raw);
        let span = at..at + line.len();
        at += raw.len() + 1;
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let mut wrong = |message: String, help: &str| {
            found.push(Diagnostic::error(message).help(help).at(file, span.clone(), ""));
        };
        if !std::mem::replace(&mut head, true) {
            if line.trim_start_matches('\u{feff}') != HEAD {
                let message = "the first line of the file does not name its columns".to_owned();
                wrong(message, &format!("begin it with `{HEAD}`"));
            }
            continue;
        }
        let (date, name) = line.split_once(',').unwrap_or((line, ""));
        match date.parse::<Date>() {
            Ok(day) if days.contains_key(&day) => {
                wrong(format!("{day} is in the file twice"), "keep one of them");
            }
            Ok(day) => {
                days.insert(day, name.trim().to_owned());
            }
            Err(_) => wrong(format!("`{date}` is no day"), "write it like 2026-12-25"),
        }
    }
    days.into_iter().map(|(date, name)| Holiday { date, name }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Look;

    fn said(text: &str) -> (Vec<Holiday>, String) {
        let mut found = Diagnostics::default();
        let file: Arc<str> = "environments/holidays.csv".into();
        found.sources.insert(Arc::clone(&file), text.into());
        let days = read(&file, text, &mut found);
        (days, found.render(Look::PLAIN))
    }

    #[test]
    fn days_are_read_in_their_order() {
        let (days, said) =
            said("# source\n\ndate,name\r\n2026-12-25,Christmas\r\n2026-01-01,New\n");
        assert_eq!(said, "");
        let dates: Vec<String> = days.iter().map(|day| day.date.to_string()).collect();
        assert_eq!(dates, ["2026-01-01", "2026-12-25"]);
        assert_eq!(days[1].name, "Christmas");
    }

    #[test]
    fn everything_wrong_is_said_with_its_line() {
        let (_, text) = said("2026-01-01\n2026-13-01,x\n2026-01-02,a\n2026-01-02,b\n");
        for place in ["holidays.csv:1:1", "holidays.csv:2:1", "holidays.csv:4:1"] {
            assert!(text.contains(place), "{text}");
        }
    }

    /// The days of 5 U.S.C. 6103(a) in a year, and those that are off instead of one
    /// on a weekend: the Friday before a Saturday, and the Monday after a Sunday
    /// (6103(b), and Executive Order 11582 section 3).
    fn federal(year: i16) -> Vec<(Date, String)> {
        use jiff::civil::Weekday::{self, Monday, Saturday, Sunday, Thursday};
        let fixed = |month: i8, day: i8| Date::constant(year, month, day);
        // The first of the month is a day of the first week; the last is counted back.
        let nth = |month: i8, nth: i8, on: Weekday| {
            let mut days = (1..=31).filter_map(|day| Date::new(year, month, day).ok());
            let on: Vec<Date> = days.by_ref().filter(|day| day.weekday() == on).collect();
            if nth > 0 { on[usize::try_from(nth - 1).unwrap()] } else { *on.last().unwrap() }
        };
        let all = [
            (fixed(1, 1), "New Year's Day"),
            (nth(1, 3, Monday), "Martin Luther King Jr. Day"),
            (nth(2, 3, Monday), "Washington's Birthday"),
            (nth(5, -1, Monday), "Memorial Day"),
            (fixed(6, 19), "Juneteenth National Independence Day"),
            (fixed(7, 4), "Independence Day"),
            (nth(9, 1, Monday), "Labor Day"),
            (nth(10, 2, Monday), "Columbus Day"),
            (fixed(11, 11), "Veterans Day"),
            (nth(11, 4, Thursday), "Thanksgiving Day"),
            (fixed(12, 25), "Christmas Day"),
        ];
        let observed = |day: Date| match day.weekday() {
            Saturday => day.yesterday().ok(),
            Sunday => day.tomorrow().ok(),
            _ => None,
        };
        let with = |(day, name): (Date, &str)| {
            let instead = observed(day).map(|day| (day, format!("{name} (observed)")));
            [Some((day, name.to_owned())), instead].into_iter().flatten()
        };
        all.into_iter().flat_map(with).collect()
    }

    #[test]
    fn the_shipped_days_are_those_of_the_law_in_every_year_that_they_cover() {
        let (days, said) = said(include_str!("../../environments/holidays-us.csv"));
        assert_eq!(said, "");
        let years = (days[0].date.year(), days[days.len() - 1].date.year());
        assert!(years.1 - years.0 >= 2, "{years:?}");
        // New Year's Day of the year after may be off in the last year of the file.
        let mut law: Vec<_> = (years.0..=years.1 + 1).flat_map(federal).collect();
        law.retain(|(day, _)| (years.0..=years.1).contains(&day.year()));
        law.sort();
        let days: Vec<_> = days.into_iter().map(|day| (day.date, day.name)).collect();
        assert_eq!(days, law);
    }
}
