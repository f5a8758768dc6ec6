//! Random environments: always valid, whatever was drawn.

use floodway::spec::{OneFile, Resolved, resolve};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The only namespace.
pub const NAMESPACE: &str = "inference";
/// The environment's name.
pub const NAME: &str = "laws";
/// Its file.
pub const FILE: &str = "environments/laws.toml";

const STAGES: [&str; 3] = ["inference", "preprocess", "postprocess"];
const TYPES: [&str; 3] = ["g6e.12xlarge", "g5.12xlarge", "p5.48xlarge"];

/// What a team declares.
#[derive(Debug, Clone)]
pub struct Declared {
    pub stages: usize,
    pub image: u8,
    /// Of what the first stage's pools carry at most, in percent.
    pub demand: Option<u32>,
    pub onprem: BTreeMap<String, OnPrem>,
    pub burst: BTreeMap<String, Burst>,
    pub moved: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
pub struct OnPrem {
    pub stage: usize,
    pub count: Count,
    pub hpa: bool,
    pub labelled: bool,
}

#[derive(Debug, Clone)]
pub struct Burst {
    pub stage: usize,
    pub count: Count,
    pub standalone: bool,
    /// None: by what they have.
    pub types: Vec<usize>,
    /// Each type carries something else.
    pub apart: bool,
    pub spot: Option<u8>,
    pub warm: bool,
    pub rolling: bool,
}

#[derive(Debug, Clone, Copy)]
pub enum Count {
    Fixed(u32),
    Between(u32, u32),
}

impl Count {
    fn max(self) -> u32 {
        match self {
            Self::Fixed(count) | Self::Between(_, count) => count,
        }
    }

    fn toml(self) -> String {
        match self {
            Self::Fixed(count) => count.to_string(),
            Self::Between(min, max) => format!("{{ min = {min}, max = {max} }}"),
        }
    }
}

pub fn count() -> impl Strategy<Value = Count> {
    prop_oneof![
        (0..5u32).prop_map(Count::Fixed),
        (0..3u32, 0..5u32).prop_map(|(min, more)| Count::Between(min, (min + more).max(1))),
    ]
}

pub fn on_prem() -> impl Strategy<Value = OnPrem> {
    (0..3usize, count(), any::<bool>(), any::<bool>())
        .prop_map(|(stage, count, hpa, labelled)| OnPrem { stage, count, hpa, labelled })
}

pub fn types() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        Just(Vec::new()),
        Just(vec![0]),
        Just(vec![1]),
        Just(vec![0, 1]),
        Just(vec![1, 0]),
        Just(vec![1, 2, 0]),
    ]
}

pub fn spot() -> impl Strategy<Value = Option<u8>> {
    prop_oneof![Just(None), Just(Some(50)), Just(Some(100))]
}

pub fn burst() -> impl Strategy<Value = Burst> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (0..3usize, count(), types(), spot(), flags).prop_map(
        |(stage, count, types, spot, (standalone, apart, warm, rolling))| Burst {
            stage,
            count,
            standalone,
            types,
            apart,
            spot,
            warm,
            rolling,
        },
    )
}

pub fn declared() -> impl Strategy<Value = Declared> {
    let onprem = prop::collection::btree_map("[a-d]", on_prem(), 1..4);
    let burst = prop::collection::btree_map("[p-s]", burst(), 0..3);
    (1..4usize, prop::option::weighted(0.3, 1..101u32), onprem, burst).prop_map(
        |(stages, demand, onprem, burst)| Declared {
            stages,
            image: 0,
            demand,
            onprem,
            burst,
            moved: Vec::new(),
        },
    )
}

impl Burst {
    /// Of a replica on one of `TYPES`, in requests/s.
    fn capacity(&self, at: usize) -> u32 {
        if self.apart { [5, 6, 7][at] } else { 5 }
    }
}

