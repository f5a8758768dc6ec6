//! What an environment wants to know, as queries.

use super::sets::{self, Metric};
use crate::id::Name;
use crate::spec::Environment;
use crate::spec::model::{Kafka, Signals};

/// One signal, and how a server is asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Which: `demand/inference`, `engine/inference/waiting`.
    pub signal: String,
    /// In which unit the value is, as people write it.
    pub unit: &'static str,
    /// PromQL that answers one number.
    pub promql: String,
    /// Nothing to tell is no fault: a latency, while nobody asks.
    pub quiet: bool,
}

impl Query {
    fn new(signal: String, unit: &'static str, promql: &str) -> Self {
        Self { signal, unit, promql: promql.trim().to_owned(), quiet: false }
    }
}

/// The signal of a stage's demand.
pub fn demand_of(stage: &Name) -> String {
    format!("demand/{stage}")
}

/// The signal of an upstream service's call volume.
pub fn upstream_of(service: &str) -> String {
    format!("upstream/{service}")
}

/// The upstream service whose call volume `signal` is, if it is one's.
pub fn upstream_service(signal: &str) -> Option<&str> {
    signal.strip_prefix("upstream/")
}

/// Everything that `environment` asks Prometheus, demand first; nothing that it
/// does not configure.
pub fn declared(environment: &Environment) -> Vec<Query> {
    let Some(signals) = &environment.signals else { return Vec::new() };
    let demand = environment.demand_queries();
    let mut all: Vec<Query> = demand
        .iter()
        .map(|(stage, promql)| Query::new(demand_of(stage), "req/s", promql))
        .collect();
    let queue = signals.queue.iter();
    all.extend(queue.map(|(stage, q)| Query::new(format!("queue/{stage}"), "requests", q)));
    let kafka = signals.kafka.iter();
    all.extend(
        kafka.map(|(stage, topic)| Query::new(format!("kafka/{stage}"), "messages", &lag(topic))),
    );
    let upstream = signals.upstream.iter();
    all.extend(upstream.map(|(name, q)| Query::new(upstream_of(name.as_str()), "req/s", q)));
    let namespace = format!("namespace={}", quoted(environment.service.namespace.as_str()));
    for (stage, engine) in &signals.engine {
        let chosen = signals.select.get(stage).cloned();
        let matchers =
            chosen.unwrap_or_else(|| format!("{namespace},stage={}", quoted(stage.as_str())));
        let of = |metric: &Metric| filled(metric, &format!("engine/{stage}"), &matchers, signals);
        all.extend(sets::of_engine(*engine).iter().map(of));
    }
    let switches = [
        (signals.dcgm, "dcgm", sets::DCGM),
        (signals.kube_state_metrics, "kube_state_metrics", sets::KUBE_STATE_METRICS),
    ];
    for (_, name, set) in switches.into_iter().filter(|(on, _, _)| *on) {
        all.extend(set.iter().map(|metric| filled(metric, name, &namespace, signals)));
    }
    all
}

fn filled(metric: &Metric, of: &str, matchers: &str, signals: &Signals) -> Query {
    let window = format!("{}ms", signals.window.millis().max(1));
    let window = match signals.window.millis() {
        whole if whole.is_multiple_of(1000) => format!("{}s", (whole / 1000).max(1)),
        _ => window,
    };
    // The window first: matchers may hold a `$`.
    let promql = metric.query.replace("$w", &window).replace('@', matchers);
    let signal = format!("{of}/{}", metric.name);
    Query { signal, unit: metric.unit, promql, quiet: metric.quiet }
}

/// The lag as kafka_exporter tells it (<https://github.com/danielqsj/kafka_exporter>);
/// below 0 stands for one that it does not know.
fn lag(topic: &Kafka) -> String {
    let named = [("consumergroup", &topic.group), ("topic", &topic.topic)];
    let matchers = named
        .into_iter()
        .filter_map(|(label, name)| Some(format!("{label}={}", quoted(name.as_ref()?))))
        .collect::<Vec<_>>();
    let query = || format!("sum(kafka_consumergroup_lag{{{}}} >= 0)", matchers.join(","));
    topic.query.clone().unwrap_or_else(query)
}

/// A text of PromQL.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::fixture;
    use crate::spec::model::{Demand, Engine};
    use crate::spec::promql::reads;
    use crate::units::Span;
    use std::collections::BTreeMap;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn with(change: impl FnOnce(&mut Signals)) -> Vec<Query> {
        let mut environment = fixture::environment();
        let mut signals = Signals::of("http://p:9090");
        change(&mut signals);
        environment.signals = Some(signals);
        declared(&environment)
    }

    #[test]
    fn what_is_not_configured_is_not_asked() {
        assert!(with(|_| {}).is_empty());
    }

    #[test]
    fn each_table_asks_for_its_own() {
        let asked = with(|signals| {
            let query = |text: &str| BTreeMap::from([(name("inference"), text.to_owned())]);
            signals.demand = Some(Demand::ByStage(query("sum(rate(a[1m]))")));
            signals.queue = query("sum(waiting)");
            let (group, topic) = (Some("a\"b".to_owned()), Some("t".to_owned()));
            let kafka = Kafka { group, topic, query: None };
            signals.kafka = BTreeMap::from([(name("inference"), kafka)]);
            signals.upstream = BTreeMap::from([(name("web"), "sum(calls)".to_owned())]);
        });
        let asked: Vec<_> = asked.iter().map(|q| (q.signal.as_str(), q.promql.as_str())).collect();
        assert_eq!(
            asked,
            [
                ("demand/inference", "sum(rate(a[1m]))"),
                ("queue/inference", "sum(waiting)"),
                (
                    "kafka/inference",
                    "sum(kafka_consumergroup_lag{consumergroup=\"a\\\"b\",topic=\"t\"} >= 0)"
                ),
                ("upstream/web", "sum(calls)"),
            ]
        );
    }

    #[test]
    fn ready_made_queries_select_the_stage_in_its_namespace_or_as_it_is_said() {
        let engine = BTreeMap::from([(name("inference"), Engine::Vllm)]);
        let asked = with(|signals| {
            signals.engine = engine.clone();
            signals.window = Span::from_secs(30);
        });
        let tokens = asked.iter().find(|q| q.signal == "engine/inference/tokens_out").unwrap();
        assert_eq!(
            tokens.promql,
            "sum(rate(vllm:generation_tokens_total{namespace=\"inference\",stage=\"inference\"}[30s]))"
        );
        let chosen = with(|signals| {
            signals.engine = engine;
            signals.select = BTreeMap::from([(name("inference"), "job=\"$w\"".to_owned())]);
            signals.dcgm = true;
            signals.kube_state_metrics = true;
        });
        assert!(chosen[0].promql.contains("{job=\"$w\"}"), "{}", chosen[0].promql);
        for query in &chosen {
            assert!(!query.promql.contains('@'), "{}", query.promql);
            assert!(!reads(&query.promql).unwrap().selectors.is_empty());
        }
    }
}
