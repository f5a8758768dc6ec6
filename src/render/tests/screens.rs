//! Every screen, as users see it.

use super::fixtures;
use super::fixtures::events::{happenings, report};
use crate::plan::{Cost, Costs, PoolDelta};
use crate::port::{FailureKind, PortError};
use crate::render::event::{Narrator, ReportView};
use crate::render::plan::{Detail, PlanView};
use crate::render::status::StatusView;
use crate::render::{Style, error, event, orphans, plan, status};
use insta::assert_snapshot;

fn plan_text(plan: &crate::plan::Plan, style: Style, detail: Detail) -> String {
    plan::text(&PlanView::new(plan), &style, detail)
}

pub(super) fn status_view() -> StatusView {
    StatusView::new(
        &fixtures::mark(),
        &fixtures::environment(),
        &fixtures::decision(),
        &fixtures::inventory(),
    )
}

#[test]
fn a_plan_at_80_columns() {
    assert_snapshot!(plan_text(&fixtures::plan(), Style::plain(80), Detail::Essential));
}

#[test]
fn a_plan_at_120_columns_in_whole() {
    assert_snapshot!(plan_text(&fixtures::plan(), Style::plain(120), Detail::Whole));
}

#[test]
fn no_saving_is_told_of_a_pool_that_is_only_partly_priced() {
    let mut plan = fixtures::plan();
    let pool = plan.pools.iter_mut().find(|pool| pool.pool == "g6e").unwrap();
    let known = crate::units::UsdPerHour::from_micros(5_000_000);
    pool.cost.after = Cost { known, is_partial: true };
    plan.totals.burst = pool.cost;
    let summary = PlanView::new(&plan).summary;
    assert!(summary.contains("at an unknown price (g6e)"), "{summary}");
    assert!(!summary.contains("/h at on-demand") && !summary.contains("/h with"), "{summary}");
    // Beside it others are told of.
    let pool = plan.pools.iter().find(|pool| pool.pool == "g6e").unwrap().clone();
    let none = Cost::default();
    let cost = Costs { before: none, after: Cost { known, is_partial: false }, at_max: none };
    plan.pools.push(PoolDelta { pool: "edge".into(), cost, ..pool });
    let summary = PlanView::new(&plan).summary;
    assert!(summary.contains("+$5.00/h ") && summary.contains("(without g6e: "), "{summary}");
}

#[test]
fn more_ready_than_asked_for_is_no_part_of_what_is_asked_for() {
    let mut view = status_view();
    let pools = view.stages.iter_mut().flat_map(|stage| &mut stage.pools);
    let pool = pools.into_iter().find(|pool| pool.pool == "g6e").unwrap();
    (pool.ready, pool.desired) = (5, 3);
    (pool.groups[0].ready, pool.groups[0].desired) = (4, 2);
    let text = status::text(&view, &Style::plain(120));
    assert!(text.contains(" 5, 3 asked for "), "{text}");
    assert!(text.contains("us-east-1: 4 ready, 2 asked for"), "{text}");
}

#[test]
fn a_plan_in_colour() {
    let style = Style { color: true, ..Style::plain(80) };
    let text = plan_text(&fixtures::plan(), style, Detail::Essential);
    assert_snapshot!(text.replace('\u{1b}', "ESC"));
}

#[test]
fn a_plan_at_40_columns_without_unicode() {
    let style = Style { unicode: false, ..Style::plain(40) };
    let text = plan_text(&fixtures::plan(), style, Detail::Essential);
    assert!(text.is_ascii());
    assert_snapshot!(text);
}

#[test]
fn a_first_plan() {
    assert_snapshot!(plan_text(&fixtures::first_plan(), Style::plain(80), Detail::Essential));
}

#[test]
fn a_plan_without_changes() {
    assert_snapshot!(plan_text(&fixtures::empty_plan(), Style::plain(80), Detail::Essential));
}

#[test]
fn a_status_at_80_columns() {
    assert_snapshot!(status::text(&status_view(), &Style::plain(80)));
}

#[test]
fn a_status_in_colour_at_120_columns() {
    let style = Style { color: true, ..Style::plain(120) };
    assert_snapshot!(status::text(&status_view(), &style).replace('\u{1b}', "ESC"));
}

