//! How a disk is tested.

use super::imds::Imds;
use crate::card::{BootMode, Manifest};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// How a disk is tested.
#[derive(Debug, Clone)]
pub struct Options {
    /// By which firmware it boots.
    pub boot_mode: BootMode,
    /// What runs the machine.
    pub accelerator: Accelerator,
    /// Where the disk is attached.
    pub bus: Bus,
    /// Virtual CPUs.
    pub cpus: u32,
    /// Memory, in MiB.
    pub memory_mib: u32,
    /// The size of the volume that starts with the disk, in GiB, as an instance's is
    /// larger than its image; none: the disk's own, where there is no room for `/var`.
    /// For further starts it may grow ([`Rig::grow`](super::Rig::grow)).
    pub volume_gib: Option<u32>,
    /// How long all of it may take. An emulated machine is slow, and slower where
    /// others compute as well.
    pub limit: Duration,
    /// How long the machine may take to go off once it is told to; none: as long as one
    /// does on which everything ends when it is told to.
    pub power_off_limit: Option<Duration>,
    /// Secure boot by this certificate alone (X.509, PEM or DER); none: it is off.
    /// By UEFI only.
    pub secure_boot: Option<PathBuf>,
    /// Where all that the console shows is written as it comes, behind what is there.
    pub console: Option<PathBuf>,
    /// The instance metadata that the machine meets.
    pub imds: Imds,
    /// What the disk is meant to be; none: that is not looked at.
    pub expected: Option<Manifest>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            boot_mode: BootMode::Uefi,
            accelerator: Accelerator::Auto,
            bus: Bus::Nvme,
            cpus: 2,
            memory_mib: 1024,
            volume_gib: Some(8),
            limit: Duration::from_secs(300),
            power_off_limit: None,
            secure_boot: None,
            console: None,
            imds: Imds::default(),
            expected: None,
        }
    }
}

/// What runs the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Accelerator {
    /// KVM where it works, else emulation.
    Auto,
    /// The processor itself.
    Kvm,
    /// QEMU's translator: slow, and everywhere.
    Emulated,
}

/// Where the disk is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bus {
    /// As EC2's volumes are.
    Nvme,
    /// As on virtual machines elsewhere.
    Virtio,
}
