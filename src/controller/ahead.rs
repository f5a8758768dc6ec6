//! One stage's past and future: what was measured of its load and beside it, and
//! the race of forecasters that looks ahead from there.

use super::gauge::past::{Asked, Past};
use super::track::Track;
use crate::clock::Timestamp;
use crate::forecast::Standing;
use crate::forecast::{Almanac, CalendarInputs, Forecast, Race, RaceConfig, RaceState};
use crate::signal::{Query, Range, Series};
use crate::units::Span;
use futures::future::{join, join_all};
use std::collections::BTreeMap;
use tokio::task::JoinHandle;

/// One stage's past and future.
pub(super) struct Ahead {
    demand: Track,
    /// What servers know of it from before, and while it could not be measured.
    past: Past,
    /// What upstream services ask, by the name of the service, on the same steps.
    upstream: BTreeMap<String, Upstream>,
    almanac: Almanac,
    race: Racing,
    config: RaceConfig,
    /// Some of the past was told since the race began, and its models do not know it.
    behind: bool,
    /// What the race would say has changed within the step.
    anew: bool,
    pub(super) latest: Option<Forecast>,
    /// As the race stood when it was here last.
    standings: Vec<Standing>,
    /// Why there is no forecast.
    pub(super) why: Option<String>,
}

/// One upstream service's call volume.
struct Upstream {
    promql: String,
    track: Track,
    past: Past,
}

/// The race, or what brings it back.
enum Racing {
    Here(Box<Race>),
    Away(JoinHandle<(Box<Race>, Result<Forecast, String>)>),
    /// It ended beside the loop, and does not come back: the next turn begins anew.
    Lost,
}

impl Ahead {
    /// A stage whose load was `history`.
    pub(super) fn new(history: Series, config: RaceConfig, race: Race) -> Self {
        Self {
            demand: Track::new(history),
            past: Past::default(),
            upstream: BTreeMap::new(),
            almanac: Almanac::new(&CalendarInputs::default()),
            race: Racing::Here(Box::new(race)),
            config,
            behind: false,
            anew: false,
            latest: None,
            standings: Vec::new(),
            why: None,
        }
    }

    /// What the race has learned, unless it is away.
    pub(super) fn state(&self) -> Option<&RaceState> {
        match &self.race {
            Racing::Here(race) => Some(race.state()),
            Racing::Away(_) | Racing::Lost => None,
        }
    }

    /// How far, by what, and in which steps it looks ahead.
    pub(super) fn course(&self) -> (RaceConfig, Span) {
        (self.config, self.demand.history().step())
    }

    /// Whether the clock has gone back by more than `by`, and what it knows is of a time
    /// to come. While its race is away that is found out later.
    pub(super) fn is_ahead(&self, now: Timestamp, by: Span) -> bool {
        !matches!(self.race, Racing::Away(_)) && self.demand.is_ahead(now, by)
    }

    /// What was measured of the load, and what servers know of it beside that.
    pub(super) fn demand(&self) -> Series {
        self.past.fill(self.demand.history())
    }

    /// How the forecasters stand. To one that has no answer the past may be missing.
    pub(super) fn standings(&self) -> Vec<Standing> {
        let unread = self.unread().map_or_else(String::new, |unread| format!("; {unread}"));
        let with = |standing: &Standing| {
            let out = standing.out.as_ref().map(|out| format!("{out}{unread}"));
            Standing { out, ..standing.clone() }
        };
        self.standings.iter().map(with).collect()
    }

    /// What of the past could not be read, and why.
    pub(super) fn unread(&self) -> Option<String> {
        if let Some(why) = self.past.failed() {
            return Some(format!("the past could not be read: {why}"));
        }
        self.upstream.iter().find_map(|(name, known)| {
            let why = known.past.failed()?;
            Some(format!("the past of upstream/{name} could not be read: {why}"))
        })
    }

    /// The steps of which something is or may become known; none: there is none yet.
    fn range(&self) -> Option<Range> {
        let history = self.demand.history();
        let last = history.len().checked_sub(1)?;
        Some(Range { start: history.start(), end: history.time(last), step: history.step() })
    }

