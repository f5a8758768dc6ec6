//! The environment at a phase: the steps of every phase up to it, laid upon the
//! file.

use super::model::{Phase, PhaseStep, Rollout, Waves};
use super::unset;
use crate::diag::{Diagnostic, Diagnostics};
use crate::id::Name;
use common::document::{At, Entry, Node, Table, Value};
use common::shape::{Decoder, Shape as _};

/// Keys that no step may set or take away: what the environment is called and what
/// guards it, where it is, what it may cost, and the rollout itself. A phase is no
/// way around a guard.
pub(super) const FORBIDDEN: [&str; 13] = [
    "extends",
    "unset",
    "environment",
    "rollout",
    "burst.budget",
    "onprem.provider",
    "onprem.context",
    "onprem.cluster_uid",
    "aws.provider",
    "aws.account",
    "aws.region",
    "aws.role",
    "aws.lock",
];

/// The rollout of a file, as far as it can be read.
#[derive(Debug)]
pub(super) struct Overlay {
    rollout: Rollout,
    /// The rollout as it was written, with the place of every value.
    written: Table,
    live: Option<Name>,
}

impl Overlay {
    /// What `table` says of its rollout. What is wrong with it is said by whoever reads
    /// the whole.
    pub(super) fn of(table: &Table) -> Self {
        let mut unheard = Diagnostics::default();
        let mut decoder = Decoder::new(&mut unheard, true);
        let rollout = table.entries.get("rollout");
        let rollout = rollout.and_then(|entry| Rollout::decode(&entry.node, &mut decoder));
        let live = inner(table, "environment").and_then(|identity| identity.entries.get("phase"));
        let live = match live.map(|entry| &entry.node.value) {
            Some(Value::String(name)) => name.parse().ok(),
            _ => None,
        };
        let written = inner(table, "rollout").cloned().unwrap_or_default();
        Self { rollout: rollout.unwrap_or_default(), written, live }
    }

    /// The phase that the file says is live.
    pub(super) fn live(&self) -> Option<&Name> {
        self.live.as_ref()
    }

    /// Whether there is no phase.
    pub(super) fn is_empty(&self) -> bool {
        self.rollout.phases.is_empty()
    }

    /// The phases, earliest first.
    pub(super) fn phases(&self) -> Vec<Name> {
        self.rollout.in_order().into_iter().map(|(name, _)| name.clone()).collect()
    }

    /// How changes go out, at whatever phase.
    pub(super) fn waves(&self) -> Option<&Waves> {
        self.rollout.waves.as_ref()
    }

    /// `table` with the steps of every phase up to `phase`; with none of them where it is
    /// no phase.
    pub(super) fn at(&self, table: &Table, phase: Option<&Name>) -> Table {
        let mut laid = table.clone();
        let phases = self.phases();
        let until = phases.iter().position(|name| Some(name) == phase).map_or(0, |at| at + 1);
        for name in &phases[..until] {
            self.lay(&mut laid, name);
        }
        laid
    }

    /// Lays the steps of `phase` upon `table`, which is the file with those of all phases
    /// before it. What a step takes away and is not there comes back.
    pub(super) fn lay(&self, table: &mut Table, phase: &Name) -> Vec<(Diagnostic, At)> {
        let mut missing = Vec::new();
        let steps = self.rollout.phases.get(phase).map(Phase::steps_in_order);
        for (name, step) in steps.unwrap_or_default() {
            let keys = keys_to_unset(&self.written, (phase, name), step);
            missing.extend(unset::unset_in_phase(table, keys));
            lay(table, step.set.table(), "");
        }
        missing
    }
}

/// `table` without what it says of the rollout, and of the phase that is live.
pub(super) fn without_rollout(mut table: Table) -> Table {
    table.entries.remove("rollout");
    name_phase(&mut table, None);
    table
}

/// Says in `table` that `phase` is live; none: that none is.
pub(super) fn name_phase(table: &mut Table, phase: Option<&Name>) {
    let Some(Entry { node, .. }) = table.entries.get_mut("environment") else { return };
    let around = node.at.clone();
    let Value::Table(identity) = &mut node.value else { return };
    let Some(phase) = phase else {
        identity.entries.remove("phase");
        return;
    };
    let there = identity.entries.get("phase");
    let (key, at) = there.map_or_else(
        || (around.clone(), around.clone()),
        |there| (there.key.clone(), there.node.at.clone()),
    );
    let node = Node { value: Value::String(phase.to_string()), at };
    identity.entries.insert("phase".to_owned(), Entry { key, node });
}

/// The keys that `step` takes away and may, each with the place where it says so.
fn keys_to_unset(rollout: &Table, (phase, name): (&Name, &Name), step: &PhaseStep) -> Vec<Node> {
    let path = ["phases", phase.as_str(), "steps", name.as_str()];
    let table = path.iter().try_fold(rollout, |table, key| inner(table, key));
    let written = table.and_then(|step| step.entries.get("unset")).map(|entry| &entry.node.value);
    let Some(Value::Array(nodes)) = written else { return Vec::new() };
    let may = |node: &&Node| match &node.value {
        Value::String(key) => step.unset.contains(key) && may_unset(key),
        _ => false,
    };
    nodes.iter().filter(may).cloned().collect()
}

/// Whether nothing that no step may take away stands at `key`, below it or around it.
fn may_unset(key: &str) -> bool {
    let Some(path) = path_of(key) else { return false };
    !FORBIDDEN.iter().any(|forbidden| {
        let forbidden: Vec<&str> = forbidden.split('.').collect();
        let common = forbidden.len().min(path.len());
        forbidden[..common].iter().zip(&path).all(|(a, b)| a == b)
    })
}

/// The parts of a dotted key, as TOML reads it; none: it is no key.
pub(super) fn path_of(key: &str) -> Option<Vec<String>> {
    let parts = toml_edit::Key::parse(key).ok()?;
    Some(parts.iter().map(|part| part.get().to_owned()).collect())
}

/// Lays `set`, which is at `around`, upon `below`, but for what no step may set. A table
/// that both have stays where it was written first: the step says only what is in it.
fn lay(below: &mut Table, set: &Table, around: &str) {
    for (key, entry) in &set.entries {
        let path = if around.is_empty() { key.clone() } else { format!("{around}.{key}") };
        if FORBIDDEN.contains(&path.as_str()) {
            continue;
        }
        let Value::Table(above) = &entry.node.value else {
            below.entries.insert(key.clone(), entry.clone());
            continue;
        };
        let nothing = || Entry {
            key: entry.key.clone(),
            node: Node { value: Value::Table(Table::default()), at: entry.node.at.clone() },
        };
        let there = below.entries.entry(key.clone()).or_insert_with(nothing);
        if !matches!(there.node.value, Value::Table(_)) {
            *there = nothing();
        }
        if let Value::Table(below) = &mut there.node.value {
            lay(below, above, &path);
        }
    }
}

fn inner<'t>(table: &'t Table, key: &str) -> Option<&'t Table> {
    match &table.entries.get(key)?.node.value {
        Value::Table(inner) => Some(inner),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
