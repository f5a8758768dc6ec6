//! What was recorded of phases, for readers.

use crate::render::style::{Ink, Style};
use crate::render::text::{Line, Screen, Table, clock_time, count};
use crate::rollout::{Comparison, Record, Row};
use crate::spec::model::LimitUnit;
use schemars::JsonSchema;
use serde::Serialize;

/// The version of the JSON.
pub const FORMAT_VERSION: &str = "1.0";

/// Every phase that something was recorded of. Also the document that
/// `rollout record --show --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "Floodway rollout records")]
pub struct RecordsView {
    /// `MAJOR.MINOR`. A higher minor only adds; refuse another major.
    #[schemars(regex(pattern = r"^1\.[0-9]+$"))]
    pub format_version: String,
    /// The environment's name.
    pub environment: String,
    /// In the order in which they were recorded first.
    pub phases: Vec<PhaseRecordView>,
    /// All of it in one line.
    pub summary: String,
}

/// A phase, before and after.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PhaseRecordView {
    /// Its name.
    pub phase: String,
    /// When it was recorded before it (RFC 3339); absent: it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// When it was recorded after it (RFC 3339); absent: it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Number by number.
    pub numbers: Vec<NumberView>,
}

/// A number, before and after.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct NumberView {
    /// `availability`, `exit.slo`, `pools.usd_per_hour`.
    pub name: String,
    /// `number`, `share`, `seconds`, `dollars`, `requests_per_second`.
    pub unit: String,
    /// Absent: it was not recorded, or nothing was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<f64>,
    /// As [`Self::before`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<f64>,
    /// As people read them.
    pub shown: ShownView,
}

/// Numbers as people read them: `–` where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ShownView {
    /// Before.
    pub before: String,
    /// After.
    pub after: String,
    /// By how much it rose; `–` where one of the two is missing.
    pub change: String,
}

impl RecordsView {
    /// What readers are told of `compared`.
    pub fn new(environment: &str, compared: &[Comparison]) -> Self {
        let whole = compared.iter().filter(|one| one.before.is_some() && one.after.is_some());
        let summary = match compared.len() {
            0 => "Nothing is recorded yet: `floodway rollout record` does it.".to_owned(),
            all => format!("{}, {} before and after.", count(all, "phase"), whole.count()),
        };
        Self {
            format_version: FORMAT_VERSION.into(),
            environment: environment.to_owned(),
            phases: compared.iter().map(phase).collect(),
            summary,
        }
    }
}

fn phase(compared: &Comparison) -> PhaseRecordView {
    PhaseRecordView {
        phase: compared.phase.to_string(),
        before: compared.before.map(|at| at.to_string()),
        after: compared.after.map(|at| at.to_string()),
        numbers: compared.rows.iter().map(number).collect(),
    }
}

fn number(row: &Row) -> NumberView {
    let dash = || "–".to_owned();
    let show = |value: Option<f64>| value.map_or_else(dash, |value| row.unit.show(value));
    let change = row.before.zip(row.after).map(|(before, after)| match after - before {
        same if row.unit.show(same.abs()) == row.unit.show(0.0) => "same".to_owned(),
        less if less < 0.0 => format!("-{}", row.unit.show(-less)),
        more => format!("+{}", row.unit.show(more)),
    });
    let (before, after) = (show(row.before), show(row.after));
    NumberView {
        name: row.name.clone(),
        unit: unit(row.unit).to_owned(),
        before: row.before,
        after: row.after,
        shown: ShownView { before, after, change: change.unwrap_or_else(dash) },
    }
}

const fn unit(unit: LimitUnit) -> &'static str {
    match unit {
        LimitUnit::Number => "number",
        LimitUnit::Share => "share",
        LimitUnit::Seconds => "seconds",
        LimitUnit::Dollars => "dollars",
        LimitUnit::Rate => "requests_per_second",
    }
}

