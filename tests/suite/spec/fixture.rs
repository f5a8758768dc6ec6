//! Environments in memory.

use floodway::spec::{LoadError, Loaded, Loader};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// Files by path.
pub struct Memory {
    files: BTreeMap<String, Vec<u8>>,
}

impl Memory {
    pub fn new<T: AsRef<[u8]>>(files: impl IntoIterator<Item = (&'static str, T)>) -> Self {
        let files = files.into_iter();
        Self { files: files.map(|(path, text)| (path.into(), text.as_ref().to_vec())).collect() }
    }
}

impl Loader for Memory {
    fn load(&self, path: &str) -> Result<Loaded, LoadError> {
        let bytes = self.files.get(path).cloned().ok_or(LoadError::NotFound)?;
        Ok(Loaded { bytes, real: path.to_owned() })
    }

    fn siblings(&self, path: &str) -> Vec<String> {
        let folder = |path: &str| path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let beside = self.files.keys().filter(|file| folder(file) == folder(path));
        beside.filter_map(|file| file.rsplit('/').next().map(str::to_owned)).collect()
    }
}

/// A TOML text as JSON, read without any of Floodway's code.
pub fn json(text: &str) -> Json {
    let table = DeTable::parse(text).unwrap();
    value(&DeValue::Table(table.into_inner()))
}

fn value(from: &DeValue<'_>) -> Json {
    match from {
        DeValue::String(text) => Json::from(text.as_ref()),
        DeValue::Integer(number) => {
            Json::from(i64::from_str_radix(number.as_str(), number.radix()).unwrap())
        }
        DeValue::Float(number) => Json::from(number.as_str().parse::<f64>().unwrap()),
        DeValue::Boolean(value) => Json::from(*value),
        DeValue::Datetime(value) => Json::from(value.to_string()),
        DeValue::Array(values) => values.iter().map(|inner| value(inner.get_ref())).collect(),
        DeValue::Table(table) => {
            let entry = |(key, inner): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
                (key.get_ref().to_string(), value(inner.get_ref()))
            };
            table.iter().map(entry).collect::<serde_json::Map<_, _>>().into()
        }
    }
}

/// A small environment with every kind of section.
pub const WHOLE: &str = r#"
[environment]
name = "prod"
phase = "medium"

[slo]
availability = "99.95%"
ttft_p99 = "500ms"

[service]
name = "deepseek"
namespace = "inference"
model = "deepseek-ai/DeepSeek-R1-Distill-Llama-8B"

[service.stages.preprocess]
image = "registry.example/preprocess:1"
resources = { cpu = "4", memory = "8Gi" }
next = "inference"

[service.stages.inference]
image = "registry.example/inference:1"
gpus = 1
resources = { cpu = "8", memory = "64Gi" }

[onprem]
context = "dc1"
cluster_uid = "8a6f0f0e-6a55-4b6a-9f7e-0d7f8b1f6a11"

[onprem.pools.cpu]
stage = "preprocess"
replicas = { min = 3, max = 20 }
capacity = "1200 req/s"
hpa = { cpu = "70%", requests_per_second = 1000 }

[onprem.pools.h100]
stage = "inference"
replicas = 12
capacity = "18 req/s"
tolerations = [{ key = "nvidia.com/gpu", effect = "NoSchedule" }]

[aws]
account = "123456789012"
region = "us-east-1"

[aws.pools.g6e]
stage = "inference"
size = { min = 0, max = 10 }
join = "kubernetes"
instance_types = ["g6e.12xlarge", "g5.12xlarge"]
spot = { share = "70%", base_on_demand = 1 }
subnets = { tags = { tier = "gpu" } }
image = { name = "gpu-inference" }
capacity = { "g6e.12xlarge" = "9 req/s", "g5.12xlarge" = "6 req/s" }
warm_pool = 2

[burst]
budget = { usd_per_hour = 120, usd_per_month = 30000.5 }

[signals]
prometheus = "http://prometheus.monitoring:9090"

[rollout.phases.short]
order = 1
[rollout.phases.medium]
order = 2

[[moved]]
from = "l40s"
to = "g6e"
"#;
