//! A toy world: units take a while until they serve, and a place may have none.

use super::super::*;
use crate::clock::Timestamp;
use crate::decide::{CapacityType, PlanningInput, Supply, SupplyGroup};
use crate::id::Name;
use crate::observe::Hands;
use crate::observe::Market;
use crate::spec::{Catalog, Environment, OneFile, Origins, resolve};
use crate::units::{Share, Span};
use std::collections::BTreeMap;
use std::time::Duration;

/// A Deployment or a group of the toy world.
#[derive(Debug, Clone)]
pub(in crate::decide::scaling) struct Group {
    pub(in crate::decide::scaling) pool: Name,
    /// Its type and market; none: replicas on-prem.
    pub(in crate::decide::scaling) of: Option<(String, CapacityType)>,
    pub(in crate::decide::scaling) desired: u32,
    /// When each of its units serves.
    pub(in crate::decide::scaling) units: Vec<Timestamp>,
    /// So many are there at most.
    pub(in crate::decide::scaling) limit: u32,
    pub(in crate::decide::scaling) refused: Option<Timestamp>,
    /// Its own max, as it tells.
    pub(in crate::decide::scaling) max: Option<u32>,
    /// A larger number is refused, which it does not tell before.
    pub(in crate::decide::scaling) takes: u32,
    pub(in crate::decide::scaling) warm: u32,
    pub(in crate::decide::scaling) draining: u32,
    pub(in crate::decide::scaling) cannot_stay: u32,
    /// So many are taken back, and nobody has named them for their end yet.
    pub(in crate::decide::scaling) taken_back: u32,
    /// When those of them end that the controller has chosen.
    leaving: Vec<Timestamp>,
    pub(in crate::decide::scaling) ends: Option<Timestamp>,
    /// Its units never serve.
    pub(in crate::decide::scaling) broken: bool,
    /// So many have joined, whether they serve or not.
    pub(in crate::decide::scaling) joined: u32,
    /// So many of those that serve are not seen by their cluster.
    pub(in crate::decide::scaling) away: u32,
    /// So many serve in part.
    pub(in crate::decide::scaling) partly: u32,
    /// The first so many never serve.
    pub(in crate::decide::scaling) stuck: u32,
}

pub(in crate::decide::scaling) struct World {
    pub(in crate::decide::scaling) environment: Environment,
    pub(in crate::decide::scaling) origins: Origins,
    pub(in crate::decide::scaling) catalog: Catalog,
    pub(in crate::decide::scaling) groups: Vec<Group>,
    pub(in crate::decide::scaling) unseen: Vec<Name>,
    /// What keeps units of a pool that drain, past their time.
    pub(in crate::decide::scaling) stuck: BTreeMap<Name, String>,
    /// What keeps the autoscalers of pools.
    pub(in crate::decide::scaling) hindrances: BTreeMap<Name, Hindrance>,
    pub(in crate::decide::scaling) seen_at: BTreeMap<Name, Timestamp>,
    /// Since when pools are looked for that were never seen.
    pub(in crate::decide::scaling) since: Option<Timestamp>,
    pub(in crate::decide::scaling) demand: BTreeMap<Name, StageDemand>,
    pub(in crate::decide::scaling) delays: BTreeMap<Name, Delays>,
    pub(in crate::decide::scaling) worth: BTreeMap<Name, Share>,
    pub(in crate::decide::scaling) hands: Hands,
    pub(in crate::decide::scaling) spent: Spent,
    pub(in crate::decide::scaling) market: Market,
    pub(in crate::decide::scaling) mode: Mode,
    pub(in crate::decide::scaling) now: Timestamp,
    pub(in crate::decide::scaling) memory: Memory,
    /// How long a unit takes to go.
    pub(in crate::decide::scaling) drain: Duration,
    /// The last decision, which is yet to be done.
    last: Option<Scaling>,
}

