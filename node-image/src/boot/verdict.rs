//! Judges what was seen. Each check says what it saw, whether that is right or not.

mod agent;
mod system;
mod volume;

use super::imds::Imds;
use super::options::Options;
use super::report::{Check, PowerOff};
use crate::facts::Facts;

/// What there is to judge.
#[derive(Debug)]
pub(super) struct Evidence<'e> {
    pub(super) options: &'e Options,
    pub(super) facts: &'e Facts,
    /// What was told at the starts before of the same volume.
    pub(super) before: &'e [Facts],
    /// The size of the volume, in GiB; none: the disk's own, where there is no room.
    pub(super) volume_gib: Option<u32>,
    pub(super) imds: &'e Imds,
    /// The testing machine's wall clock when the facts were told, in seconds since
    /// 1970.
    pub(super) wall_seconds: f64,
    /// Whether the processor itself ran the machine; else it was emulated.
    pub(super) kvm: bool,
    pub(super) power_off: &'e PowerOff,
}

/// What was seen where it is right; what was seen where it is wrong.
type Verdict = Result<String, String>;

/// A check; none: it has no place here.
type Look = fn(&Evidence<'_>) -> Option<Verdict>;

/// All checks, in the order in which they are told.
const CHECKS: [(&str, Look); 22] = [
    ("firmware", system::firmware),
    ("secure-boot", system::secure_boot),
    ("kernel", system::kernel),
    ("verity", system::verity),
    ("root", system::root),
    ("etc", system::etc),
    ("var", system::var),
    ("volume", volume::volume),
    ("kept", volume::kept),
    ("modules", system::modules),
    ("gpu", system::gpu),
    ("kernel-log", system::kernel_log),
    ("clock", system::clock),
    ("entropy", system::entropy),
    ("units", system::units),
    ("machine-id", system::machine_id),
    ("login", system::login),
    ("ports", system::ports),
    ("agent", agent::agent),
    ("notices", agent::notices),
    ("imds", agent::imds),
    ("power-off", system::power_off),
];

/// Every check that has a place.
pub(super) fn checks(evidence: &Evidence<'_>) -> Vec<Check> {
    let checks = CHECKS.into_iter().filter_map(|(name, look)| {
        let (passed, detail) = match look(evidence)? {
            Ok(detail) => (true, detail),
            Err(detail) => (false, detail),
        };
        Some(Check { name: name.to_owned(), passed, detail })
    });
    checks.collect()
}

#[cfg(test)]
pub(super) mod samples;
#[cfg(test)]
mod tests;
