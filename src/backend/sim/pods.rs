//! Pods: what a Deployment asks for, started, replaced and ended.

use super::capacity::Room;
use super::keyed;
use super::object::Object;
use super::world::{Moment, World};
use crate::observe::{Problem, ProblemKind, ResourceId, Workload};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet, VecDeque};

/// A world holds no more pods: beyond it, looking at the world takes too long.
pub(super) const MOST_PODS: usize = 100_000;

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

    pub(super) fn is_ending(&self) -> bool {
        matches!(self.state, PodState::Ending { .. })
    }

    pub(super) fn is_ready(&self) -> bool {
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

/// Pods of one template, in the order in which they were made.
#[derive(Default)]
struct Generation {
    /// Those that go first at the end.
    ready: Vec<usize>,
    unready: VecDeque<usize>,
}

impl Generation {
    fn len(&self) -> usize {
        self.ready.len() + self.unready.len()
    }
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
        for index in self.orphaned_pods() {
            self.end(index);
            moved = true;
        }
        let ready: HashSet<&str> =
            self.nodes.iter().filter(|n| n.ready).map(|node| node.name.as_str()).collect();
        let before = self.pods.len();
        self.pods.retain(|pod| pod.node.as_deref().is_none_or(|node| ready.contains(node)));
        moved |= self.pods.len() != before;
        for pod in &mut self.pods {
            if matches!(pod.state, PodState::Starting { ready_at } if ready_at <= now) {
                pod.state = PodState::Ready;
                moved = true;
            }
        }
        moved
    }

    fn orphaned_pods(&self) -> Vec<usize> {
        // The pods of one Deployment stand together: most ask what the one before did.
        let mut before: Option<(&ResourceId, bool)> = None;
        let mut orphaned = Vec::new();
        for (index, pod) in self.pods.iter().enumerate().filter(|(_, pod)| !pod.is_ending()) {
            let exists = match before {
                Some((deployment, exists)) if *deployment == pod.deployment => exists,
                _ => self.objects.contains_key(&pod.deployment),
            };
            before = Some((&pod.deployment, exists));
            if !exists {
                orphaned.push(index);
            }
        }
        orphaned
    }

    fn asked(&self) -> Vec<Asked> {
        let deployments = self.objects.iter().filter(|(id, _)| id.kind == "Deployment");
        deployments.map(|(id, object)| Asked::of(id, object)).collect()
    }

    /// A rolling update: never more than replicas + surge, never fewer ready
    /// than replicas − unavailable because of it.
    fn roll(&mut self, asked: &Asked) -> bool {
        let mut moved = false;
        let (mut new, mut old) = self.shape(asked);
        loop {
            let all = new.len() + old.len();
            let missing = new.len() < asked.replicas && all < asked.replicas + asked.surge;
            if missing && self.pods.len() < MOST_PODS {
                new.unready.push_back(self.pods.len());
                self.start(asked);
                moved = true;
                continue;
            }
            let ready = new.ready.len() + old.ready.len();
            let spare = ready > asked.replicas.saturating_sub(asked.unavailable);
            let too_many = new.len() > asked.replicas;
            let surplus = if too_many { &mut new } else { &mut old };
            let goes = match surplus.unready.pop_front() {
                None if spare || too_many => surplus.ready.pop(),
                unready => unready,
            };
            let Some(index) = goes else { return moved };
            self.end(index);
            moved = true;
        }
    }

    /// The Deployment's pods of the template of now, and of one before.
    fn shape(&self, asked: &Asked) -> (Generation, Generation) {
        let (mut new, mut old) = (Generation::default(), Generation::default());
        let mine = self.pods.iter().enumerate();
        for (index, pod) in mine.filter(|(_, p)| !p.is_ending() && p.deployment == asked.id) {
            let generation = if pod.template == asked.template { &mut new } else { &mut old };
            if pod.is_ready() {
                generation.ready.push(index);
            } else {
                generation.unready.push_back(index);
            }
        }
        // As their deletion cost has it, the pods of nodes that are drained go first.
        let leaves = |&index: &usize| {
            self.pods[index].node.as_ref().is_some_and(|node| self.draining.contains_key(node))
        };
        if !self.draining.is_empty() {
            new.ready.sort_by_key(leaves);
            old.ready.sort_by_key(leaves);
        }
        (new, old)
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

    pub(super) fn end(&mut self, index: usize) {
        let drain = self.scenario.drain.millis();
        let ready = self.pods[index].is_ready();
        let gone_at = if ready { self.now + drain } else { self.now };
        self.pods[index].state = PodState::Ending { gone_at: gone_at.max(self.now + 1) };
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
            warm: 0,
            existing: count(&|_| true),
            updated: count(&|pod| pod.template == asked.template && !pod.is_ending()),
            ready,
            pending: desired.saturating_sub(ready),
            observed: true,
            surplus: 0,
            problems: problems(&mine),
            units: Vec::new(),
            kept: Vec::new(),
            refresh: None,
            failed: None,
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
