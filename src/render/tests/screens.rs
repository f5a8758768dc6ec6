//! Every screen, as users see it.

use super::fixtures;
use crate::port::{FailureKind, PortError};
use crate::render::plan::{Detail, PlanView};
use crate::render::status::StatusView;
use crate::render::{Style, error, plan, status};
use insta::assert_snapshot;

fn plan_text(plan: &crate::plan::Plan, style: Style, detail: Detail) -> String {
    plan::text(&PlanView::new(plan), &style, detail)
}

fn status_view() -> StatusView {
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
