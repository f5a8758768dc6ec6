//! The load of every stage: what is measured of it, and what is expected.

use crate::clock::{Clock, Timestamp};
use crate::decide::scaling::{Floor, StageDemand, TokenMix};
use crate::forecast::{self, CalendarInputs, Forecast, Race, RaceConfig, RaceState, Standing};
use crate::id::Name;
use crate::pipeline::{measure, past};
use crate::port::Measure;
use crate::signal::{self, Measured, Policy, Query, Range, Series, Verdict, demand_of};
use crate::spec::Environment;
use crate::units::{Share, Span};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// Steps that a forecast has up to its horizon.
const STEPS: u64 = 15;
/// How much of the past is asked for when a controller begins: what seasonal
/// forecasters need of a week, and a day more.
const PAST: Span = Span::from_secs(8 * 24 * 3600);
/// Values that are kept: a week and a day of minutes.
const KEPT: usize = 8 * 24 * 60;

/// What is known of the load.
#[derive(Debug, Clone, Default)]
pub struct Load {
    /// By stage.
    pub demand: BTreeMap<Name, StageDemand>,
    /// Every signal as it was read.
    pub readings: Vec<Measured>,
    /// Least numbers that the calendar asks for.
    pub floors: Vec<Floor>,
    /// What a replica carries of what is declared, where that was learned.
    pub worth: BTreeMap<Name, Share>,
    /// How the forecasters of a stage stand, the best first.
    pub standings: BTreeMap<Name, Vec<Standing>>,
    /// Why a stage has no forecast.
    pub unforecast: BTreeMap<Name, String>,
}

/// Measures the load and looks ahead.
pub struct Gauge {
    servers: Vec<Arc<dyn Measure>>,
    calendar: CalendarInputs,
    clock: Arc<dyn Clock>,
    /// Models are fitted beside the loop, and not in it: virtual time would not
    /// wait for them, so there it is in it.
    aside: bool,
    /// By what every time is divided.
    time_scale: u32,
    stages: BTreeMap<Name, Ahead>,
}

/// One stage's past and future.
struct Ahead {
    history: Series,
    /// The values of the step that has not ended yet.
    step: Vec<f64>,
    race: Racing,
    config: RaceConfig,
    latest: Option<Forecast>,
    /// As the race stood when it was here last.
    standings: Vec<Standing>,
    why: Option<String>,
}

/// The race, or what brings it back.
enum Racing {
    Here(Box<Race>),
    Away(JoinHandle<(Box<Race>, Result<Forecast, String>)>),
    Lost,
}

impl Gauge {
    /// One that has measured nothing yet.
    pub fn new(
        servers: Vec<Arc<dyn Measure>>,
        calendar: CalendarInputs,
        clock: Arc<dyn Clock>,
        aside: bool,
        time_scale: u32,
    ) -> Self {
        let time_scale = time_scale.max(1);
        Self { servers, calendar, clock, aside, time_scale, stages: BTreeMap::new() }
    }

    /// Asks other servers from now on, by another calendar; what was learned stays.
    pub fn reconnect(&mut self, servers: Vec<Arc<dyn Measure>>, calendar: CalendarInputs) {
        (self.servers, self.calendar) = (servers, calendar);
    }

    /// What each stage's race has learned, to go on with.
    pub fn states(&self) -> BTreeMap<Name, RaceState> {
        let here = self.stages.iter().filter_map(|(stage, ahead)| match &ahead.race {
            Racing::Here(race) => Some((stage.clone(), race.state().clone())),
            Racing::Away(_) | Racing::Lost => None,
        });
        here.collect()
    }

    /// Measures everything that `environment` declares, and looks ahead.
    pub async fn read(&mut self, environment: &Environment, now: Timestamp) -> Load {
        let Some(signals) = &environment.signals else { return Load::default() };
        let queries = signal::declared(environment);
        let policy = Policy::new(self.faster(signals.max_age));
        let clock = Arc::clone(&self.clock);
        let readings = measure(&self.servers, &queries, policy, &move || clock.now()).await;
        let mut load = Load { readings, ..Load::default() };
        for stage in environment.controlled_stages() {
            let demand = value(&load.readings, &demand_of(stage));
            let query = queries.iter().find(|query| query.signal == demand_of(stage));
            if !self.stages.contains_key(stage)
                && let Some(query) = query
            {
                let ahead = self.begin(environment, query, policy, now).await;
                self.stages.insert(stage.clone(), ahead);
            }
            let good = demand.filter(|demand| demand.reading.verdict.may_scale_in());
            let forecast = match self.stages.get_mut(stage) {
                Some(ahead) => {
                    let measured = good.and_then(|demand| demand.reading.value);
                    ahead.note(now, measured, (&self.calendar, self.aside)).await;
                    if let Some(why) = &ahead.why {
                        load.unforecast.insert(stage.clone(), why.clone());
                    }
                    load.standings.insert(stage.clone(), ahead.standings.clone());
                    ahead.latest.clone()
                }
                None => None,
            };
            let seen = StageDemand {
                now: demand.and_then(|demand| demand.reading.value),
                verdict: demand.map_or(Verdict::Missing, |demand| demand.reading.verdict.clone()),
                waiting: waiting(&load.readings, stage),
                forecast,
                factor: self.factor(environment, now),
                tokens: tokens(&load.readings, stage),
            };
            load.demand.insert(stage.clone(), seen);
        }
        load
    }

