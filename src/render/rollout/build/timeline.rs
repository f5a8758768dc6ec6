//! The phases on a line of time, and where each of them stands in the picture.
//!
//! Days are the file's: of a phase's `start`, else of the promotion to it; a phase of
//! which neither is known follows the one before it.

use super::Input;
use crate::clock::Date;
use crate::id::Name;
use crate::render::rollout::view::{BarView, MilestoneView, TickView, TimelineView};
use crate::spec::model::{Passage, Phase};
use crate::units::Span;
use jiff::{SpanRound, ToSpan as _, Unit};

const WIDTH: i64 = 960;
const RIGHT: i64 = 940;
const TOP: i64 = 34;
const ROW: i64 = 40;
const BAR: i64 = 22;
/// The width of a letter, as far as that is known of a font that is not.
const LETTER: i64 = 8;
const GAP: i64 = 8;
/// So much room the names have, short as they may be.
const LEAST_NAMES: i64 = 64;
/// Up to so many days the axis counts weeks, beyond them months.
const MOST_WEEKS: i64 = 84;
/// A year has more months than fit on the axis beyond this.
const MOST_MONTHS: i64 = 18;
const DAYS_OF_A_WEEK: i64 = 7;
const DAYS_OF_A_MONTH: i64 = 30;
/// Where the file says no day.
const FIRST_DAY: Date = jiff::civil::date(1970, 1, 1);

/// The picture.
pub(super) fn timeline(input: &Input<'_>) -> TimelineView {
    let phases = input.rollout().in_order();
    let dated = phases.iter().any(|(name, _)| days(input, name).is_some());
    let spans: Vec<_> = phases.iter().map(|(_, phase)| length(phase)).collect();
    let (origin, offsets) = offsets(input, &phases, &spans);
    let whole = offsets.iter().zip(&spans).map(|(at, (_, most))| at + most).max().unwrap_or(0);
    let whole = whole.max(DAYS_OF_A_WEEK);
    let longest = phases.iter().map(|(name, _)| width(name.as_str())).max().unwrap_or(0);
    let left = longest.max(LEAST_NAMES) + GAP * 2;
    let x = |day: i64| left + day.clamp(0, whole) * (RIGHT - left) / whole;
    let bars: Vec<BarView> = phases
        .iter()
        .enumerate()
        .map(|(row, (name, phase))| {
            let (at, (least, most)) = (offsets[row], spans[row]);
            let y = TOP + i64::try_from(row).unwrap_or(0) * ROW + (ROW - BAR) / 2;
            let label = phase.window.as_ref().map(ToString::to_string).unwrap_or_default();
            let (begins, ends) = (x(at), x(at + most));
            let room = width(&label) + GAP;
            // Behind the bar, or else before it, or else on it.
            let (label_x, anchor) = if RIGHT - ends > room {
                (ends + GAP, "start")
            } else if begins - left > room {
                (begins - GAP, "end")
            } else {
                (begins + GAP, "start")
            };
            BarView {
                name: name.to_string(),
                state: input.state(name),
                start: later(origin, at).unwrap_or_default(),
                days: most,
                x: begins,
                y,
                least: x(at + least) - begins,
                most: ends - begins,
                height: BAR,
                middle: y + BAR / 2,
                label_x,
                anchor: anchor.to_owned(),
                label,
            }
        })
        .collect();
    let bottom = TOP + i64::try_from(bars.len()).unwrap_or(0) * ROW;
    let milestones = input.rollout().history.iter().filter(|_| dated);
    TimelineView {
        dated,
        width: WIDTH,
        height: bottom + 12,
        left,
        right: RIGHT,
        top: TOP,
        bottom,
        axis: axis(dated, whole).to_owned(),
        ticks: ticks(dated.then_some(origin), whole, x),
        milestones: milestones
            .filter_map(|passage| {
                let day = day_of(&passage.at)?;
                let at = days_between(origin, day);
                let label = super::passage_view(input.rollout(), passage);
                let to = label.to.unwrap_or_else(|| "the start".to_owned());
                Some(MilestoneView {
                    label: format!("{} to {to}", label.what),
                    day: day.to_string(),
                    x: x(at),
                })
            })
            .collect(),
        bars,
    }
}

fn width(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(0) * LETTER
}