/// Every phase's numbers, side by side.
pub fn text(view: &RecordsView, style: &Style) -> String {
    let mut screen = Screen::new(style);
    for phase in &view.phases {
        screen.blank();
        let when = |at: &Option<String>| match at {
            Some(at) => clock_time(at, ""),
            None => "not recorded".to_owned(),
        };
        let head = Line::of(Ink::Strong, format!("phase {}", phase.phase));
        let times = format!(": before {}, after {}", when(&phase.before), when(&phase.after));
        screen.hanging(0, 2, &head.ink(Ink::Dim, times));
        let mut table = Table::new(&["NUMBER", ">BEFORE", ">AFTER", ">CHANGE"]);
        for number in &phase.numbers {
            table.row([
                Line::from(number.name.as_str()),
                Line::from(number.shown.before.as_str()),
                Line::from(number.shown.after.as_str()),
                Line::of(Ink::Dim, number.shown.change.as_str()),
            ]);
        }
        screen.table(&table);
    }
    screen.blank();
    screen.unwrapped(&Line::of(Ink::Strong, &view.summary));
    screen.finish()
}

/// What `record` has kept at `path`.
pub fn kept(record: &Record, path: &str, style: &Style) -> String {
    let mut screen = Screen::new(style);
    let mut table = Table::new(&["NUMBER", ">VALUE", "WINDOW", "VERDICT"]);
    for number in &record.numbers {
        let value = number.value.map_or_else(|| "–".to_owned(), |value| number.unit.show(value));
        table.row([
            Line::from(number.name.as_str()),
            Line::from(value),
            Line::of(Ink::Dim, number.window.as_str()),
            Line::from(number.verdict.clone().unwrap_or_default()),
        ]);
        if let Some(why) = &number.why {
            table.across(2, Line::of(Ink::Dim, "no data: ").prose(why));
        }
    }
    for pool in &record.pools {
        let units = format!("{} of {}", pool.ready, pool.desired);
        table.row([
            Line::from(format!("pool {}", pool.name)),
            Line::from(units),
            Line::of(Ink::Dim, pool.unit.as_str()),
            Line::new(),
        ]);
    }
    screen.table(&table);
    for note in &record.notes {
        screen.hanging(0, 2, &Line::of(Ink::Warn, "note: ").prose(note));
    }
    screen.blank();
    let moment = record.moment.as_str();
    let head =
        Line::of(Ink::Strong, format!("{} {} phase {}", record.environment, moment, record.phase));
    screen.hanging(0, 2, &head.text(format!(": written to {path}. Commit it.")));
    screen.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::schema;
    use crate::render::tests::documents::assert_valid;

    fn compared() -> Comparison {
        let row = |name: &str, unit, before, after| Row { name: name.into(), unit, before, after };
        Comparison {
            phase: "short".parse().unwrap(),
            before: Some("2026-12-01T08:00:00Z".parse().unwrap()),
            after: Some("2026-12-14T08:00:00Z".parse().unwrap()),
            rows: vec![
                row("availability", LimitUnit::Share, Some(0.9951), Some(0.9993)),
                row("ttft_p99", LimitUnit::Seconds, Some(0.93), Some(0.48)),
                row("burst_response", LimitUnit::Seconds, None, Some(312.0)),
                row("pools.gpus", LimitUnit::Number, Some(24.0), Some(24.0)),
                row("pools.usd_per_hour", LimitUnit::Dollars, Some(96.0), Some(127.48)),
            ],
        }
    }

    #[test]
    fn before_and_after_stand_side_by_side() {
        let mut half = compared();
        half.phase = "medium".parse().unwrap();
        (half.after, half.rows) = (None, vec![compared().rows.remove(0)]);
        half.rows[0].after = None;
        let view = RecordsView::new("prod", &[compared(), half]);
        insta::assert_snapshot!(text(&view, &Style::plain(80)), @"
        phase short: before 2026-12-01 08:00 UTC, after 2026-12-14 08:00 UTC
        NUMBER              BEFORE    AFTER   CHANGE
        availability        99.51%   99.93%   +0.42%
        ttft_p99             930ms    480ms   -450ms
        burst_response           –     5.2m        –
        pools.gpus              24       24     same
        pools.usd_per_hour  $96.00  $127.48  +$31.48

        phase medium: before 2026-12-01 08:00 UTC, after not recorded
        NUMBER        BEFORE  AFTER  CHANGE
        availability  99.51%      –       –

        2 phases, 1 before and after.
        ");
        assert_valid(&schema::rollout_records(), &view);
    }

    #[test]
    fn where_nothing_is_recorded_it_says_how() {
        let view = RecordsView::new("prod", &[]);
        assert!(text(&view, &Style::plain(80)).starts_with("Nothing is recorded yet"));
    }
}
