//! What steps set and take away: nothing that stands above all phases, and nothing over
//! which two of them fight.

use super::{Rules, steps};
use crate::diag::Diagnostic;
use crate::id::Name;
use crate::spec::model::{Overrides, Phase, PhaseStep};
use crate::spec::overlay::{FORBIDDEN, path_of};
use common::document::{Entry, Node, Table, Value};
use common::shape::Tree;
use std::collections::{BTreeMap, BTreeSet};

const ABOVE: &str = "where an environment is, what guards it and what it may cost stand in the \
                     file, the same at every phase";

pub(super) fn check(rules: &mut Rules<'_>, name: &Name, phase: &Phase) {
    for (step_name, step) in &phase.steps {
        let path = format!("rollout.phases.{name}.steps.{step_name}");
        if rules.could_read(&path) {
            forbidden(rules, &path, step);
            both(rules, &path, step_name, step);
        }
    }
    if rules.could_read(&format!("rollout.phases.{name}.steps")) {
        fights(rules, name, phase);
    }
}

fn forbidden(rules: &mut Rules<'_>, path: &str, step: &PhaseStep) {
    for key in FORBIDDEN {
        if has(step.set.table(), key) {
            let help = if key == "unset" { "write `unset` beside `set`" } else { ABOVE };
            let message = format!("no phase may set `{key}`");
            rules.error_in_key(&format!("{path}.set.{key}"), message, help);
        }
    }
    for (at, written) in step.unset.iter().enumerate() {
        let at = format!("{path}.unset.{at}");
        let Some(key) = path_of(written) else {
            let message = format!("`{written}` is no dotted key");
            rules.error(&at, message, "write it like \"onprem.pools.a100\"");
            continue;
        };
        let lost = FORBIDDEN.iter().find(|forbidden| {
            let forbidden: Vec<&str> = forbidden.split('.').collect();
            begins(&forbidden, &key) || begins(&key, &forbidden)
        });
        match lost {
            Some(lost) if path_of(lost).is_some_and(|lost| begins(&key, &lost)) => {
                rules.error(&at, format!("no phase may take away `{written}`"), ABOVE);
            }
            Some(lost) => {
                let message = format!("no phase may take away `{written}`: `{lost}` goes with it");
                rules.error(&at, message, ABOVE);
            }
            None => {}
        }
    }
}

/// Whether `path` is `start`, or lies below it.
fn begins<A: AsRef<str>, B: AsRef<str>>(path: &[A], start: &[B]) -> bool {
    path.len() >= start.len() && start.iter().zip(path).all(|(a, b)| a.as_ref() == b.as_ref())
}

fn has(table: &Table, key: &str) -> bool {
    let mut keys = key.split('.');
    let last = keys.next_back().unwrap_or_default();
    let around = keys.try_fold(table, |table, key| match &table.entries.get(key)?.node.value {
        Value::Table(inner) => Some(inner),
        _ => None,
    });
    around.is_some_and(|table| table.entries.contains_key(last))
}

/// A step that takes away the value that it sets; a table it may set anew.
fn both(rules: &mut Rules<'_>, path: &str, name: &Name, step: &PhaseStep) {
    let set = values(&step.set);
    for (at, written) in step.unset.iter().enumerate() {
        let Some(key) = path_of(written) else { continue };
        if let Some((value, _)) = set.iter().find(|(value, _)| begins(&key, value)) {
            let value = value.join(".");
            let message = format!("the step `{name}` sets `{value}` and takes it away");
            rules.report(
                Diagnostic::error(message).help("do one of the two"),
                &[(&format!("{path}.set.{value}"), ""), (&format!("{path}.unset.{at}"), "")],
            );
        }
    }
}

/// Every value that is set, by its path. A table without keys sets nothing.
fn values(set: &Overrides) -> Vec<(Vec<&str>, &Node)> {
    let mut values = Vec::new();
    collect(set.table(), &mut Vec::new(), &mut values);
    values
}

fn collect<'t>(
    table: &'t Table,
    around: &mut Vec<&'t str>,
    values: &mut Vec<(Vec<&'t str>, &'t Node)>,
) {
    for (key, Entry { node, .. }) in &table.entries {
        around.push(key);
        match &node.value {
            Value::Table(inner) => collect(inner, around, values),
            _ => values.push((around.clone(), node)),
        }
        around.pop();
    }
}

/// What a step does to a key.
struct Claim<'p> {
    step: &'p Name,
    /// The value that it gives it; none: it takes it away.
    value: Option<Tree>,
    /// Where it says so.
    path: String,
}

/// Two steps of one phase, of which none waits for the other, that do not want the same.
fn fights(rules: &mut Rules<'_>, name: &Name, phase: &Phase) {
    let claims = claims(name, phase);
    let mut fought = BTreeSet::new();
    for (key, own) in &claims {
        let around = (1..key.len()).filter_map(|length| claims.get(&key[..length])).flatten();
        let around: Vec<_> = around.map(|other| (other, false)).collect();
        for claim in own {
            let here = own.iter().map(|other| (other, true));
            for (other, here) in around.iter().copied().chain(here) {
                let pair = (claim.step.min(other.step), claim.step.max(other.step));
                // A value there leaves no place for one below it, whatever it is.
                let agree = claim.value == other.value && (here || claim.value.is_none());
                let settled = agree || claim.step == other.step || fought.contains(&pair);
                if settled || in_turn(phase, pair) {
                    continue;
                }
                fought.insert(pair);
                fight(rules, name, &key.join("."), [other, claim]);
            }
        }
    }
}

fn claims<'p>(name: &Name, phase: &'p Phase) -> BTreeMap<Vec<String>, Vec<Claim<'p>>> {
    let mut claims: BTreeMap<Vec<String>, Vec<Claim<'p>>> = BTreeMap::new();
    for (step, does) in &phase.steps {
        let path = format!("rollout.phases.{name}.steps.{step}");
        for (key, node) in values(&does.set) {
            let path = format!("{path}.set.{}", key.join("."));
            let key = key.into_iter().map(str::to_owned).collect();
            let value = Some(Overrides::tree(&node.value));
            claims.entry(key).or_default().push(Claim { step, value, path });
        }
        for (at, key) in does.unset.iter().enumerate() {
            let path = format!("{path}.unset.{at}");
            if let Some(key) = path_of(key) {
                claims.entry(key).or_default().push(Claim { step, value: None, path });
            }
        }
    }
    claims
}

/// Whether one of the two waits for the other.
fn in_turn(phase: &Phase, (one, other): (&Name, &Name)) -> bool {
    steps::before(phase, one).contains(other) || steps::before(phase, other).contains(one)
}

fn fight(rules: &mut Rules<'_>, phase: &Name, key: &str, [one, other]: [&Claim<'_>; 2]) {
    let (a, b) = (one.step, other.step);
    let message = match (&one.value, &other.value) {
        (Some(_), Some(_)) => format!("the steps `{a}` and `{b}` set `{key}` to different values"),
        (None, _) => format!("the step `{b}` sets `{key}`, which `{a}` takes away"),
        (_, None) => format!("the step `{a}` sets `{key}`, which `{b}` takes away"),
    };
    let help = format!(
        "in the phase `{phase}` neither waits for the other: let the one that counts come after, \
         `after = [\"…\"]`, or do it in one of them"
    );
    let places = [(one.path.as_str(), ""), (other.path.as_str(), "")];
    rules.report(Diagnostic::error(message).help(help), &places);
}
