//! From one change, what readers are told about it.

use super::highlights::highlights;
use crate::decide::{DesiredOwner, Reason};
use crate::observe::{Body, FieldPath};
use crate::plan::{Action, Change, Checked, FieldChange, Plan, Rolling, Step, Takes};
use crate::render::leaves::leaves;
use crate::render::name::address;
use crate::render::plan::view::{
    ActionView, ChangeView, FieldView, ImageView, OwnedView, OwnerView, ReasonView,
};
use crate::render::redact::{HIDDEN, is_secret_path, redact};
use crate::render::text;
use crate::units::Span;
use serde_json::Value;

/// What readers are told about `change` of `plan`; not `whole`: without the fields of
/// what comes or goes whole.
pub(super) fn change_view(plan: &Plan, change: &Change, whole: bool) -> ChangeView {
    let shown = |body: &Body| redact(&body.value()).0;
    let comes = matches!(change.action, Action::Create | Action::Replace);
    let told = comes || whole && change.action != Action::NoOp;
    let body = change.body.as_ref().filter(|_| told).map(shown);
    let fields = match change.action {
        Action::Create if whole && change.fields.is_empty() => all_fields(body.as_ref(), true),
        Action::Delete if whole && change.fields.is_empty() => {
            all_fields(change.before.as_ref().map(shown).as_ref(), false)
        }
        _ => change.fields.iter().map(FieldView::from).collect(),
    };
    let owned_by = change.owned_by.as_ref().map(|(path, live, owner)| OwnedView {
        path: FieldPath::from_pointer(path).to_string(),
        value: live.clone().or_else(|| starts_with(change)),
        owner: (*owner).into(),
    });
    ChangeView {
        address: address(&change.id),
        kind: change.id.kind.clone(),
        scope: change.id.scope.clone(),
        name: change.id.name.clone(),
        replaces: change.replaces.as_ref().map(|old| old.name.clone()),
        action: change.action.into(),
        reason: ReasonView::from(&change.reason),
        highlights: match (&body, change.action) {
            (Some(body), Action::Create | Action::Replace) => {
                highlights(&change.id.kind, body, owned_by.as_ref())
            }
            _ => Vec::new(),
        },
        fields,
        image: change.image.as_ref().map(ImageView::from),
        unchanged_fields: change.unchanged,
        owned_by,
        pool: change.pool.clone(),
        checked_by_server: match &change.checked {
            Checked::ByServer => Some(true),
            Checked::Not(_) => Some(false),
            Checked::NotNeeded => None,
        },
        notes: change.notes.clone(),
        steps: change.steps.iter().map(|step| step_text(step, change)).collect(),
        stepwise: change.action == Action::Replace
            || change.steps.iter().any(|s| {
                matches!(
                    s,
                    Step::Hold { .. }
                        | Step::Drain { .. }
                        | Step::DrainUnits { .. }
                        | Step::Refresh { .. }
                        | Step::Delete { ends: 1.., .. }
                )
            }),
        after: change
            .after
            .iter()
            .filter_map(|at| plan.changes.get(*at))
            .map(|first| address(&first.id))
            .collect(),
        wave: Some(change.wave).filter(|wave| *wave > 0),
    }
}

impl From<&FieldChange> for FieldView {
    fn from(field: &FieldChange) -> Self {
        let sensitive = is_secret_path(&field.path);
        let show = |value: &Option<Value>| -> (Option<Value>, bool) {
            match value {
                None => (None, false),
                Some(_) if sensitive => (Some(Value::from(HIDDEN)), true),
                Some(value) => {
                    let (value, hidden) = redact(value);
                    (Some(value), hidden.is_some())
                }
            }
        };
        let ((before, hid_before), (after, hid_after)) = (show(&field.before), show(&field.after));
        Self { path: field.path.clone(), before, after, sensitive: hid_before || hid_after }
    }
}

