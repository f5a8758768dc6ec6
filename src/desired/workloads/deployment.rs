//! A pool's Deployment.

use super::{Pool, SCHEDULING_SECONDS};
use crate::decide::{DesiredOwner, PoolKind};
use crate::desired::scene::About;
use crate::desired::stages::metrics_port;
use crate::desired::view::{Deployment, NumberOrPercent, Startup, Strategy, Toleration, Variable};
use crate::desired::{Desired, DesiredError, Seed, burst, network};
use crate::observe::marks;
use crate::units::Memory;
use serde_json::json;
use std::collections::BTreeMap;

/// How long a replica serves on after it was asked to end: clients learn from
/// DNS within this time (CoreDNS answers are good for at most 30 s).
const PRE_STOP_SECONDS: u64 = 30;
/// From the last answer to the exit.
const EXIT_SECONDS: u64 = 10;
/// For a container's logs on the node's disk, which count as its own: five files
/// of 10 MiB where the kubelet is left as it is, and room for another setting.
const LOGS: Memory = Memory::from_bytes(1 << 30);
/// Between two looks at a starting replica.
const STARTUP_PERIOD_SECONDS: u64 = 10;

impl Pool<'_> {
    /// Replicas that git or, at first, nobody else asks for.
    fn replicas(&self) -> u32 {
        match &self.decided.kind {
            PoolKind::OnPrem => self.decided.desired,
            PoolKind::Burst(groups) => groups.iter().fold(0, |sum, group| {
                sum.saturating_add(group.desired.saturating_mul(group.replicas_per_node))
            }),
        }
    }

    pub(super) fn deployment(&self) -> Result<Desired, DesiredError> {
        let Self { scene, decided, stage, .. } = *self;
        let id = self.deployment_id();
        let git = decided.owner == DesiredOwner::Git;
        let startup_seconds = stage.startup.secs_ceil();
        let drain_seconds = stage.drain.secs_ceil();
        let service_account = scene.stage_id("v1", "ServiceAccount", &decided.stage);
        let view = Deployment {
            meta: scene.member(&id, &self.labels()),
            environment: scene.environment_name(),
            stage: decided.stage.to_string(),
            replicas: git.then(|| self.replicas()),
            progress_deadline_seconds: startup_seconds
                + drain_seconds
                + PRE_STOP_SECONDS
                + SCHEDULING_SECONDS,
            strategy: self.strategy(),
            service_account: service_account.name.clone(),
            priority_class: scene.priority_class_id().name,
            grace_seconds: PRE_STOP_SECONDS + drain_seconds + EXIT_SECONDS,
            pre_stop_seconds: PRE_STOP_SECONDS,
            node_selector: self.node_selector(),
            tolerations: self.tolerations(),
            image_pull_secrets: scene.environment().service.image_pull_secrets.clone(),
            run_as_user: stage.run_as_user,
            image: stage.image.clone(),
            args: stage.args.clone(),
            env: self.env(),
            env_from: stage.env_from.clone(),
            port: stage.port,
            metrics_port: metrics_port(stage),
            cpu: stage.resources.cpu.to_string(),
            memory: stage.resources.memory.to_string(),
            scratch: stage.scratch.to_string(),
            ephemeral_storage: with_logs(stage.scratch).to_string(),
            gpus: stage.gpus,
            shared_memory: (stage.gpus > 0).then(|| shared_memory(stage.resources.memory)),
            startup: Startup {
                period_seconds: STARTUP_PERIOD_SECONDS,
                failure_threshold: startup_seconds.div_ceil(STARTUP_PERIOD_SECONDS).max(1),
            },
        };
        let mut after = vec![
            scene.parent_id(),
            service_account,
            scene.priority_class_id(),
            scene.stage_id("v1", "Service", &decided.stage),
        ];
        after.extend(network::policy_ids(scene, &decided.stage));
        after.extend(burst::group_ids(scene, self.pool, decided));
        let about = About { reason: self.reason(), after };
        let desired = scene.render("templates/kubernetes/deployment.yaml", id, &view, about)?;
        let seed = Seed {
            path: "/spec/replicas".to_owned(),
            value: json!(self.replicas()),
            owner: decided.owner,
        };
        Ok(Desired {
            pool: Some(self.pool.clone()),
            seed: (!git).then_some(seed),
            immutable: vec!["/spec/selector"],
            ..desired
        })
    }

    /// Nodes with GPUs are full in a healthy fleet: a surge pod would wait for a
    /// GPU that only an old pod can free, and the rollout with it. So GPU pods
    /// are replaced in place, a tenth of the pool at a time (rounded down, but
    /// at least one). A pool that may have a single replica would be gone
    /// meanwhile: there the new one comes first, as it does without GPUs; and
    /// where there are more, one of them at least may go, so that a pool at its
    /// max goes on without room.
    fn strategy(&self) -> Strategy {
        let (least, most) = self.bounds();
        let (max_surge, max_unavailable) = if self.stage.gpus == 0 {
            (NumberOrPercent::Percent("25%"), NumberOrPercent::Number(0))
        } else if least > 1 {
            (NumberOrPercent::Number(0), NumberOrPercent::Percent("10%"))
        } else {
            // Of one replica both shares are nothing, of the most at least one.
            let share = if most < 4 { "50%" } else { "25%" };
            (NumberOrPercent::Number(1), NumberOrPercent::Percent(share))
        };
        Strategy { max_surge, max_unavailable }
    }

    /// The fewest and the most replicas that a rollout may find.
    fn bounds(&self) -> (u32, u32) {
        match &self.decided.kind {
            PoolKind::OnPrem if self.decided.owner == DesiredOwner::Git => {
                (self.decided.desired, self.decided.desired)
            }
            PoolKind::OnPrem => (self.decided.min, self.decided.max),
            // A burst node holds as many replicas as it has GPUs for: a surge pod
            // never finds room there, however few there are.
            PoolKind::Burst(_) => (u32::MAX, u32::MAX),
        }
    }

    /// On-prem as declared; burst only on the pool's own nodes, which another
    /// environment of the cluster may have under the same names.
    fn node_selector(&self) -> BTreeMap<String, String> {
        match self.on_prem() {
            Some(pool) => pool.node_selector.clone(),
            None => BTreeMap::from([
                (marks::ENVIRONMENT.to_owned(), self.scene.environment_name()),
                (marks::WORKLOAD.to_owned(), self.name.to_owned()),
            ]),
        }
    }

    fn tolerations(&self) -> Vec<Toleration> {
        let Some(pool) = self.on_prem() else {
            return vec![Toleration {
                key: marks::WORKLOAD.to_owned(),
                operator: "Equal",
                value: Some(self.name.to_owned()),
                effect: Some("NoSchedule".to_owned()),
            }];
        };
        let toleration = |declared: &crate::spec::model::Toleration| Toleration {
            key: declared.key.clone(),
            operator: if declared.value.is_some() { "Equal" } else { "Exists" },
            value: declared.value.clone(),
            effect: declared.effect.clone(),
        };
        pool.tolerations.iter().map(toleration).collect()
    }

    /// What a stage must know to serve, and the environment's own settings,
    /// which win. The pool is not in it: renaming one restarts nothing.
    fn env(&self) -> Vec<Variable> {
        let Self { scene, stage, decided, .. } = *self;
        let environment = scene.environment();
        let mut env: BTreeMap<String, String> = [
            // The root file system is read-only; caches go where writing is allowed.
            ("HOME", "/tmp".to_owned()),
            ("FLOODWAY_ENVIRONMENT", scene.environment_name()),
            ("FLOODWAY_STAGE", decided.stage.to_string()),
            ("FLOODWAY_WORKLOAD", self.name.to_owned()),
            ("FLOODWAY_MODEL", environment.service.model.clone()),
            ("FLOODWAY_PORT", stage.port.to_string()),
            ("FLOODWAY_METRICS_PORT", metrics_port(stage).to_string()),
            ("FLOODWAY_MAX_MESSAGE_BYTES", stage.max_message.bytes().to_string()),
            (
                "FLOODWAY_MAX_CONNECTION_AGE_SECONDS",
                stage.max_connection_age.secs_ceil().to_string(),
            ),
            ("FLOODWAY_DRAIN_SECONDS", stage.drain.secs_ceil().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let next =
            stage.next.as_ref().and_then(|next| environment.service.stages.get_key_value(next));
        if let Some((next, called)) = next {
            let target = network::dns_target(environment, next, called.port);
            env.insert("FLOODWAY_NEXT".to_owned(), target);
        }
        env.extend(stage.env.clone());
        env.into_iter().map(|(name, value)| Variable { name, value }).collect()
    }
}

/// `scratch` and room for logs, in the node's own account of its disk.
fn with_logs(scratch: Memory) -> Memory {
    Memory::from_bytes(scratch.bytes().saturating_add(LOGS.bytes()))
}

/// A quarter of the memory, in whole mebibytes.
fn shared_memory(memory: Memory) -> String {
    const MEBIBYTE: u64 = 1 << 20;
    let mebibytes = (memory.bytes() / 4 / MEBIBYTE).max(1);
    Memory::from_bytes(mebibytes * MEBIBYTE).to_string()
}