pub(in crate::decide::scaling) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// One stage, `inference`, of one GPU a replica; utilization 100%, so that numbers
/// are easily checked; units serve after 5 minutes.
pub(in crate::decide::scaling) fn world(pools: &[String]) -> World {
    let text = format!(
        r#"
        [environment]
        name = "test"
        [slo]
        availability = "99.9%"
        ttft_p99 = "1s"
        tpot_p99 = "10ms"
        [service]
        name = "llm"
        namespace = "llm"
        model = "m"
        [service.stages.inference]
        image = "i"
        gpus = 1
        resources = {{ cpu = "8", memory = "64Gi" }}
        [onprem]
        provider = "sim"
        [aws]
        provider = "sim"
        region = "us-east-1"
        [burst]
        target_utilization = "100%"
        {}
        "#,
        pools.concat()
    );
    let (resolved, diagnostics) =
        resolve("environments/test.toml", &OneFile("environments/test.toml", text));
    let resolved = resolved.unwrap_or_else(|| panic!("{diagnostics:#?}"));
    let mut world = World {
        environment: resolved.environment,
        origins: resolved.origins,
        catalog: Catalog::shipped(),
        groups: Vec::new(),
        unseen: Vec::new(),
        stuck: BTreeMap::new(),
        hindrances: BTreeMap::new(),
        seen_at: BTreeMap::new(),
        since: None,
        demand: BTreeMap::new(),
        delays: BTreeMap::new(),
        worth: BTreeMap::new(),
        hands: Hands::default(),
        spent: Spent::default(),
        market: Market::default(),
        mode: Mode::Normal,
        now: "2026-11-26T12:00:00Z".parse().unwrap(),
        memory: Memory::default(),
        drain: Duration::ZERO,
        last: None,
    };
    world.groups = world.declared();
    let delay = Delay { median: Span::from_secs(180), p95: Span::from_secs(300) };
    let names = world.groups.iter().map(|group| group.pool.clone());
    let delays = Delays::of(delay);
    world.delays = names.map(|pool| (pool, delays)).collect();
    world
}

/// An on-prem pool of 10 req/s a replica.
pub(in crate::decide::scaling) fn onprem(name: &str, replicas: &str) -> String {
    format!(
        "[onprem.pools.{name}]\nstage = \"inference\"\nreplicas = {replicas}\n\
         capacity = \"10 req/s\"\n"
    )
}

/// A burst pool of four-GPU instances: 4 × `capacity` per node.
pub(in crate::decide::scaling) fn burst(
    name: &str,
    size: &str,
    of: &[(&str, &str)],
    more: &str,
) -> String {
    let types: Vec<String> = of.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let capacity: Vec<String> =
        of.iter().map(|(name, rate)| format!("\"{name}\" = \"{rate}\"")).collect();
    format!(
        "[aws.pools.{name}]\nstage = \"inference\"\nsize = {size}\njoin = \"kubernetes\"\n\
         instance_types = [{}]\nsubnets = {{ ids = [\"subnet-1\"] }}\n\
         image = {{ name = \"i\", channel = \"stable\" }}\ncapacity = {{ {} }}\n{more}\n",
        types.join(", "),
        capacity.join(", ")
    )
}

/// g5.12xlarge, $5.672/h, 40 req/s a node.
pub(in crate::decide::scaling) const G5: (&str, &str) = ("g5.12xlarge", "10 req/s");
/// g6e.12xlarge, $10.49264/h, 40.004 req/s a node: a group of its own.
pub(in crate::decide::scaling) const G6E: (&str, &str) = ("g6e.12xlarge", "10.001 req/s");

impl World {
    fn declared(&self) -> Vec<Group> {
        let supply = Supply::default();
        let decision = crate::decide::decide(&self.planning(&supply));
        let mut groups = Vec::new();
        for (pool, decided) in &decision.pools {
            let of = match &decided.kind {
                crate::decide::PoolKind::OnPrem => vec![None],
                crate::decide::PoolKind::Burst(groups) => groups
                    .iter()
                    .map(|group| Some((group.label().to_owned(), group.capacity_type)))
                    .collect(),
            };
            groups.extend(of.into_iter().map(|of| Group {
                pool: pool.clone(),
                of,
                desired: 0,
                units: Vec::new(),
                limit: u32::MAX,
                refused: None,
                max: None,
                takes: u32::MAX,
                warm: 0,
                draining: 0,
                cannot_stay: 0,
                taken_back: 0,
                leaving: Vec::new(),
                ends: None,
                joined: 0,
                away: 0,
                partly: 0,
                stuck: 0,
                broken: false,
            }));
        }
        groups
    }