impl Declared {
    /// As TOML: what contradicts the rest is left out.
    pub fn toml(&self) -> String {
        let mut text = format!(
            "[environment]\nname = '{NAME}'\nmax_destroy = 99\n\
             [slo]\navailability = '99.9%'\nttft_p99 = '500ms'\n\
             [service]\nname = 'llm'\nnamespace = '{NAMESPACE}'\nmodel = 'm'\n"
        );
        let demand = self.demand_millis();
        for (index, name) in STAGES.iter().enumerate().take(self.stages) {
            let image = self.image;
            writeln!(
                text,
                "[service.stages.{name}]\nimage = 'registry.example/{name}:{image}'\n\
                 resources = {{ cpu = '2', memory = '4Gi' }}\ndrain = '30s'"
            )
            .unwrap();
            if index == 0 {
                writeln!(text, "gpus = 1").unwrap();
            }
            if let Some(demand) = demand.filter(|_| index == 0) {
                writeln!(text, "demand = '{}.{:03} req/s'", demand / 1000, demand % 1000).unwrap();
            }
            if index + 1 < self.stages {
                writeln!(text, "next = '{}'", STAGES[index + 1]).unwrap();
            }
        }
        text.push_str("[onprem]\nprovider = 'sim'\n");
        for (name, pool) in &self.onprem {
            self.print_on_prem(&mut text, name, pool);
        }
        text.push_str("[aws]\nprovider = 'sim'\nregion = 'us-east-1'\n");
        for (name, pool) in &self.burst {
            self.print_burst(&mut text, name, pool);
        }
        for (from, to) in &self.moved {
            writeln!(text, "[[moved]]\nfrom = '{from}'\nto = '{to}'").unwrap();
        }
        text
    }

    fn stage(&self, index: usize) -> usize {
        index % self.stages
    }

    fn print_on_prem(&self, text: &mut String, name: &str, pool: &OnPrem) {
        let stage = self.stage(pool.stage);
        writeln!(
            text,
            "[onprem.pools.{name}]\nstage = '{}'\nreplicas = {}\ncapacity = '10 req/s'",
            STAGES[stage],
            pool.count.toml()
        )
        .unwrap();
        let free = stage != 0 || self.demand_millis().is_none();
        let least = matches!(pool.count, Count::Between(1.., _));
        if pool.hpa && least && free {
            writeln!(text, "hpa = {{ cpu = '70%' }}").unwrap();
        }
        if pool.labelled {
            writeln!(text, "node_selector = {{ kind = 'gpu' }}").unwrap();
        }
    }

    fn print_burst(&self, text: &mut String, name: &str, pool: &Burst) {
        let stage = self.stage(pool.stage);
        let types: Vec<_> = pool.types.iter().map(|&at| format!("'{}'", TYPES[at])).collect();
        let mut each: Vec<_> = pool
            .types
            .iter()
            .map(|&at| format!("'{}' = '{} req/s'", TYPES[at], pool.capacity(at)))
            .collect();
        let mut types = format!("instance_types = [{}]", types.join(", "));
        if pool.types.is_empty() {
            types = "requirements = { gpus = 4, vcpus = { min = 8 } }".to_owned();
            each.push("any = '5 req/s'".to_owned());
        }
        writeln!(
            text,
            "[aws.pools.{name}]\nstage = '{}'\nsize = {}\njoin = '{}'\n{types}\n\
             capacity = {{ {} }}\nimage = {{ name = 'gpu' }}",
            STAGES[stage],
            pool.count.toml(),
            if pool.standalone { "standalone" } else { "kubernetes" },
            each.join(", "),
        )
        .unwrap();
        if stage != 0 {
            writeln!(text, "replicas_per_node = 2").unwrap();
        }
        if let Some(share) = pool.spot {
            writeln!(text, "spot = {{ share = '{share}%' }}").unwrap();
        }
        if pool.warm && pool.spot != Some(100) && pool.count.max() > 0 {
            writeln!(text, "warm_pool = 1").unwrap();
        }
        if pool.rolling {
            writeln!(text, "refresh = {{ rule = 'rolling' }}").unwrap();
        }
    }

    /// What the first stage shall carry, in thousandths of a request per second.
    fn demand_millis(&self) -> Option<u32> {
        let first = |stage: usize| self.stage(stage) == 0;
        let onprem = self.onprem.values().filter(|pool| first(pool.stage));
        let burst = self.burst.values().filter(|pool| first(pool.stage));
        let first = |pool: &Burst| pool.types.first().copied().unwrap_or(0);
        let gpus = |pool: &Burst| if first(pool) == 2 { 8 } else { 4 };
        let most: u32 = onprem.map(|pool| 10_000 * pool.count.max()).sum::<u32>()
            + burst
                .map(|pool| 1_000 * pool.capacity(first(pool)) * gpus(pool) * pool.count.max())
                .sum::<u32>();
        self.demand.map(|share| most * share / 100).filter(|demand| *demand > 0)
    }

    /// Read and validated as any environment is.
    pub fn resolve(&self) -> Resolved {
        resolved(&self.toml())
    }
}

/// An environment's file, read and validated.
pub fn resolved(text: &str) -> Resolved {
    let (resolved, said) = resolve(FILE, &OneFile(FILE, text));
    resolved.unwrap_or_else(|| {
        panic!("{}\n{text}", said.render(floodway::diag::Look::PLAIN));
    })
}
