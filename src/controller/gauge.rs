//! The load of every stage: what is measured of it, and what is expected.

pub(super) mod bases;
pub(super) mod known;
pub(super) mod past;

use super::ahead::Ahead;
use crate::clock::{Clock, Timestamp};
use crate::decide::scaling::{Latency, Served, StageDemand, TokenMix};
use crate::forecast::{self, CalendarInputs, Race, RaceConfig, RaceState, Standing, Trained};
use crate::id::Name;
use crate::pipeline::{Heard, measure_again};
use crate::port::Measure;
use crate::signal::{
    self, Measured, Policy, Query, Range, Series, Verdict, demand_of, upstream_of, upstream_service,
};
use crate::spec::Environment;
use crate::spec::model::Slo;
use crate::units::{Share, Span};
use bases::Bases;
use known::Known;
use past::{AGAIN, Asked};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Steps that a forecast has up to its horizon.
const STEPS: u64 = 15;
/// For so long after its start an event is held to its factor, whatever is seen.
const SUDDEN: Span = Span::from_secs(3600);
/// So long before an event it is noted for the next leader what the load is: more than
/// passes from one note to the next.
const SOON: Span = Span::from_secs(600);
/// By how much clocks may differ.
const CLOCKS: Span = Span::from_secs(300);
/// How much of the past is asked for when a controller begins: what seasonal
/// forecasters need of a week, and a day more.
const PAST: Span = Span::from_secs(8 * 24 * 3600);

/// What is known of the load.
#[derive(Debug, Clone, Default)]
pub struct Load {
    /// By stage.
    pub demand: BTreeMap<Name, StageDemand>,
    /// Every signal as it was read.
    pub readings: Vec<Measured>,
    /// What a replica carries of what is declared, where that was learned.
    pub worth: BTreeMap<Name, Share>,
    /// How the forecasters of a stage stand, the best first.
    pub standings: BTreeMap<Name, Vec<Standing>>,
    /// Why a stage has no forecast, or one that knows less than it should.
    pub unforecast: BTreeMap<Name, String>,
}

/// Measures the load and looks ahead.
pub struct Gauge {
    servers: Vec<Arc<dyn Measure>>,
    /// Which of them were silent.
    heard: Heard,
    calendar: CalendarInputs,
    clock: Arc<dyn Clock>,
    /// The past is read, and models are fitted, beside the loop, and not in it: virtual
    /// time would not wait for them, so there it is in it.
    aside: bool,
    /// By what every time is divided.
    time_scale: u32,
    /// A forecaster that was trained before.
    weights: Option<Trained>,
    stages: BTreeMap<Name, Ahead>,
    /// What is known of stages that begin anew.
    kept: BTreeMap<Name, Kept>,
    bases: Bases,
    known: Known,
}

