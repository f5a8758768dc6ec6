//! What is known about a step beside its load: the time of day and of the week,
//! holidays, planned events, the load of upstream services, the week before.

use super::fill::LONGEST_LINE;
use super::seasons::{WEEK, steps_in};
use super::{Context, EVENT, UPSTREAM};
use crate::clock::{Date, Timestamp};
use crate::signal::Series;
use crate::spec::{Environment, Holiday};
use crate::units::Span;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::collections::BTreeSet;
use std::f64::consts::TAU;

/// A planned event.
#[derive(Debug, Clone, PartialEq)]
pub struct EventWindow {
    /// When it begins.
    pub start: Timestamp,
    /// When it is over.
    pub end: Timestamp,
    /// By how much the load is expected to be multiplied; above zero.
    pub factor: f64,
}

/// The operations team's calendar.
#[derive(Debug, Clone, PartialEq)]
pub struct CalendarInputs {
    /// Where the day begins.
    pub zone: TimeZone,
    /// Days off.
    pub holidays: BTreeSet<Date>,
    /// What is planned. Where events overlap, their factors multiply.
    pub events: Vec<EventWindow>,
}

impl Default for CalendarInputs {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, holidays: BTreeSet::new(), events: Vec::new() }
    }
}

/// Why there is no calendar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ContextError(String);

impl CalendarInputs {
    /// `[calendar]` and `[[event]]` of an environment, and the days of its
    /// holiday file.
    ///
    /// # Errors
    /// Where a time or a zone cannot be read, which no valid environment has.
    pub fn of(environment: &Environment, holidays: &[Holiday]) -> Result<Self, ContextError> {
        let zone = match &environment.calendar {
            Some(calendar) => TimeZoneDatabase::bundled()
                .get(&calendar.time_zone)
                .map_err(|error| ContextError(error.to_string()))?,
            None => TimeZone::UTC,
        };
        let moment = |text: &str| {
            let read = text.parse::<Timestamp>();
            read.map_err(|error| ContextError(format!("`{text}` is no moment: {error}")))
        };
        let window = |event: &crate::spec::model::Event| {
            Ok(EventWindow {
                start: moment(&event.start)?,
                end: moment(&event.end)?,
                factor: event.factor,
            })
        };
        Ok(Self {
            zone,
            holidays: holidays.iter().map(|holiday| holiday.date).collect(),
            events: environment.event.iter().map(window).collect::<Result<_, _>>()?,
        })
    }
}

/// The inputs that the calendar tells of any step.
const TOLD: [&str; 7] = ["day/sin", "day/cos", "week/sin", "week/cos", "weekend", "holiday", EVENT];

/// What a calendar tells of each step of a series, kept while the series grows: from
/// one step to the next it is the same but for its end.
#[derive(Debug, Clone)]
pub struct Almanac {
    calendar: CalendarInputs,
    /// Where the series starts, and its step.
    of: Option<(Timestamp, Span)>,
    told: [Vec<Option<f64>>; TOLD.len()],
}

impl Almanac {
    /// One that has told nothing yet.
    pub fn new(calendar: &CalendarInputs) -> Self {
        Self { calendar: calendar.clone(), of: None, told: <_>::default() }
    }

    /// By what it tells.
    pub fn calendar(&self) -> &CalendarInputs {
        &self.calendar
    }

    /// The context of `history` and of the `ahead` steps after it. `upstream` are
    /// measured series by the names of their services; each value stands for the
    /// steps up to its next one, and for [`LONGEST_LINE`] gaps after it, and nothing is
    /// known of them after the history.
    ///
    /// Its inputs: `day/sin` and `day/cos`, `week/sin` and `week/cos` (where in the
    /// day and the week the step is), `weekend`, `holiday` (0 or 1), `event` (the
    /// expected factor), `last-week` (the load one week before), `upstream/NAME`.
    pub fn context(
        &mut self,
        history: &Series,
        ahead: usize,
        upstream: &[(String, Series)],
    ) -> Context {
        let steps = history.len().saturating_add(ahead);
        self.reach(history, steps);
        let told = self.told.iter().map(|values| values[..steps].to_vec());
        let measured = upstream.iter().map(|(_, series)| {
            let at = |index| (index < history.len()).then(|| value_at(series, history.time(index)));
            (0..steps).map(|index| at(index).flatten()).collect()
        });
        Context::new(
            inputs(upstream.iter().map(|(name, _)| name.as_str())),
            told.chain([week_before(history, steps)]).chain(measured).collect(),
        )
    }

