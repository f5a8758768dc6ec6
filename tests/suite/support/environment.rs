//! An environment built without TOML: three stages, each kind of pool, every
//! objective.

use floodway::clock::Timestamp;
use floodway::decide::{Decision, PlanningInput, Supply, decide};
use floodway::desired::{DesiredInput, DesiredWorld, Templates, alert_rules, render};
use floodway::observe::{Inventory, Mark};
use floodway::spec::model::*;
use floodway::spec::{Catalog, InstanceType, Origins};
use std::collections::BTreeMap;
use std::str::FromStr;

/// A unit or name from its text.
pub fn unit<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// `name` is the environment's, `namespace` the service's.
pub fn environment(name: &str, namespace: &str) -> Environment {
    let pool = |stage: &str, hpa: Option<Hpa>| OnPremPool {
        stage: unit(stage),
        replicas: Count::Between { min: 3, max: 20 },
        capacity: unit("18 req/s"),
        profile: None,
        usd_per_hour: None,
        hpa,
        node_selector: BTreeMap::from([("nvidia.com/gpu.product".into(), "H100".into())]),
        tolerations: vec![Toleration {
            key: "nvidia.com/gpu".into(),
            value: None,
            effect: Some("NoSchedule".into()),
        }],
    };
    let by_cpu = Hpa { cpu: Some(unit("70%")), requests_per_second: None };
    let by_both = Hpa { requests_per_second: Some(1000), ..by_cpu.clone() };
    Environment {
        environment: Identity { name: unit(name), phase: None, protected: false, max_destroy: 0 },
        slo: Slo {
            availability: unit("99.95%"),
            ttft_p99: Some(unit("500ms")),
            tpot_p99: Some(unit("50ms")),
            e2e_p99: Some(unit("30s")),
            error_rate: unit("0.5%"),
        },
        service: Service {
            name: unit("deepseek"),
            namespace: unit(namespace),
            model: "deepseek-ai/DeepSeek-R1-Distill-Llama-8B".into(),
            image_pull_secrets: vec!["regcred".into()],
            stages: BTreeMap::from([
                (unit("preprocess"), stage(0, Some("inference"))),
                (unit("inference"), stage(1, Some("postprocess"))),
                (unit("postprocess"), stage(0, None)),
            ]),
        },
        onprem: Some(OnPrem {
            provider: OnPremProvider::Sim,
            context: None,
            cluster_uid: None,
            lost_after: unit("5m"),
            pools: BTreeMap::from([
                (unit("front"), pool("preprocess", Some(by_both))),
                (unit("h100"), pool("inference", Some(by_cpu))),
                (
                    unit("back"),
                    OnPremPool { replicas: Count::Fixed(2), ..pool("postprocess", None) },
                ),
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
                (unit("g6e"), burst_pool(Join::Kubernetes)),
                (unit("edge"), burst_pool(Join::Standalone)),
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

fn stage(gpus: u32, next: Option<&str>) -> Stage {
    Stage {
        image: "registry.example/stage@sha256:0123456789abcdef".into(),
        gpus,
        resources: Resources { cpu: unit("1500m"), memory: unit("1.5Gi") },
        next: next.map(unit),
        demand: None,
        port: 50051,
        max_message: unit("100Mi"),
        max_connection_age: unit("5m"),
        startup: unit("15m"),
        drain: unit("2m"),
        args: vec!["--log-level=info".into()],
        env: BTreeMap::from([("QUOTED".into(), "\"{{ x }}\": *a\n#".into())]),
        env_from: vec!["hf-token".into(), "tracing.keys".into()],
        egress: vec![
            Egress { cidr: "0.0.0.0/0".into(), port: 443 },
            Egress { cidr: "2001:db8::/32".into(), port: 8443 },
        ],
        scratch: unit("1.5Gi"),
        run_as_user: Some(10_001),
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

fn burst_pool(join: Join) -> BurstPool {
    BurstPool {
        stage: unit("inference"),
        size: Count::Between { min: 0, max: 10 },
        join,
        region: None,
        instance_types: vec!["g6e.12xlarge".into()],
        requirements: None,
        spot: Some(Spot { share: unit("70%"), base_on_demand: 1 }),
        reservation: None,
        subnets: Selector { ids: vec!["subnet-1".into()], tags: BTreeMap::new() },
        launch: launch(),
        image: ImageRef {
            name: Some("gpu-inference".into()),
            channel: "stable".into(),
            ssm: None,
            id: None,
        },
        profile: BTreeMap::new(),
        capacity: BTreeMap::from([("g6e.12xlarge".into(), unit("9 req/s"))]),
        replicas_per_node: None,
        warm_pool: 0,
        refresh: Refresh {
            rule: RefreshRule::Manual,
            min_healthy: unit("100%"),
            checkpoints: Vec::new(),
            checkpoint_delay: unit("1h"),
            alarms: Vec::new(),
        },
    }
}

/// What should exist of `environment` where nothing does.
pub fn world(environment: &Environment) -> DesiredWorld {
    with_input(environment, |input, templates| render(input, templates).unwrap())
}

/// Its alert rules as a file.
pub fn rules(environment: &Environment) -> String {
    with_input(environment, |input, templates| alert_rules(input, templates).unwrap())
}

fn with_input<T>(
    environment: &Environment,
    then: impl FnOnce(&DesiredInput<'_>, &Templates) -> T,
) -> T {
    let mark = Mark {
        environment: environment.environment.name.to_string(),
        repository: "local".into(),
        file: "environments/prod.toml".into(),
    };
    let input = DesiredInput {
        environment,
        origins: &Origins::default(),
        catalog: &catalog(),
        decision: &decision(environment),
        inventory: &Inventory::empty(Timestamp::UNIX_EPOCH),
        mark: &mark,
    };
    then(&input, &Templates::embedded().unwrap())
}

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.insert("g6e.12xlarge".into(), InstanceType { gpus: 4, vcpus: 48, efa: None });
    catalog
}

fn decision(environment: &Environment) -> Decision {
    decide(&PlanningInput {
        environment,
        origins: &Origins::default(),
        catalog: &catalog(),
        supply: &Supply::default(),
    })
}
