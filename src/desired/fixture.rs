//! A small environment in which everything occurs once.

use super::{DesiredInput, DesiredWorld, Templates, render};
use crate::clock::Timestamp;
use crate::decide::{Decision, PlanningInput, Supply, decide};
use crate::id::Name;
use crate::observe::{Health, Inventory, Live, Mark, Node, Ownership, ResourceId, Sought};
use crate::spec::model::*;
use crate::spec::{Catalog, InstanceType, Origins, PriceRow};
use serde_json::Value;
use std::collections::BTreeMap;
use std::str::FromStr;

/// A unit or name from its text.
pub(crate) fn unit<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Three stages in a row; an on-prem pool with GPUs that the controller moves,
/// an autoscaled one without, a fixed one; a burst pool that joins the cluster
/// and one that stands alone.
pub(crate) fn environment() -> Environment {
    Environment {
        environment: Identity { name: unit("prod"), phase: None, protected: true, max_destroy: 2 },
        slo: Slo {
            availability: unit("99.95%"),
            ttft_p99: Some(unit("500ms")),
            tpot_p99: None,
            e2e_p99: Some(unit("30s")),
            error_rate: unit("0.5%"),
        },
        service: Service {
            name: unit("deepseek"),
            namespace: unit("inference"),
            model: "deepseek-ai/DeepSeek-R1-Distill-Llama-8B".into(),
            image_pull_secrets: vec!["regcred".into()],
            stages: BTreeMap::from([
                (unit("preprocess"), stage(0, "8", "16Gi", Some("inference"))),
                (unit("inference"), stage(1, "8", "64Gi", Some("postprocess"))),
                (unit("postprocess"), stage(0, "500m", "2Gi", None)),
            ]),
        },
        onprem: Some(OnPrem {
            provider: OnPremProvider::Sim,
            context: None,
            cluster_uid: None,
            lost_after: unit("5m"),
            pools: BTreeMap::from([
                (unit("h100"), on_prem_pool("inference", Count::Between { min: 3, max: 20 }, None)),
                (
                    unit("front"),
                    on_prem_pool(
                        "preprocess",
                        Count::Between { min: 3, max: 20 },
                        Some(Hpa { cpu: Some(unit("70%")), requests_per_second: Some(1000) }),
                    ),
                ),
                (unit("back"), on_prem_pool("postprocess", Count::Fixed(2), None)),
            ]),
        }),
        aws: Some(Aws {
            provider: AwsProvider::Sim,
            account: None,
            profile: None,
            role: None,
            region: "us-east-1".into(),
            regions: Vec::new(),
            lock: None,
            launch: launch(),
            prices: BTreeMap::new(),
            quotas: Quotas::default(),
            pools: BTreeMap::from([
                (unit("g6e"), burst_pool(Join::Kubernetes, Count::Between { min: 0, max: 10 })),
                (unit("edge"), burst_pool(Join::Standalone, Count::Fixed(1))),
            ]),
        }),
        burst: Burst {
            target_utilization: unit("80%"),
            forecast: ForecastPolicy { horizon: unit("15m"), quantile: unit("95%"), weights: None },
            scale_in: ScaleIn {
                stabilization: unit("15m"),
                drain: unit("10m"),
                step: 1,
                pause: unit("1m"),
            },
            budget: None,
        },
        signals: Some(Signals::of("http://prometheus.monitoring:9090")),
        calendar: None,
        event: Vec::new(),
        rollout: Rollout::default(),
        schedule: Vec::new(),
        freeze: Vec::new(),
        moved: Vec::new(),
    }
}

/// One canary, the rest half by half.
pub(crate) fn waves() -> Waves {
    Waves { canary: unit("10%"), share: unit("50%"), wait: unit("10m") }
}

fn stage(gpus: u32, cpu: &str, memory: &str, next: Option<&str>) -> Stage {
    Stage {
        image: "registry.example/stage@sha256:0123456789abcdef".into(),
        gpus,
        resources: Resources { cpu: unit(cpu), memory: unit(memory) },
        next: next.map(unit),
        demand: None,
        port: 50051,
        max_message: unit("100Mi"),
        max_connection_age: unit("5m"),
        startup: if gpus > 0 { unit("15m") } else { unit("30s") },
        drain: if gpus > 0 { unit("2m") } else { unit("30s") },
        args: vec!["--log-level=info".into()],
        scratch: if gpus > 0 { unit("40Gi") } else { unit("10Gi") },
        run_as_user: (gpus > 0).then_some(10_001),
        env: texts(&[("LOG_FORMAT", "json")]),
        env_from: if gpus > 0 { vec!["hf-token".into()] } else { Vec::new() },
        egress: Vec::new(),
    }
}

pub(crate) fn on_prem_pool(stage: &str, replicas: Count, hpa: Option<Hpa>) -> OnPremPool {
    OnPremPool {
        stage: unit(stage),
        replicas,
        capacity: unit("18 req/s"),
        profile: None,
        usd_per_hour: None,
        hpa,
        node_selector: texts(&[("nvidia.com/gpu.product", "H100")]),
        tolerations: vec![Toleration {
            key: "nvidia.com/gpu".into(),
            value: None,
            effect: Some("NoSchedule".into()),
        }],
    }
}

fn launch() -> Launch {
    let nothing = Selector { ids: Vec::new(), tags: BTreeMap::new() };
    let volume = Volume { size: None, iops: None, throughput: None, kms_key: None };
    Launch {
        instance_profile: None,
        security_groups: nothing,
        volume,
        efa: None,
        launch_hook: None,
        agent_port: None,
        retain: None,
    }
}

