//! A plan as JSON, and its projection into Terraform's shape, so that policies
//! written for `terraform show -json` (Conftest, OPA, Sentinel's kin) run on it.

use super::view::PlanView;
use crate::observe::{Body, ResourceId};
use crate::plan::{Action, Change, Plan};
use crate::render::name::{address, side, type_of};
use crate::render::redact::redact;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The document that `floodway plan --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "Floodway plan")]
pub struct PlanDocument {
    /// What readers of the text are told.
    #[serde(flatten)]
    pub plan: PlanView,
    /// Every thing, those without changes too, in Terraform's shape.
    pub resource_changes: Vec<ResourceChange>,
}

/// One thing, in Terraform's shape. The values are in the shape of the thing's
/// own API (a Kubernetes object; a group as Floodway describes it).
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ResourceChange {
    /// Unique: `kubernetes_deployment.inference/deepseek-h100`.
    pub address: String,
    /// Always `managed`.
    pub mode: String,
    /// `kubernetes_deployment`, `aws_autoscaling_group`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name; of a replacement, the new one.
    pub name: String,
    /// `kubernetes` or `aws`.
    pub provider_name: String,
    /// What happens to it.
    pub change: ChangeBodies,
}

/// Before and after, as Terraform has them.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ChangeBodies {
    /// `["no-op"]`, `["create"]`, `["update"]`, `["delete"]`, or, for a
    /// replacement, `["create", "delete"]`.
    pub actions: Vec<String>,
    /// The owned fields now; null where there is nothing.
    pub before: Option<Value>,
    /// The owned fields after the apply; null where nothing is left.
    pub after: Option<Value>,
    /// `true` at the fields that a runtime owner sets.
    pub after_unknown: Value,
    /// `true` at values that are hidden.
    pub before_sensitive: Value,
    /// `true` at values that are hidden.
    pub after_sensitive: Value,
}

/// The whole plan as a document.
pub fn json(plan: &Plan) -> PlanDocument {
    PlanDocument { plan: PlanView::new(plan), resource_changes: resource_changes(plan) }
}

/// One for each thing: what is written twice (the ApplySet's parent, first and
/// last) is from before the first to after the last.
fn resource_changes(plan: &Plan) -> Vec<ResourceChange> {
    let mut changes: Vec<ResourceChange> = Vec::with_capacity(plan.changes.len());
    let mut known: BTreeMap<&ResourceId, usize> = BTreeMap::new();
    for change in &plan.changes {
        let next = resource_change(change);
        match known.get(&change.id).and_then(|at| changes.get_mut(*at)) {
            Some(first) => {
                if first.change.actions == ["no-op"] {
                    first.change.actions = next.change.actions;
                }
                first.change.after = next.change.after;
                first.change.after_unknown = next.change.after_unknown;
                first.change.after_sensitive = next.change.after_sensitive;
            }
            None => {
                known.insert(&change.id, changes.len());
                changes.push(next);
            }
        }
    }
    changes
}

fn resource_change(change: &Change) -> ResourceChange {
    let ResourceId { name, side: at, .. } = &change.id;
    let (actions, before, after): (&[&str], _, _) = match change.action {
        Action::NoOp => (&["no-op"], change.body.as_ref(), change.body.as_ref()),
        Action::Create => (&["create"], None, change.body.as_ref()),
        Action::Update => (&["update"], change.before.as_ref(), change.body.as_ref()),
        Action::Replace => (&["create", "delete"], change.before.as_ref(), change.body.as_ref()),
        Action::Delete => (&["delete"], change.before.as_ref(), None),
    };
    let (before, before_sensitive) = shown(before);
    let (after, after_sensitive) = shown(after);
    ResourceChange {
        address: address(&change.id),
        mode: "managed".into(),
        kind: type_of(&change.id),
        name: name.clone(),
        provider_name: side(*at).into(),
        change: ChangeBodies {
            actions: actions.iter().map(|action| (*action).to_owned()).collect(),
            before,
            after_unknown: match &change.owned_by {
                Some((path, ..)) if after.is_some() => marked(path),
                _ => json!({}),
            },
            after,
            before_sensitive,
            after_sensitive,
        },
    }
}

fn shown(body: Option<&Body>) -> (Option<Value>, Value) {
    match body.map(|body| redact(&body.value())) {
        None => (None, Value::Bool(false)),
        Some((value, hidden)) => (Some(value), hidden.unwrap_or_else(|| json!({}))),
    }
}

/// `/spec/replicas` → `{"spec": {"replicas": true}}`.
fn marked(pointer: &str) -> Value {
    pointer.split(['/', '.']).filter(|segment| !segment.is_empty()).rev().fold(
        Value::Bool(true),
        |inner, segment| {
            let mut map = Map::new();
            map.insert(segment.replace("~1", "/").replace("~0", "~"), inner);
            Value::Object(map)
        },
    )
}
