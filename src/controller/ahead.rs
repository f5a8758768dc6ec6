//! One stage's past and future: what was measured of its load and beside it, and
//! the race of forecasters that looks ahead from there.

use super::track::Track;
use crate::clock::Timestamp;
use crate::forecast::Standing;
use crate::forecast::{self, CalendarInputs, Context, Forecast, Race, RaceConfig, RaceState};
use crate::signal::{Range, Series};
use crate::units::Span;
use std::collections::BTreeMap;
use tokio::task::JoinHandle;

/// One stage's past and future.
pub(super) struct Ahead {
    demand: Track,
    /// What upstream services ask, by the name of the service, on the same steps.
    upstream: BTreeMap<String, Upstream>,
    race: Racing,
    config: RaceConfig,
    pub(super) latest: Option<Forecast>,
    /// As the race stood when it was here last.
    pub(super) standings: Vec<Standing>,
    /// Why there is no forecast.
    pub(super) why: Option<String>,
}

/// One upstream service's call volume.
struct Upstream {
    promql: String,
    track: Track,
}

/// The race, or what brings it back.
enum Racing {
    Here(Box<Race>),
    Away(JoinHandle<(Box<Race>, Result<Forecast, String>)>),
    Lost,
}

impl Ahead {
    /// A stage whose load was `history`.
    pub(super) fn new(history: Series, config: RaceConfig, race: Race) -> Self {
        Self {
            demand: Track::new(history),
            upstream: BTreeMap::new(),
            race: Racing::Here(Box::new(race)),
            config,
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

    /// What was measured of the load.
    pub(super) fn demand(&self) -> &Series {
        self.demand.history()
    }

    /// The steps that are known of the load; none: there is none yet.
    pub(super) fn range(&self) -> Option<Range> {
        let history = self.demand.history();
        let last = history.len().checked_sub(1)?;
        Some(Range { start: history.start(), end: history.time(last), step: history.step() })
    }

    /// Whether the volume that `promql` answers is followed under this name.
    pub(super) fn follows(&self, name: &str, promql: &str) -> bool {
        self.upstream.get(name).is_some_and(|known| known.promql == promql)
    }

    /// Follows an upstream service's volume from now on; `history` is on the steps
    /// of [`Self::range`].
    pub(super) fn follow(&mut self, name: &str, promql: &str, history: Option<Series>) {
        let own = self.demand.history();
        let gaps = || Series::new(own.start(), own.step(), vec![None; own.len()]);
        let track = Track::new(history.unwrap_or_else(gaps));
        self.upstream.insert(name.to_owned(), Upstream { promql: promql.to_owned(), track });
    }

    /// Follows no others than these.
    pub(super) fn follow_only(&mut self, named: impl Fn(&str) -> bool) {
        self.upstream.retain(|name, _| named(name));
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
        if ended || self.latest.is_none() {
            self.look_ahead(calendar, aside);
        }
    }

    fn look_ahead(&mut self, calendar: &CalendarInputs, aside: bool) {
        if !matches!(self.race, Racing::Here(_)) || self.demand.history().last().is_none() {
            return;
        }
        let Racing::Here(mut race) = std::mem::replace(&mut self.race, Racing::Lost) else {
            return;
        };
        let (history, calendar, config) =
            (self.demand.history().clone(), calendar.clone(), self.config);
        let upstream = self.beside();
        let run = move || {
            let context = context(&history, &upstream, config, &calendar);
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
        all.map(|(name, known)| (name.clone(), known.track.history().clone())).collect()
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

fn context(
    history: &Series,
    upstream: &[(String, Series)],
    config: RaceConfig,
    calendar: &CalendarInputs,
) -> Context {
    forecast::context(history, config.steps(history.step()), calendar, upstream)
}
