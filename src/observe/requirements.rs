//! What an instance must have, where it is not named by its type.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Instances that carry the same, whatever their type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirements {
    /// GPUs, exactly.
    pub gpus: u32,
    /// Models of which the GPUs may be, sorted; any, where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpu_names: Vec<String>,
    /// Types that alone are meant, sorted; all, where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
    /// vCPUs.
    pub vcpus: Within,
    /// MiB of memory.
    pub memory_mib: Within,
    /// Types that are left out, sorted; `*` stands for anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<String>,
}

/// Bounds of a number.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Within {
    /// At least.
    pub min: u32,
    /// At most; none: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
}

impl Within {
    /// Whether `number` is.
    pub fn holds(self, number: u32) -> bool {
        number >= self.min && self.max.is_none_or(|max| number <= max)
    }
}

impl From<&crate::spec::Requirements> for Requirements {
    fn from(declared: &crate::spec::Requirements) -> Self {
        let sorted = |names: &[String]| {
            let mut names = names.to_vec();
            names.sort();
            names.dedup();
            names
        };
        let (vcpus, memory) = (&declared.vcpus, &declared.memory);
        let mib = |bytes: u64| u32::try_from(bytes).unwrap_or(u32::MAX);
        Self {
            gpus: declared.gpus,
            gpu_names: sorted(&declared.gpu_names),
            allowed: sorted(&declared.allowed),
            vcpus: Within { min: vcpus.min, max: vcpus.max },
            memory_mib: Within {
                min: memory.min.map_or(0, |least| mib(least.bytes().div_ceil(1 << 20))),
                max: memory.max.map(|most| mib(most.bytes() >> 20)),
            },
            excluded: sorted(&declared.excluded),
        }
    }
}

impl fmt::Display for Requirements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gpus = if self.gpus == 1 { "GPU" } else { "GPUs" };
        write!(f, "{} {gpus}", self.gpus)?;
        if !self.gpu_names.is_empty() {
            write!(f, " ({})", self.gpu_names.join(" or "))?;
        }
        if !self.allowed.is_empty() {
            write!(f, ", {}", self.allowed.join(" or "))?;
        }
        for (within, unit) in [(self.vcpus, "vCPUs"), (self.memory_mib, "MiB of memory")] {
            match within {
                Within { min: 0, max: None } => {}
                Within { min, max: None } => write!(f, ", {min} or more {unit}")?,
                Within { min, max: Some(max) } => write!(f, ", {min} to {max} {unit}")?,
            }
        }
        if !self.excluded.is_empty() {
            write!(f, ", not {}", self.excluded.join(" or "))?;
        }
        Ok(())
    }
}
