//! Secrets: a file of a repository is no place for one, and no plan may hold one.

use super::Rules;
use crate::diag::{Diagnostic, is_secret_setting, looks_secret, secret_arguments};
use common::shape::{Shape as _, Tree};

const OF_A_STAGE: &str = "everyone who can read the repository or a plan could read it: put it \
                          into a Secret of the namespace, and name that in `env_from`";

const ELSEWHERE: &str = "everyone who can read the repository or a plan could read it: credentials \
                         come from the environment that Floodway runs in";

pub(super) fn check(rules: &mut Rules<'_>) {
    for (name, stage) in &rules.environment.service.stages {
        let path = format!("service.stages.{name}");
        for (key, value) in &stage.env {
            if is_secret_setting(key, value) {
                refuse(
                    rules,
                    &format!("{path}.env.{key}"),
                    &format!("`{key}` holds a secret"),
                    OF_A_STAGE,
                );
            }
        }
        for at in secret_arguments(&stage.args) {
            let message = format!("an argument of `{name}` holds a secret");
            refuse(rules, &format!("{path}.args.{at}"), &message, OF_A_STAGE);
        }
    }
    if let Some(tree) = rules.environment.encode() {
        anywhere(rules, "", &tree);
    }
}

/// Texts that are secrets by their own looks, wherever they stand.
fn anywhere(rules: &mut Rules<'_>, path: &str, tree: &Tree) {
    let inside = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match tree {
        Tree::String(text) if looks_secret(text) && !is_judged_by_name(path) => {
            let message = format!("`{path}` holds a secret, or a user and a password");
            refuse(rules, path, &message, ELSEWHERE);
        }
        Tree::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                anywhere(rules, &inside(&at.to_string()), item);
            }
        }
        Tree::Table(entries) | Tree::Named(entries) => {
            for (key, value) in entries {
                anywhere(rules, &inside(key), value);
            }
        }
        _ => {}
    }
}

/// Settings and arguments of stages: these have been looked at.
fn is_judged_by_name(path: &str) -> bool {
    let mut keys = path.split('.');
    keys.next() == Some("service")
        && keys.next() == Some("stages")
        && matches!(keys.nth(1), Some("env" | "args"))
}

/// Reports a secret, and hides its lines from whatever else points at them.
fn refuse(rules: &mut Rules<'_>, path: &str, message: &str, help: &str) {
    if let Some(at) = rules.spots.value(path) {
        rules.diagnostics.sources.hide(&at.file, &at.span);
    }
    rules.report(Diagnostic::error(message).help(help), &[(path, "")]);
}
