//! What a span of a controller's turns came to, as a small table.

use super::Style;
use super::style::Ink;
use super::text::{Line, Screen, Table, count, money, rate, span};
use crate::controller::Tally;
use crate::units::Span;

/// The table, and a line for each stage whose load was measured; of a `dry_run` also
/// what it would have had, beside what others asked for.
pub fn text(tally: &Tally, dry_run: bool, style: &Style) -> String {
    let mut screen = Screen::new(style);
    let mut table =
        Table::new(&["POOL", ">MOST UNITS", ">UNIT HOURS", ">COST", ">ADDED", ">REMOVED"]);
    for (name, pool) in &tally.pools {
        let usd = pool.usd.map_or_else(|| "-".to_owned(), |usd| format!("${}", money(usd)));
        table.row([
            Line::of(Ink::Strong, name.as_str()),
            pool.most.to_string().into(),
            format!("{:.1}", pool.unit_hours).into(),
            usd.into(),
            pool.added.to_string().into(),
            pool.removed.to_string().into(),
        ]);
    }
    screen.table(&table);
    let changes: u32 = tally.pools.values().map(|pool| pool.added + pool.removed).sum();
    let time = span(Span::from_secs((tally.hours * 3600.0).round() as u64));
    screen.line(
        0,
        format!(
            "{time}: {} added or removed, ${}",
            count(changes as usize, "unit"),
            money(tally.usd())
        ),
    );
    for (name, pool) in tally.pools.iter().filter(|_| dry_run) {
        let minutes = count_minutes((pool.apart_hours * 60.0).round() as u64);
        let cost =
            |usd: Option<f64>| usd.map_or_else(String::new, |usd| format!(" (${})", money(usd)));
        let text = format!(
            "{name}: others had {:.1} unit hours{}, this would have had {:.1}{}; {minutes} apart",
            pool.unit_hours,
            cost(pool.usd),
            pool.wanted_hours,
            cost(pool.wanted_usd),
        );
        screen.hanging(0, 2, &Line::from(text));
    }
    for (name, stage) in &tally.stages {
        let over = (stage.over_hours * 60.0).round() as u64;
        let share = match tally.hours > 0.0 {
            true => 100.0 * stage.over_hours / tally.hours,
            false => 0.0,
        };
        let ink = if over == 0 { Ink::Add } else { Ink::Warn };
        let peak = format!("{name}: up to {} req/s; ", rate(stage.peak));
        let minutes = format!("{} ({share:.1}%) over what served", count_minutes(over));
        screen.hanging(0, 2, &Line::from(peak).ink(ink, minutes));
    }
    screen.finish()
}

fn count_minutes(minutes: u64) -> String {
    count(usize::try_from(minutes).unwrap_or(usize::MAX), "minute")
}
