//! Looks at the abort criteria of the live phase while an apply waits between waves.

use super::prometheus;
use crate::clock::Clock;
use crate::id::Name;
use crate::pipeline::{self, Met, Session, Sight, Unknown, Watch};
use crate::port::Measure;
use crate::rollout::{Finding, Kind, Verdict, ask, criteria};
use crate::spec::Environment;
use async_trait::async_trait;
use std::sync::Arc;

/// The abort criteria of one phase, and who measures them.
pub(super) struct PhaseWatch {
    environment: Environment,
    phase: Name,
    /// Or why nobody does.
    servers: Result<Vec<Arc<dyn Measure>>, String>,
    clock: Arc<dyn Clock>,
}

impl PhaseWatch {
    /// Of the phase that is live; none: none is, or it has no abort criterion.
    pub(super) fn new(session: &Session, access: &prometheus::Access) -> Option<Self> {
        let environment = session.resolved.environment.clone();
        let phase = environment.environment.phase.clone()?;
        if environment.rollout.phases.get(&phase)?.abort.is_empty() {
            return None;
        }
        let servers = match &environment.signals {
            Some(signals) => prometheus::servers(signals, access).map_err(|failure| {
                failure.view.map_or_else(|| "no servers".to_owned(), |view| view.message)
            }),
            None => Err("[signals] names no server".to_owned()),
        };
        let clock = pipeline::clock(&session.backends);
        Some(Self { environment, phase, servers, clock })
    }
}

#[async_trait]
impl Watch for PhaseWatch {
    async fn look(&self) -> Sight {
        let Some(phase) = self.environment.rollout.phases.get(&self.phase) else {
            return Sight::default();
        };
        let mut aborts = criteria(phase);
        aborts.retain(|criterion| criterion.kind == Kind::Abort);
        match &self.servers {
            Ok(servers) => {
                let now = self.clock.now();
                sight(ask(servers, &self.environment, &self.phase, &aborts, now).await)
            }
            Err(why) => {
                let unknown =
                    |name: &Name| Unknown { criterion: name.to_string(), why: why.clone() };
                let unknown = aborts.iter().map(|criterion| unknown(criterion.name)).collect();
                Sight { met: Vec::new(), unknown }
            }
        }
    }
}

fn sight(findings: Vec<Finding>) -> Sight {
    let mut sight = Sight::default();
    for finding in findings {
        let criterion = finding.name.to_string();
        match finding.verdict {
            Verdict::Abort => {
                let value =
                    finding.value.map_or_else(String::new, |value| finding.unit.show(value));
                sight.met.push(Met { criterion, value, target: finding.target });
            }
            Verdict::NoData(why) => sight.unknown.push(Unknown { criterion, why }),
            Verdict::Clear | Verdict::Met | Verdict::NotYet => {}
        }
    }
    sight
}