fn burst_pool(join: Join, size: Count) -> BurstPool {
    BurstPool {
        stage: unit("inference"),
        size,
        join,
        region: None,
        instance_types: vec!["g6e.12xlarge".into(), "g5.12xlarge".into()],
        requirements: None,
        spot: Some(Spot { share: unit("70%"), base_on_demand: 1 }),
        reservation: None,
        subnets: Selector { ids: Vec::new(), tags: texts(&[("tier", "gpu")]) },
        launch: launch(),
        image: ImageRef {
            name: Some("gpu-inference".into()),
            channel: "stable".into(),
            ssm: None,
            id: None,
        },
        profile: BTreeMap::new(),
        capacity: BTreeMap::from([
            ("g6e.12xlarge".into(), unit("9 req/s")),
            ("g5.12xlarge".into(), unit("6 req/s")),
        ]),
        replicas_per_node: None,
        warm_pool: 2,
        refresh: Refresh {
            rule: RefreshRule::Manual,
            min_healthy: unit("100%"),
            checkpoints: Vec::new(),
            checkpoint_delay: unit("1h"),
            alarms: Vec::new(),
        },
    }
}

pub(crate) fn mark() -> Mark {
    Mark {
        environment: "prod".into(),
        repository: "github.com/acme/infra".into(),
        file: "environments/prod.toml".into(),
    }
}

/// Nothing is there but what [`environment`] looks for in the account.
pub(crate) fn empty() -> Inventory {
    let mut inventory = Inventory::empty(Timestamp::UNIX_EPOCH);
    let id = |lookup: &crate::observe::Lookup| match &lookup.sought {
        Sought::Image { .. } | Sought::Parameter(_) => "ami-1",
        Sought::Subnets(_) | Sought::SubnetIds(_) => "subnet-1",
        Sought::Reservation(_) => "cr-1",
        Sought::SecurityGroups(_) => "sg-1",
        Sought::InstanceTypes(_) => "g6e.12xlarge",
    };
    let lookups = super::lookups(&environment(), &catalog()).into_iter();
    inventory.found = lookups.map(|lookup| (lookup.clone(), vec![id(&lookup).into()])).collect();
    inventory
}

/// Two types of four GPUs, and what they cost in one region.
pub(crate) fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    for (name, usd) in [("g6e.12xlarge", "$10.49/h"), ("g5.12xlarge", "$5.67/h")] {
        catalog.insert(name.into(), InstanceType { gpus: 4, vcpus: 48, efa: None });
        let (instance_type, region) = (name.to_owned(), "us-east-1".to_owned());
        let (usd_per_hour, date) = (unit(usd), unit("2026-07-20"));
        let row = PriceRow { instance_type, region, usd_per_hour, date };
        catalog.add_prices([row], "environments/prices.csv");
    }
    catalog
}

pub(crate) fn decision(environment: &Environment, inventory: &Inventory) -> Decision {
    let catalog = catalog();
    let supply = Supply::from_inventory(environment, inventory);
    decide(&PlanningInput {
        environment,
        origins: &Origins::default(),
        catalog: &catalog,
        supply: &supply,
    })
}

/// The world of `environment` where `inventory` is there.
pub(crate) fn world(environment: &Environment, inventory: &Inventory) -> DesiredWorld {
    with_templates(environment, inventory, &Templates::embedded().unwrap()).unwrap()
}

pub(crate) fn with_templates(
    environment: &Environment,
    inventory: &Inventory,
    templates: &Templates,
) -> Result<DesiredWorld, super::DesiredError> {
    let decision = decision(environment, inventory);
    let input = DesiredInput {
        environment,
        origins: &Origins::default(),
        catalog: &catalog(),
        decision: &decision,
        inventory,
        mark: &mark(),
    };
    render(&input, templates)
}

/// The owned Deployment of a pool, as it would be seen.
pub(crate) fn live(name: &str, stage: &str, pool: &str) -> Live {
    let fields = serde_json::json!({
        "spec": { "selector": { "matchLabels": { "floodway.dev/workload": name } } }
    });
    live_thing(
        ResourceId::kubernetes("apps/v1", "Deployment", Some("inference"), name),
        stage,
        pool,
        fields,
    )
}

pub(crate) fn live_thing(id: ResourceId, stage: &str, pool: &str, fields: Value) -> Live {
    Live {
        uid: format!("uid-{}", id.name),
        id,
        ownership: Ownership::Ours,
        fields: fields.into(),
        taken: BTreeMap::new(),
        runtime: None,
        marks: texts(&[("stage", stage), ("pool", pool)]),
        workload: None,
        applyset: None,
        version: None,
        autoscaler: None,
        deleting: false,
    }
}

pub(crate) fn inventory(things: impl IntoIterator<Item = Live>) -> Inventory {
    let mut inventory = empty();
    inventory.capabilities.namespace_exists = true;
    inventory.resources = things.into_iter().map(|live| (live.id.clone(), live)).collect();
    inventory
}

/// One of four GPUs, none of which is taken.
pub(crate) fn node(name: &str, instance: Option<&str>, health: Health) -> Node {
    Node {
        name: name.to_owned(),
        instance: instance.map(str::to_owned),
        draining: None,
        labels: BTreeMap::new(),
        taints: Vec::new(),
        health,
        gpus_allocatable: 4,
        gpus_used: 0,
        gpus_ready: 0,
        gpus_unhealthy: 0,
    }
}

pub(crate) fn name(text: &str) -> Name {
    unit(text)
}
