//! Auto Scaling groups and their instances.

use super::keyed;
use super::nodes::{MOST_NODES, SimNode};
use super::object::Object;
use super::world::{Moment, World};
use crate::observe::{Problem, ProblemKind, ResourceId, Unit, Workload, marks};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashSet;

/// One instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Instance {
    pub(super) id: String,
    pub(super) group: ResourceId,
    pub(super) state: InstanceState,
}

/// Where an instance is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum InstanceState {
    /// Boots.
    Pending { in_service_at: Moment },
    /// Serves.
    InService,
    /// Finishes what it has.
    Terminating { gone_at: Moment },
}

impl Instance {
    pub(super) fn next_event(&self) -> Option<Moment> {
        match self.state {
            InstanceState::Pending { in_service_at } => Some(in_service_at),
            InstanceState::Terminating { gone_at } => Some(gone_at),
            InstanceState::InService => None,
        }
    }

    fn is_alive(&self) -> bool {
        !matches!(self.state, InstanceState::Terminating { .. })
    }
}

impl World {
    /// One round; whether anything moved.
    pub(super) fn settle_groups(&mut self) -> bool {
        let mut moved = self.age_instances();
        let groups: Vec<ResourceId> =
            self.objects.keys().filter(|id| id.kind == "AutoScalingGroup").cloned().collect();
        for group in groups {
            moved |= self.scale_group(&group);
        }
        moved
    }

    fn age_instances(&mut self) -> bool {
        let now = self.now;
        let mut moved = false;
        let mut gone = HashSet::new();
        let mut joined = Vec::new();
        for instance in &mut self.instances {
            match instance.state {
                InstanceState::Pending { in_service_at } if in_service_at <= now => {
                    instance.state = InstanceState::InService;
                    joined.push((instance.id.clone(), instance.group.clone()));
                }
                InstanceState::Terminating { gone_at } if gone_at <= now => {
                    gone.insert(instance.id.clone());
                }
                _ => {}
            }
        }
        // A group that somebody deleted takes its instances with it.
        let orphaned: Vec<usize> = (0..self.instances.len())
            .filter(|&i| self.instances[i].is_alive())
            .filter(|&i| !self.objects.contains_key(&self.instances[i].group))
            .collect();
        for index in orphaned {
            moved = true;
            self.terminate(index);
        }
        for (id, group) in joined {
            moved = true;
            self.join(&id, &group);
        }
        if !gone.is_empty() {
            moved = true;
            self.instances.retain(|instance| !gone.contains(&instance.id));
            self.nodes.retain(|node| !gone.contains(&node.name));
        }
        moved
    }

    /// The instance's node appears, if its group's pool joins the cluster.
    fn join(&mut self, instance: &str, group: &ResourceId) {
        let Some(object) = self.objects.get(group) else { return };
        let tag = |key: &str| object.get("/tags")?.get(key)?.as_str();
        if tag(marks::JOIN) == Some("kubernetes") {
            let workload = tag(marks::WORKLOAD).unwrap_or_default().to_owned();
            let gpus = tag(marks::GPUS).and_then(|gpus| gpus.parse().ok()).unwrap_or(0);
            self.nodes.push(SimNode::of_instance(instance, &workload, gpus));
        }
    }

    fn scale_group(&mut self, group: &ResourceId) -> bool {
        let desired = self.group_desired(group);
        let alive: Vec<usize> = (0..self.instances.len())
            .filter(|&i| self.instances[i].group == *group && self.instances[i].is_alive())
            .collect();
        for index in alive.iter().skip(desired) {
            self.terminate(*index);
        }
        let launched = desired.saturating_sub(alive.len()).min(self.to_be_had(group));
        for _ in 0..launched {
            self.launch(group);
        }
        alive.len() > desired || launched > 0
    }

    fn launch(&mut self, group: &ResourceId) {
        let chance = self.draw();
        let delay = self.scenario.launch.at(chance);
        let id = format!("i-{}", self.draw_uid().replace('-', "").get(..17).unwrap_or_default());
        let state = InstanceState::Pending { in_service_at: self.now + delay };
        self.instances.push(Instance { id, group: group.clone(), state });
    }

