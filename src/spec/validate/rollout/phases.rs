//! Phases that follow each other, in order and in time.

use super::Rules;
use crate::clock::Date;
use crate::diag::Diagnostic;
use crate::id::Name;
use crate::spec::overdue::{day, days_later};
use crate::units::Span;
use std::collections::BTreeMap;

pub(super) fn check(rules: &mut Rules<'_>) {
    orders(rules);
    windows(rules);
    let mut before: Option<(&Name, Date, Date)> = None;
    for (name, phase) in rules.environment.rollout.in_order() {
        let at = format!("rollout.phases.{name}.start");
        let Some(written) = &phase.start else { continue };
        let Some(start) = day(written) else {
            let message = format!("`{written}` is no day");
            rules.error(&at, message, "write it like \"2026-12-01\"");
            continue;
        };
        if let Some((earlier, began, done)) = before {
            follows(rules, (name, start), (earlier, began, done));
        }
        let least = phase.window.map(|window| window.least()).unwrap_or_default();
        before = Some((name, start, days_later(start, least)));
    }
}

fn windows(rules: &mut Rules<'_>) {
    for (name, phase) in &rules.environment.rollout.phases {
        let Some(window) = phase.window else { continue };
        let at = format!("rollout.phases.{name}.window");
        let help = "write it like \"1-2 weeks\"";
        if window.least() > window.most() {
            rules.error(&at, "the window takes at least more than at most", help);
        } else if window.most() == Span::default() {
            rules.error(&at, "the window leaves no time at all", help);
        }
    }
}

fn orders(rules: &mut Rules<'_>) {
    let mut taken = BTreeMap::new();
    for (name, phase) in &rules.environment.rollout.phases {
        if let Some(other) = taken.insert(phase.order, name) {
            let message = format!("the phases `{other}` and `{name}` have the same order");
            let path = |name| format!("rollout.phases.{name}.order");
            rules.report(
                Diagnostic::error(message).help("phases follow each other: number them 1, 2, 3"),
                &[(&path(name), ""), (&path(other), "")],
            );
        }
    }
}

/// A phase begins after the one before it has; better when that may be done.
fn follows(
    rules: &mut Rules<'_>,
    (name, start): (&Name, Date),
    (earlier, began, done): (&Name, Date, Date),
) {
    let path = |name: &Name, key: &str| format!("rollout.phases.{name}.{key}");
    let (start_at, began_at) = (path(name, "start"), path(earlier, "start"));
    if start < began {
        let message = format!("the phase `{name}` begins before `{earlier}`, which it comes after");
        let help = "put the days in the order of the phases, or change `order`";
        rules.report(
            Diagnostic::error(message).help(help),
            &[(&start_at, ""), (&began_at, ""), (&path(name, "order"), "")],
        );
    } else if start < done {
        let message = format!("the phase `{name}` begins before `{earlier}` can be done");
        let window = path(earlier, "window");
        rules.report(
            Diagnostic::warning(message).help("let it begin later, or plan a shorter window"),
            &[(&start_at, ""), (&window, &format!("until {done} at the least"))],
        );
    }
}
