mod remembered;

use super::*;
use crate::desired::fixture;
use crate::signal::{Answer, MeasureError, MeasureFailure, Sample};
use crate::spec::model::{Demand, Engine, Kafka, Signals};
use async_trait::async_trait;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// A time that a test sets.
struct Time(Mutex<Timestamp>);

#[async_trait]
impl Clock for Time {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, duration: std::time::Duration) {
        let mut now = self.0.lock().unwrap();
        *now = now.saturating_add(duration).unwrap();
    }
}

/// Knows a load and who calls: minutes since 1970, and a thousand times as many.
struct Knows {
    time: Arc<Time>,
    /// Queries that it has no answer to.
    silent: Mutex<Vec<&'static str>>,
    /// It cannot tell the past.
    forgets: AtomicBool,
    /// How often it was asked for the past.
    asked: AtomicUsize,
    /// While it has no permits, what is asked of the past is not answered.
    open: Semaphore,
}

impl Knows {
    fn value(query: &str, at: Timestamp) -> f64 {
        let minutes = at.as_second() as f64 / 60.0 % 10_000.0;
        if query == "sum(calls)" { 1000.0 * minutes } else { minutes }
    }

    fn answers(&self, query: &str) -> bool {
        query.starts_with("sum(") && !self.silent.lock().unwrap().contains(&query)
    }
}

#[async_trait]
impl Measure for Knows {
    fn server(&self) -> &str {
        "a test"
    }

    async fn instant(&self, query: &str) -> Result<Answer, MeasureError> {
        let now = self.time.now();
        let answer = self.answers(query).then(|| Answer::of(now, Self::value(query, now)));
        Ok(answer.unwrap_or_default())
    }

    async fn range(&self, query: &str, range: &Range) -> Result<Answer, MeasureError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let _open = self.open.acquire().await.unwrap();
        if self.forgets.load(Ordering::Relaxed) {
            let kind = MeasureFailure::Unreachable;
            return Err(MeasureError { kind, message: "a test is busy".to_owned(), help: None });
        }
        if !self.answers(query) {
            return Ok(Answer::default());
        }
        let at = |index| range.start + (range.step.duration() * index as u32);
        let points = (0..range.points()).map(at);
        let samples = points.map(|at| Sample { at, value: Self::value(query, at) }).collect();
        let mut answer = Answer::of(range.start, 0.0);
        answer.series[0].samples = samples;
        Ok(answer)
    }
}

fn environment(upstream: &[(&str, &str)]) -> Environment {
    let mut environment = fixture::environment();
    let mut signals = Signals::of("http://p:9090");
    let inference = "inference".parse().unwrap();
    signals.demand = Some(Demand::ByStage([(inference, "sum(load)".to_owned())].into()));
    let named = upstream.iter().map(|(name, q)| (name.parse().unwrap(), (*q).to_owned()));
    signals.upstream = named.collect();
    environment.signals = Some(signals);
    // Steps of 40 minutes, so that the past is short.
    environment.burst.forecast.horizon = Span::from_secs(15 * 2400);
    environment
}

struct Watch {
    time: Arc<Time>,
    server: Arc<Knows>,
    gauge: Gauge,
}

impl Watch {
    fn begin() -> Self {
        let time = Arc::new(Time(Mutex::new("2026-11-26T08:00:00Z".parse().unwrap())));
        let server = Arc::new(Knows {
            time: Arc::clone(&time),
            silent: Mutex::default(),
            forgets: AtomicBool::default(),
            asked: AtomicUsize::default(),
            open: Semaphore::new(1),
        });
        let servers: Vec<Arc<dyn Measure>> = vec![Arc::clone(&server) as _];
        let clock = Arc::clone(&time) as Arc<dyn Clock>;
        let gauge = Gauge::new(servers, CalendarInputs::default(), clock, false, 1);
        Self { time, server, gauge }
    }

    async fn pass(&mut self, environment: &Environment, turns: usize) -> Load {
        let mut last = Load::default();
        for _ in 0..turns {
            let now = self.time.now();
            last = self.gauge.read(environment, now).await;
            self.time.sleep(std::time::Duration::from_secs(600)).await;
        }
        last
    }

    fn stage(&self) -> &Ahead {
        &self.gauge.stages["inference"]
    }
}