    fn faster(&self, span: Span) -> Span {
        Span::from_millis((span.millis() / u64::from(self.time_scale)).max(1))
    }

    /// A stage whose past the servers know, if they do.
    async fn begin(
        &self,
        environment: &Environment,
        query: &Query,
        policy: Policy,
        now: Timestamp,
    ) -> Ahead {
        let forecast = &environment.burst.forecast;
        let horizon = self.faster(forecast.horizon);
        let step = Span::from_millis((horizon.millis() / STEPS).max(1));
        let range = Range::last(self.faster(PAST), step, now);
        let history = past(&self.servers, query, &range, policy, now).await.series;
        let config = RaceConfig { horizon, quantile: forecast.quantile.as_f64() };
        let race = Box::new(Race::new(config, forecast::standard()));
        let (race, step) = (Racing::Here(race), Vec::new());
        let (history, standings) = (trimmed(history), Vec::new());
        Ahead { history, step, race, config, latest: None, standings, why: None }
    }

    /// By how much the events that are on, or begin within the horizon, multiply
    /// what the load is now.
    fn factor(&self, environment: &Environment, now: Timestamp) -> f64 {
        let horizon = self.faster(environment.burst.forecast.horizon).duration();
        let until = now.saturating_add(horizon).unwrap_or(now);
        let begin = self.calendar.events.iter().filter(|event| now < event.start);
        begin
            .filter(|event| event.start <= until)
            .map(|event| event.factor)
            .product::<f64>()
            .max(1.0)
    }
}

impl Ahead {
    /// Adds a measurement; when a step has ended, looks ahead anew.
    async fn note(
        &mut self,
        now: Timestamp,
        measured: Option<f64>,
        (calendar, aside): (&CalendarInputs, bool),
    ) {
        self.come_back().await;
        let mut ended = false;
        let end = self.history.time(self.history.len().saturating_add(KEPT));
        if now > end {
            // For so long nothing was measured that nothing of it is of use.
            self.history = Series::empty(now, self.history.step());
        }
        // A step is what was measured in it; nothing where nothing was.
        while now >= self.history.time(self.history.len()) {
            let values = std::mem::take(&mut self.step);
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            self.history.push((!values.is_empty()).then_some(mean));
            ended = true;
        }
        self.step.extend(measured);
        if ended && self.history.len() > KEPT + KEPT / 8 {
            let history = std::mem::replace(&mut self.history, Series::empty(now, Span::default()));
            self.history = trimmed(history);
        }
        if ended || self.latest.is_none() {
            self.look_ahead(calendar, aside).await;
        }
    }

    async fn look_ahead(&mut self, calendar: &CalendarInputs, aside: bool) {
        if !matches!(self.race, Racing::Here(_)) || self.history.last().is_none() {
            return;
        }
        let Racing::Here(mut race) = std::mem::replace(&mut self.race, Racing::Lost) else {
            return;
        };
        let (history, calendar, config) = (self.history.clone(), calendar.clone(), self.config);
        let run = move || {
            let steps = config.steps(history.step());
            let context = forecast::context(&history, steps, &calendar, &[]);
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

/// The newest part of it.
fn trimmed(series: Series) -> Series {
    let from = series.len().saturating_sub(KEPT);
    Series::new(series.time(from), series.step(), series.values()[from..].to_vec())
}

fn value<'m>(readings: &'m [Measured], signal: &str) -> Option<&'m Measured> {
    readings.iter().find(|measured| measured.reading.signal == signal)
}

/// A value that can be believed.
fn good(readings: &[Measured], signal: &str) -> Option<f64> {
    let measured = value(readings, signal)?;
    measured.reading.value.filter(|_| measured.reading.verdict.may_scale_in())
}

/// Requests that wait: in the queue before the stage, in its topic, and in its
/// engines, as far as each is measured.
fn waiting(readings: &[Measured], stage: &Name) -> Option<f64> {
    let all = ["queue/{}", "kafka/{}", "engine/{}/waiting"];
    let known = all.iter().filter_map(|of| good(readings, &of.replace("{}", stage.as_str())));
    known.reduce(|sum, more| sum + more)
}

/// Tokens of a mean request: what comes in and goes out over what is finished.
fn tokens(readings: &[Measured], stage: &Name) -> Option<TokenMix> {
    let of = |what: &str| good(readings, &format!("engine/{stage}/{what}"));
    let finished = of("finished").filter(|finished| *finished > 0.0)?;
    Some(TokenMix { prompt: of("tokens_in")? / finished, output: of("tokens_out")? / finished })
}