    pub(in crate::decide::scaling) fn planning<'a>(
        &'a self,
        supply: &'a Supply,
    ) -> PlanningInput<'a> {
        PlanningInput {
            environment: &self.environment,
            origins: &self.origins,
            catalog: &self.catalog,
            supply,
        }
    }

    /// The group of a pool by its type and market, or its replicas.
    pub(in crate::decide::scaling) fn group(&mut self, pool: &str, of: &str) -> &mut Group {
        let is = |group: &&mut Group| group.pool == name(pool) && group.named() == of;
        self.groups.iter_mut().find(is).unwrap()
    }

    /// So many units of a group serve.
    pub(in crate::decide::scaling) fn has(&mut self, pool: &str, of: &str, units: u32) {
        let now = self.now;
        let group = self.group(pool, of);
        (group.desired, group.units) = (units, vec![now; units as usize]);
    }

    pub(in crate::decide::scaling) fn load(&mut self, requests_per_second: f64) {
        self.demand.insert(name("inference"), StageDemand::of(requests_per_second));
    }

    pub(in crate::decide::scaling) fn stage(&mut self) -> &mut StageDemand {
        self.demand.get_mut("inference").unwrap()
    }

    fn seen(&mut self) -> (Supply, Seen) {
        let (mut supply, mut seen) = (Supply::default(), Seen::default());
        for group in &self.groups {
            let visible = !self.unseen.contains(&group.pool);
            if visible {
                self.seen_at.insert(group.pool.clone(), self.now);
            }
            let pool: &mut PoolSeen = seen.pools.entry(group.pool.clone()).or_default();
            (pool.visible, pool.at) = (visible, self.seen_at.get(&group.pool).copied());
            pool.since = self.since;
            pool.stuck_drain = self.stuck.get(&group.pool).cloned();
            pool.autoscaler = self.hindrances.get(&group.pool).cloned();
            let units = group.seen(self.now);
            let Some((of, capacity_type)) = &group.of else {
                pool.replicas = Some(units);
                continue;
            };
            let own = format!("test-{}-{}", group.pool, group.named());
            supply.burst.entry(group.pool.clone()).or_default().push(SupplyGroup {
                name: own.clone(),
                passed_on: None,
                by_requirements: false,
                instance_types: vec![of.clone()],
                capacity_type: *capacity_type,
                region: "us-east-1".to_owned(),
                desired: group.desired,
                max: group.max,
                surplus: 0,
                ready: units.serving,
                running: BTreeMap::new(),
                kept: BTreeMap::new(),
            });
            pool.groups.insert(own, units);
        }
        (supply, seen)
    }

    /// Decides, and remembers.
    pub(in crate::decide::scaling) fn decide(&mut self) -> Scaling {
        let (supply, seen) = self.seen();
        let scaling = scale(&ScalingInput {
            planning: self.planning(&supply),
            now: self.now,
            seen: &seen,
            market: &self.market,
            demand: &self.demand,
            delays: &self.delays,
            worth: if self.worth.is_empty() { &self.memory.worth } else { &self.worth },
            hands: &self.hands,
            spent: self.spent,
            mode: self.mode,
            tuning: &Tuning::default(),
            memory: &self.memory,
        });
        self.memory = scaling.memory.clone();
        self.last = Some(scaling.clone());
        scaling
    }

    /// Does what was decided, and lets time pass.
    pub(in crate::decide::scaling) fn apply(&mut self, scaling: &Scaling, pass: Duration) {
        let (now, drain) = (self.now, self.drain);
        self.last = None;
        for group in &mut self.groups {
            let pool = &scaling.pools[&group.pool];
            let decided = pool.sources.iter().find(|one| group.is(one)).unwrap();
            if pool.visible && pool.owner == crate::decide::DesiredOwner::Controller {
                // Those that are on their way out stay before others are launched.
                let back = decided.set.saturating_sub(decided.desired);
                let back = back.min(group.leaving.len() as u32);
                group.leaving.truncate(group.leaving.len() - back as usize);
                group.draining -= back;
                let to = decided.set - back;
                let raised = to > decided.desired;
                if raised && to > group.takes {
                    let known = self.memory.sources.get_mut(&group.pool).unwrap();
                    let message = "it takes no more".to_owned();
                    let refused = Short { at: Some(now), message, refused: true };
                    known.get_mut(&group.named()).unwrap().refused = Some(refused);
                } else if decided.set != decided.desired {
                    group.desired = to;
                }
                let drain = if group.of.is_some() { drain } else { Duration::ZERO };
                let shrink = decided.shrink.min(group.units.len() as u32);
                group.draining += shrink;
                group.leaving.extend((0..shrink).map(|_| now + drain));
                group.end(now);
            }
            let room = group.desired.min(group.limit) as usize;
            let delay = self.delays[&group.pool].cold.median.duration();
            while group.units.len() < room {
                group.units.push(now.saturating_add(delay).unwrap());
            }
            if (group.units.len() as u32) < group.desired {
                group.refused = Some(now);
            }
        }
        self.now = self.now.saturating_add(pass).unwrap();
    }

    /// Decides and does, again and again, for so many steps of 15 seconds.
    pub(in crate::decide::scaling) fn run(&mut self, steps: usize) -> Scaling {
        for _ in 0..steps {
            let last = self.last.take().unwrap_or_else(|| self.decide());
            self.apply(&last, Duration::from_secs(15));
            self.decide();
        }
        self.last.clone().unwrap()
    }

    /// Requests per second that are asked for, served or not.
    pub(in crate::decide::scaling) fn asked(&self, pool: &str) -> u32 {
        let of = self.groups.iter().filter(|group| group.pool == name(pool));
        of.map(|group| group.desired).sum()
    }
}

