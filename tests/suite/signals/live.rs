//! What `floodway signals` shows while the engine lives, and when it has ended.

use crate::support::prometheus::{Exporter, Prometheus, eventually};
use crate::support::repository::Repository;
use floodway::backend::prometheus::{Credentials, Prometheus as Client};
use floodway::clock::{Clock as _, SystemClock, Timestamp};
use floodway::pipeline::{measure, past};
use floodway::port::Measure;
use floodway::signal::{MeasureFailure, Policy, Query, Range, Verdict};
use floodway::units::Span;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// A simulated environment that measures with `signals`.
pub fn measured(signals: &str) -> Repository {
    let repository = Repository::new(None);
    repository.write(
        "measured",
        &format!(
            "extends = \"demo.toml\"\n[environment]\nname = \"measured\"\n[signals]\n{signals}\n"
        ),
    );
    repository
}

fn by_name(document: &Value, name: &str) -> Value {
    let signals = document["signals"].as_array().unwrap();
    let found = signals.iter().find(|signal| signal["signal"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {document:#}")).clone()
}

fn signals(repository: &Repository) -> (Option<i32>, Value) {
    let said = repository.run(&["signals", "measured", "--json"]);
    let document = serde_json::from_str(&said.out);
    (said.code, document.unwrap_or_else(|_| panic!("{}{}", said.out, said.err)))
}

const DEMAND: &str = "sum(rate(vllm:request_success_total[5s]))";

fn declared(url: &str) -> String {
    format!(
        "prometheus = \"{url}\"\nmax_age = \"4s\"\ninterval = \"1s\"\ntimeout = \"3s\"\n\
         window = \"5s\"\n\
         demand = {{ inference = '{DEMAND}' }}\n\
         engine = {{ inference = \"vllm\" }}\n\
         select = {{ inference = 'job=\"vllm\"' }}\n\
         upstream = {{ hourly = 'sum(rate(vllm:request_success_total[1h]))' }}"
    )
}

#[test]
fn a_living_engine_is_measured_and_one_that_has_ended_is_stale() {
    let exporter = Exporter::start(40.0);
    let prometheus = Prometheus::start(exporter.port);
    let repository = measured(&declared(&prometheus.url()));
    let live = eventually("everything is measured", || {
        let (code, document) = signals(&repository);
        let good = by_name(&document, "demand/inference")["verdict"] == "good";
        (code == Some(0) && good).then_some(document)
    });
    let value = |name: &str| by_name(&live, name)["value"].as_f64().unwrap();
    assert!((30.0..50.0).contains(&value("demand/inference")), "{live:#}");
    assert_eq!(value("engine/inference/running"), 12.0);
    assert_eq!(value("engine/inference/waiting"), 3.0);
    assert_eq!(value("engine/inference/kv_cache"), 0.42);
    assert!((0.1..=0.25).contains(&value("engine/inference/ttft_p99")));
    assert!((600.0..1000.0).contains(&value("engine/inference/tokens_out")));
    let silent = by_name(&live, "engine/inference/inter_token_p99");
    assert_eq!((&silent["verdict"], &silent["unreadable"]), (&"missing".into(), &false.into()));
    let young = by_name(&live, "upstream/hourly");
    assert_eq!((&young["verdict"], &young["may_scale_in"]), (&"settling".into(), &false.into()));
    let pods = by_name(&live, "kubernetes/h100/pending_pods");
    assert_eq!((&pods["verdict"], &pods["age_seconds"]), (&"good".into(), &0.0.into()));

    let screen = repository.run(&["signals", "measured", "--source"]).exits(0);
    screen.says(DEMAND).says(&format!("at {}", prometheus.url()));

    drop(exporter);
    let ended = eventually("what it measured grows old", || {
        let (code, document) = signals(&repository);
        let stale = |name: &str| by_name(&document, name)["verdict"] == "stale";
        let both = stale("demand/inference") && stale("engine/inference/waiting");
        (code == Some(1) && both).then_some(document)
    });
    assert_eq!(by_name(&ended, "engine/inference/waiting")["value"], 3.0);
    let demand = by_name(&ended, "demand/inference");
    assert!(demand["age_seconds"].as_f64().unwrap() >= 4.0, "{demand:#}");
    assert_eq!((&demand["may_scale_in"], &demand["unreadable"]), (&false.into(), &true.into()));
    repository.run(&["signals", "measured"]).exits(1).says("cannot be read");
}

#[test]
fn where_some_of_its_targets_are_not_scraped_a_load_is_not_the_whole() {
    let engines = [Exporter::start(20.0), Exporter::start(20.0)];
    let ports = engines.each_ref().map(|engine| engine.port);
    let prometheus = Prometheus::of(&ports, Duration::from_secs(1));
    let repository = measured(&declared(&prometheus.url()));
    eventually("both are measured", || {
        let (code, document) = signals(&repository);
        let demand = by_name(&document, "demand/inference");
        let whole = demand["value"].as_f64().is_some_and(|rate| rate > 30.0);
        (code == Some(0) && whole && demand["verdict"] == "good").then_some(())
    });
    let [stays, ends] = engines;
    drop(ends);
    let half = eventually("half of it is seen", || {
        let (_, document) = signals(&repository);
        let demand = by_name(&document, "demand/inference");
        demand["value"].as_f64().is_some_and(|rate| rate < 30.0).then_some(demand)
    });
    assert_eq!(half["verdict"], "contradicted", "{half:#}");
    assert!(half["why"].as_str().unwrap().contains("cannot scrape 1 target"), "{half:#}");
    assert_eq!(half["may_scale_in"], false);
    drop(stays);
}

#[test]
fn a_server_that_has_lost_its_data_settles_and_two_that_differ_contradict() {
    let busy = Exporter::start(40.0);
    let idle = Exporter::start(4.0);
    let first = Prometheus::start(busy.port);
    let second = Prometheus::start(idle.port);
    let one = measured(&declared(&first.url()));
    eventually("it is whole", || (signals(&one).0 == Some(0)).then_some(()));
    // The second sees more.
    let servers = format!("prometheus = [\"{}\", \"{}\"]", second.url(), first.url());
    let both =
        declared(&first.url()).replacen(&format!("prometheus = \"{}\"", first.url()), &servers, 1);
    let two = measured(&both);
    let document = eventually("both have measured a whole window", || {
        let (_, document) = signals(&two);
        let demand = by_name(&document, "demand/inference");
        (demand["verdict"] == "contradicted").then_some(demand)
    });
    assert!((30.0..50.0).contains(&document["value"].as_f64().unwrap()), "{document:#}");
    assert!(document["why"].as_str().unwrap().starts_with(&second.url()), "{document:#}");
    assert_eq!(document["may_scale_in"], false);

    let anew = first.restarted_without_its_data(busy.port);
    let one = measured(&declared(&anew.url()).replace("[5s]", "[10m]"));
    let demand = eventually("it answers again", || {
        let (_, document) = signals(&one);
        let demand = by_name(&document, "demand/inference");
        demand["value"].is_number().then_some(demand)
    });
    assert_eq!(demand["verdict"], "settling", "{demand:#}");
}

#[test]
fn the_past_comes_with_its_gaps_and_wrong_queries_with_the_servers_own_words() {
    let exporter = Exporter::start(40.0);
    let prometheus = Prometheus::start(exporter.port);
    let client = Client::new(&prometheus.url(), Credentials::default(), Span::from_secs(5));
    let client: Arc<dyn Measure> = Arc::new(client.unwrap());
    let servers = [Arc::clone(&client)];
    let query = |promql: &str| Query {
        signal: "demand/inference".into(),
        unit: "req/s",
        promql: promql.into(),
        quiet: false,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let policy = Policy::new(Span::from_secs(5));
    let history = eventually("some of the past is known", || {
        let now = SystemClock.now();
        let range = Range::last(Span::from_secs(60), Span::from_secs(1), now);
        let past = runtime.block_on(past(&servers, &query(DEMAND), &range, policy, now));
        let known = past.series.values().iter().flatten().count();
        (known >= 5).then_some(past)
    });
    assert_eq!(history.series.len(), 61);
    assert!(history.blemishes.gaps > 0, "before it was started there is nothing");
    assert!(history.series.values()[0].is_none());
    let last = history.series.last().unwrap().1;
    assert!((20.0..60.0).contains(&last), "{history:?}");

    let started = runtime.block_on(client.started()).unwrap().unwrap();
    let age = SystemClock.now().duration_since(started).as_secs();
    assert!((0..120).contains(&age), "{started}");
    let wrong = runtime.block_on(client.instant("sum(rate(a))")).unwrap_err();
    assert_eq!(wrong.kind, MeasureFailure::Refused);
    assert!(wrong.message.contains("expected type range vector"), "{}", wrong.message);

    let now = || -> Timestamp { SystemClock.now() };
    let several = [query("{job=\"vllm\"}"), query("vector(1) / vector(0) - vector(Inf)")];
    let read = runtime.block_on(measure(&servers, &several, policy, &now));
    for measured in read {
        assert!(matches!(measured.reading.verdict, Verdict::Wrong(_)), "{measured:?}");
    }
}

#[test]
fn forecasts_are_scored_on_what_prometheus_knows_of_an_environment() {
    let exporter = Exporter::start(40.0);
    let prometheus = Prometheus::start(exporter.port);
    let repository = measured(&declared(&prometheus.url()));
    // As many seconds as a score needs: of what was there before, nothing is known.
    let score = ["forecast", "score", "measured", "--history", "1m", "--step", "1s"];
    let scored = eventually("there is a history", || {
        let said = repository.run(&[&score[..], &["--horizon", "3s", "--json"]].concat());
        (said.code == Some(0)).then_some(said)
    });
    let document: Value = serde_json::from_str(&scored.out).unwrap();
    assert!(document.to_string().contains("persistence"), "{document:#}");
    let said = repository.run(&["forecast", "score", "measured", "--stage", "preprocess"]);
    said.exits(64).says("--stage inference");
}
