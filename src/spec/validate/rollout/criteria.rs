//! Criteria that can be measured, and held against something.

use super::super::signals;
use super::Rules;
use crate::diag::Diagnostic;
use crate::spec::model::{BuiltIn, Limit, LimitUnit, Phase};
use crate::units::{Share, Span};

/// What exit and abort criteria have in common.
struct Criterion<'c> {
    path: String,
    measure: Option<BuiltIn>,
    query: Option<&'c str>,
    /// What it is held against: the key for values that are too low, then that for
    /// values that are too high.
    limits: [(&'static str, Option<Limit>); 2],
    /// Whether it is met on the right side of its limit, as an exit is, not beyond it.
    is_exit: bool,
    window: Span,
    minimum: Share,
}

pub(super) fn check(rules: &mut Rules<'_>, path: &str, phase: &Phase) {
    let exits = phase.exit.iter().map(|(name, exit)| Criterion {
        path: format!("{path}.exit.{name}"),
        measure: exit.measure,
        query: exit.query.as_deref(),
        limits: [("at_least", exit.at_least), ("at_most", exit.at_most)],
        is_exit: true,
        window: exit.window,
        minimum: exit.minimum,
    });
    let aborts = phase.abort.iter().map(|(name, abort)| Criterion {
        path: format!("{path}.abort.{name}"),
        measure: abort.measure,
        query: abort.query.as_deref(),
        limits: [("below", abort.below), ("above", abort.above)],
        is_exit: false,
        window: abort.window,
        minimum: abort.minimum,
    });
    for criterion in exits.chain(aborts) {
        measured(rules, &criterion);
        held(rules, &criterion);
        over(rules, &criterion);
    }
}

fn measured(rules: &mut Rules<'_>, criterion: &Criterion<'_>) {
    let Criterion { path, measure, query, .. } = criterion;
    let [measure_at, query_at] = ["measure", "query"].map(|key| format!("{path}.{key}"));
    match (measure, query) {
        (None, None) if rules.is_absent(&measure_at) && rules.is_absent(&query_at) => {
            let help = "add `measure = \"availability\"` or the like, or a PromQL `query`";
            let nothing = Diagnostic::error("the criterion measures nothing").help(help);
            rules.report_keys(nothing, &[(path, "")]);
        }
        (Some(_), Some(_)) => rules.report(
            Diagnostic::error("the criterion measures two things").help("keep one of them"),
            &[(&query_at, ""), (&measure_at, "")],
        ),
        _ => {}
    }
    if let Some(query) = query {
        signals::number(rules, &query_at, query);
    }
}

fn held(rules: &mut Rules<'_>, criterion: &Criterion<'_>) {
    let Criterion { path, measure, limits: [low, high], is_exit, .. } = criterion;
    let [low_at, high_at] = [low.0, high.0].map(|key| format!("{path}.{key}"));
    let limit = match (low.1, high.1) {
        (None, None) => {
            if rules.is_absent(&low_at) && rules.is_absent(&high_at) {
                let help = format!("add `{} = …` or `{} = …`", low.0, high.0);
                rules.report_keys(
                    Diagnostic::error("the criterion is held against nothing").help(help),
                    &[(path, "")],
                );
            }
            return;
        }
        (Some(_), Some(_)) => {
            let help = "keep one of them, and make a criterion of its own of the other";
            return rules.report(
                Diagnostic::error("the criterion is held against two limits").help(help),
                &[(&low_at, ""), (&high_at, "")],
            );
        }
        (Some(limit), None) => (low.0, low_at, limit, true),
        (None, Some(limit)) => (high.0, high_at, limit, false),
    };
    let (Some(measure), (key, at, limit, is_low)) = (measure, limit) else { return };
    let (unit, example) = unit_of(*measure);
    let word = measure.as_str();
    if limit.unit != unit {
        let message = format!("`{word}` is not held against {limit}");
        let help = format!("write it like {key} = \"{example}\"");
        return rules.error(&at, message, &help);
    }
    if unit == LimitUnit::Share && limit.value > 1.0 {
        return rules.error(
            &at,
            format!("`{key}` is {limit}, more than all"),
            "use at most \"100%\"",
        );
    }
    // Good values are high ones or low ones; what an hour costs may be meant either way.
    let higher_is_better = match measure {
        BuiltIn::Availability | BuiltIn::Backtest => true,
        BuiltIn::UsdPerHour => return,
        _ => false,
    };
    if is_low != higher_is_better {
        let other = if is_low { high.0 } else { low.0 };
        let message = if *is_exit {
            format!("the criterion would be met by a bad `{word}`")
        } else {
            format!("the criterion would end the phase by a good `{word}`")
        };
        rules.error(&at, message, &format!("write `{other}` in place of `{key}`"));
    }
}

/// What a built-in measure is a number of, and how that is written.
fn unit_of(measure: BuiltIn) -> (LimitUnit, &'static str) {
    match measure {
        BuiltIn::Availability | BuiltIn::Backtest => (LimitUnit::Share, "99.9%"),
        BuiltIn::ErrorRate => (LimitUnit::Share, "0.5%"),
        BuiltIn::TtftP99 => (LimitUnit::Seconds, "500ms"),
        BuiltIn::E2eP99 => (LimitUnit::Seconds, "20s"),
        BuiltIn::BurstResponse => (LimitUnit::Seconds, "5m"),
        BuiltIn::UsdPerHour => (LimitUnit::Dollars, "$120"),
    }
}

fn over(rules: &mut Rules<'_>, criterion: &Criterion<'_>) {
    let Criterion { path, window, minimum, .. } = criterion;
    super::promises::not_zero(rules, &format!("{path}.window"), *window);
    let at = format!("{path}.minimum");
    if *minimum > Share::ALL {
        super::promises::at_most_all(rules, &at, *minimum);
    } else if *minimum == Share::default() {
        let help = "how much of the window must have data, like \"90%\"";
        rules.error(&at, "a minimum of 0% would judge by nothing", help);
    }
}