impl Group {
    /// So many more that never serve.
    pub(in crate::decide::scaling) fn never_serve(&mut self, units: u32) {
        self.desired += units;
        self.units.resize(self.desired as usize, Timestamp::MAX);
    }

    /// What drains serves again.
    pub(in crate::decide::scaling) fn stay(&mut self) {
        self.leaving.clear();
        self.draining = 0;
    }

    /// What has drained goes, of units that do not serve yet first.
    fn end(&mut self, now: Timestamp) {
        let before = self.leaving.len();
        self.leaving.retain(|ends| *ends > now);
        self.units.sort();
        for _ in self.leaving.len()..before {
            self.units.pop();
            self.desired -= 1;
            self.draining -= 1;
        }
    }

    pub(in crate::decide::scaling) fn named(&self) -> String {
        match &self.of {
            None => "replicas".to_owned(),
            Some((of, market)) => format!("{of}/{}", market.as_str()),
        }
    }

    pub(in crate::decide::scaling) fn is(&self, source: &SourceScaling) -> bool {
        match &self.of {
            None => source.market.is_none(),
            Some((of, market)) => source.label == *of && source.market == Some(*market),
        }
    }

    pub(in crate::decide::scaling) fn serving(&self, now: Timestamp) -> u32 {
        let serving = self.units.iter().filter(|ready| **ready <= now).count() as u32;
        if self.broken {
            0
        } else {
            serving.saturating_sub(self.draining + self.away + self.partly + self.stuck)
        }
    }

    fn seen(&self, now: Timestamp) -> Units {
        let existing = self.units.len() as u32;
        let short = self.refused.filter(|_| existing < self.desired);
        Units {
            partly: self.partly,
            open: 0,
            taken_back: self.taken_back,
            ending: 0,
            desired: self.desired,
            existing,
            draining: self.draining,
            cannot_stay: self.cannot_stay,
            joined: (self.serving(now) + self.partly).max(self.joined),
            away: self.away,
            serving: self.serving(now),
            warm: self.warm,
            short: short.map(|at| Short {
                at: Some(at),
                message: "no capacity".to_owned(),
                refused: false,
            }),
            ends: self.ends,
        }
    }
}

/// The causes that hold scale-out.
pub(in crate::decide::scaling) fn out(scaling: &Scaling) -> Vec<HoldCause> {
    causes(scaling, Direction::ScaleOut)
}

/// What a decision has to say.
pub(in crate::decide::scaling) fn kinds(scaling: &Scaling) -> Vec<EventKind> {
    scaling.events.iter().map(|event| event.kind).collect()
}

/// Own replicas, a cheap pool, and a dear one.
pub(in crate::decide::scaling) fn three() -> World {
    world(&[
        onprem("own", "{ min = 1, max = 4 }"),
        burst("cheap", "{ min = 0, max = 3 }", &[G5], ""),
        burst("dear", "{ min = 0, max = 9 }", &[G6E], ""),
    ])
}

/// What a pool should have.
pub(in crate::decide::scaling) fn wanted(scaling: &Scaling, pool: &str) -> u32 {
    scaling.pools[&name(pool)].wanted
}

/// What each of its groups should have: `g5.12xlarge/spot`.
pub(in crate::decide::scaling) fn groups(scaling: &Scaling, pool: &str) -> Vec<(String, u32)> {
    let sources = scaling.pools[&name(pool)].sources.iter();
    sources
        .map(|one| {
            let market = one.market.map_or("", CapacityType::as_str);
            (format!("{}/{market}", one.label), one.wanted)
        })
        .filter(|(_, wanted)| *wanted > 0)
        .collect()
}

/// The causes of all holds of a direction, sorted.
pub(in crate::decide::scaling) fn causes(
    scaling: &Scaling,
    direction: Direction,
) -> Vec<HoldCause> {
    let stages = scaling.stages.values().flat_map(|stage| &stage.holds);
    let holds = stages.chain(scaling.pools.values().flat_map(|pool| &pool.holds));
    let mut causes: Vec<HoldCause> =
        holds.filter(|hold| hold.direction == direction).map(|hold| hold.cause).collect();
    causes.sort();
    causes.dedup();
    causes
}
