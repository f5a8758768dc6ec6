//! What goes wrong: calls that fail, and what others do meanwhile.

use super::keyed;
use super::object::Object;
use super::scenario::{Actor, CapacityChange, CapacityLimit, Create, FaultKind, Set, Unset};
use super::world::World;
use crate::observe::{Gap, Inventory, ResourceId, Side};
use crate::plan::{FailureKind, PortError, resource_named};
use crate::port::Scope;
use serde_json::{Value, json};

impl World {
    /// The fault that the next write to `id` meets, if any; it is used up.
    pub(super) fn take_fault(&mut self, id: &ResourceId) -> Option<FaultKind> {
        let faults = self.scenario.faults.iter().zip(&mut self.faults_left);
        let (fault, left) = faults.into_iter().find(|(fault, left)| {
            **left > 0 && fault.list.is_none() && id.name.contains(&fault.name)
        })?;
        *left -= 1;
        Some(fault.kind)
    }

    /// Whether the next look at `side` meets a fault.
    pub(super) fn lists_badly(&self, side: Side) -> bool {
        let mut faults = self.scenario.faults.iter().zip(&self.faults_left);
        faults.any(|(fault, left)| {
            *left > 0 && fault.list.as_deref().is_some_and(|kind| side_of(kind) == side)
        })
    }

    /// What a look at `side` sees with the faults that it meets; they are used up.
    pub(super) fn list_badly(&mut self, scope: &Scope, side: Side) -> Result<Inventory, PortError> {
        let mut inventory = self.inventory(scope, side);
        let faults = self.scenario.faults.iter().zip(&mut self.faults_left);
        for (fault, left) in faults {
            let kind = fault.list.as_deref().filter(|kind| side_of(kind) == side);
            let (Some(kind), true) = (kind, *left > 0) else { continue };
            *left -= 1;
            // An account says nothing to who may not list what a plan is about.
            if fault.kind != FaultKind::Denied || side == Side::Aws {
                return Err(error(fault.kind));
            }
            hide(&mut inventory, side, kind);
        }
        Ok(inventory)
    }

    /// Lets the scenario's events happen that are due.
    pub(super) fn happen(&mut self) {
        while let Some(event) = self.scenario.events.get(self.happened) {
            if event.at.millis() > self.now {
                break;
            }
            let what = event.what.clone();
            self.happened += 1;
            self.act_out(what);
        }
    }

    pub(super) fn act_out(&mut self, what: Actor) {
        match what {
            Actor::Set(set) => self.set(set),
            Actor::Unset(unset) => self.unset(&unset),
            Actor::Delete(delete) => {
                let is_meant = |id: &&ResourceId| id.kind == delete.kind && id.name == delete.name;
                let meant: Vec<_> = self.objects.keys().filter(is_meant).cloned().collect();
                meant.iter().for_each(|id| self.remove(id));
            }
            Actor::Create(create) => self.create(create),
            Actor::NodeNotReady(name) => self.set_ready(&name, false),
            Actor::NodeReady(name) => self.set_ready(&name, true),
            Actor::GpusUnhealthy(what) => {
                for found in self.nodes.iter_mut().filter(|n| n.name == what.node) {
                    found.gpus_unhealthy = what.gpus.min(found.room.gpus);
                }
            }
            Actor::Capacity(change) => self.limit(change),
            Actor::SpotNotice(share) => self.give_notice(share),
            Actor::Fault(fault) => {
                self.faults_left.push(fault.calls);
                self.scenario.faults.push(fault);
            }
        }
    }

    /// What AWS has of an offering, in place of what it had.
    fn limit(&mut self, change: CapacityChange) {
        let CapacityChange { instance_type, capacity_type, instances } = change;
        let limits = &mut self.scenario.capacity;
        limits.retain(|limit| {
            let same = capacity_type.is_none() || limit.capacity_type == capacity_type;
            limit.instance_type != instance_type || !same
        });
        let limit =
            instances.map(|instances| CapacityLimit { instance_type, capacity_type, instances });
        // The newest counts before one of both markets.
        limits.splice(0..0, limit);
    }

    fn set(&mut self, set: Set) {
        let path = keyed::pointer(&set.path);
        let Some((side, object)) = self.changeable(&set.kind, &set.name, &path) else { return };
        if keyed::get(&object.content, &path) == Some(&set.value) && side == Side::Kubernetes {
            object.share(&set.by, &path);
        } else {
            object.update(&set.by, &path, set.value);
        }
        if side == Side::Aws {
            object.keep_in_bounds();
        }
    }

    fn unset(&mut self, unset: &Unset) {
        let path = keyed::pointer(&unset.path);
        let Some((side, object)) = self.changeable(&unset.kind, &unset.name, &path) else { return };
        object.unset(&path);
        if side == Side::Aws {
            object.keep_in_bounds();
        }
    }

    /// The thing of this name, if what is at `path` may ever change.
    fn changeable(
        &mut self,
        kind: &str,
        name: &str,
        path: &[String],
    ) -> Option<(Side, &mut Object)> {
        let named = |id: &ResourceId| id.kind == kind && id.name == name;
        let (id, object) = self.objects.iter_mut().find(|(id, _)| named(id))?;
        (!object.is_fixed(path)).then_some((id.side, object))
    }

    /// A thing without marks. What is there already stays as it is.
    fn create(&mut self, create: Create) {
        let id = if side_of(&create.kind) == Side::Aws {
            Some(ResourceId::group(&create.namespace, &create.name))
        } else {
            resource_named(&format!("{}/{}", create.kind, create.name), &create.namespace)
        };
        let Some(id) = id.filter(|id| !self.objects.contains_key(id)) else { return };
        if let (Side::Kubernetes, Some(namespace)) = (id.side, &id.scope) {
            self.put(
                &ResourceId::kubernetes("v1", "Namespace", None, namespace),
                json!({}),
                &create.by,
            );
        }
        self.put(&id, create.content, &create.by);
    }

    fn put(&mut self, id: &ResourceId, content: Value, by: &str) {
        if self.objects.contains_key(id) {
            return;
        }
        let mut body = if id.side == Side::Aws { json!({}) } else { super::apply::header(id) };
        for (path, value) in keyed::leaves(&keyed::key(&content)) {
            keyed::set(&mut body, &path, value);
        }
        let mut object = Object::new(self.draw_uid());
        for (path, value) in keyed::leaves(&keyed::key(&body)) {
            object.update(by, &path, value);
        }
        self.objects.insert(id.clone(), object);
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
        FaultKind::Denied => (FailureKind::Denied, "forbidden by the scenario"),
    };
    PortError { kind, message: message.to_owned(), help: None }
}

fn side_of(kind: &str) -> Side {
    if kind == "AutoScalingGroup" { Side::Aws } else { Side::Kubernetes }
}

/// What a look lacks where the list of `kind` is denied.
fn hide(inventory: &mut Inventory, side: Side, kind: &str) {
    let hides_members = kind != "Node";
    if hides_members {
        inventory.resources.retain(|id, _| id.kind != kind);
    } else {
        inventory.nodes.clear();
    }
    if kind == "ConfigMap" {
        inventory.last_apply = None;
    }
    let what = match hides_members {
        true => format!("the list of kind {kind}"),
        false => Gap::NODES.to_owned(),
    };
    let why = "forbidden by the scenario".to_owned();
    inventory.gaps.push(Gap { side, what, why, hides_members });
}