#[tokio::test]
async fn who_calls_is_followed_on_the_steps_of_the_load_from_its_past_on() {
    let mut watch = Watch::begin();
    watch.pass(&environment(&[("web", "sum(calls)")]), 30).await;
    let (own, upstream) = (watch.stage().demand(), watch.stage().beside());
    let [(name, web)] = upstream.as_slice() else { panic!("{upstream:?}") };
    assert_eq!(name, "web");
    assert_eq!((own.start(), own.step(), own.len()), (web.start(), web.step(), web.len()));
    assert!(own.len() > 8 * 24 * 60 / 40, "the past and what came since");
    let pairs = own.values().iter().zip(web.values()).filter_map(|(a, b)| Some(((*a)?, (*b)?)));
    let pairs: Vec<(f64, f64)> = pairs.collect();
    assert!(pairs.len() > own.len() - 3, "{} of {}", pairs.len(), own.len());
    assert!(pairs.iter().all(|(load, calls)| (calls - 1000.0 * load).abs() < 1e-6));
}

#[tokio::test]
async fn a_caller_that_falls_silent_is_a_gap_and_the_load_is_forecast_all_the_same() {
    let mut watch = Watch::begin();
    let environment = environment(&[("web", "sum(calls)")]);
    watch.pass(&environment, 10).await;
    watch.server.silent.lock().unwrap().push("sum(calls)");
    let load = watch.pass(&environment, 20).await;
    let (_, web) = watch.stage().beside().remove(0);
    assert_eq!(web.values().last(), Some(&None));
    let stage = &load.demand["inference"];
    assert!(stage.forecast.is_some() && load.unforecast.is_empty(), "{:?}", load.unforecast);
    assert_eq!(stage.verdict, Verdict::Good);
}

#[tokio::test]
async fn callers_come_and_go_with_what_is_declared() {
    let mut watch = Watch::begin();
    let names = |watch: &Watch| -> Vec<String> {
        watch.stage().beside().into_iter().map(|(name, _)| name).collect()
    };
    watch.pass(&environment(&[]), 5).await;
    assert_eq!(names(&watch), [""; 0]);
    watch.pass(&environment(&[("web", "sum(calls)"), ("app", "sum(load)")]), 5).await;
    assert_eq!(names(&watch), ["app", "web"]);
    // Of another query the past is another one.
    watch.pass(&environment(&[("app", "sum(calls)")]), 5).await;
    assert_eq!(names(&watch), ["app"]);
    let (own, (_, app)) = (watch.stage().demand(), watch.stage().beside().remove(0));
    assert_eq!(own.len(), app.len());
    let value = |series: &crate::signal::Series| series.values()[5].unwrap();
    assert!((value(&app) - 1000.0 * value(&own)).abs() < 1e-6);
}

fn gaps(series: &crate::signal::Series) -> usize {
    series.values().iter().filter(|value| value.is_none()).count()
}

fn ticks(load: &Load) -> u32 {
    load.standings["inference"].iter().map(|standing| standing.ticks).max().unwrap()
}

#[tokio::test]
async fn a_past_that_could_not_be_read_is_told_and_read_when_it_can_be() {
    let mut watch = Watch::begin();
    watch.server.forgets.store(true, Ordering::Relaxed);
    let environment = environment(&[]);
    let load = watch.pass(&environment, 24).await;
    assert_eq!(load.unforecast["inference"], "the past could not be read: a test is busy");
    let outs = load.standings["inference"].iter().filter_map(|standing| standing.out.as_ref());
    let outs: Vec<&String> = outs.collect();
    let told = outs.iter().all(|out| out.ends_with("the past could not be read: a test is busy"));
    assert!(!outs.is_empty() && told, "{outs:?}");
    let (measured, learned) = (watch.stage().demand(), ticks(&load));
    assert!(gaps(&measured) > 280 && learned >= 3, "{} {learned}", gaps(&measured));
    watch.server.forgets.store(false, Ordering::Relaxed);
    let load = watch.pass(&environment, 1).await;
    assert!(load.unforecast.is_empty(), "{:?}", load.unforecast);
    let whole = watch.stage().demand();
    assert_eq!(gaps(&whole), 0, "{} of {}", gaps(&whole), whole.len());
    let mut pairs = measured.values().iter().zip(whole.values());
    assert!(pairs.all(|(before, now)| before.is_none() || before == now), "{whole:?}");
    assert!(ticks(&load) >= learned, "{} after {learned}", ticks(&load));
    let by_day = |standing: &&Standing| standing.name == "seasonal-day";
    let by_day = load.standings["inference"].iter().find(by_day).unwrap();
    assert_eq!(by_day.out, None, "it knows the day before at once");
}