#[derive(Debug, thiserror::Error)]
#[error("cannot read what runs in context dc1")]
struct Outer(#[source] PortError);

#[test]
fn an_error_with_its_causes_and_help() {
    let cause = PortError {
        kind: FailureKind::Unreachable,
        message: "https://10.0.0.1:6443 does not answer within 10s".into(),
        help: Some("check the VPN, or name another context in [onprem]".into()),
    };
    let view = error::ErrorView::new(&Outer(cause)).help("`floodway validate prod` needs none");
    assert_snapshot!(error::text(&view, &Style::plain(80)));
}

#[test]
fn an_apply_line_by_line() {
    let plan = fixtures::plan();
    let mut narrator = Narrator::new(&plan);
    let text: String = happenings()
        .iter()
        .map(|(at, happened)| event::text(&narrator.line(*at, happened).event, &Style::plain(80)))
        .collect();
    assert_snapshot!(text);
}

#[test]
fn the_report_of_an_apply_that_was_cut_short() {
    let next = Some("floodway apply prod".to_owned());
    let view = ReportView::new(&fixtures::plan(), &report(), next);
    assert_snapshot!(event::report_text(&view, &Style::plain(80)));
}

#[test]
fn the_report_of_an_apply_that_did_all() {
    let mut report = report();
    report.changes.truncate(1);
    report.stopped = None;
    let view = ReportView::new(&fixtures::plan(), &report, None);
    assert_snapshot!(event::report_text(&view, &Style::plain(80)));
}

#[test]
fn a_snippet_of_a_file_cannot_write_escapes() {
    let mut all = crate::diag::Diagnostics::default();
    all.sources.insert("a.toml".into(), "x = \u{1b}[31m\u{202e}9\n".into());
    let wrong = crate::diag::Diagnostic::error("no \u{1b}[2J").at(&"a.toml".into(), 4..5, "here");
    all.push(wrong);
    let text = all.render((&Style::plain(80)).into());
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
}

#[test]
fn a_plan_that_the_places_refuse() {
    use crate::plan::PlanFailure;
    let refused = |name: &str, kind, message: &str| {
        let id = fixtures::object(fixtures::DEPLOYMENT, name);
        (id, PortError { kind, message: message.into(), help: None })
    };
    let failure = PlanFailure {
        rejected: vec![
            refused("deepseek-inference-h100", FailureKind::Rejected, "no such image"),
            refused("deepseek-inference-a100", FailureKind::Rejected, "exceeded quota: gpus"),
        ],
    };
    let view = error::ErrorView::from(&failure);
    assert_snapshot!(error::text(&view, &Style::plain(80)));
}

#[test]
fn a_plan_that_is_stale() {
    let gone = crate::plan::Stale {
        what: "Deployment inference/deepseek-inference-h100".into(),
        how: "is gone".into(),
    };
    assert_snapshot!(error::text(&error::ErrorView::stale(&[gone]), &Style::plain(80)));
}

#[test]
fn orphans_with_their_price() {
    use crate::observe::ResourceId;
    let orphan = |id, units, price: Option<u64>| crate::plan::Orphan {
        id,
        environment: "prod".into(),
        from: Some("environments/prod.toml of github.com/acme/infra".into()),
        units,
        usd_per_hour: price.map(crate::units::UsdPerHour::from_micros),
    };
    let found = [
        orphan(ResourceId::group("us-east-1", "prod-g6e-od"), Some(3), Some(31_478_400)),
        orphan(fixtures::object(("v1", "Service"), "deepseek-old"), None, None),
    ];
    let view = orphans::OrphansView::new(&found);
    assert_snapshot!(orphans::text(&view, &Style::plain(80)));
    let none = orphans::OrphansView::new(&[]);
    assert_snapshot!("no_orphans", orphans::text(&none, &Style::plain(80)));
}

#[test]
fn a_first_plan_out_of_the_pipeline() {
    let plan = crate::plan::tests::world::World::empty().plan();
    let text = plan_text(&plan, Style::plain(80), Detail::Essential);
    let creates = plan.changes.iter().filter(|change| !change.steps.is_empty()).count();
    let lines = text.lines().count();
    assert!(lines < 6 * creates, "{lines} lines for {creates} changes:\n{text}");
    for change in &plan.changes {
        assert!(text.contains(&change.id.name), "{} is not told", change.id);
    }
}
