//! Loads the modules that an instance needs.

use super::command::run;
use super::kernel;
use crate::facts::{Gpu, Seen};
use std::collections::BTreeMap;

/// The disks and the networks of EC2 and of virtual machines elsewhere.
const NEEDED: [&str; 4] = ["nvme", "ena", "virtio_net", "virtio_blk"];

/// The GPU's.
const GPU: &str = "nvidia";

/// What becomes of each. One that is built in counts.
pub(super) fn load() -> BTreeMap<String, Seen<()>> {
    NEEDED.map(|module| (module.to_owned(), run("modprobe", &[module]).map(|_| ()))).into()
}

/// What becomes of the GPU's; none: the image has none.
pub(super) fn gpu() -> Option<Gpu> {
    run("modprobe", &["--dry-run", "--quiet", GPU]).ok()?;
    let version = run("modinfo", &["--field", "version", GPU]).ok();
    let version = version.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let load = run("modprobe", &[GPU]).map(|_| ());
    let log = kernel::log().unwrap_or_default().into_iter().map(|record| record.message);
    let of_driver = |line: &String| line.contains("NVRM") || line.contains(GPU);
    Some(Gpu { version, load, log: log.filter(of_driver).take(50).collect() })
}
