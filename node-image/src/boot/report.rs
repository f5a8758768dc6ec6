//! What came of a boot.

use super::imds::Request;
use super::options::{Accelerator, Bus};
use crate::card::BootMode;
use crate::facts::Facts;
use serde::{Deserialize, Serialize};

/// A disk that booted, and all that was seen of it. Whether it is as it must be,
/// [`Self::passed`] says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Which start it was of the volume, from 1.
    pub start: usize,
    /// The size of the volume, in GiB; none: the disk's own.
    pub volume_gib: Option<u32>,
    /// The firmware that started it.
    pub boot_mode: BootMode,
    /// What ran the machine: KVM or emulation.
    pub accelerator: Accelerator,
    /// Where the disk was attached.
    pub bus: Bus,
    /// Whether secure boot was on.
    pub secure_boot: bool,
    /// Virtual CPUs.
    pub cpus: u32,
    /// Memory, in MiB.
    pub memory_mib: u32,
    /// The phases of the boot, in their order.
    pub phases: Vec<Phase>,
    /// From power-on until the agent was ready, in seconds; none: it never was.
    pub ready_seconds: Option<f64>,
    /// How the machine went off.
    pub power_off: PowerOff,
    /// What was looked at, and how it is.
    pub checks: Vec<Check>,
    /// What the probe saw inside.
    pub facts: Facts,
    /// How often the metadata service was asked.
    pub imds_requests: usize,
    /// Questions to it that carried no token; there must be none.
    pub imds_without_token: Vec<Request>,
}

impl Report {
    /// Whether every check passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.passed)
    }
}

/// A part of the boot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// `firmware`, `kernel`, `systemd`; the initrd's own are `init: verity` and so on.
    pub name: String,
    /// When it was over, in seconds since power-on.
    pub over_seconds: f64,
    /// How long it took, in seconds.
    pub took_seconds: f64,
}

/// How a machine went off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PowerOff {
    /// Who ended it, in QEMU's words: `guest-shutdown` is as it must be; none: it did
    /// not go off by itself.
    pub reason: Option<String>,
    /// How QEMU ended; none: it was ended.
    pub exit_code: Option<i32>,
    /// From the probe's last word until QEMU ended, in seconds.
    pub took_seconds: f64,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its name: `verity`, `power-off`.
    pub name: String,
    /// Whether it is as it must be.
    pub passed: bool,
    /// What was seen.
    pub detail: String,
}

/// What a boot test tells while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// What runs the machine; where that is not KVM, why.
    Accelerator(Accelerator, Option<String>),
    /// QEMU started, with this process ID.
    Started(u32),
    /// The console showed a line.
    Line(String),
    /// The probe told what it saw.
    Told,
}
