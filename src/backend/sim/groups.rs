//! Auto Scaling groups and their instances.

use super::keyed;
use super::nodes::{MOST_NODES, SimNode};
use super::object::{Object, Version};
use super::types;
use super::world::{Moment, World};
use crate::clock::Timestamp;
use crate::observe::{Body, Failed, Problem, ProblemKind, ResourceId, Unit, Workload, marks};
use crate::units::Share;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Duration;

/// Milliseconds from a spot notice to the end.
const NOTICE: Moment = 120_000;

/// One instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Instance {
    pub(super) id: String,
    pub(super) group: ResourceId,
    pub(super) state: InstanceState,
    /// What its template was when it started; see [`World::template_version`].
    #[serde(default)]
    pub(super) version: String,
    #[serde(default)]
    pub(super) instance_type: String,
    /// When AWS takes it back: its notice was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) taken_at: Option<Moment>,
    /// It ends by its name alone, and not because fewer are asked for.
    #[serde(default)]
    pub(super) protected: bool,
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
        let own = match self.state {
            InstanceState::Pending { in_service_at } => Some(in_service_at),
            InstanceState::Terminating { gone_at } => Some(gone_at),
            InstanceState::InService => None,
        };
        own.into_iter().chain(self.taken_at).min()
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
            if instance.taken_at.is_some_and(|at| at <= now) {
                gone.insert(instance.id.clone());
                continue;
            }
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
            self.draining.retain(|instance, _| !gone.contains(instance));
        }
        moved
    }

    /// The instance's node appears, if its group's pool joins the cluster.
    fn join(&mut self, instance: &str, group: &ResourceId) {
        let Some(object) = self.objects.get(group) else { return };
        let tag = |key: &str| object.get("/tags")?.get(key)?.as_str();
        if tag(marks::JOIN) == Some("kubernetes") {
            let [environment, workload] = [marks::ENVIRONMENT, marks::WORKLOAD]
                .map(|key| tag(key).unwrap_or_default().to_owned());
            let gpus = tag(marks::GPUS).and_then(|gpus| gpus.parse().ok()).unwrap_or(0);
            self.nodes.push(SimNode::of_instance(instance, &environment, &workload, gpus));
        }
    }

    fn scale_group(&mut self, group: &ResourceId) -> bool {
        let desired = self.group_desired(group);
        let alive = self.alive(group);
        if self.refreshing.contains(group) {
            let old = self.outdated(group);
            if !old.is_empty() {
                return self.replace_one(group, desired, &alive, &old);
            }
            self.refreshing.remove(group);
        }
        let free = alive.iter().rev().filter(|&&at| !self.instances[at].protected);
        let ended: Vec<usize> = free.copied().take(alive.len().saturating_sub(desired)).collect();
        for &index in &ended {
            self.terminate(index);
        }
        let launched = self.launch(group, desired.saturating_sub(alive.len()));
        !ended.is_empty() || launched > 0
    }

    fn alive(&self, group: &ResourceId) -> Vec<usize> {
        let here = |&at: &usize| self.instances[at].group == *group;
        let all = (0..self.instances.len()).filter(here);
        all.filter(|&at| self.instances[at].is_alive()).collect()
    }

    /// One more than asked for is started, and when all serve, an old one ends;
    /// where no more are to be had, it ends first.
    fn replace_one(
        &mut self,
        group: &ResourceId,
        desired: usize,
        alive: &[usize],
        old: &[usize],
    ) -> bool {
        let missing = (desired + 1).saturating_sub(alive.len());
        let launched = self.launch(group, missing);
        let serve = |at: &&usize| self.instances[**at].state == InstanceState::InService;
        let all_serve = alive.iter().filter(serve).count() == alive.len();
        let enough = alive.len() > desired || (alive.len() == desired && missing > 0);
        if launched > 0 || !all_serve || !enough {
            return launched > 0;
        }
        self.terminate(old[0]);
        true
    }

    /// Instances that started from another template than new ones would.
    fn outdated(&self, group: &ResourceId) -> Vec<usize> {
        let version = self.group_template(group).map(|id| self.template_version(&id));
        let alive = self.alive(group).into_iter();
        alive.filter(|&at| Some(&self.instances[at].version) != version.as_ref()).collect()
    }

    fn group_template(&self, group: &ResourceId) -> Option<ResourceId> {
        let name = self.objects.get(group)?.text("/launch_template")?;
        Some(ResourceId::launch_template(group.scope.as_deref()?, name))
    }

    /// The number of a template's default version.
    pub(super) fn template_version(&self, template: &ResourceId) -> String {
        let version = self.objects.get(template).and_then(|object| object.version.as_ref());
        version.map_or_else(|| "none".to_owned(), |version| version.number.to_string())
    }

    /// Templates whose content has changed get another version.
    pub(super) fn number_templates(&mut self) {
        for (_, object) in self.objects.iter_mut().filter(|(id, _)| id.kind == "LaunchTemplate") {
            let digest = content_digest(object);
            let before =
                object.version.take().unwrap_or(Version { number: 0, digest: String::new() });
            let number = before.number + u64::from(before.digest != digest);
            object.version = Some(Version { number, digest });
        }
    }

    /// Begins to replace what is outdated in a group.
    pub(super) fn refresh(&mut self, group: &ResourceId) {
        if !self.outdated(group).is_empty() {
            self.refreshing.insert(group.clone());
        }
    }

    /// How far the refresh of a group has come.
    pub(super) fn refresh_progress(&self, group: &ResourceId) -> Option<Workload> {
        self.objects.get(group)?;
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let all = number(self.group_desired(group));
        let left = number(self.outdated(group).len());
        let runs = self.refreshing.contains(group);
        let done = if runs { all.saturating_sub(left) } else { all };
        Some(Workload {
            desired: all,
            existing: all,
            updated: done,
            ready: done,
            pending: all - done,
            observed: !runs,
            ..Workload::default()
        })
    }

    /// Starts up to `number` instances: how many there were to be had.
    fn launch(&mut self, group: &ResourceId, number: usize) -> usize {
        let template = self.group_template(group);
        let version = template.map(|id| self.template_version(&id)).unwrap_or_default();
        let flag =
            self.objects.get(group).and_then(|object| object.get("/protected_from_scale_in"));
        let protected = flag == Some(&json!(true));
        for launched in 0..number {
            let Some(instance_type) = self.to_be_had(group) else { return launched };
            let chance = self.draw();
            let delay = self.scenario.launch.at(chance);
            let id =
                format!("i-{}", self.draw_uid().replace('-', "").get(..17).unwrap_or_default());
            let state = InstanceState::Pending { in_service_at: self.now + delay };
            let (group, version) = (group.clone(), version.clone());
            self.instances.push(Instance {
                id,
                group,
                state,
                version,
                instance_type,
                taken_at: None,
                protected,
            });
        }
        number
    }

    fn terminate(&mut self, index: usize) {
        let gone_at = match self.instances[index].state {
            InstanceState::InService => self.finishes_at(&self.instances[index].id),
            _ => self.now + 1,
        };
        self.instances[index].state = InstanceState::Terminating { gone_at };
    }

    fn group_desired(&self, group: &ResourceId) -> usize {
        let desired = self.objects.get(group).and_then(|object| object.get("/desired"));
        desired.and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(0)
    }

    /// The first of the group's types that AWS has one more of: limits are per
    /// instance type and market, over all groups.
    fn to_be_had(&self, group: &ResourceId) -> Option<String> {
        let object = self.objects.get(group).filter(|_| self.instances.len() < MOST_NODES)?;
        let market = object.text("/capacity_type")?;
        let has_room = |name: &String| {
            let limit = self.scenario.capacity.iter().find(|limit| {
                limit.instance_type == *name
                    && limit.capacity_type.is_none_or(|limited| limited.name() == market)
            });
            let Some(limit) = limit else { return true };
            let same = |instance: &&Instance| {
                let group = self.objects.get(&instance.group);
                let bought = group.and_then(|group| group.text("/capacity_type"));
                instance.instance_type == *name && bought == Some(market)
            };
            self.instances.iter().filter(same).count() < limit.instances as usize
        };
        instance_types(object).into_iter().find(has_room)
    }

    /// The instances of a group, by name.
    fn group_units(&self, group: &ResourceId) -> Vec<Unit> {
        let mine = self.instances.iter().filter(|instance| instance.group == *group);
        let unit = |instance: &Instance| Unit {
            name: instance.id.clone(),
            ready: instance.state == InstanceState::InService,
            ending: !instance.is_alive(),
            version: Some(instance.version.clone()).filter(|version| !version.is_empty()),
            instance_type: Some(instance.instance_type.clone()).filter(|name| !name.is_empty()),
            set_aside: false,
            waits: None,
            address: None,
            taken_back: None,
        };
        let mut units: Vec<Unit> = mine.map(unit).collect();
        units.sort_by(|a, b| a.name.cmp(&b.name));
        units
    }

    /// How many more run than are asked for, and do not end by that.
    fn surplus(&self, group: &ResourceId) -> usize {
        let alive = self.alive(group);
        let protected = alive.iter().filter(|&&at| self.instances[at].protected).count();
        alive.len().saturating_sub(self.group_desired(group)).min(protected)
    }

    /// Ends these instances, and asks for as many fewer, unless more run than that.
    pub(super) fn end_units(&mut self, group: &ResourceId, names: &[String]) {
        let ending: Vec<usize> = (0..self.instances.len())
            .filter(|&at| self.instances[at].group == *group && self.instances[at].is_alive())
            .filter(|&at| names.contains(&self.instances[at].id))
            .collect();
        let fewer = ending.len().saturating_sub(self.surplus(group));
        let left = self.group_desired(group).saturating_sub(fewer);
        for at in ending {
            self.terminate(at);
        }
        if let Some(object) = self.objects.get_mut(group) {
            keyed::set(&mut object.content, &keyed::pointer("/desired"), json!(left));
        }
    }

    /// Ends these instances, and starts others in their place.
    pub(super) fn replace_units(&mut self, group: &ResourceId, names: &[String]) {
        for at in self.alive(group) {
            if names.contains(&self.instances[at].id) {
                self.terminate(at);
            }
        }
    }

    /// AWS gives notice of this share of the spot instances that serve.
    pub(super) fn give_notice(&mut self, share: Share) {
        let spot = |one: &&mut Instance| {
            let group = self.objects.get(&one.group);
            one.state == InstanceState::InService
                && one.taken_at.is_none()
                && group.and_then(|group| group.text("/capacity_type")) == Some("spot")
        };
        let all: Vec<&mut Instance> = self.instances.iter_mut().filter(spot).collect();
        let count = (all.len() as f64 * share.as_f64()).ceil() as usize;
        for one in all.into_iter().take(count) {
            one.taken_at = Some(self.now + NOTICE);
        }
    }

    /// When AWS takes an instance back, if it has given notice.
    pub(super) fn taken_back(&self, instance: &str) -> Option<Timestamp> {
        let one = self.instances.iter().find(|one| one.id == instance)?;
        Some(self.beginning() + Duration::from_millis(one.taken_at?))
    }

    /// What runs in a group.
    pub(super) fn group_workload(&self, group: &ResourceId) -> Option<Workload> {
        let object = self.objects.get(group)?;
        let mine = || self.instances.iter().filter(|instance| instance.group == *group);
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let ready = number(mine().filter(|i| i.state == InstanceState::InService).count());
        let alive = number(mine().filter(|i| i.is_alive()).count());
        let desired = number(self.group_desired(group));
        let missing = desired.checked_sub(alive).filter(|missing| *missing > 0);
        let mut problems = Vec::new();
        if alive > ready {
            let (kind, message) = (ProblemKind::Starting, "instances boot".to_owned());
            problems.push(Problem { kind, units: alive - ready, message });
        }
        if desired > alive {
            let kind = ProblemKind::InsufficientCapacity;
            let offering = instance_types(object).join(" or ");
            let message = format!("InsufficientInstanceCapacity: no {offering} to be had");
            problems.push(Problem { kind, units: desired - alive, message });
        }
        problems.sort_by_key(|problem| std::cmp::Reverse(problem.kind));
        Some(Workload {
            stalled: false,
            desired,
            warm: 0,
            existing: number(mine().count()),
            surplus: number(self.surplus(group)),
            updated: alive,
            ready,
            pending: desired.saturating_sub(ready),
            observed: true,
            problems,
            units: self.group_units(group),
            kept: Vec::new(),
            refresh: None,
            failed: missing.map(|units| Failed { units, at: Some(self.now()) }),
        })
    }
}

/// What the group may start, the best first.
fn instance_types(object: &Object) -> Vec<String> {
    let required = object.get("/requirements").map(keyed::unkey);
    if let Some(required) = required.and_then(|required| serde_json::from_value(required).ok()) {
        return types::with(&required);
    }
    let types = object.get("/instance_types").and_then(Value::as_array);
    types.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Of what an instance is: tags of the template itself are none of it.
fn content_digest(object: &Object) -> String {
    let mut content = object.manifest();
    if let Some(content) = content.as_object_mut() {
        content.remove("tags");
    }
    let digest = Body::from(content).digest();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