    /// Tells of each of the first `steps` of a series.
    fn reach(&mut self, series: &Series, steps: usize) {
        let of = Some((series.start(), series.step()));
        if self.of != of {
            (self.of, self.told) = (of, <_>::default());
        }
        let holidays: BTreeSet<i64> =
            self.calendar.holidays.iter().filter_map(|day| day_number(*day)).collect();
        let mut clock = LocalClock { zone: &self.calendar.zone, quarter: None };
        for index in self.told[0].len()..steps {
            let time = series.time(index);
            let seconds = clock.seconds(time);
            let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400) as f64);
            // Day 0 of the epoch was a Thursday; Monday is 0.
            let weekday = (day + 3).rem_euclid(7);
            let of_day = TAU * second / 86_400.0;
            let of_week = (TAU * weekday as f64 + of_day) / 7.0;
            let on = self.calendar.events.iter();
            let on = on.filter(|event| event.start <= time && time < event.end);
            let told = [
                of_day.sin(),
                of_day.cos(),
                of_week.sin(),
                of_week.cos(),
                f64::from(u8::from(weekday >= 5)),
                f64::from(u8::from(holidays.contains(&day))),
                on.map(|event| event.factor).product(),
            ];
            for (values, value) in self.told.iter_mut().zip(told) {
                values.push(Some(value));
            }
        }
    }
}

/// The context of `history`, asked for once: see [`Almanac::context`].
pub fn context(
    history: &Series,
    ahead: usize,
    calendar: &CalendarInputs,
    upstream: &[(String, Series)],
) -> Context {
    Almanac::new(calendar).context(history, ahead, upstream)
}

/// The load one week before each step.
fn week_before(history: &Series, steps: usize) -> Vec<Option<f64>> {
    let mut before = vec![None; steps_in(WEEK, history).min(steps)];
    before.extend(history.values().iter().take(steps - before.len()));
    before.resize(steps, None);
    before
}

/// The inputs of a context with these upstream services, in their order.
pub fn inputs<'a>(upstream: impl Iterator<Item = &'a str>) -> Vec<String> {
    let own = TOLD.into_iter().chain(["last-week"]).map(str::to_owned);
    own.chain(upstream.map(|name| format!("{UPSTREAM}{name}"))).collect()
}

/// The value that stands for `time`: its own, or the one before a short gap.
fn value_at(series: &Series, time: Timestamp) -> Option<f64> {
    let since = time.as_millisecond().checked_sub(series.start().as_millisecond())?;
    let index = u64::try_from(since).ok()? / series.step().millis().max(1);
    let index = usize::try_from(index).ok()?;
    let near = (0..=LONGEST_LINE).filter_map(|back| index.checked_sub(back));
    near.filter_map(|index| *series.values().get(index)?).next()
}

/// Days since 1970.
fn day_number(day: Date) -> Option<i64> {
    let midnight = TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()?;
    Some(midnight.as_second().div_euclid(86_400))
}

/// Local time, with the zone asked once for each quarter of an hour: no zone
/// changes its offset within one.
struct LocalClock<'z> {
    zone: &'z TimeZone,
    quarter: Option<(i64, i64)>,
}

impl LocalClock<'_> {
    /// Seconds since 1970 as the zone's clocks show them.
    fn seconds(&mut self, time: Timestamp) -> i64 {
        let seconds = time.as_second();
        let quarter = seconds.div_euclid(900);
        let offset = match self.quarter {
            Some((of, offset)) if of == quarter => offset,
            _ => i64::from(self.zone.to_offset(time).seconds()),
        };
        self.quarter = Some((quarter, offset));
        seconds + offset
    }
}
