//! What the probe tells: what it saw, and where it saw nothing, why. It judges
//! nothing: that is for the boot test, which knows what was to be expected.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The form of [`Facts`].
pub const SCHEMA: u32 = 2;

/// The name of the virtio-serial port on which they are told, as one line of JSON.
pub const PORT: &str = "dev.floodway.probe";

/// What was seen, or why it was not.
pub type Seen<T> = Result<T, String>;

/// All that is told of a booted image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The release of the kernel that runs, as `uname -r` says it.
    pub kernel: String,
    /// Whether the firmware was UEFI.
    pub uefi: bool,
    /// Whether secure boot is on, by the firmware's own word.
    pub secure_boot: bool,
    /// When its random numbers were ready, in seconds since its start; none: its
    /// log does not say.
    pub random_ready_seconds: Option<f64>,
    /// Whether random numbers can be had without waiting.
    pub random: Seen<()>,
    /// What device mapper's device `root` is made of.
    pub root: Seen<Vec<Target>>,
    /// Mounted filesystems, by where they are mounted; the upper one of two.
    pub mounts: Seen<BTreeMap<String, Mount>>,
    /// The disk that `/var` lies on.
    pub volume: Seen<Volume>,
    /// The kernel's name for this start, which no other one has.
    pub boot_id: String,
    /// The names of the starts before this one by which `/var` has been used, the oldest
    /// first, as the probe noted them there.
    pub starts_before: Seen<Vec<String>>,
    /// What became of writing a new file into these folders.
    pub writes: BTreeMap<String, Write>,
    /// What became of loading these modules.
    pub modules: BTreeMap<String, Seen<()>>,
    /// What became of loading the GPU's; none: the image has none.
    pub gpu: Option<Gpu>,
    /// What the agent answered.
    pub agent: Agent,
    /// Sockets that wait for somebody to call.
    pub listens: Seen<Vec<Socket>>,
    /// Host keys, by their paths: those of the built root, and those made since.
    pub host_keys: Vec<String>,
    /// `/etc/machine-id` of the root as it was built.
    pub machine_id_built: Seen<String>,
    /// `/etc/machine-id` of now.
    pub machine_id: Seen<String>,
    /// Programs that run and let people in, by name.
    pub logins: Seen<Vec<String>>,
    /// Whether all that starts with the machine was started, or what was still waited
    /// for: before that, nothing can be said of what runs and what failed.
    pub started: Seen<()>,
    /// Units that failed.
    pub failed_units: Seen<Vec<String>>,
    /// What the kernel complains of in its log: faults of its own and of its modules.
    pub complaints: Seen<Vec<String>>,
    /// The wall clock, in seconds since 1970, at the same moment as `up_seconds`.
    pub wall_seconds: f64,
    /// How long the kernel had been up, in seconds, when these facts were sent.
    pub up_seconds: f64,
}

/// A part of a device of device mapper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// `verity`, `linear`.
    pub kind: String,
    /// How it was set up.
    pub table: String,
    /// How it stands; verity: `V` where nothing wrong was read.
    pub status: String,
}

/// A mounted filesystem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// `erofs`, `overlay`, `ext4`.
    pub kind: String,
    /// What is mounted: a device by its path, or a word.
    pub source: String,
    /// Whether it may be written to, by how it is mounted.
    pub writable: bool,
    /// The name of the partition that it lies on; none: it lies on none.
    pub partition: Option<String>,
}

/// A disk with a partition for `/var`, and how much of it is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Its length, in bytes.
    pub bytes: u64,
    /// How far its partition table goes: where the back copy ends, in bytes from the disk's
    /// start.
    pub table_end: u64,
    /// Where the partition ends, in bytes from the disk's start.
    pub var_end: u64,
    /// The length of the partition, in bytes.
    pub var_bytes: u64,
    /// What the filesystem on it has for files, in bytes, taken or free.
    pub files_bytes: u64,
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Write {
    /// It was made.
    Done,
    /// The filesystem is read-only.
    ReadOnly,
    /// It failed otherwise.
    Failed(String),
}

/// The GPU's module, loaded where there is no GPU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpu {
    /// The module's own version; none: it has none.
    pub version: Option<String>,
    /// What `modprobe` said.
    pub load: Seen<()>,
    /// What the driver told the kernel's log.
    pub log: Vec<String>,
}

/// What the agent answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agent {
    /// The status of `/livez`.
    pub livez: Seen<u16>,
    /// The status of `/readyz`.
    pub readyz: Seen<u16>,
    /// The answer of `/v1/status`.
    pub status: Seen<Value>,
}

/// A socket that waits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Socket {
    /// `tcp` or `udp`.
    pub protocol: String,
    /// Its address.
    pub address: std::net::IpAddr,
    /// Its port.
    pub port: u16,
}
