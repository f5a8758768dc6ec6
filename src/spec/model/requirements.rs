//! Instances by what they have, in place of their types.

use crate::units::Memory;
use common::shape::table;

table! {
    /// What an instance must have: AWS starts any type that has it, those too
    /// that are new.
    pub struct Requirements {
        /// Its GPUs: exactly so many, so that every instance carries the same.
        pub gpus: u32,
        /// NVIDIA GPUs that they may be, of those that Auto Scaling knows by name;
        /// any, where there is none. Newer ones are found by `allowed`.
        pub gpu_names: Vec<String>,
        /// Instance types that alone are started: `g6e.*`, where `*` stands for
        /// anything; all, where there is none.
        pub allowed: Vec<String>,
        /// Its vCPUs.
        pub vcpus: Vcpus,
        /// Its memory.
        pub memory: MemoryWithin,
        /// Instance types that are not started; `*` stands for anything.
        pub excluded: Vec<String>,
    }
}

table! {
    /// Bounds of vCPUs.
    pub struct Vcpus {
        /// At least so many.
        pub min: u32 = 0,
        /// At most so many.
        pub max: Option<u32>,
    }
}

table! {
    /// Bounds of memory.
    pub struct MemoryWithin {
        /// At least so much.
        pub min: Option<Memory>,
        /// At most so much.
        pub max: Option<Memory>,
    }
}