    /// Follows the volumes of these upstream services from now on, on the steps of the
    /// load, and of no others.
    pub(super) fn follow(&mut self, services: &[(&str, &Query)]) {
        self.upstream.retain(|name, known| {
            let same = |(other, query): &(&str, &Query)| {
                *other == name.as_str() && query.promql == known.promql
            };
            services.iter().any(same)
        });
        let own = self.demand.history();
        for (name, query) in services {
            if !self.upstream.contains_key(*name) {
                let gaps = Series::new(own.start(), own.step(), vec![None; own.len()]);
                let (promql, past) = (query.promql.clone(), Past::default());
                let upstream = Upstream { promql, track: Track::new(gaps), past };
                self.upstream.insert((*name).to_owned(), upstream);
            }
        }
    }

    /// Asks for what is not known yet of the past: of the load, and of each service
    /// that is followed.
    pub(super) async fn ask(
        &mut self,
        demand: Option<&Query>,
        services: &[(&str, &Query)],
        asked: Asked<'_>,
        now: Timestamp,
    ) {
        let Some(range) = self.range() else { return };
        let Self { past, upstream, .. } = self;
        let own = async {
            match demand {
                Some(query) => past.ask(query, range, asked, now).await,
                None => false,
            }
        };
        let beside = upstream.iter_mut().filter_map(|(name, known)| {
            let (_, query) = services.iter().find(|(other, _)| *other == name.as_str())?;
            Some(known.past.ask(query, range, asked, now))
        });
        let (own, beside) = join(own, join_all(beside)).await;
        self.behind |= own || beside.contains(&true);
    }

    /// Where some of the past was told while the race went on, goes on with one that
    /// learns from it, and from what the old one has learned; where that was lost, with
    /// one that has learned nothing yet.
    pub(super) async fn learn(&mut self, anew: impl FnOnce(RaceState) -> Race) {
        if matches!(self.race, Racing::Lost) {
            self.race = Racing::Here(Box::new(anew(RaceState::default())));
            (self.behind, self.anew) = (false, true);
            return;
        }
        if !self.behind {
            return;
        }
        self.come_back().await;
        if let Racing::Here(race) = &self.race {
            self.race = Racing::Here(Box::new(anew(race.state().clone())));
            (self.behind, self.anew) = (false, true);
        }
    }

    /// Adds a measurement, with those of upstream services; when a step has ended,
    /// looks ahead anew.
    pub(super) async fn note(
        &mut self,
        now: Timestamp,
        measured: Option<f64>,
        upstream: impl Fn(&str) -> Option<f64>,
        (calendar, aside): (&CalendarInputs, bool),
    ) {
        self.come_back().await;
        let ended = self.demand.note(now, measured);
        for (name, known) in &mut self.upstream {
            known.track.note(now, upstream(name));
        }
        if ended || self.latest.is_none() || self.anew {
            self.look_ahead(calendar, aside);
        }
    }

    fn look_ahead(&mut self, calendar: &CalendarInputs, aside: bool) {
        if !matches!(self.race, Racing::Here(_)) {
            return;
        }
        let history = self.demand();
        if history.last().is_none() {
            return;
        }
        self.anew = false;
        let Racing::Here(mut race) = std::mem::replace(&mut self.race, Racing::Lost) else {
            return;
        };
        if self.almanac.calendar() != calendar {
            self.almanac = Almanac::new(calendar);
        }
        let (steps, upstream) = (self.config.steps(history.step()), self.beside());
        let context = self.almanac.context(&history, steps, &upstream);
        let run = move || {
            let said = race.tick(&history, &context).map_err(|why| why.to_string());
            (race, said)
        };
        if aside {
            self.race = Racing::Away(tokio::task::spawn_blocking(run));
        } else {
            let (race, said) = run();
            self.race = Racing::Here(race);
            self.take(said);
        }
    }

    /// What upstream services asked, in the order of their names.
    pub(super) fn beside(&self) -> Vec<(String, Series)> {
        let all = self.upstream.iter();
        all.map(|(name, known)| (name.clone(), known.past.fill(known.track.history()))).collect()
    }

