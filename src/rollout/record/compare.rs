//! Before and after, side by side.

use super::{Moment, PoolRecord, Record};
use crate::clock::Timestamp;
use crate::id::Name;
use crate::spec::model::LimitUnit;

/// What a phase changed, as far as it was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The phase.
    pub phase: Name,
    /// When it was recorded before it, last.
    pub before: Option<Timestamp>,
    /// When it was recorded after it, last.
    pub after: Option<Timestamp>,
    /// Number by number.
    pub rows: Vec<Row>,
}

/// One number.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its name in the records.
    pub name: String,
    /// What it is a number of.
    pub unit: LimitUnit,
    /// None: it was not recorded, or nothing was known.
    pub before: Option<f64>,
    /// None: it was not recorded, or nothing was known.
    pub after: Option<f64>,
}

/// The phases that something was recorded of, in the order in which they were recorded
/// first; of several records of one moment, the last.
pub fn comparisons(records: &[Record]) -> Vec<Comparison> {
    let mut sorted: Vec<&Record> = records.iter().collect();
    sorted.sort_by_key(|record| record.at);
    let mut phases: Vec<&Name> = Vec::new();
    for record in &sorted {
        if !phases.contains(&&record.phase) {
            phases.push(&record.phase);
        }
    }
    let one = |phase: &Name| {
        let last = |moment: Moment| {
            let mut of = sorted.iter().rev().filter(|r| r.phase == *phase && r.moment == moment);
            of.next().copied()
        };
        compare(phase, last(Moment::Before), last(Moment::After))
    };
    phases.into_iter().map(one).collect()
}

fn compare(phase: &Name, before: Option<&Record>, after: Option<&Record>) -> Comparison {
    let (first, second) = (before.map(numbers), after.map(numbers));
    let mut rows: Vec<Row> = Vec::new();
    for (number, is_after) in first
        .unwrap_or_default()
        .into_iter()
        .map(|number| (number, false))
        .chain(second.unwrap_or_default().into_iter().map(|number| (number, true)))
    {
        let (name, unit, value) = number;
        let known = rows.iter().position(|row| row.name == name && row.unit == unit);
        let at = known.unwrap_or_else(|| {
            rows.push(Row { name, unit, before: None, after: None });
            rows.len() - 1
        });
        let row = &mut rows[at];
        *(if is_after { &mut row.after } else { &mut row.before }) = value;
    }
    let at = |record: Option<&Record>| record.map(|record| record.at);
    Comparison { phase: phase.clone(), before: at(before), after: at(after), rows }
}

/// All that a record says, with the sums over its pools.
fn numbers(record: &Record) -> Vec<(String, LimitUnit, Option<f64>)> {
    let mut all: Vec<_> =
        record.numbers.iter().map(|n| (n.name.clone(), n.unit, n.value)).collect();
    if record.pools.is_empty() {
        return all;
    }
    let sum = |of: fn(&PoolRecord) -> f64| Some(record.pools.iter().map(of).sum::<f64>());
    let priced = record.pools.iter().all(|pool| pool.usd_per_hour.is_some());
    let usd = sum(|pool| pool.usd_per_hour.unwrap_or_default()).filter(|_| priced);
    let rates = sum(|pool| pool.requests_per_second);
    all.push(("pools.capacity".to_owned(), LimitUnit::Rate, rates));
    let gpus = sum(|pool| f64::from(pool.gpus.unwrap_or_default()));
    all.push(("pools.gpus".to_owned(), LimitUnit::Number, gpus));
    all.push(("pools.usd_per_hour".to_owned(), LimitUnit::Dollars, usd));
    for pool in &record.pools {
        let name = format!("pool.{}.{}", pool.name, pool.unit);
        all.push((name, LimitUnit::Number, Some(f64::from(pool.ready))));
    }
    all
}
