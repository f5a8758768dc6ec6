//! What the core costs without any place: `cargo bench --bench core`.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use floodway::backend::files::Files;
use floodway::backend::sim::{Scenario, Simulator};
use floodway::decide::{self, PlanningInput, Supply};
use floodway::desired::{self, DesiredInput, Templates};
use floodway::observe::{Health, Mark, Node, Side};
use floodway::pipeline::{self, ApplyRequest, Session};
use floodway::plan::{self, PlanInput, PlanOptions};
use floodway::port::{Backends, Scope};
use floodway::spec::{self, Catalog, Origins, Resolved};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

mod limit;
mod pages;
mod scaling;
mod turn;

/// Of `validate`, with its start.
const VALIDATED: Duration = Duration::from_millis(100);
/// Of a decision with its diff.
const DECIDED: Duration = Duration::from_millis(10);

fn main() -> ExitCode {
    validate_1000_pools();
    decide_and_diff_10_000_nodes();
    scaling::place_10_000_replicas();
    scaling::scale_10_000_nodes();
    turn::turn_among_10_000_nodes();
    pages::render_50_phases();
    limit::outcome()
}

/// Floor: the same program starting and doing nothing (`--version`).
fn validate_1000_pools() {
    let folder = tempfile::tempdir().unwrap();
    let environments = folder.path().join("environments");
    std::fs::create_dir(&environments).unwrap();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("environments");
    std::fs::copy(examples.join("base.toml"), environments.join("base.toml")).unwrap();
    let mut text =
        "extends = \"base.toml\"\n[environment]\nname = \"big\"\n[onprem]\nprovider = \"sim\"\n"
            .to_owned();
    for pool in 0..1000 {
        writeln!(
            text,
            "[onprem.pools.p{pool}]\nstage = \"inference\"\nreplicas = {{ min = 1, max = 8 }}\n\
             capacity = \"18 req/s\"\nhpa = {{ cpu = \"70%\" }}"
        )
        .unwrap();
    }
    std::fs::write(environments.join("big.toml"), text).unwrap();
    let run = |arguments: &[&str]| {
        let began = Instant::now();
        let out = Command::new(env!("CARGO_BIN_EXE_floodway"))
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        began.elapsed()
    };
    let validate = median(15, || run(&["validate", "big"]));
    let floor = median(15, || run(&["--version"]));
    println!(
        "validate, 1,000 pools, whole process: {validate:.1?} (limit {VALIDATED:?}; starting alone: \
         {floor:.1?})"
    );
    limit::hold("validate, 1,000 pools", validate, VALIDATED);
}

/// An environment in a simulated world in which nothing is yet.
fn simulated(resolved: Resolved, file: &str) -> Session {
    let environment = &resolved.environment;
    let mark = Mark {
        environment: environment.environment.name.to_string(),
        repository: "local".into(),
        file: file.into(),
    };
    let scope = Scope::of(mark.clone(), environment.service.namespace.as_str());
    let simulator = Simulator::in_memory(environment, scope, Scenario::default());
    Session {
        text: resolved.to_toml(),
        resolved,
        mark,
        backends: Backends {
            kubernetes: Some(simulator.backend(Side::Kubernetes)),
            aws: Some(simulator.backend(Side::Aws)),
        },
        catalog: Catalog::shipped(),
        templates: Templates::embedded().unwrap(),
        limits: vec![],
    }
}

fn decide_and_diff_10_000_nodes() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = Files::rooted(examples).unwrap();
    let (resolved, _) = spec::resolve("environments/demo.toml", &files);
    let session = simulated(resolved.unwrap(), "environments/demo.toml");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut seen = runtime.block_on(async {
        let plan = pipeline::make_plan(&session, &PlanOptions::default()).await.unwrap();
        let (_stop, stop) = tokio::sync::watch::channel(None);
        let request = ApplyRequest {
            holder: "bench",
            journal: &floodway::execute::NoJournal,
            listener: &|_| {},
            stop,
            limits: <_>::default(),
        };
        assert!(pipeline::apply(&session, &plan, &request).await.unwrap().report.is_done());
        pipeline::look(&session, []).await.unwrap()
    });
    for number in 0..10_000 {
        seen.inventory.nodes.push(Arc::new(Node {
            name: format!("node-{number}"),
            instance: None,
            draining: None,
            labels: [("pool".to_owned(), format!("p{}", number % 50))].into(),
            taints: vec![],
            health: Health::Ready,
            gpus_allocatable: 8,
            gpus_used: 8,
            gpus_ready: 0,
            gpus_unhealthy: 0,
        }));
    }
    let environment = &session.resolved.environment;
    let work = || {
        let supply = Supply::from_inventory(environment, &seen.inventory);
        let decision = decide::decide(&PlanningInput {
            environment,
            origins: &session.resolved.origins,
            catalog: &session.catalog,
            supply: &supply,
        });
        (supply, decision)
    };
    let (supply, decision) = work();
    let input = DesiredInput {
        environment,
        origins: &session.resolved.origins,
        catalog: &session.catalog,
        decision: &decision,
        inventory: &seen.inventory,
        mark: &session.mark,
    };
    let world = desired::render(&input, &session.templates).unwrap();
    let options = PlanOptions::default();
    let both = median(31, || {
        let began = Instant::now();
        let (supply, decision) = work();
        let draft = plan::draft(&PlanInput {
            origins: &Origins::default(),
            mark: &session.mark,
            environment,
            environment_digest: &session.resolved.digest,
            environment_text: &session.text,
            catalog: &session.catalog,
            decision: &decision,
            supply: &supply,
            desired: &world,
            inventory: &seen.inventory,
            options: &options,
        })
        .unwrap();
        assert!(draft.plan().is_empty());
        began.elapsed()
    });
    drop(supply);
    let rendering = median(31, || {
        let began = Instant::now();
        desired::render(&input, &session.templates).unwrap();
        began.elapsed()
    });
    println!(
        "decide and diff, {} nodes: {both:.2?} (limit {DECIDED:?}; rendering the desired objects \
         beside it: {rendering:.2?})",
        seen.inventory.nodes.len()
    );
    limit::hold("decide and diff, 10,000 nodes", both, DECIDED);
}

fn median(runs: usize, mut run: impl FnMut() -> Duration) -> Duration {
    run();
    let mut times: Vec<Duration> = (0..runs).map(|_| run()).collect();
    times.sort();
    times[runs / 2]
}
