//! What it takes to write a long rollout down.

use super::{limit, median};
use floodway::backend::files::Files;
use floodway::backend::sim::{Scenario, Simulator};
use floodway::desired::Templates;
use floodway::id::Name;
use floodway::observe::{Mark, Side};
use floodway::pipeline::Session;
use floodway::plan::{Action, Plan};
use floodway::port::{Backends, Scope};
use floodway::render::rollout::{self, Format, Input, RolloutView};
use floodway::rollout::{PhasePlan, Stage, plan_phases, room_for};
use floodway::spec::{self, Environment, Resolved};
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

const PHASES: usize = 50;
const CHANGES: usize = 200;
const LIMIT: Duration = Duration::from_millis(200);

/// Renders 50 phases of 200 changes each; from the plans to the text.
pub(crate) fn render_50_phases() {
    let (environment, plan) = long_rollout();
    let phases = environment.rollout.in_order();
    let plans: Vec<PhasePlan> = phases
        .iter()
        .map(|(name, _)| Some((*name).clone()))
        .map(|phase| PhasePlan {
            phase,
            from: None,
            plan: Ok(plan.clone()),
            stuck: None,
            at_max: <_>::default(),
        })
        .collect();
    let input = Input {
        file: "environments/long.toml",
        environment: &environment,
        plans: &plans,
        findings: &[],
        measured_at: None,
        unmeasured: Some("nothing is asked here."),
        records: &[],
        only: None,
    };
    let templates = rollout::Templates::shipped();
    let view = median(9, || {
        let began = Instant::now();
        assert_eq!(RolloutView::new(&input).phases.len(), PHASES);
        began.elapsed()
    });
    for (what, format) in
        [("Markdown", Format::Markdown), ("HTML", Format::Html), ("Mermaid", Format::Mermaid)]
    {
        let mut bytes = 0;
        let whole = median(9, || {
            let began = Instant::now();
            let view = serde_json::to_value(RolloutView::new(&input)).unwrap();
            bytes = rollout::document(format, &view, &templates, 1 << 30).unwrap().len();
            began.elapsed()
        });
        println!(
            "render {PHASES} phases of {CHANGES} changes as {what}, {} KiB: {whole:.1?} (limit \
             {LIMIT:?}; the view alone: {view:.1?})",
            bytes >> 10
        );
        limit::hold(&format!("render {PHASES} phases as {what}"), whole, LIMIT);
    }
}

/// The demonstration with so many phases, and a plan of so many changes.
fn long_rollout() -> (Environment, Plan) {
    let folder = tempfile::tempdir().unwrap();
    let environments = folder.path().join("environments");
    std::fs::create_dir(&environments).unwrap();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("environments");
    for name in ["base.toml", "demo.toml"] {
        std::fs::copy(examples.join(name), environments.join(name)).unwrap();
    }
    let mut text = "extends = \"demo.toml\"\nunset = [\"rollout\", \"environment.phase\"]\n\
                    [environment]\nname = \"long\"\n"
        .to_owned();
    for phase in 0..PHASES {
        let head = format!("rollout.phases.p{phase}");
        writeln!(text, "[{head}]\norder = {phase}\nwindow = \"1-2 weeks\"\nowner = \"team\"")
            .unwrap();
        for step in 0..8 {
            let step = format!("[{head}.steps.s{step}]\nsummary = \"step {step} of the phase\"");
            writeln!(text, "{step}\nset.onprem.pools.h100.capacity = \"18 req/s\"").unwrap();
        }
        for criterion in 0..4 {
            let head = format!("{head}.exit.c{criterion}");
            writeln!(text, "[{head}]\nmeasure = \"availability\"\nat_least = \"99.9%\"").unwrap();
        }
    }
    std::fs::write(environments.join("long.toml"), text).unwrap();
    let files = Files::rooted(folder.path()).unwrap();
    let (resolved, wrong) = spec::resolve("environments/long.toml", &files);
    let resolved = resolved.unwrap_or_else(|| panic!("{}", wrong.to_json()));
    let plan = first_plan(&resolved);
    let mut changes: Vec<_> = plan
        .changes
        .iter()
        .filter(|c| c.action != Action::NoOp)
        .cycle()
        .take(CHANGES)
        .cloned()
        .collect();
    for (number, change) in changes.iter_mut().enumerate() {
        change.after.clear();
        // Half of them are of what is there.
        if number % 2 == 1 {
            change.action = Action::Update;
        }
    }
    (resolved.environment, Plan { changes, ..plan })
}

fn first_plan(resolved: &Resolved) -> Plan {
    let stages = vec![Stage { phase: None::<Name>, resolved: resolved.clone() }];
    let file = "environments/long.toml".to_owned();
    let mark = Mark { environment: "long".into(), repository: "local".into(), file };
    let scope = Scope::of(mark.clone(), "inference");
    let world = Simulator::in_memory(&room_for(&stages).unwrap(), scope, Scenario::default());
    let connect = |resolved: Resolved| {
        Ok(Session {
            text: resolved.to_toml(),
            mark: mark.clone(),
            backends: Backends {
                kubernetes: Some(world.backend(Side::Kubernetes)),
                aws: Some(world.backend(Side::Aws)),
            },
            catalog: resolved.catalog.clone(),
            templates: Templates::embedded().unwrap(),
            limits: vec![],
            resolved,
        })
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (_stop, stop) = tokio::sync::watch::channel(None);
    let mut plans = runtime.block_on(plan_phases(stages, connect, stop));
    plans.remove(0).plan.unwrap()
}
