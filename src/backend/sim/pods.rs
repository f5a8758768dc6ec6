//! Pods: what a Deployment asks for, placed, started, replaced and ended.

use super::capacity::Room;
use super::keyed;
use super::nodes::SimNode;
use super::object::Object;
use super::world::{Moment, World};
use crate::observe::{Problem, ProblemKind, ResourceId, Workload};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// One pod.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Pod {
    pub(super) name: String,
    pub(super) deployment: ResourceId,
    /// Hash of the template that it was made from.
    pub(super) template: String,
    pub(super) image: String,
    pub(super) asks: Room,
    pub(super) node: Option<String>,
    pub(super) state: PodState,
}

/// Where a pod is in its life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum PodState {
    /// No node has room.
    Unscheduled(String),
    /// Its image cannot be had.
    ImageMissing,
    /// Loads its weights.
    Starting { ready_at: Moment },
    /// Serves.
    Ready,
    /// Finishes what it has.
    Ending { gone_at: Moment },
}

impl Pod {
    pub(super) fn next_event(&self) -> Option<Moment> {
        match self.state {
            PodState::Starting { ready_at } => Some(ready_at),
            PodState::Ending { gone_at } => Some(gone_at),
            _ => None,
        }
    }

    fn is_ending(&self) -> bool {
        matches!(self.state, PodState::Ending { .. })
    }

    fn is_ready(&self) -> bool {
        self.state == PodState::Ready
    }
}

/// What a Deployment asks for now.
struct Asked {
    id: ResourceId,
    replicas: usize,
    template: String,
    image: String,
    asks: Room,
    surge: usize,
    unavailable: usize,
}

impl World {
    /// One round; whether anything moved.
    pub(super) fn settle_pods(&mut self) -> bool {
        let mut moved = self.age_pods();
        for asked in self.asked() {
            moved |= self.roll(&asked);
        }
        moved | self.place()
    }

    fn age_pods(&mut self) -> bool {
        let now = self.now;
        let before = self.pods.len();
        self.pods
            .retain(|pod| !matches!(pod.state, PodState::Ending { gone_at } if gone_at <= now));
        // What a deleted Deployment or a lost node leaves goes too.
        let mut moved = self.pods.len() != before;
        let orphaned: Vec<usize> = (0..self.pods.len())
            .filter(|&i| !self.pods[i].is_ending())
            .filter(|&i| !self.objects.contains_key(&self.pods[i].deployment))
            .collect();
        for index in orphaned {
            self.end(index);
            moved = true;
        }
        let nodes: BTreeMap<&str, bool> =
            self.nodes.iter().map(|node| (node.name.as_str(), node.ready)).collect();
        let before = self.pods.len();
        self.pods.retain(|pod| pod.node.as_deref().is_none_or(|n| nodes.get(n) == Some(&true)));
        moved |= self.pods.len() != before;
        for pod in &mut self.pods {
            if matches!(pod.state, PodState::Starting { ready_at } if ready_at <= now) {
                pod.state = PodState::Ready;
                moved = true;
            }
        }
        moved
    }

    fn asked(&self) -> Vec<Asked> {
        let deployments = self.objects.iter().filter(|(id, _)| id.kind == "Deployment");
        deployments.map(|(id, object)| Asked::of(id, object)).collect()
    }

    /// A rolling update: never more than replicas + surge, never fewer ready
    /// than replicas − unavailable because of it.
    fn roll(&mut self, asked: &Asked) -> bool {
        let mut moved = false;
        loop {
            let mine: Vec<usize> = (0..self.pods.len())
                .filter(|&i| self.pods[i].deployment == asked.id && !self.pods[i].is_ending())
                .collect();
            let is_new = |i: &usize| self.pods[*i].template == asked.template;
            let (new, old): (Vec<usize>, Vec<usize>) = mine.iter().copied().partition(is_new);
            let ready = mine.iter().filter(|&&i| self.pods[i].is_ready()).count();
            if new.len() < asked.replicas && mine.len() < asked.replicas + asked.surge {
                self.start(asked);
                moved = true;
                continue;
            }
            let spare = ready > asked.replicas.saturating_sub(asked.unavailable);
            let too_many = new.len() > asked.replicas;
            let surplus = if too_many { new } else { old };
            let unready = surplus.iter().copied().find(|&i| !self.pods[i].is_ready());
            let goes = unready.or_else(|| surplus.last().copied().filter(|_| spare || too_many));
            let Some(index) = goes else { return moved };
            self.end(index);
            moved = true;
        }
    }

    fn start(&mut self, asked: &Asked) {
        let name = format!("{}-{}", asked.id.name, self.draw_name());
        self.pods.push(Pod {
            name,
            deployment: asked.id.clone(),
            template: asked.template.clone(),
            image: asked.image.clone(),
            asks: asked.asks,
            node: None,
            state: PodState::Unscheduled(String::new()),
        });
    }

    fn end(&mut self, index: usize) {
        let drain = self.scenario.drain.millis();
        let ready = self.pods[index].is_ready();
        let gone_at = if ready { self.now + drain } else { self.now };
        self.pods[index].state = PodState::Ending { gone_at: gone_at.max(self.now + 1) };
    }

    fn place(&mut self) -> bool {
        let mut moved = false;
        for index in 0..self.pods.len() {
            if !matches!(self.pods[index].state, PodState::Unscheduled(_)) {
                continue;
            }
            let state = match self.find_node(&self.pods[index]) {
                Ok(node) => {
                    moved = true;
                    self.pods[index].node = Some(node);
                    self.begin(index)
                }
                Err(why) => PodState::Unscheduled(why),
            };
            self.pods[index].state = state;
        }
        moved
    }

