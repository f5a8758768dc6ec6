//! What has changed since a plan was saved (law 4).

use super::{Action, Change, FieldChange, Fingerprint, Plan, view};
use crate::observe::{Inventory, Live, Ownership, Side};
use std::collections::BTreeMap;
use std::fmt;
use toml::de::{DeTable, DeValue};

/// One thing that is not as the plan took it to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The thing, or `environment`, or a place's title.
    pub what: String,
    /// How it differs: `is gone`, `spec.template… was "a", is "b"`.
    pub how: String,
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.what, self.how)
    }
}

/// Everything in which the world and the environment differ from what `saved`
/// was computed from; empty: it may be applied. What runtime owners move does
/// not count. `digest` and `text` are the resolved environment's, as now.
pub fn staleness(saved: &Plan, fresh: &Inventory, digest: &str, text: &str) -> Vec<Stale> {
    let mut stale = environment(saved, digest, text);
    stale.extend(places(saved, fresh));
    for change in &saved.changes {
        let (subject, read) = match &change.replaces {
            Some(old) => (old, fresh.resources.get(old)),
            None => (&change.id, fresh.resources.get(&change.id)),
        };
        let what = subject.to_string();
        stale
            .extend(changed(change, read).into_iter().map(|how| Stale { what: what.clone(), how }));
        if change.replaces.is_some() && fresh.resources.contains_key(&change.id) {
            let how = "was created since; the plan meant to create it".to_owned();
            stale.push(Stale { what: change.id.to_string(), how });
        }
    }
    if saved.targets.is_empty() {
        stale.extend(appeared(saved, fresh));
    }
    // The parent stands in a plan twice when it is written twice.
    stale.sort_by(|a, b| (&a.what, &a.how).cmp(&(&b.what, &b.how)));
    stale.dedup();
    stale
}

fn environment(saved: &Plan, digest: &str, text: &str) -> Vec<Stale> {
    if saved.environment_digest == digest {
        return Vec::new();
    }
    let stale = |how| Stale { what: "environment".to_owned(), how };
    let (Some(before), Some(after)) = (leaves(&saved.environment_text), leaves(text)) else {
        return vec![stale("is not the one that was planned".to_owned())];
    };
    let shown = |value: Option<&String>| value.map_or("not set".to_owned(), Clone::clone);
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    // Phases that are not live are no part of what was planned.
    let counts = |key: &str| !key.starts_with("rollout.") || key.starts_with("rollout.waves.");
    let differing =
        keys.into_iter().filter(|key| counts(key) && before.get(*key) != after.get(*key));
    let mut found: Vec<Stale> = differing
        .map(|key| {
            let (was, is) = (shown(before.get(key)), shown(after.get(key)));
            stale(format!("{key} was {was}, is {is}"))
        })
        .collect();
    if found.is_empty() {
        found.push(stale("is written differently".to_owned()));
    }
    found
}

/// Every value of a TOML text by its dotted key.
fn leaves(text: &str) -> Option<BTreeMap<String, String>> {
    let table = DeTable::parse(text).ok()?;
    let mut into = BTreeMap::new();
    walk("", table.get_ref(), &mut into);
    Some(into)
}

fn walk(around: &str, table: &DeTable<'_>, into: &mut BTreeMap<String, String>) {
    for (name, value) in table {
        let dot = if around.is_empty() { "" } else { "." };
        let key = format!("{around}{dot}{}", name.get_ref());
        match value.get_ref() {
            DeValue::Table(table) => walk(&key, table, into),
            leaf => drop(into.insert(key, written(leaf))),
        }
    }
}

/// A value as it stands in a TOML file.
fn written(value: &DeValue<'_>) -> String {
    let list = |parts: Vec<String>| parts.join(", ");
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(array) => {
            format!("[{}]", list(array.iter().map(|part| written(part.get_ref())).collect()))
        }
        DeValue::Table(table) => {
            let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<_>)| -> String {
                let (key, value): (&std::borrow::Cow<'_, str>, &DeValue<'_>) =
                    (key.get_ref(), value.get_ref());
                format!("{key} = {}", written(value))
            };
            format!("{{ {} }}", list(table.iter().map(entry).collect()))
        }
    }
}