/// All fields of something that comes (or goes) whole.
fn all_fields(body: Option<&Value>, comes: bool) -> Vec<FieldView> {
    let Some(body) = body else { return Vec::new() };
    let field = |(path, value): (FieldPath, &Value)| FieldView {
        sensitive: value == HIDDEN,
        path: path.to_string(),
        before: (!comes).then(|| value.clone()),
        after: comes.then(|| value.clone()),
    };
    leaves(body).into_iter().map(field).collect()
}

fn step_text(step: &Step, change: &Change) -> String {
    let name = &step.id().name;
    match step {
        Step::Apply { .. } if matches!(change.action, Action::Create | Action::Replace) => {
            format!("create {name}")
        }
        Step::Apply { takes: Takes::Conflicts(_) | Takes::Everything, .. } => {
            format!("update {name}, taking fields over")
        }
        Step::Apply { takes: Takes::Field(path), .. } => {
            format!("update {name}, taking {} over", FieldPath::from_pointer(path))
        }
        Step::Apply { .. } => format!("update {name}"),
        Step::Hold { path, .. } => {
            format!("hold the live {} of {name}", FieldPath::from_pointer(path))
        }
        Step::Raise { least, .. } => format!("bring {name} to {least}"),
        Step::Proceed { units, .. } => format!("let {} of {name} go on", units.join(", ")),
        Step::SetEndpoints { .. } => format!("write the endpoints of {name}"),
        Step::SetUnits { from, to, .. } => format!("change {name} from {from} to {to}"),
        Step::PassOn { to, number, .. } => {
            format!("note on {name}: {to} carries on, with {number}")
        }
        Step::CatchUp { with, .. } => format!("bring {name} to as many as {} has", with.name),
        Step::AwaitReady { limit, .. } => {
            format!("wait until {name} is ready (at most {})", text::span(*limit))
        }
        Step::Drain { limit, .. } => format!("drain {name} (at most {})", text::span(*limit)),
        Step::DrainUnits { units, limit, .. } => {
            format!("drain {} of {name} (at most {})", units.join(", "), text::span(*limit))
        }
        Step::ReplaceUnits { units, .. } => format!("replace {} of {name}", units.join(", ")),
        Step::Refresh { how, limit, .. } => refresh_text(name, how, *limit),
        Step::Delete { ends: 0, .. } => format!("delete {name}"),
        Step::Delete { ends, .. } => {
            let verb = if *ends == 1 { "ends" } else { "end" };
            let ends = text::count(usize::try_from(*ends).unwrap_or(usize::MAX), "instance");
            format!("delete {name} by force: {ends} {verb} at once, without a drain")
        }
    }
}

fn refresh_text(name: &str, how: &Rolling, limit: Span) -> String {
    let mut pauses = String::new();
    if !how.checkpoints.is_empty() {
        let shares: Vec<String> = how.checkpoints.iter().map(|c| format!("{c}%")).collect();
        let delay = text::span(Span::from_secs(u64::from(how.checkpoint_delay)));
        pauses = format!(", pausing {delay} after {}", shares.join(", "));
    }
    let (least, limit) = (how.min_healthy, text::span(limit));
    format!("replace old instances of {name}, {least}% serving{pauses} (at most {limit})")
}

/// The value that a runtime-owned field gets when the thing is made.
fn starts_with(change: &Change) -> Option<Value> {
    change.steps.iter().find_map(|step| match step {
        Step::Apply { seed: Some(seed), .. } => Some(seed.value.clone()),
        _ => None,
    })
}

impl From<Action> for ActionView {
    fn from(action: Action) -> Self {
        match action {
            Action::Create => Self::Create,
            Action::Replace => Self::Replace,
            Action::Delete => Self::Delete,
            Action::NoOp => Self::NoOp,
            Action::Update => Self::Update,
        }
    }
}

impl From<DesiredOwner> for OwnerView {
    fn from(owner: DesiredOwner) -> Self {
        match owner {
            DesiredOwner::Git => Self::Git,
            DesiredOwner::Hpa => Self::Hpa,
            DesiredOwner::Controller => Self::Controller,
        }
    }
}

impl From<&Reason> for ReasonView {
    fn from(reason: &Reason) -> Self {
        Self { text: reason.text.clone(), key: reason.key.clone(), at: reason.at.clone() }
    }
}