    fn begin(&mut self, index: usize) -> PodState {
        if self.scenario.missing_images.contains(&self.pods[index].image) {
            return PodState::ImageMissing;
        }
        let chance = self.draw();
        let delay = self.scenario.start.at(chance);
        PodState::Starting { ready_at: self.now + delay }
    }

    fn find_node(&self, pod: &Pod) -> Result<String, String> {
        let template = self.objects.get(&pod.deployment).and_then(|o| o.get("/spec/template"));
        let mut reasons: BTreeMap<String, u32> = BTreeMap::new();
        for node in &self.nodes {
            let refused = refuses(node, template, self.used_on(&node.name), pod.asks);
            match refused {
                None => return Ok(node.name.clone()),
                Some(reason) => *reasons.entry(reason).or_default() += 1,
            }
        }
        let listed: Vec<_> = reasons.iter().map(|(why, count)| format!("{count} {why}")).collect();
        Err(format!("0/{} nodes are available: {}", self.nodes.len(), listed.join(", ")))
    }

    /// What runs in a Deployment.
    pub(super) fn workload(&self, id: &ResourceId) -> Option<Workload> {
        let asked = Asked::of(id, self.objects.get(id)?);
        let mine: Vec<&Pod> = self.pods.iter().filter(|pod| pod.deployment == *id).collect();
        let count = |which: &dyn Fn(&Pod) -> bool| {
            u32::try_from(mine.iter().filter(|pod| which(pod)).count()).unwrap_or(u32::MAX)
        };
        let ready = count(&|pod| pod.is_ready());
        let desired = u32::try_from(asked.replicas).unwrap_or(u32::MAX);
        Some(Workload {
            stalled: false,
            desired,
            existing: count(&|_| true),
            updated: count(&|pod| pod.template == asked.template && !pod.is_ending()),
            ready,
            pending: desired.saturating_sub(ready),
            observed: true,
            problems: problems(&mine),
        })
    }
}

fn problems(pods: &[&Pod]) -> Vec<Problem> {
    let mut found: BTreeMap<(ProblemKind, String), u32> = BTreeMap::new();
    for pod in pods {
        let problem = match &pod.state {
            PodState::Unscheduled(why) => (ProblemKind::Unschedulable, why.clone()),
            PodState::ImageMissing => {
                (ProblemKind::ImagePull, format!("image {} cannot be pulled", pod.image))
            }
            PodState::Starting { .. } => (ProblemKind::Starting, "starting".to_owned()),
            PodState::Ready | PodState::Ending { .. } => continue,
        };
        *found.entry(problem).or_default() += 1;
    }
    found.into_iter().map(|((kind, message), units)| Problem { kind, units, message }).collect()
}

/// Why a pod of `template` cannot go to `node`, in the scheduler's words.
fn refuses(node: &SimNode, template: Option<&Value>, used: Room, asks: Room) -> Option<String> {
    let at = |path: &str| template.and_then(|t| keyed::get(t, &keyed::pointer(path)));
    if !node.ready {
        return Some("node(s) were not ready".to_owned());
    }
    let selector = at("/spec/nodeSelector").and_then(Value::as_object);
    let selected = selector
        .into_iter()
        .flatten()
        .all(|(key, value)| node.labels.get(key).map(String::as_str) == value.as_str());
    if !selected {
        return Some("node(s) didn't match Pod's node affinity/selector".to_owned());
    }
    if let Some((key, value)) = &node.taint {
        let tolerations = at("/spec/tolerations").and_then(Value::as_array);
        let tolerated = tolerations.into_iter().flatten().any(|toleration| {
            let is = |name: &str, wanted: &str| {
                toleration.get(name).is_none_or(|v| v.as_str() == Some(wanted))
            };
            is("key", key) && is("value", value)
        });
        if !tolerated {
            return Some("node(s) had untolerated taint(s)".to_owned());
        }
    }
    node.offered().short_of(used, asks).map(|what| format!("Insufficient {what}"))
}

impl Asked {
    fn of(id: &ResourceId, object: &Object) -> Self {
        let replicas = object.get("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
        let replicas = usize::try_from(replicas).unwrap_or(usize::MAX);
        let template = object.get("/spec/template").cloned().unwrap_or_default();
        let hash = Sha256::digest(template.to_string());
        let image = keyed::leaves(&template)
            .into_iter()
            .find(|(path, _)| path.last().is_some_and(|key| key == "image"))
            .and_then(|(_, value)| value.as_str().map(str::to_owned));
        let limit = |key: &str, up: bool| {
            let value = object.get(&format!("/spec/strategy/rollingUpdate/{key}"));
            int_or_percent(value, replicas, up)
        };
        let (surge, unavailable) = (limit("maxSurge", true), limit("maxUnavailable", false));
        Self {
            id: id.clone(),
            replicas,
            template: hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect(),
            image: image.unwrap_or_default(),
            asks: Room::of_template(&template),
            surge,
            // Both zero would never move: the API server's own fallback.
            unavailable: if surge == 0 { unavailable.max(1) } else { unavailable },
        }
    }
}

/// `25%` of `whole`, rounded as Kubernetes does; 25 % where nothing is said.
fn int_or_percent(value: Option<&Value>, whole: usize, up: bool) -> usize {
    let percent = |percent: usize| {
        let part = whole.saturating_mul(percent);
        if up { part.div_ceil(100) } else { part / 100 }
    };
    match value {
        Some(Value::Number(number)) => {
            number.as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0)
        }
        Some(Value::String(text)) => {
            percent(text.trim_end_matches('%').parse().unwrap_or_default())
        }
        _ => percent(25),
    }
}