/// The day on which the phase `name` is meant to begin, or began.
pub(super) fn days(input: &Input<'_>, name: &Name) -> Option<Date> {
    let rollout = input.rollout();
    let declared = rollout.phases.get(name).and_then(|phase| phase.start.as_ref());
    let began = |passage: &&Passage| passage.to.as_ref() == Some(name);
    declared
        .and_then(|day| day.parse().ok())
        .or_else(|| rollout.history.iter().rev().find(began).and_then(|p| day_of(&p.at)))
}

/// So many days after `day`.
pub(super) fn later(day: Date, days: i64) -> Option<String> {
    day.checked_add(days.days()).ok().map(|day| day.to_string())
}

/// Days that a phase takes, at least and at most.
fn length(phase: &Phase) -> (i64, i64) {
    let days = |span: Span| i64::try_from(span.secs_ceil() / 86_400).unwrap_or(i64::MAX / 4);
    phase.window.as_ref().map_or((0, 0), |window| (days(window.least()), days(window.most())))
}

/// The first day of the picture, and on which day after it each phase begins.
fn offsets(
    input: &Input<'_>,
    phases: &[(&Name, &Phase)],
    spans: &[(i64, i64)],
) -> (Date, Vec<i64>) {
    let known: Vec<Option<Date>> = phases.iter().map(|(name, _)| days(input, name)).collect();
    // A phase before the first that has a day ends where that begins.
    let before = known.iter().take_while(|day| day.is_none()).count();
    let lead: i64 = spans.iter().take(before).map(|(_, most)| most).sum();
    let first = known.iter().flatten().next();
    let origin = first.and_then(|day| day.checked_sub(lead.days()).ok()).unwrap_or(FIRST_DAY);
    let mut next = 0;
    let offsets = known.iter().zip(spans).map(|(day, (_, most))| {
        let at = day.map_or(next, |day| days_between(origin, day));
        next = at + most;
        at
    });
    (origin, offsets.collect())
}

fn day_of(at: &str) -> Option<Date> {
    at.get(..10)?.parse().ok()
}

fn days_between(from: Date, to: Date) -> i64 {
    let round = SpanRound::new().largest(Unit::Day).days_are_24_hours();
    from.until(to).and_then(|span| span.round(round)).map_or(0, |span| i64::from(span.get_days()))
}

fn axis(dated: bool, whole: i64) -> &'static str {
    match (dated, whole) {
        (true, _) => "%d %b %Y",
        // Mermaid counts the days of a year, and begins anew after one.
        (false, ..366) => "day %j",
        (false, _) => " ",
    }
}

/// Marks where weeks or months begin.
fn ticks(origin: Option<Date>, whole: i64, x: impl Fn(i64) -> i64) -> Vec<TickView> {
    let tick = |day: i64, label: String| TickView { x: x(day), label };
    if whole <= MOST_WEEKS {
        let weeks = (0..=whole / DAYS_OF_A_WEEK).map(|week| week * DAYS_OF_A_WEEK);
        let every = usize::try_from(whole / DAYS_OF_A_WEEK / 8 + 1).unwrap_or(1);
        let label = |day: i64| match origin.and_then(|origin| later(origin, day)) {
            Some(date) => date,
            None => format!("week {}", day / DAYS_OF_A_WEEK + 1),
        };
        return weeks.step_by(every).map(|day| tick(day, label(day))).collect();
    }
    let months = whole / DAYS_OF_A_MONTH;
    let every = usize::try_from(months / MOST_MONTHS * 3 + 1).unwrap_or(1);
    let Some(origin) = origin else {
        let every = every.max(usize::try_from(months / 9 + 1).unwrap_or(1));
        let all = (0..=months).step_by(every);
        return all
            .map(|month| tick(month * DAYS_OF_A_MONTH, format!("month {}", month + 1)))
            .collect();
    };
    let first = origin.first_of_month();
    (0..=months + 1)
        .step_by(every)
        .filter_map(|month| {
            let day = first.checked_add(month.months()).ok()?;
            let at = days_between(origin, day);
            let label = day.strftime(if month == 0 || day.month() == 1 { "%b %Y" } else { "%b" });
            (0..=whole).contains(&at).then(|| tick(at, label.to_string()))
        })
        .collect()
}
