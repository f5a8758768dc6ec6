//! Where the load is measured, and by which queries.

use super::{Count, Environment};
use crate::id::Name;
use crate::units::Span;
use common::document::{Node, Value};
use common::shape::{Decoder, Shape, Tree, Wire, choice, table};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

table! {
    /// Where the load is measured.
    pub struct Signals {
        /// The Prometheus server's URL, or a list of them that hold the same: the
        /// first that answers well is believed, and what contradicts it is shown.
        pub prometheus: Vec<String> as OneOrMore,
        /// How long one query may take.
        pub timeout: Span = Span::from_secs(5),
        /// How old a measurement may be before nothing is scaled in by it.
        pub max_age: Span = Span::from_secs(120),
        /// How often the controller reads.
        pub interval: Span = Span::from_secs(15),
        /// The window of the rates in the ready-made queries: four scrapes or more.
        pub window: Span = Span::from_secs(60),
        /// A PromQL query that answers the demand in requests per second: a string
        /// for the only stage whose pools the controller scales, or one by stage.
        pub demand: Option<Demand>,
        /// What serves a stage, by stage: its metrics are read.
        pub engine: BTreeMap<Name, Engine>,
        /// The label matchers that select a stage's series in the ready-made
        /// queries, by stage, as PromQL has them: `job="vllm"`. Without one they are
        /// `namespace` and `stage`.
        pub select: BTreeMap<Name, String>,
        /// PromQL queries that answer how many requests wait before a stage, by stage.
        pub queue: BTreeMap<Name, String>,
        /// Kafka topics that a stage consumes, by stage: its lag is read.
        pub kafka: BTreeMap<Name, Kafka>,
        /// PromQL queries that answer the call volume of services that call this one,
        /// by a name of your choice.
        pub upstream: BTreeMap<Name, String>,
        /// Whether NVIDIA's DCGM exporter is scraped: GPU and memory use are read.
        pub dcgm: bool = false,
        /// Whether kube-state-metrics is scraped: pending pods are read.
        pub kube_state_metrics: bool = false,
    }
}

table! {
    /// A consumer group of a Kafka topic, as kafka_exporter names them.
    pub struct Kafka {
        /// The consumer group.
        pub group: Option<String>,
        /// The topic; without it, all that the group consumes.
        pub topic: Option<String>,
        /// A PromQL query that answers the lag in messages, in place of both.
        pub query: Option<String>,
    }
}

choice! {
    /// What serves a stage.
    pub enum Engine {
        /// vLLM.
        Vllm = "vllm",
        /// SGLang.
        Sglang = "sglang",
        /// Hugging Face Text Generation Inference.
        Tgi = "tgi",
        /// NVIDIA Triton Inference Server, with or without TensorRT-LLM.
        Triton = "triton",
    }
}

/// The demand's query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Demand {
    /// `demand = 'sum(rate(…))'`: of the only stage that the controller scales.
    OfOnly(String),
    /// `demand = { inference = 'sum(rate(…))' }`
    ByStage(BTreeMap<Name, String>),
}

impl Signals {
    /// One server, and nothing that is asked of it yet.
    pub fn of(prometheus: &str) -> Self {
        Self {
            prometheus: vec![prometheus.to_owned()],
            timeout: Span::from_secs(5),
            max_age: Span::from_secs(120),
            interval: Span::from_secs(15),
            window: Span::from_secs(60),
            demand: None,
            engine: BTreeMap::new(),
            select: BTreeMap::new(),
            queue: BTreeMap::new(),
            kafka: BTreeMap::new(),
            upstream: BTreeMap::new(),
            dcgm: false,
            kube_state_metrics: false,
        }
    }
}

impl Environment {
    /// The stages with pools whose size the controller owns, and no HPA and not git.
    pub fn controlled_stages(&self) -> BTreeSet<&Name> {
        let between = |count: Count| matches!(count, Count::Between { .. });
        let onprem = self.onprem.iter().flat_map(|onprem| onprem.pools.values());
        let onprem = onprem.filter(|pool| between(pool.replicas) && pool.hpa.is_none());
        let burst = self.aws.iter().flat_map(|aws| aws.pools.values());
        let burst = burst.filter(|pool| between(pool.size)).map(|pool| &pool.stage);
        let git_owns =
            |stage: &Name| self.service.stages.get(stage).is_some_and(|s| s.demand.is_some());
        onprem.map(|pool| &pool.stage).chain(burst).filter(|stage| !git_owns(stage)).collect()
    }

    /// The query of each stage's demand.
    pub fn demand_queries(&self) -> BTreeMap<&Name, &str> {
        match self.signals.as_ref().and_then(|signals| signals.demand.as_ref()) {
            None => BTreeMap::new(),
            Some(Demand::OfOnly(query)) => {
                let mut stages = self.controlled_stages().into_iter();
                match (stages.next(), stages.next()) {
                    (Some(only), None) => BTreeMap::from([(only, query.as_str())]),
                    _ => BTreeMap::new(),
                }
            }
            Some(Demand::ByStage(queries)) => {
                queries.iter().map(|(stage, query)| (stage, query.as_str())).collect()
            }
        }
    }
}

impl Shape for Demand {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        match &node.value {
            Value::Table(_) => BTreeMap::decode(node, decoder).map(Self::ByStage),
            Value::String(_) => String::decode(node, decoder).map(Self::OfOnly),
            _ => {
                let example = "'sum(rate(requests_total[1m]))' or { inference = '…' }";
                decoder.wrong_type(node, "a query or a table of queries", Some(example));
                None
            }
        }
    }

    fn stand_in() -> Self {
        Self::ByStage(BTreeMap::new())
    }

    fn encode(&self) -> Option<Tree> {
        match self {
            Self::OfOnly(query) => query.encode(),
            Self::ByStage(queries) => queries.encode(),
        }
    }

    fn schema(whole: bool) -> Json {
        json!({ "anyOf": [String::schema(whole), BTreeMap::<Name, String>::schema(whole)] })
    }
}

/// A text, or a list of texts.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::spec) struct OneOrMore(Vec<String>);

impl Shape for OneOrMore {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        match &node.value {
            Value::Array(_) => Vec::decode(node, decoder).map(Self),
            _ => String::decode(node, decoder).map(|text| Self(vec![text])),
        }
    }

    fn stand_in() -> Self {
        Self(vec![String::new()])
    }

    fn encode(&self) -> Option<Tree> {
        match self.0.as_slice() {
            [one] => one.encode(),
            more => more.to_vec().encode(),
        }
    }

    fn schema(whole: bool) -> Json {
        json!({ "anyOf": [String::schema(whole), Vec::<String>::schema(whole)] })
    }
}

impl Wire<Vec<String>> for OneOrMore {
    fn meaning(self) -> Vec<String> {
        self.0
    }

    fn written(value: &Vec<String>) -> Self {
        Self(value.clone())
    }
}
