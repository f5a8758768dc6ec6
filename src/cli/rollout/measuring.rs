//! How commands of a rollout measure criteria.

use crate::cli::exit::Failure;
use crate::cli::prometheus;
use crate::clock::{Clock, Date, SystemClock, Timestamp};
use crate::diag::nearest;
use crate::id::Name;
use crate::port::Measure;
use crate::rollout::{self, Finding};
use crate::spec::Environment;
use jiff::tz::TimeZone;
use std::sync::Arc;

/// When it is measured, and by what right.
#[derive(Debug, clap::Args)]
pub(super) struct Measuring {
    /// As of this time, in RFC 3339: 2026-12-01T08:00:00Z; without it, now
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    #[command(flatten)]
    access: prometheus::Access,
}

impl Measuring {
    /// The time that was asked for, or now, as people write it.
    pub(super) fn now(&self) -> Result<Timestamp, Failure> {
        Self::time(self.at.as_deref())
    }

    /// As [`Self::now`], of a command that measures nothing.
    pub(super) fn time(asked: Option<&str>) -> Result<Timestamp, Failure> {
        let at = match asked {
            None => SystemClock.now(),
            Some(text) => text.parse().map_err(|_| {
                Failure::usage(format!("--at {text:?} is no time"))
                    .help("write it like 2026-12-01T08:00:00Z or 2026-12-01T08:00:00+01:00")
            })?,
        };
        Ok(Timestamp::from_second(at.as_second()).unwrap_or(at))
    }

    /// Who measures; nobody, where nobody is declared.
    pub(super) fn servers(
        &self,
        environment: &Environment,
    ) -> Result<Vec<Arc<dyn Measure>>, Failure> {
        match &environment.signals {
            Some(signals) => prometheus::servers(signals, &self.access),
            None => Ok(Vec::new()),
        }
    }

    /// How the criteria of `phase` stand; without a phase there are none.
    pub(super) async fn findings(
        &self,
        environment: &Environment,
        phase: Option<&Name>,
        now: Timestamp,
    ) -> Result<Vec<Finding>, Failure> {
        let Some(phase) = phase else { return Ok(Vec::new()) };
        let servers = self.servers(environment)?;
        Ok(rollout::findings(&servers, environment, phase, now).await)
    }
}

/// The day of `now`, in UTC.
pub(in crate::cli) fn day(now: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(now).date()
}

/// The phase of this name.
pub(super) fn phase_named(environment: &Environment, text: &str) -> Result<Name, Failure> {
    let phases = &environment.rollout.phases;
    if let Some((name, _)) = phases.iter().find(|(name, _)| name.as_str() == text) {
        return Ok(name.clone());
    }
    let ordered: Vec<&str> =
        environment.rollout.in_order().into_iter().map(|(name, _)| name.as_str()).collect();
    let of = &environment.environment.name;
    let failure = Failure::usage(format!("environment {of} has no phase {text:?}"));
    Err(failure.help(match nearest(text, ordered.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if ordered.is_empty() => "declare one in [rollout.phases]".to_owned(),
        None => format!("there are: {}", ordered.join(", ")),
    }))
}

/// The phase that is asked for, or else the live one; none: no phase is live.
pub(super) fn phase_or_live(
    environment: &Environment,
    asked: Option<&str>,
) -> Result<Option<Name>, Failure> {
    match asked {
        Some(text) => phase_named(environment, text).map(Some),
        None => Ok(environment.environment.phase.clone()),
    }
}
