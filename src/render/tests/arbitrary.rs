//! Nothing that a cluster or a file can hold breaks a screen.

use super::fixtures;
use crate::render::plan::{Detail, PlanView};
use crate::render::status::StatusView;
use crate::render::{Style, plan, status};
use proptest::prelude::*;
use serde_json::Value;
use std::sync::Arc;
use unicode_width::UnicodeWidthStr;

/// Text of every kind: controls, escapes, wide, joined, very long.
fn anything() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,20}",
        any::<String>(),
        "[a-z0-9./-]{50,300}",
        Just("\u{1b}[2J\u{1b}]0;title\u{7}".to_owned()),
        Just("日本語 👩‍👩‍👧‍👦 \u{202e}drowssap\u{2028}x".to_owned()),
        Just("one\ntwo\r\n\tthree".to_owned()),
    ]
}

fn assert_fits(text: &str, style: &Style) -> Result<(), TestCaseError> {
    // The last line is left whole.
    for line in text.lines().rev().skip(1) {
        let width = UnicodeWidthStr::width(line);
        prop_assert!(width <= style.width.max(Style::MIN_WIDTH), "{} columns: {:?}", width, line);
    }
    let harmful = |c: char| c != '\n' && crate::diag::steers(c);
    prop_assert!(!text.contains(harmful), "{:?}", text);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_plan_breaks_its_screen(
        texts in prop::collection::vec(anything(), 12),
        numbers in prop::collection::vec(any::<u32>(), 6),
        width in 0usize..200,
        unicode: bool,
    ) {
        let mut plan = fixtures::plan();
        let text = |at: usize| texts[at % texts.len()].clone();
        plan.mark.environment = text(0);
        plan.locations[0].title = text(1);
        plan.locations[1].identity = text(2);
        for (at, pool) in plan.pools.iter_mut().enumerate() {
            pool.pool = text(at + 3);
            pool.stage = text(at + 4);
            pool.unit = text(at + 5);
            (pool.units.before, pool.units.after) = (numbers[at], numbers[at + 1]);
            (pool.min, pool.max) = (numbers[at + 2], numbers[at + 3]);
            pool.reasons[0].text = text(at + 6);
        }
        for (at, change) in plan.changes.iter_mut().enumerate() {
            change.id.name = text(at);
            change.id.kind = text(at + 7);
            change.id.scope = Some(text(at + 1));
            change.reason.at = Some(text(at + 2));
            change.notes = vec![text(at + 3)];
            for (field, text) in change.fields.iter_mut().zip(&texts) {
                field.path.clone_from(text);
                field.after = Some(Value::from(text.repeat(3)));
            }
        }
        plan.warnings = vec![text(8)];
        plan.refusals[0].message = text(9);
        let style = Style { color: false, width, unicode };
        let view = PlanView::new(&plan);
        for detail in [Detail::Essential, Detail::Whole] {
            assert_fits(&plan::text(&view, &style, detail), &style)?;
        }
    }

    #[test]
    fn no_inventory_breaks_its_screen(
        texts in prop::collection::vec(anything(), 8),
        numbers in prop::collection::vec(0u32..=u32::MAX, 7),
        width in 0usize..200,
    ) {
        let mut inventory = fixtures::inventory();
        let text = |at: usize| texts[at % texts.len()].clone();
        for (at, live) in inventory.resources.values_mut().enumerate() {
            let workload = live.workload.as_mut().unwrap();
            (workload.desired, workload.ready) = (numbers[at], numbers[at + 1]);
            (workload.pending, workload.existing) = (numbers[at + 2], numbers[at]);
            for problem in &mut workload.problems {
                problem.message = text(at);
            }
        }
        for (at, node) in inventory.nodes.iter_mut().enumerate() {
            let node = Arc::make_mut(node);
            node.gpus_allocatable = numbers[at];
            node.gpus_used = numbers[5 - at];
        }
        inventory.gaps[0].why = text(3);
        inventory.locations[0].title = text(4);
        let mut environment = fixtures::environment();
        environment.service.model = text(5);
        let view = StatusView::new(
            &fixtures::mark(), &environment, &fixtures::decision(), &inventory,
        );
        let style = Style { color: false, width, unicode: true };
        assert_fits(&status::text(&view, &style), &style)?;
    }
}