    fn terminate(&mut self, index: usize) {
        let gone_at = match self.instances[index].state {
            InstanceState::InService => self.now + self.scenario.drain.millis(),
            _ => self.now + 1,
        };
        self.instances[index].state = InstanceState::Terminating { gone_at };
    }

    fn group_desired(&self, group: &ResourceId) -> usize {
        let desired = self.objects.get(group).and_then(|object| object.get("/desired"));
        desired.and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(0)
    }

    /// How many more AWS has of what the group asks for: limits are per instance
    /// type and market, over all groups.
    fn to_be_had(&self, group: &ResourceId) -> usize {
        let offering = |id: &ResourceId| {
            let object = self.objects.get(id)?;
            Some((instance_type(object)?, object.text("/capacity_type")?))
        };
        let Some(own) = offering(group) else { return 0 };
        let room = MOST_NODES.saturating_sub(self.instances.len());
        let limit = self.scenario.capacity.iter().find(|limit| {
            limit.instance_type == own.0
                && limit.capacity_type.is_none_or(|market| market.name() == own.1)
        });
        let Some(limit) = limit else { return room };
        let running = self.instances.iter().filter(|i| offering(&i.group) == Some(own)).count();
        room.min((limit.instances as usize).saturating_sub(running))
    }

    /// The instances of a group, by name.
    pub(super) fn group_units(&self, group: &ResourceId) -> Vec<Unit> {
        let mine = self.instances.iter().filter(|instance| instance.group == *group);
        let unit = |instance: &Instance| Unit {
            name: instance.id.clone(),
            ready: instance.state == InstanceState::InService,
            ending: !instance.is_alive(),
        };
        let mut units: Vec<Unit> = mine.map(unit).collect();
        units.sort_by(|a, b| a.name.cmp(&b.name));
        units
    }

    /// Ends these instances, and asks for as many fewer.
    pub(super) fn end_units(&mut self, group: &ResourceId, names: &[String]) {
        let ending: Vec<usize> = (0..self.instances.len())
            .filter(|&at| self.instances[at].group == *group && self.instances[at].is_alive())
            .filter(|&at| names.contains(&self.instances[at].id))
            .collect();
        let left = self.group_desired(group).saturating_sub(ending.len());
        for at in ending {
            self.terminate(at);
        }
        if let Some(object) = self.objects.get_mut(group) {
            keyed::set(&mut object.content, &keyed::pointer("/desired"), json!(left));
        }
    }

    /// What runs in a group.
    pub(super) fn group_workload(&self, group: &ResourceId) -> Option<Workload> {
        let object = self.objects.get(group)?;
        let mine = || self.instances.iter().filter(|instance| instance.group == *group);
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let ready = number(mine().filter(|i| i.state == InstanceState::InService).count());
        let alive = number(mine().filter(|i| i.is_alive()).count());
        let desired = number(self.group_desired(group));
        let mut problems = Vec::new();
        if alive > ready {
            let (kind, message) = (ProblemKind::Starting, "instances boot".to_owned());
            problems.push(Problem { kind, units: alive - ready, message });
        }
        if desired > alive {
            let kind = ProblemKind::InsufficientCapacity;
            let offering = instance_type(object).unwrap_or_default();
            let message = format!("InsufficientInstanceCapacity: no {offering} to be had");
            problems.push(Problem { kind, units: desired - alive, message });
        }
        problems.sort_by_key(|problem| std::cmp::Reverse(problem.kind));
        Some(Workload {
            stalled: false,
            desired,
            existing: number(mine().count()),
            updated: alive,
            ready,
            pending: desired.saturating_sub(ready),
            observed: true,
            problems,
        })
    }
}

/// The first of those that the group may start.
fn instance_type(object: &Object) -> Option<&str> {
    object.get("/instance_types")?.get(0)?.as_str()
}
