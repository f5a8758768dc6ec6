//! When the phases of the start were over, and which of them failed.

use super::error::InitError;
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use std::time::Duration;
use thiserror::Error;

/// The phase that could not be done.
#[derive(Debug, Error)]
#[error("{phase}: {why}; the machine powers off")]
pub(super) struct Failure {
    phase: &'static str,
    why: InitError,
}

/// The phases that are over, each by its time since the kernel started.
#[derive(Debug)]
pub(super) struct Phases(Vec<(&'static str, Duration)>);

impl Phases {
    /// The kernel has done its part.
    pub(super) fn start() -> Self {
        Self(vec![("kernel", since_boot())])
    }

    /// Does the phase `name`.
    ///
    /// # Errors
    /// It cannot be done.
    pub(super) fn run<T>(
        &mut self,
        name: &'static str,
        phase: impl FnOnce() -> Result<T, InitError>,
    ) -> Result<T, Failure> {
        let done = phase().map_err(|why| Failure { phase: name, why })?;
        self.0.push((name, since_boot()));
        Ok(done)
    }

    /// As [`super::PHASES`] has them.
    pub(super) fn to_json(&self) -> String {
        let phase = |(name, time): &(&str, Duration)| {
            // To the millisecond: more is noise to who reads it.
            let milliseconds = u32::try_from(time.as_millis()).map_or(f64::INFINITY, f64::from);
            json!({ "name": name, "seconds": milliseconds / 1000.0 })
        };
        json!({ "phases": self.0.iter().map(phase).collect::<Vec<_>>() }).to_string()
    }
}

/// The clock of the agent's phases, so that the two make one line.
fn since_boot() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_told_in_their_order_in_seconds() {
        let times = [("kernel", 1_234_567), ("modules", 2_000_000)];
        let phases =
            Phases(times.map(|(name, micros)| (name, Duration::from_micros(micros))).to_vec());
        let told =
            r#"{"phases":[{"name":"kernel","seconds":1.234},{"name":"modules","seconds":2.0}]}"#;
        assert_eq!(phases.to_json(), told);
    }

    #[test]
    fn a_phase_that_fails_is_named_and_is_not_over() {
        let mut phases = Phases::start();
        phases.run("disk", || Ok(())).unwrap();
        let wrong = || Err::<(), _>(InitError::Wrong("no such disk".to_owned()));
        let failure = phases.run("verity", wrong).unwrap_err();
        assert_eq!(failure.to_string(), "verity: no such disk; the machine powers off");
        let names: Vec<&str> = phases.0.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["kernel", "disk"]);
    }
}
