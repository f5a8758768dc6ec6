use super::*;
use crate::observe::Pause;
use crate::render::Style;
use crate::render::schema;
use crate::render::tests::documents::assert_valid;
use crate::rollout::{Kind, Verdict, standing};
use crate::spec::model::LimitUnit;
use crate::spec::{self, OneFile};

const TEXT: &str = r#"
[environment]
name = "prod"
phase = "short"
[slo]
availability = "99.9%"
[service]
name = "llm"
namespace = "ns"
model = "m"
[service.stages.inference]
image = "i@sha256:0000000000000000000000000000000000000000000000000000000000000000"
resources = { cpu = "1", memory = "1Gi" }
[onprem]
provider = "sim"
[onprem.pools.a]
stage = "inference"
replicas = 1
capacity = "10 req/s"
[rollout.phases.short]
order = 1
window = "1-2 weeks"
start = "2026-12-01"
owner = "platform"
summary = "stop the outages"
[rollout.phases.short.steps.scale]
summary = "two replicas"
set.onprem.pools.a.replicas = 2
[rollout.phases.short.steps.dashboards]
summary = "dashboards of demand and cost"
owner = "observability"
[rollout.phases.short.exit.slo]
summary = "the promise is kept"
measure = "availability"
at_least = "99.5%"
window = "3d"
[rollout.phases.short.exit.waiting]
query = "sum(waiting)"
at_most = 4
[rollout.phases.short.abort.errors]
measure = "error_rate"
above = "5%"
[rollout.phases.medium]
order = 2
"#;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn found(kind: Kind, name: &str, value: Option<f64>, verdict: Verdict) -> Finding {
    Finding {
        phase: "short".parse().unwrap(),
        name: name.parse().unwrap(),
        kind,
        summary: None,
        measured: String::new(),
        target: String::new(),
        unit: LimitUnit::Share,
        value,
        since: value.map(|_| at("2026-12-10T07:42:00Z")),
        verdict,
    }
}

fn view(now: &str, findings: &[Finding], halts: Option<&Halts>) -> RolloutStatusView {
    let (resolved, diagnostics) = spec::resolve("prod.toml", &OneFile("prod.toml", TEXT));
    let environment = resolved.unwrap_or_else(|| panic!("{:?}", diagnostics.to_json())).environment;
    let (now, phase) = (at(now), environment.environment.phase.clone());
    RolloutStatusView::new(&Input {
        file: "environments/prod.toml",
        environment: &environment,
        phase: phase.as_ref(),
        findings,
        now,
        standing: standing(&environment, now).as_ref(),
        halts,
    })
}

fn findings() -> Vec<Finding> {
    let why = "40% of its window is known, and 90% is needed";
    vec![
        found(Kind::Exit, "slo", Some(0.9971), Verdict::Met),
        found(Kind::Exit, "waiting", None, Verdict::NoData(why.into())),
        found(Kind::Abort, "errors", Some(0.0712), Verdict::Abort),
    ]
}

#[test]
fn a_phase_with_its_criteria_its_steps_and_its_time() {
    let pause =
        Pause { reason: "a look".into(), by: "ada@here".into(), since: at("2026-12-10T08:00:00Z") };
    let halts = Halts::Seen(Box::new(Hands { pause: Some(pause), ..Hands::default() }));
    let view = view("2026-12-17T08:00:00Z", &findings(), Some(&halts));
    insta::assert_snapshot!(text(&view, &Style::plain(100)));
    assert_valid(&schema::rollout_status(), &view);
}

#[test]
fn a_pipeline_is_told_what_is_not_as_it_must_be() {
    let view = view("2026-12-10T08:00:00Z", &findings(), None);
    insta::assert_snapshot!(brief(&view, &Style::plain(80)));
}

#[test]
fn what_is_done_by_hand_is_never_shown_as_done() {
    let view = view("2026-12-10T08:00:00Z", &[], Some(&Halts::Unseen("no route".into())));
    let shown = text(&view, &Style::plain(100));
    let manual = shown.lines().find(|line| line.starts_with("dashboards")).unwrap();
    assert!(manual.contains("observability") && manual.ends_with("manual"), "{shown}");
    assert!(shown.contains("not seen: whether applies are paused: no route"), "{shown}");
    assert!(shown.contains("no data"), "what was not measured is not met: {shown}");
}
