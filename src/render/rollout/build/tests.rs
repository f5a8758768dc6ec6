use super::*;
use crate::render::rollout::view::TimelineView;
use crate::spec::{self, OneFile};

/// An environment of one pool, in this phase, with these lines about its rollout.
fn environment(phase: &str, lines: &str) -> Environment {
    let text = format!(
        "[environment]\nname = \"small\"\n{phase}\n[slo]\navailability = \"99.9%\"\n\
         [service]\nname = \"llm\"\nnamespace = \"ns\"\nmodel = \"m\"\n\
         [service.stages.inference]\nimage = \"registry.example/i@sha256:{}\"\n\
         resources = {{ cpu = \"1\", memory = \"1Gi\" }}\n[onprem]\nprovider = \"sim\"\n\
         [onprem.pools.a]\nstage = \"inference\"\nreplicas = 1\ncapacity = \"10 req/s\"\n{lines}",
        "0".repeat(64)
    );
    let (resolved, wrong) = spec::resolve("small.toml", &OneFile("small.toml", text));
    resolved.unwrap_or_else(|| panic!("{}", wrong.to_json())).environment
}

fn view(environment: &Environment, findings: &[Finding]) -> RolloutView {
    RolloutView::new(&Input {
        file: "small.toml",
        environment,
        plans: &[],
        findings,
        measured_at: None,
        unmeasured: None,
        records: &[],
        only: None,
    })
}

fn line_of_time(lines: &str) -> TimelineView {
    view(&environment("", lines), &[]).timeline
}

const THREE: &str = "[rollout.phases.a]\norder = 1\nwindow = \"2 weeks\"\n\
                     [rollout.phases.b]\norder = 2\nwindow = \"1-3 months\"\nSTART\
                     [rollout.phases.c]\norder = 3\nwindow = \"10 days\"\n";

fn begins(timeline: &TimelineView) -> Vec<(&str, i64)> {
    timeline.bars.iter().map(|bar| (bar.start.as_str(), bar.days)).collect()
}

#[test]
fn a_phase_without_a_day_follows_the_one_before_it() {
    let timeline = line_of_time(&THREE.replace("START", ""));
    assert!(!timeline.dated);
    assert_eq!(begins(&timeline), [("1970-01-01", 14), ("1970-01-15", 90), ("1970-04-15", 10)]);
    let timeline = line_of_time(&THREE.replace("START", "start = \"2026-12-20\"\n"));
    assert!(timeline.dated, "one day is enough");
    assert_eq!(begins(&timeline), [("2026-12-06", 14), ("2026-12-20", 90), ("2027-03-20", 10)]);
    let [a, b, c] = &timeline.bars[..] else { panic!("{timeline:?}") };
    assert_eq!((a.x + a.most, b.x + b.most), (b.x, c.x), "one begins where the other ends");
    assert!(b.least < b.most && a.least == a.most);
    assert_eq!(c.x + c.most, timeline.right);
}

#[test]
fn a_phase_began_when_the_history_says_if_nothing_else_does() {
    let history = "[[rollout.history]]\nat = \"2026-12-03T08:00:00Z\"\nto = \"a\"\nby = \"ada\"\n";
    let timeline = line_of_time(&(THREE.replace("START", "") + history));
    assert_eq!(timeline.bars[0].start, "2026-12-03");
    let [promoted] = &timeline.milestones[..] else { panic!("{timeline:?}") };
    assert_eq!((promoted.label.as_str(), promoted.x), ("promoted to a", timeline.bars[0].x));
}

#[test]
fn phases_without_a_window_or_without_an_end_in_sight_are_still_drawn() {
    let timeline = line_of_time("[rollout.phases.a]\norder = 1\n");
    assert_eq!((timeline.bars[0].most, timeline.bars[0].days), (0, 0));
    let long = "[rollout.phases.a]\norder = 1\nwindow = \"1000 months\"\n\
                [rollout.phases.b]\norder = 2\nwindow = \"1 day\"\n";
    let timeline = line_of_time(long);
    assert!(timeline.ticks.len() < 40, "{}", timeline.ticks.len());
    assert!(timeline.bars.iter().all(|bar| bar.x + bar.most <= timeline.right));
}

const JUDGED: &str = "[rollout.phases.a]\norder = 1\n[rollout.phases.b]\norder = 2\n\
                      [rollout.phases.a.exit.slo]\nmeasure = \"availability\"\n\
                      at_least = \"99.9%\"\n[rollout.phases.a.abort.errors]\n\
                      measure = \"error_rate\"\nabove = \"5%\"\n";

fn found(name: &str, kind: crate::rollout::Kind, verdict: crate::rollout::Verdict) -> Finding {
    Finding {
        phase: "a".parse().unwrap(),
        name: name.parse().unwrap(),
        kind,
        summary: None,
        measured: String::new(),
        target: String::new(),
        unit: crate::spec::model::LimitUnit::Share,
        value: Some(0.9995),
        since: None,
        verdict,
    }
}

#[test]
fn what_comes_next_follows_from_what_was_measured() {
    use crate::rollout::{Kind, Verdict};
    let environment = environment("phase = \"a\"", JUDGED);
    let next = |findings: &[Finding]| {
        let next = view(&environment, findings).summary.next;
        (next.text, next.command.unwrap_or_default())
    };
    let slo = |verdict| found("slo", Kind::Exit, verdict);
    let abort = found("errors", Kind::Abort, Verdict::Abort);
    let (text, command) = next(&[slo(Verdict::Met)]);
    assert_eq!(text, "All exit criteria of a hold: go on to b.");
    assert_eq!(command, "floodway rollout promote small");
    let (text, command) = next(&[slo(Verdict::NoData("silence".into()))]);
    assert!(text.starts_with("Not yet: 0 of 1 exit criteria of a hold; open: slo"), "{text}");
    assert_eq!(command, "floodway rollout status small");
    assert!(next(&[]).0.contains("not measured"));
    let (text, command) = next(&[slo(Verdict::Met), abort]);
    assert!(text.contains("Give a up") && text.contains("errors"), "{text}");
    assert!(command.starts_with("floodway rollout rollback small --reason"), "{command}");
}

#[test]
fn a_value_is_shown_in_the_unit_of_its_target() {
    use crate::rollout::{Kind, Verdict};
    let environment = environment("phase = \"a\"", JUDGED);
    let view = view(&environment, &[found("slo", Kind::Exit, Verdict::Met)]);
    let criterion = &view.phases[0].exit[0];
    assert_eq!(criterion.value.as_deref(), Some("99.95%"));
    assert_eq!(criterion.target, "at least 99.9%");
    assert_eq!(view.phases[0].abort[0].value, None);
}

#[test]
fn what_nobody_planned_is_not_taken_for_nothing_to_do() {
    let view = view(&environment("", "[rollout.phases.a]\norder = 1\n"), &[]);
    assert!(view.phases[0].plan.failure.is_some() && view.start.failure.is_some());
    assert_eq!(view.summary.next.command.as_deref(), Some("floodway rollout promote small"));
}
