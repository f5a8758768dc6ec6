//! What pods ask for and nodes have.

use super::keyed;
use crate::units::{Cpu, Memory};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An amount of everything that is scheduled by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Room {
    pub(super) gpus: u32,
    pub(super) cpu_millis: u64,
    pub(super) memory_bytes: u64,
}

impl Room {
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            gpus: self.gpus + other.gpus,
            cpu_millis: self.cpu_millis + other.cpu_millis,
            memory_bytes: self.memory_bytes + other.memory_bytes,
        }
    }

    /// Whether `asked` fits beside what is `used`; else what is short.
    pub(super) fn short_of(self, used: Self, asked: Self) -> Option<&'static str> {
        let sum = used.plus(asked);
        if sum.gpus > self.gpus {
            Some("nvidia.com/gpu")
        } else if sum.cpu_millis > self.cpu_millis {
            Some("cpu")
        } else if sum.memory_bytes > self.memory_bytes {
            Some("memory")
        } else {
            None
        }
    }

    /// What one pod of a pod template (keyed form) asks for.
    pub(super) fn of_template(template: &Value) -> Self {
        let containers = keyed::get(template, &keyed::pointer("/spec/containers"));
        let mut sum = Self::default();
        for container in containers.and_then(Value::as_object).into_iter().flat_map(|m| m.values())
        {
            let asked = |name: &str| {
                let requests = container.pointer("/resources/requests");
                requests.and_then(|r| r.get(name)).map(|v| match v {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                })
            };
            let gpus = asked("nvidia.com/gpu").and_then(|text| text.parse().ok());
            let cpu = asked("cpu").and_then(|text| text.parse::<Cpu>().ok());
            let memory = asked("memory").and_then(|text| text.parse::<Memory>().ok());
            sum = sum.plus(Self {
                gpus: gpus.unwrap_or(0),
                cpu_millis: cpu.unwrap_or_default().millis(),
                memory_bytes: memory.unwrap_or_default().bytes(),
            });
        }
        sum
    }
}