    /// Takes what was worked out beside the loop, if it is ready.
    async fn come_back(&mut self) {
        let Racing::Away(away) = &mut self.race else { return };
        if !away.is_finished() {
            return;
        }
        match away.await {
            Ok((race, said)) => {
                self.race = Racing::Here(race);
                self.take(said);
            }
            Err(error) => {
                self.race = Racing::Lost;
                self.take(Err(format!("the forecasters ended: {error}")));
            }
        }
    }

    fn take(&mut self, said: Result<Forecast, String>) {
        if let Racing::Here(race) = &self.race {
            self.standings = race.standings();
        }
        match said {
            Ok(forecast) => (self.latest, self.why) = (Some(forecast), None),
            // What was said before is about a time that is over.
            Err(why) => (self.latest, self.why) = (None, Some(why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::{Context, EVENT, EventWindow, Forecaster, NotFit, standard};
    use std::time::Duration;

    #[tokio::test]
    async fn a_stage_whose_race_was_lost_looks_ahead_anew_in_the_next_turn() {
        let config = RaceConfig { horizon: Span::from_secs(900), quantile: 0.95 };
        let race = |state: RaceState| Race::new(config, standard()).resume(state);
        let start: Timestamp = "2026-11-26T08:00:00Z".parse().unwrap();
        let history = Series::new(start, Span::from_secs(60), vec![Some(5.0); 30]);
        let mut ahead = Ahead::new(history, config, race(RaceState::default()));
        // As one that has panicked.
        let away: JoinHandle<(Box<Race>, Result<Forecast, String>)> =
            tokio::spawn(std::future::pending());
        away.abort();
        while !away.is_finished() {
            tokio::task::yield_now().await;
        }
        ahead.race = Racing::Away(away);
        let calendar = CalendarInputs::default();
        let mut looked = Vec::new();
        for minute in [31, 32] {
            let now = start + Duration::from_secs(60 * minute);
            ahead.learn(race).await;
            ahead.note(now, Some(5.0), |_| None, (&calendar, false)).await;
            looked.push((ahead.latest.is_some(), ahead.why.clone()));
        }
        let why = looked[0].1.clone().unwrap();
        assert!(!looked[0].0 && why.starts_with("the forecasters ended: "), "{why}");
        assert_eq!(looked[1], (true, None));
        assert!(ahead.demand().len() > 30 && ahead.state().is_some(), "what was measured is kept");
    }
    /// Says what the calendar expects of the next step.
    struct AsPlanned;

    impl Forecaster for AsPlanned {
        fn name(&self) -> &'static str {
            // In its place it leads at once.
            "persistence"
        }

        fn path(
            &self,
            history: &Series,
            context: &Context,
            steps: usize,
        ) -> Result<Vec<f64>, NotFit> {
            let next = context.column(EVENT).and_then(|event| context.at(history.len(), event));
            Ok(vec![next.unwrap_or(-1.0); steps])
        }
    }

    #[tokio::test]
    async fn a_calendar_that_changes_counts_from_the_next_step_on() {
        let config = RaceConfig { horizon: Span::from_secs(900), quantile: 0.95 };
        let start: Timestamp = "2026-11-26T08:00:00Z".parse().unwrap();
        let end = start + Duration::from_secs(86_400);
        let event = EventWindow { start, end, factor: 3.0 };
        let (plain, launch) = (
            CalendarInputs::default(),
            CalendarInputs { events: vec![event], ..CalendarInputs::default() },
        );
        let race = Race::new(config, vec![Box::new(AsPlanned)]);
        let mut ahead = Ahead::new(Series::empty(start, Span::from_secs(60)), config, race);
        for (minute, calendar, factor) in [(1, &plain, 1.0), (2, &launch, 3.0), (3, &plain, 1.0)] {
            let now = start + Duration::from_secs(60 * minute + 1);
            ahead.note(now - Duration::from_secs(30), Some(5.0), |_| None, (calendar, false)).await;
            ahead.note(now, Some(5.0), |_| None, (calendar, false)).await;
            assert_eq!(ahead.latest.as_ref().unwrap().path[0], factor, "{minute}");
        }
    }
}
