//! Five fields of a crontab, as EC2 Auto Scaling takes them:
//! <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-scheduled-scaling.html>

use crate::clock::Timestamp;
use jiff::tz::TimeZone;

/// Each field: what it is called, its least and greatest number, and the names
/// that the numbers have, from the least on.
const FIELDS: [(&str, u32, u32, &[&str]); 5] = [
    ("minute", 0, 59, &[]),
    ("hour", 0, 23, &[]),
    ("day of the month", 1, 31, &[]),
    (
        "month",
        1,
        12,
        &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    ),
    ("day of the week", 0, 7, &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]),
];

/// Why `text` is no time at which something can recur.
pub(super) fn wrong(text: &str) -> Option<String> {
    let fields: Vec<&str> = text.split(' ').filter(|field| !field.is_empty()).collect();
    if fields.len() != FIELDS.len() {
        let macros = if text.starts_with('@') { ": `@…` is not known to AWS" } else { "" };
        let plural = if fields.len() == 1 { "" } else { "s" };
        return Some(format!("`{text}` has {} field{plural}, not five{macros}", fields.len()));
    }
    let wrong_field = |(field, known): (&&str, &(&str, u32, u32, &[&str]))| {
        field.split(',').find_map(|part| wrong_part(part, *known))
    };
    fields.iter().zip(&FIELDS).find_map(wrong_field).or_else(|| never(&fields))
}

/// One of a field's alternatives: `*`, `5`, `1-5`, `MON-FRI`, `*/15`.
fn wrong_part(part: &str, known: (&str, u32, u32, &[&str])) -> Option<String> {
    let (name, least, most, _) = known;
    let (span, step) = match part.split_once('/') {
        Some((span, step)) => (span, Some(step)),
        None => (part, None),
    };
    if let Some(step) = step
        && !step.parse::<u32>().is_ok_and(|step| (1..=most).contains(&step))
    {
        return Some(format!("`{step}` in `{part}` is no step of a {name}"));
    }
    if span == "*" {
        return None;
    }
    let ends: Vec<&str> = span.split('-').collect();
    if ends.len() > 2 {
        return Some(format!("`{part}` is no {name}"));
    }
    let mut numbers = Vec::new();
    for end in ends {
        match number(end, known) {
            None => return Some(format!("`{end}` is no {name}")),
            Some(number) if !(least..=most).contains(&number) => {
                return Some(format!("the {name} is {least} to {most}, not {number}"));
            }
            Some(number) => numbers.push(number),
        }
    }
    match numbers[..] {
        [first, last] if first > last => Some(format!("`{span}` begins after it ends")),
        _ => None,
    }
}

fn number(text: &str, (_, least, _, names): (&str, u32, u32, &[&str])) -> Option<u32> {
    let named = names.iter().zip(least..).find(|(name, _)| name.eq_ignore_ascii_case(text));
    named.map(|(_, number)| number).or_else(|| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| digits)
    })
}

/// The last moment in `after..=until` at which `text` recurs, in a time zone. A
/// day counts where its day of the month or its day of the week is named, if
/// both are, as in a crontab. None too of what is no crontab.
pub(crate) fn last(
    text: &str,
    zone: &TimeZone,
    after: Timestamp,
    until: Timestamp,
) -> Option<Timestamp> {
    let fields: Vec<&str> = text.split(' ').filter(|field| !field.is_empty()).collect();
    let sets: Vec<u64> =
        fields.iter().zip(FIELDS).map(|(field, known)| set(field, known)).collect();
    let [minutes, hours, days, months, weekdays] = sets[..] else { return None };
    let has = |set: u64, number: i8| set & (1 << number) != 0;
    let (any_day, any_weekday) = (fields[2].starts_with('*'), fields[4].starts_with('*'));
    let first = zone.to_datetime(after).date();
    let mut day = zone.to_datetime(until).date();
    loop {
        let weekday = day.weekday().to_sunday_zero_offset();
        let (of_month, of_week) = (has(days, day.day()), has(weekdays, weekday));
        let right = match (any_day, any_weekday) {
            (false, false) => of_month || of_week,
            _ => of_month && of_week,
        };
        if right && has(months, day.month()) {
            for hour in (0..24).rev().filter(|hour| has(hours, *hour)) {
                for minute in (0..60).rev().filter(|minute| has(minutes, *minute)) {
                    let at = zone.to_timestamp(day.at(hour, minute, 0, 0)).ok()?;
                    if at <= until {
                        return (at >= after).then_some(at);
                    }
                }
            }
        }
        day = day.yesterday().ok().filter(|day| *day >= first)?;
    }
}

