//! What each pool has in the cluster: a Deployment with its disruption budget
//! and autoscaler, or, for nodes outside, an EndpointSlice.

mod deployment;

use super::scene::{About, Scene};
use super::view::{Autoscaler, Plain, Service};
use super::{Desired, DesiredError, Seed, burst, names};
use crate::decide::{DesiredOwner, PoolDecision, Reason};
use crate::id::Name;
use crate::observe::{ResourceId, marks};
use crate::spec::model::{Hpa, OnPremPool, Stage};
use rayon::prelude::*;
use serde_json::json;

/// For scheduling and the image, on top of a replica's own startup.
pub(super) const SCHEDULING_SECONDS: u64 = 600;
/// The longest window that the HPA allows.
const LONGEST_WINDOW_SECONDS: u64 = 3600;

pub(super) fn members(scene: &Scene<'_>) -> Result<Vec<Desired>, DesiredError> {
    let pools = scene.input.decision.pools.par_iter();
    let members: Result<Vec<_>, _> =
        pools.map(|(pool, decided)| of_pool(scene, pool, decided)).collect();
    Ok(members?.into_iter().flatten().collect())
}

fn of_pool(
    scene: &Scene<'_>,
    pool: &Name,
    decided: &PoolDecision,
) -> Result<Vec<Desired>, DesiredError> {
    let environment = scene.environment();
    let (Some(stage), Some(name)) =
        (environment.service.stages.get(&decided.stage), scene.workloads.get(pool))
    else {
        return Ok(Vec::new());
    };
    let pool = Pool { scene, pool, name, decided, stage };
    if names::is_standalone(environment, pool.pool) {
        return Ok(vec![pool.endpoint_slice()?]);
    }
    let mut members = vec![pool.deployment()?, pool.disruption_budget()?];
    let hpa = pool.on_prem().and_then(|pool| pool.hpa.as_ref());
    if let (Some(hpa), DesiredOwner::Hpa) = (hpa, decided.owner) {
        members.push(pool.autoscaler(hpa)?);
    }
    Ok(members)
}

struct Pool<'a> {
    scene: &'a Scene<'a>,
    pool: &'a Name,
    name: &'a str,
    decided: &'a PoolDecision,
    stage: &'a Stage,
}

impl Pool<'_> {
    fn on_prem(&self) -> Option<&OnPremPool> {
        self.scene.environment().onprem.as_ref()?.pools.get(self.pool)
    }

    /// The pool's own line, or one of its keys.
    fn key(&self, key: &str) -> String {
        let side = if self.on_prem().is_some() { "onprem" } else { "aws" };
        format!("{side}.pools.{}{key}", self.pool)
    }

    fn labels(&self) -> [(&str, &str); 3] {
        [
            (marks::STAGE, self.decided.stage.as_str()),
            (marks::POOL, self.pool.as_str()),
            (marks::WORKLOAD, self.name),
        ]
    }

    fn deployment_id(&self) -> ResourceId {
        self.scene.id("apps/v1", "Deployment", self.name)
    }

    fn disruption_budget(&self) -> Result<Desired, DesiredError> {
        let id = self.scene.id("policy/v1", "PodDisruptionBudget", self.name);
        let view = Plain {
            meta: self.scene.member(&id, &self.labels()),
            environment: self.scene.environment_name(),
        };
        let about = self.beside_the_deployment(self.reason());
        let desired =
            self.scene.render("templates/kubernetes/poddisruptionbudget.yaml", id, &view, about)?;
        Ok(Desired { pool: Some(self.pool.clone()), ..desired })
    }

    fn autoscaler(&self, hpa: &Hpa) -> Result<Desired, DesiredError> {
        let scene = self.scene;
        let id = scene.id("autoscaling/v2", "HorizontalPodAutoscaler", self.name);
        let window = scene.environment().burst.scale_in.stabilization.secs_ceil();
        let view = Autoscaler {
            meta: scene.member(&id, &self.labels()),
            environment: scene.environment_name(),
            stage: self.decided.stage.to_string(),
            min: self.decided.min,
            max: self.decided.max,
            cpu_percent: hpa.cpu.map(|cpu| cpu.whole_percent()),
            requests_per_second: hpa.requests_per_second.map(decimal_quantity),
            scale_down_seconds: window.min(LONGEST_WINDOW_SECONDS),
        };
        let text = format!("scales pool {} between {} and {}", self.pool, view.min, view.max);
        let about = self.beside_the_deployment(scene.because(self.key(".hpa"), text));
        let template = "templates/kubernetes/horizontalpodautoscaler.yaml";
        let desired = scene.render(template, id, &view, about)?;
        Ok(Desired { pool: Some(self.pool.clone()), ..desired })
    }

    /// Its endpoints are never git's: they are addresses of instances.
    fn endpoint_slice(&self) -> Result<Desired, DesiredError> {
        let Self { scene, decided, .. } = *self;
        let id = scene.id("discovery.k8s.io/v1", "EndpointSlice", self.name);
        let service = scene.stage_id("v1", "Service", &decided.stage);
        let view = Service {
            meta: scene.member(&id, &self.labels()),
            environment: scene.environment_name(),
            stage: decided.stage.to_string(),
            service: service.name.clone(),
            port: self.stage.port,
        };
        let mut after = vec![scene.parent_id(), service];
        after.extend(burst::group_ids(scene, self.pool, decided));
        let text = format!("nodes of pool {} serve stage {}", self.pool, decided.stage);
        let about = About { reason: scene.because(self.key(".join"), text), after };
        let desired = scene.render("templates/kubernetes/endpointslice.yaml", id, &view, about)?;
        Ok(Desired {
            pool: Some(self.pool.clone()),
            seed: Some(Seed {
                path: "/endpoints".to_owned(),
                value: json!([]),
                owner: DesiredOwner::Controller,
            }),
            immutable: vec!["/addressType"],
            ..desired
        })
    }

    fn reason(&self) -> Reason {
        let text = format!("pool {} serves stage {}", self.pool, self.decided.stage);
        self.scene.because(self.key(""), text)
    }

    fn beside_the_deployment(&self, reason: Reason) -> About {
        About { reason, after: vec![self.scene.parent_id(), self.deployment_id()] }
    }
}

/// A whole number as the API server writes a decimal quantity: 1000 is `1k`.
fn decimal_quantity(number: u32) -> String {
    let mut number = number;
    for suffix in ["", "k", "M", "G"] {
        if number == 0 || !number.is_multiple_of(1000) {
            return format!("{number}{suffix}");
        }
        number /= 1000;
    }
    format!("{number}T")
}
