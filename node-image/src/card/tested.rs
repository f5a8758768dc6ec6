//! What the boot test has seen of a disk: `boot.json`, as data.

use super::{BootMode, Manifest};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name of the file, beside `manifest.json`.
pub const TESTED: &str = "boot.json";

/// The boot tests of one disk. No machine is named in it and no time of day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tested {
    /// SHA-256 of the disk in hex, as its manifest has it.
    pub disk: String,
    /// What came of the last test of each way to boot.
    pub boots: BTreeMap<BootMode, Boot>,
}

/// What came of one boot.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boot {
    /// Whether it came up, and all that was looked at was as it must be.
    pub passed: bool,
    /// Whether the processor itself ran it; else it was emulated.
    pub kvm: bool,
    /// From power-on until the agent was ready, in seconds; none: it never was.
    pub ready_seconds: Option<f64>,
}

impl Tested {
    /// What is known once the disk of `manifest` has been booted by `mode` as well: what was
    /// known `before` of the same disk stays, but for that way to boot.
    #[must_use]
    pub fn with(before: Option<Self>, manifest: &Manifest, mode: BootMode, boot: Boot) -> Self {
        let disk = manifest.disk.sha256.clone();
        let before = before.filter(|before| before.disk == disk);
        let mut boots = before.map(|before| before.boots).unwrap_or_default();
        boots.insert(mode, boot);
        Self { disk, boots }
    }

    /// Whether the disk of `manifest` has passed its last test by `mode`.
    #[must_use]
    pub fn has_passed(&self, manifest: &Manifest, mode: BootMode) -> bool {
        self.disk == manifest.disk.sha256 && self.boots.get(&mode).is_some_and(|boot| boot.passed)
    }

    /// Why the disk of `manifest` is not known to boot by every means that this names; none:
    /// it is.
    pub fn lacks(&self, manifest: &Manifest) -> Option<String> {
        if self.disk != manifest.disk.sha256 {
            return Some("its boot test was of another disk".to_owned());
        }
        let lacks = |mode: &BootMode| match self.boots.get(mode) {
            None => Some(format!("it was not booted by {}", mode.as_str())),
            Some(boot) if boot.passed => None,
            Some(_) => Some(format!("it has failed its boot test by {}", mode.as_str())),
        };
        let all: Vec<String> = manifest.boot_modes.iter().filter_map(lacks).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::super::small;
    use super::*;

    const PASSED: Boot = Boot { passed: true, kvm: false, ready_seconds: Some(5.0) };
    const FAILED: Boot = Boot { passed: false, kvm: true, ready_seconds: None };

    /// What is known after these boots of one disk.
    fn after(boots: &[(BootMode, Boot)]) -> Tested {
        let add = |before, (mode, boot): &(BootMode, Boot)| {
            Some(Tested::with(before, &small("aa"), *mode, *boot))
        };
        boots.iter().fold(None, add).unwrap()
    }

    #[test]
    fn a_disk_is_known_to_boot_when_every_way_has_passed_last_time() {
        use BootMode::{LegacyBios, Uefi};
        let lacks = |boots: &[(BootMode, Boot)]| after(boots).lacks(&small("aa"));
        assert_eq!(lacks(&[(Uefi, PASSED), (LegacyBios, PASSED)]), None);
        assert_eq!(lacks(&[(Uefi, FAILED), (LegacyBios, PASSED), (Uefi, PASSED)]), None);
        let said = lacks(&[(Uefi, PASSED)]);
        assert_eq!(said.as_deref(), Some("it was not booted by legacy-bios"));
        let said = lacks(&[(Uefi, PASSED), (LegacyBios, PASSED), (Uefi, FAILED)]);
        assert_eq!(said.as_deref(), Some("it has failed its boot test by uefi"));
        let said = lacks(&[(Uefi, FAILED)]);
        assert_eq!(
            said.as_deref(),
            Some("it has failed its boot test by uefi, it was not booted by legacy-bios")
        );
        let tested = after(&[(Uefi, PASSED), (LegacyBios, FAILED)]);
        let passed = |disk: &str, mode| tested.has_passed(&small(disk), mode);
        assert!(passed("aa", Uefi) && !passed("aa", LegacyBios) && !passed("bb", Uefi));
        // What is not to be registered need not boot.
        let by_uefi = Manifest { boot_modes: vec![Uefi], ..small("aa") };
        assert_eq!(after(&[(Uefi, PASSED), (LegacyBios, FAILED)]).lacks(&by_uefi), None);
    }

    #[test]
    fn what_is_known_of_another_disk_counts_for_nothing() {
        let both = after(&[(BootMode::Uefi, PASSED), (BootMode::LegacyBios, PASSED)]);
        let other = small("bb");
        assert_eq!(both.lacks(&other).as_deref(), Some("its boot test was of another disk"));
        let tested = Tested::with(Some(both), &other, BootMode::Uefi, PASSED);
        assert_eq!(tested.lacks(&other).as_deref(), Some("it was not booted by legacy-bios"));
    }
}