#[tokio::test]
async fn after_a_clock_was_ahead_for_a_while_the_load_is_noted_and_forecast_as_before() {
    // For so long that nothing of before is kept, too: then servers tell it again.
    for (hours, forgets) in [(6, true), (600 * 24, false)] {
        let mut watch = Watch::begin();
        let environment = environment(&[("web", "sum(calls)")]);
        watch.pass(&environment, 30).await;
        let (before, right) = (watch.stage().demand(), watch.time.now());
        let minutes = |minutes: u64| std::time::Duration::from_secs(60 * minutes);
        *watch.time.0.lock().unwrap() = right + minutes(60 * hours);
        watch.pass(&environment, 20).await;
        *watch.time.0.lock().unwrap() = right + minutes(200);
        watch.server.forgets.store(forgets, Ordering::Relaxed);
        let load = watch.pass(&environment, 12).await;
        let (now, after) = (watch.time.now(), watch.stage().demand());
        assert!(after.time(after.len()) > right + minutes(200), "{hours}: it goes on");
        assert!(after.time(after.len() - 1) <= now, "{hours}: it is of no time to come");
        let known = after.values().iter().rev().take(2).flatten().count();
        assert_eq!(known, 2, "{hours}: what came since is known: {after:?}");
        let at = |time| (0..after.len()).find(|index| after.time(*index) == time);
        for (index, value) in before.values().iter().enumerate().skip(30) {
            let same = at(before.time(index)).and_then(|index| after.values()[index]);
            assert!(value.is_none() || same.is_some(), "{hours}: {index} is lost");
        }
        let forecast = load.demand["inference"].forecast.as_ref().unwrap();
        assert!(forecast.origin <= now, "{hours}: {} is to come", forecast.origin);
        assert_eq!(watch.stage().beside()[0].1.len(), after.len());
    }
}

#[tokio::test]
async fn a_past_that_could_not_be_read_is_asked_for_again_two_minutes_later() {
    let mut watch = Watch::begin();
    watch.server.forgets.store(true, Ordering::Relaxed);
    let environment = environment(&[]);
    let mut asked = Vec::new();
    for _ in 0..5 {
        watch.gauge.read(&environment, watch.time.now()).await;
        asked.push(watch.server.asked.load(Ordering::Relaxed));
        watch.time.sleep(std::time::Duration::from_secs(60)).await;
    }
    assert_eq!(asked, [1, 1, 2, 2, 3]);
    watch.server.forgets.store(false, Ordering::Relaxed);
    for _ in 0..5 {
        watch.gauge.read(&environment, watch.time.now()).await;
        watch.time.sleep(std::time::Duration::from_secs(60)).await;
    }
    assert_eq!(watch.server.asked.load(Ordering::Relaxed), 4, "it was read");
}

#[tokio::test]
async fn the_past_of_a_caller_that_could_not_be_read_is_told_too() {
    let mut watch = Watch::begin();
    watch.pass(&environment(&[]), 2).await;
    watch.server.forgets.store(true, Ordering::Relaxed);
    let environment = environment(&[("web", "sum(calls)")]);
    let load = watch.pass(&environment, 2).await;
    let why = &load.unforecast["inference"];
    assert_eq!(why, "the past of upstream/web could not be read: a test is busy");
    watch.server.forgets.store(false, Ordering::Relaxed);
    let load = watch.pass(&environment, 1).await;
    assert!(load.unforecast.is_empty(), "{:?}", load.unforecast);
    assert_eq!(gaps(&watch.stage().beside()[0].1), 0);
}

#[tokio::test]
async fn a_past_that_is_long_in_coming_keeps_no_turn_waiting() {
    let mut watch = Watch::begin();
    watch.gauge.aside = true;
    let server = Arc::clone(&watch.server);
    server.open.forget_permits(1);
    let environment = environment(&[]);
    let turns = watch.pass(&environment, 3);
    let load = tokio::time::timeout(std::time::Duration::from_secs(20), turns).await.unwrap();
    assert!(load.unforecast.is_empty() && load.demand["inference"].now.is_some());
    assert_eq!(server.asked.load(Ordering::Relaxed), 1, "once, however long it takes");
    server.open.add_permits(1);
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    watch.pass(&environment, 1).await;
    assert_eq!(gaps(&watch.stage().demand()), 0);
}

/// The real load of a platform in steps of ten minutes, from 1970 on, and weights
/// that were trained on its first 8 days; see tests/data/README.md.
#[cfg(feature = "lstm")]
mod of_a_real_load {
    use super::*;

    const LOAD: &str = include_str!("../../../tests/data/servegen/m-small-10min.csv");
    const WEIGHTS: &[u8] = include_bytes!("../../../tests/data/weights/lstm-m-small.safetensors");