/// What one race leaves to the next.
#[derive(Debug, Clone, Default)]
struct Kept {
    state: Option<RaceState>,
    history: Option<Series>,
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
        let (weights, stages, kept) = <_>::default();
        let (heard, bases, known) = <_>::default();
        Self {
            servers,
            heard,
            calendar,
            clock,
            aside,
            time_scale,
            weights,
            stages,
            kept,
            bases,
            known,
        }
    }

    /// With a forecaster that was trained before, in the race of every load. It has
    /// a step of its own, which a load that runs faster than life does not have.
    #[must_use]
    pub fn trained(mut self, weights: Option<Trained>) -> Self {
        self.weights = weights.filter(|_| self.time_scale == 1);
        self
    }

    /// Asks other servers from now on, by another calendar and with other weights;
    /// what was learned stays.
    pub fn reconnect(
        &mut self,
        servers: Vec<Arc<dyn Measure>>,
        calendar: CalendarInputs,
        weights: Option<Trained>,
    ) {
        (self.servers, self.calendar) = (servers, calendar);
        let weights = weights.filter(|_| self.time_scale == 1);
        if weights != self.weights {
            self.weights = weights;
            self.begin_anew(|_| true);
        }
    }

    /// Has stages begin anew with what was learned of them.
    fn begin_anew(&mut self, which: impl Fn(&Ahead) -> bool) {
        let stages = std::mem::take(&mut self.stages);
        let (anew, stay): (BTreeMap<_, _>, _) =
            stages.into_iter().partition(|(_, ahead)| which(ahead));
        self.stages = stay;
        self.kept.extend(anew.into_iter().map(|(stage, ahead)| {
            let (state, history) = (ahead.state().cloned(), Some(ahead.demand()));
            (stage, Kept { state, history })
        }));
    }

    /// How far, by what, and in which steps is looked ahead.
    fn course(&self, environment: &Environment) -> (RaceConfig, Span) {
        let forecast = &environment.burst.forecast;
        let horizon = self.faster(forecast.horizon);
        let own = || Span::from_millis((horizon.millis() / STEPS).max(1));
        let step = self.weights.as_ref().map_or_else(own, Trained::step);
        (RaceConfig { horizon, quantile: forecast.quantile.as_f64() }, step)
    }

    /// What each stage's race has learned, to go on with.
    pub fn states(&self) -> BTreeMap<Name, RaceState> {
        let here = self.stages.iter();
        here.filter_map(|(stage, ahead)| Some((stage.clone(), ahead.state()?.clone()))).collect()
    }

    /// Goes on with what the races of another controller have learned, where they
    /// were measured more often than its own.
    pub fn resume(&mut self, races: BTreeMap<Name, RaceState>) {
        for (stage, race) in races {
            let own = self.stages.get(&stage).and_then(Ahead::state).map_or(0, RaceState::ticks);
            if race.ticks() <= own {
                continue;
            }
            let history = self.stages.remove(&stage).map(|ahead| ahead.demand());
            let kept = self.kept.entry(stage).or_default();
            kept.state = Some(race);
            kept.history = history.or(kept.history.take());
        }
    }

    /// What else the next leader goes on with: which signals were known, and the load
    /// before events.
    pub(super) fn noted(&self, now: Timestamp) -> (Known, Bases) {
        (self.known.clone(), self.bases.of_now(now, self.faster(SOON)))
    }

    /// Goes on with what another controller has noted of that.
    pub(super) fn go_on_from(&mut self, known: Known, bases: Bases) {
        self.known.extend(known);
        self.bases.fill(bases);
    }

    /// Measures everything that `environment` declares, and looks ahead.
    pub async fn read(&mut self, environment: &Environment, now: Timestamp) -> Load {
        let Some(signals) = &environment.signals else { return Load::default() };
        let queries = signal::declared(environment);
        let policy = Policy::new(self.faster(signals.max_age)).within(signals.timeout);
        let clock = Arc::clone(&self.clock);
        let now_there = move || clock.now();
        let readings =
            measure_again(&self.servers, &queries, policy, &now_there, &mut self.heard).await;
        let mut load = Load { readings, ..Load::default() };
        self.known.retain(&queries);
        let course = self.course(environment);
        let clocks = self.faster(CLOCKS);
        // A clock that was ahead: what is of a time to come is forgotten, and what was
        // lost by it asked for anew.
        self.begin_anew(|ahead| ahead.course() != course || ahead.is_ahead(now, clocks));
        for stage in environment.controlled_stages() {
            let demand = value(&load.readings, &demand_of(stage));
            let is_asked = queries.iter().any(|query| query.signal == demand_of(stage));
            if is_asked && !self.stages.contains_key(stage) {
                let kept = self.kept.remove(stage).unwrap_or_default();
                let ahead = self.begin(environment, kept, now);
                self.stages.insert(stage.clone(), ahead);
            }
            self.follow(environment, stage, &queries, (policy, now)).await;
            let forecast = match self.stages.get_mut(stage) {
                Some(ahead) => {
                    let measured = good(&load.readings, &demand_of(stage));
                    let upstream = |name: &str| good(&load.readings, &upstream_of(name));
                    ahead.note(now, measured, upstream, (&self.calendar, self.aside)).await;
                    let lacks: Vec<String> =
                        ahead.why.clone().into_iter().chain(ahead.unread()).collect();
                    if !lacks.is_empty() {
                        load.unforecast.insert(stage.clone(), lacks.join("; "));
                    }
                    load.standings.insert(stage.clone(), ahead.standings());
                    ahead.latest.clone()
                }
                None => None,
            };
            let measured = good(&load.readings, &demand_of(stage));
            let sudden = self.faster(SUDDEN);
            let planned =
                self.bases.planned(&self.calendar.events, (stage, measured), (now, sudden));
            let factor = self.factor(environment, now).max(planned);
            let verdict = demand.map_or(Verdict::Missing, |demand| demand.reading.verdict.clone());
            let lost = self.known.lost((&queries, &load.readings), stage);
            let seen = StageDemand {
                now: demand.and_then(|demand| demand.reading.value),
                verdict: if verdict == Verdict::Good { lost.unwrap_or(verdict) } else { verdict },
                waiting: waiting(&load.readings, stage),
                forecast,
                factor,
                tokens: tokens(&load.readings, stage),
                served: served(&load.readings, stage, &environment.slo),
            };
            load.demand.insert(stage.clone(), seen);
        }
        load
    }

    fn faster(&self, span: Span) -> Span {
        Span::from_millis((span.millis() / u64::from(self.time_scale)).max(1))
    }

    /// A stage of which what is kept is known; the rest are gaps, until the servers have
    /// told its past.
    fn begin(&self, environment: &Environment, kept: Kept, now: Timestamp) -> Ahead {
        let (config, step) = self.course(environment);
        let range = Range::last(self.faster(PAST), step, now);
        let gaps = Series::new(range.start, step, vec![None; range.points()]);
        let history = match kept.history.filter(|kept| kept.step() == step) {
            Some(kept) => gaps.or(&kept),
            None => gaps,
        };
        let state = kept.state.unwrap_or_default();
        Ahead::new(history, config, race(environment, self.weights.as_ref(), config, state))
    }

    /// Has a stage follow every upstream service that is declared, and ask the servers
    /// for what is not known yet of the past.
    async fn follow(
        &mut self,
        environment: &Environment,
        stage: &Name,
        queries: &[Query],
        (policy, now): (Policy, Timestamp),
    ) {
        let (config, _) = self.course(environment);
        let again = self.faster(AGAIN);
        let asked = Asked { servers: &self.servers, policy, aside: self.aside, again };
        let Some(ahead) = self.stages.get_mut(stage) else { return };
        let demand = queries.iter().find(|query| query.signal == demand_of(stage));
        let services: Vec<(&str, &Query)> = queries
            .iter()
            .filter_map(|query| Some((upstream_service(&query.signal)?, query)))
            .collect();
        ahead.follow(&services);
        ahead.ask(demand, &services, asked, now).await;
        let weights = self.weights.as_ref();
        ahead.learn(|state| race(environment, weights, config, state)).await;
    }

    /// By how much the events that begin within the horizon multiply what the load is
    /// now.
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

