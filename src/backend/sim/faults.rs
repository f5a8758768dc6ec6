//! What goes wrong: calls that fail, and what others do meanwhile.

use super::keyed;
use super::scenario::{Actor, FaultKind};
use super::world::World;
use crate::observe::ResourceId;
use crate::plan::{FailureKind, PortError};

impl World {
    /// The fault that the next write to `id` meets, if any; it is used up.
    pub(super) fn take_fault(&mut self, id: &ResourceId) -> Option<FaultKind> {
        let faults = self.scenario.faults.iter().zip(&mut self.faults_left);
        let (fault, left) =
            faults.into_iter().find(|(fault, left)| **left > 0 && id.name.contains(&fault.name))?;
        *left -= 1;
        Some(fault.kind)
    }

    /// Lets the scenario's events happen that are due.
    pub(super) fn happen(&mut self) {
        while let Some(event) = self.scenario.events.get(self.happened) {
            if event.at_millis() > self.now {
                break;
            }
            let what = event.what.clone();
            self.happened += 1;
            self.act_out(what);
        }
    }

    fn act_out(&mut self, what: Actor) {
        match what {
            Actor::Set { kind, name, path, value, by } => {
                let found =
                    self.objects.iter_mut().find(|(id, _)| id.kind == kind && id.name == name);
                if let Some((_, object)) = found {
                    object.update(&by, &keyed::pointer(&path), value);
                }
            }
            Actor::Delete { kind, name } => {
                self.objects.retain(|id, _| id.kind != kind || id.name != name);
            }
            Actor::NodeNotReady(name) => self.set_ready(&name, false),
            Actor::NodeReady(name) => self.set_ready(&name, true),
            Actor::GpusUnhealthy { node, gpus } => {
                for found in self.nodes.iter_mut().filter(|n| n.name == node) {
                    found.gpus_unhealthy = gpus.min(found.room.gpus);
                }
            }
        }
    }

    fn set_ready(&mut self, name: &str, ready: bool) {
        for node in self.nodes.iter_mut().filter(|node| node.name == name) {
            node.ready = ready;
        }
    }
}

/// What a caller is told of a fault.
pub(super) fn error(fault: FaultKind) -> PortError {
    let (kind, message) = match fault {
        FaultKind::Throttled => (FailureKind::Transient, "RequestLimitExceeded: too many calls"),
        FaultKind::TimeoutAfterEffect => (FailureKind::Unknown, "no answer within the time limit"),
        FaultKind::Rejected => (FailureKind::Rejected, "refused by the scenario"),
    };
    PortError { kind, message: message.to_owned(), help: None }
}