fn places(saved: &Plan, fresh: &Inventory) -> Vec<Stale> {
    let mut stale = Vec::new();
    for place in &saved.locations {
        let now = fresh.locations.iter().find(|now| now.side == place.side);
        let how = match now {
            Some(now) if now.identity == place.identity => continue,
            Some(now) => format!("was {}, is {} ({})", place.identity, now.identity, now.title),
            None => "was not seen".to_owned(),
        };
        stale.push(Stale { what: place.title.clone(), how });
    }
    stale
}

/// Ours since the plan, and unknown to it.
fn appeared(saved: &Plan, fresh: &Inventory) -> Vec<Stale> {
    let known: std::collections::BTreeSet<_> = saved
        .changes
        .iter()
        .flat_map(|change| std::iter::once(&change.id).chain(&change.replaces))
        .collect();
    let new = fresh.resources.values().filter(|live| {
        live.ownership == Ownership::Ours
            && super::kinds::may_be_pruned(&live.id)
            && !known.contains(&live.id)
    });
    new.map(|live| Stale { what: live.id.to_string(), how: "appeared since".to_owned() }).collect()
}

/// How what `change` read differs from what is there now.
fn changed(change: &Change, live: Option<&Live>) -> Vec<String> {
    let one = |text: &str| vec![text.to_owned()];
    let Some(live) = live else {
        let gone = !change.fingerprint.is_absent();
        return if gone { one("is gone") } else { Vec::new() };
    };
    if change.fingerprint.is_absent() {
        // A plan that keeps a namespace has not read it.
        let created = change.action != Action::NoOp;
        return if created {
            one("was created since; the plan meant to create it")
        } else {
            Vec::new()
        };
    }
    let owned_by = change.owned_by.as_ref().map(|(path, ..)| path.as_str());
    let owned_by = owned_by.filter(|_| change.action != Action::Replace);
    let now = Fingerprint::of(live, change.action, change.body.as_ref(), owned_by);
    if now == change.fingerprint {
        return Vec::new();
    }
    let Some(differences) = now.differences(&change.fingerprint) else {
        return one("has changed");
    };
    let mut how = Vec::new();
    if differences.identity {
        how.push("was deleted, or deleted and made anew".to_owned());
    }
    if differences.marks {
        how.push("carries other marks".to_owned());
    }
    if differences.fields {
        how.extend(fields(change, live));
    }
    // What was to be drained and has ended by itself is no less safe to take away.
    let ended = live.workload.as_ref().is_some_and(|workload| workload.existing == 0);
    let goes = matches!(change.action, Action::Delete | Action::Replace);
    if differences.facts && !(ended && goes) {
        how.push(facts(change, live));
    }
    how
}

/// The owned fields that were moved, as far as the plan kept what they were.
fn fields(change: &Change, live: &Live) -> Vec<String> {
    let runtime = change.owned_by.as_ref().and(live.runtime.as_ref());
    let not_git = runtime.map(|runtime| runtime.path.as_str());
    let body = change.body.as_ref();
    let now = view::owned(live, body, not_git).value();
    let before = change.before.as_ref().or(change.body.as_ref());
    let Some(before) = before else { return vec!["has other fields".to_owned()] };
    let mut before = before.value();
    let by_git = live.id.side == Side::Kubernetes
        || live
            .runtime
            .as_ref()
            .is_none_or(|runtime| body.and_then(|body| body.at(&runtime.path)).is_some());
    if let Some(path) =
        not_git.or(live.runtime.as_ref().filter(|_| !by_git).map(|r| r.path.as_str()))
    {
        view::remove(&mut before, path);
    }
    let differing = view::difference(live, &before, &now).fields;
    if differing.is_empty() {
        return vec!["is owned in other fields".to_owned()];
    }
    let shown = |value: &Option<serde_json::Value>| {
        value.as_ref().map_or("not set".to_owned(), ToString::to_string)
    };
    let text = |field: &FieldChange| {
        format!("{} was {}, is {}", field.path, shown(&field.before), shown(&field.after))
    };
    differing.iter().map(text).collect()
}

fn facts(change: &Change, live: &Live) -> String {
    let workload = live.workload.clone().unwrap_or_default();
    match change.action {
        Action::Update => format!("asks for {} units now", workload.desired),
        _ => format!("was idle and runs {} units now", workload.existing),
    }
}