    struct Replays(Arc<Time>);

    impl Replays {
        fn at(at: Timestamp) -> f64 {
            let row = LOAD.lines().nth(1 + (at.as_second() / 600) as usize).unwrap();
            row.split_once(',').unwrap().1.parse().unwrap()
        }
    }

    #[async_trait]
    impl Measure for Replays {
        fn server(&self) -> &str {
            "a replay"
        }

        async fn instant(&self, query: &str) -> Result<Answer, MeasureError> {
            let now = self.0.now();
            let answer = (query == "sum(load)").then(|| Answer::of(now, Self::at(now)));
            Ok(answer.unwrap_or_default())
        }

        async fn range(&self, _: &str, range: &Range) -> Result<Answer, MeasureError> {
            let at = |index| range.start + (range.step.duration() * index as u32);
            let points = (0..range.points()).map(at).filter(|at| *at >= Timestamp::UNIX_EPOCH);
            let samples = points.map(|at| Sample { at, value: Self::at(at) }).collect();
            let mut answer = Answer::of(range.start, 0.0);
            answer.series[0].samples = samples;
            Ok(answer)
        }
    }

    fn trained() -> Option<Trained> {
        let horizon = Span::from_secs(20 * 60);
        Some(Trained::of(WEIGHTS.into(), &forecast::inputs(std::iter::empty()), horizon).unwrap())
    }

    fn environment() -> Environment {
        let mut environment = super::environment(&[]);
        environment.burst.forecast.horizon = Span::from_secs(20 * 60);
        environment
    }

    fn begin() -> (Arc<Time>, Gauge) {
        let time = Arc::new(Time(Mutex::new("1970-01-11T00:00:00Z".parse().unwrap())));
        let servers: Vec<Arc<dyn Measure>> = vec![Arc::new(Replays(Arc::clone(&time)))];
        let clock = Arc::clone(&time) as Arc<dyn Clock>;
        (time, Gauge::new(servers, CalendarInputs::default(), clock, false, 1))
    }

    async fn pass(time: &Time, gauge: &mut Gauge, turns: usize) -> Load {
        let mut last = Load::default();
        for _ in 0..turns {
            last = gauge.read(&environment(), time.now()).await;
            time.sleep(std::time::Duration::from_secs(600)).await;
        }
        last
    }

    fn standing(load: &Load, name: &str) -> Option<Standing> {
        load.standings["inference"].iter().find(|standing| standing.name == name).cloned()
    }

    #[tokio::test]
    async fn the_network_runs_with_the_others_on_its_own_steps_and_is_measured() {
        let (time, gauge) = begin();
        let mut gauge = gauge.trained(trained());
        let load = pass(&time, &mut gauge, 72).await;
        assert_eq!(gauge.stages["inference"].demand().step(), Span::from_secs(600));
        let lstm = standing(&load, "lstm").unwrap();
        assert_eq!((lstm.ticks, lstm.out), (71, None));
        let persistence = standing(&load, "persistence").unwrap();
        assert!(lstm.loss < persistence.loss, "{:?}", load.standings);
    }

    #[tokio::test]
    async fn weights_that_come_later_join_a_race_that_goes_on() {
        let (time, mut gauge) = begin();
        // The same steps as the weights have: a race of other steps begins anew.
        let load = pass(&time, &mut gauge, 5).await;
        assert_eq!(standing(&load, "lstm"), None);
        let servers = gauge.servers.clone();
        gauge.reconnect(servers.clone(), CalendarInputs::default(), trained());
        let load = pass(&time, &mut gauge, 10).await;
        assert!(standing(&load, "lstm").unwrap().out.is_none());
        let before = standing(&load, "persistence").unwrap().ticks;
        // The same ones again are no news.
        gauge.reconnect(servers.clone(), CalendarInputs::default(), trained());
        let load = pass(&time, &mut gauge, 1).await;
        assert_eq!(standing(&load, "persistence").unwrap().ticks, before + 1);
        gauge.reconnect(servers, CalendarInputs::default(), None);
        let load = pass(&time, &mut gauge, 1).await;
        assert_eq!(standing(&load, "lstm"), None);
    }

    #[tokio::test]
    async fn a_load_that_runs_faster_than_life_has_no_network() {
        let (time, gauge) = begin();
        let mut gauge = Gauge { time_scale: 60, ..gauge }.trained(trained());
        let load = gauge.read(&environment(), time.now()).await;
        assert_eq!(standing(&load, "lstm"), None);
    }
}