/// The numbers that a right field names, as bits; a week has two Sundays.
fn set(field: &str, known: (&str, u32, u32, &[&str])) -> u64 {
    let (_, least, most, _) = known;
    let mut set = 0u64;
    for part in field.split(',') {
        let (span, step) = part.split_once('/').unwrap_or((part, "1"));
        let (first, last) = match span.split_once('-') {
            _ if span == "*" => (Some(least), Some(most)),
            Some((first, last)) => (number(first, known), number(last, known)),
            None => (number(span, known), number(span, known)),
        };
        let (Some(first), Some(last)) = (first, last.map(|last| last.min(most))) else { continue };
        let step = step.parse::<usize>().unwrap_or(1).max(1);
        (first..=last).step_by(step).for_each(|number| set |= 1 << number);
    }
    if most == 7 && set & (1 << 7) != 0 {
        set |= 1;
    }
    set
}

/// A day that none of the months has: the 31st of April.
fn never(fields: &[&str]) -> Option<String> {
    let [_, _, day, month, "*"] = fields[..] else { return None };
    let first = |text: &str, at: usize| number(text, FIELDS[at]);
    let (day, month) = (first(day, 2)?, first(month, 3)?);
    let has = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].get(month as usize - 1).copied()?;
    (day > has).then(|| format!("month {month} has no day {day}"))
}

#[cfg(test)]
mod tests {
    use super::{last, wrong};
    use crate::clock::Timestamp;
    use jiff::tz::TimeZone;

    #[test]
    fn the_last_time_that_it_recurs_is_found_in_its_zone() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        // A Thursday.
        let (after, until) = (at("2026-11-20T00:00:00Z"), at("2026-11-26T12:30:30Z"));
        let found = |text: &str, zone: &str| {
            let zone = TimeZone::get(zone).unwrap();
            last(text, &zone, after, until).map(|at| at.to_string())
        };
        for (text, zone, expected) in [
            ("30 7 * * MON-FRI", "Europe/Berlin", "2026-11-26T06:30:00Z"),
            ("30 12 * * *", "UTC", "2026-11-26T12:30:00Z"),
            ("*/15 * * * *", "UTC", "2026-11-26T12:30:00Z"),
            ("0 22 * * 7", "UTC", "2026-11-22T22:00:00Z"),
            ("0 0 25 * MON", "UTC", "2026-11-25T00:00:00Z"),
            ("0 13-23/2 * nov *", "UTC", "2026-11-25T23:00:00Z"),
        ] {
            assert_eq!(found(text, zone).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(found("0 0 1 * *", "UTC"), None, "before all that was asked about");
        assert_eq!(found("nonsense", "UTC"), None);
    }

    #[test]
    fn what_a_crontab_takes_is_taken() {
        for right in [
            "0 8 * * *",
            "*/15 8-18 * * MON-FRI",
            "30 6 1,15 jan-mar *",
            "0 0 29 2 *",
            "0 0 * * 0,7",
            "5-50/5  0 * * *",
        ] {
            assert_eq!(wrong(right), None, "{right}");
        }
    }

    #[test]
    fn what_it_does_not_take_is_told_by_its_field() {
        for (text, why) in [
            ("0 8 * *", "`0 8 * *` has 4 fields, not five"),
            ("@daily", "`@daily` has 1 field, not five: `@…` is not known to AWS"),
            ("cron(0 8 * * ? *)", "`cron(0 8 * * ? *)` has 6 fields, not five"),
            ("60 8 * * *", "the minute is 0 to 59, not 60"),
            ("0 8 ? * *", "`?` is no day of the month"),
            ("0 8 * * FRI-MON", "`FRI-MON` begins after it ends"),
            ("*/0 8 * * *", "`0` in `*/0` is no step of a minute"),
            ("0 8 * * +1", "`+1` is no day of the week"),
            ("0 8 1-2-3 * *", "`1-2-3` is no day of the month"),
            ("0 8 31 4 *", "month 4 has no day 31"),
        ] {
            assert_eq!(wrong(text).as_deref(), Some(why), "{text}");
        }
    }
}