/// A race that goes on from `state`.
fn race(
    environment: &Environment,
    weights: Option<&Trained>,
    config: RaceConfig,
    state: RaceState,
) -> Race {
    let mut racers = forecast::standard();
    let services = environment.signals.iter().flat_map(|signals| signals.upstream.keys());
    let inputs = forecast::inputs(services.map(|name| name.as_str()));
    racers.extend(weights.and_then(|one| one.forecaster(&inputs).ok()));
    Race::new(config, racers).resume(state)
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

/// What the engines of a stage show, against what is promised.
fn served(readings: &[Measured], stage: &Name, slo: &Slo) -> Served {
    let of = |what: &str| good(readings, &format!("engine/{stage}/{what}"));
    let promised = [
        ("ttft_p99", slo.ttft_p99, of("ttft_p99")),
        ("tpot_p99", slo.tpot_p99, of("inter_token_p99")),
    ];
    let latencies = promised.into_iter().filter_map(|(name, promised, seconds)| {
        let measured = Span::from_millis((seconds? * 1000.0).round() as u64);
        Some(Latency { of: name.to_owned(), measured, promised: promised? })
    });
    Served { finished: of("finished"), latencies: latencies.collect() }
}

/// Tokens of a mean request: what comes in and goes out over what is finished.
fn tokens(readings: &[Measured], stage: &Name) -> Option<TokenMix> {
    let of = |what: &str| good(readings, &format!("engine/{stage}/{what}"));
    let finished = of("finished").filter(|finished| *finished > 0.0)?;
    Some(TokenMix { prompt: of("tokens_in")? / finished, output: of("tokens_out")? / finished })
}

#[cfg(test)]
mod tests;
