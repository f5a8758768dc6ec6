//! From a plan, what readers are told about it.

use super::highlights::highlights;
use super::summary::summary;
use super::view::*;
use crate::decide::{DesiredOwner, Reason};
use crate::observe::FieldPath;
use crate::plan::{Action, Change, Checked, FieldChange, Flow, Plan, PoolDelta, Step, Totals};
use crate::render::leaves::leaves;
use crate::render::name::{address, side};
use crate::render::redact::{HIDDEN, is_secret_path, redact};
use crate::render::text;
use crate::units::{Rate, UsdPerHour};
use serde_json::Value;

/// The version of the JSON.
pub const FORMAT_VERSION: &str = "1.0";

impl PlanView {
    /// What readers are told about `plan`.
    pub fn new(plan: &Plan) -> Self {
        let changes: Vec<ChangeView> = plan
            .changes
            .iter()
            .filter(|change| change.action != Action::NoOp)
            .map(|change| change_view(plan, change))
            .collect();
        let mut pools: Vec<PoolView> = plan.pools.iter().map(pool_view).collect();
        // By stage, on-prem before burst.
        pools.sort_by(|a, b| {
            (&a.stage, a.unit == "instances").cmp(&(&b.stage, b.unit == "instances"))
        });
        let mut view = Self {
            format_version: FORMAT_VERSION.into(),
            floodway_version: env!("CARGO_PKG_VERSION").into(),
            environment: EnvironmentView {
                name: plan.mark.environment.clone(),
                file: plan.mark.file.clone(),
                repository: plan.mark.repository.clone(),
                digest: plan.environment_digest.clone(),
            },
            as_of: plan.as_of.to_string(),
            places: plan
                .locations
                .iter()
                .map(|place| PlaceView {
                    side: side(place.side).into(),
                    title: place.title.clone(),
                    identity: place.identity.clone(),
                })
                .collect(),
            targets: plan.targets.clone(),
            applicable: plan.refusals.is_empty(),
            unchanged: plan.changes.len() - changes.len(),
            unchecked: unchecked(plan),
            totals: totals_view(&plan.totals, &pools),
            pools,
            changes,
            warnings: plan.warnings.clone(),
            refusals: plan
                .refusals
                .iter()
                .map(|refusal| RefusalView {
                    guard: refusal.guard.clone(),
                    message: refusal.message.clone(),
                    help: refusal.help.clone(),
                })
                .collect(),
            summary: String::new(),
        };
        view.summary = summary(&view);
        view
    }

    /// Whether applying would change nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
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

fn pool_view(pool: &PoolDelta) -> PoolView {
    PoolView {
        pool: pool.pool.clone(),
        stage: pool.stage.clone(),
        unit: pool.unit.clone(),
        units: same(pool.units),
        min: pool.min,
        max: pool.max,
        owner: pool.owner.into(),
        requests_per_second: rates(pool.capacity),
        gpus: same(pool.gpus),
        usd_per_hour: pool.usd_per_hour.map(prices),
        reasons: pool.reasons.iter().map(ReasonView::from).collect(),
    }
}

fn totals_view(totals: &Totals, pools: &[PoolView]) -> TotalsView {
    TotalsView {
        add: totals.create,
        change: totals.update,
        replace: totals.replace,
        destroy: totals.delete,
        nodes: same(totals.nodes),
        gpus: same(totals.gpus),
        capacity: totals
            .capacity
            .iter()
            .map(|(stage, flow)| StageCapacityView {
                stage: stage.clone(),
                requests_per_second: rates(*flow),
            })
            .collect(),
        usd_per_hour: prices(totals.usd_per_hour),
        unpriced: pools
            .iter()
            .filter(|pool| pool.usd_per_hour.is_none() && pool.unit == "instances")
            .map(|pool| pool.pool.clone())
            .collect(),
    }
}

fn change_view(plan: &Plan, change: &Change) -> ChangeView {
    let body = change.body.as_ref().map(|body| redact(body).0);
    let fields = match change.action {
        Action::Create if change.fields.is_empty() => whole(body.as_ref(), true),
        Action::Delete if change.fields.is_empty() => {
            whole(change.before.as_ref().map(|before| redact(before).0).as_ref(), false)
        }
        _ => change.fields.iter().map(field_view).collect(),
    };
    let created = matches!(change.action, Action::Create | Action::Replace);
    ChangeView {
        address: address(&change.id),
        kind: change.id.kind.clone(),
        scope: change.id.scope.clone(),
        name: change.id.name.clone(),
        replaces: change.replaces.as_ref().map(|old| old.name.clone()),
        action: change.action.into(),
        reason: ReasonView::from(&change.reason),
        highlights: match &body {
            Some(body) if created => highlights(&change.id.kind, body),
            _ => Vec::new(),
        },
        fields,
        unchanged_fields: change.unchanged,
        owned_by: change.owned_by.as_ref().map(|(path, live, owner)| OwnedView {
            path: FieldPath::from_pointer(path).to_string(),
            value: live.clone().or_else(|| starts_with(change)),
            owner: (*owner).into(),
        }),
        pool: change.pool.clone(),
        checked_by_server: match &change.checked {
            Checked::ByServer => Some(true),
            Checked::Not(_) => Some(false),
            Checked::NotNeeded => None,
        },
        notes: change.notes.clone(),
        steps: change.steps.iter().map(|step| step_text(step, change)).collect(),
        stepwise: change.action == Action::Replace
            || change.steps.iter().any(|s| matches!(s, Step::Hold { .. } | Step::Drain { .. })),
        after: change
            .after
            .iter()
            .filter_map(|at| plan.changes.get(*at))
            .map(|first| address(&first.id))
            .collect(),
    }
}

fn field_view(field: &FieldChange) -> FieldView {
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
    FieldView { path: field.path.clone(), before, after, sensitive: hid_before || hid_after }
}

/// All fields of something that comes (or goes) whole.
fn whole(body: Option<&Value>, comes: bool) -> Vec<FieldView> {
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
        Step::Apply { force: true, .. } => format!("update {name}, taking fields over"),
        Step::Apply { .. } => format!("update {name}"),
        Step::Hold { path, .. } => {
            format!("hold the live {} of {name}", FieldPath::from_pointer(path))
        }
        Step::AwaitReady { limit, .. } => {
            format!("wait until {name} is ready (at most {})", text::span(*limit))
        }
        Step::Drain { limit, .. } => format!("drain {name} (at most {})", text::span(*limit)),
        Step::Delete { .. } => format!("delete {name}"),
    }
}

/// The value that a runtime-owned field gets when the thing is made.
fn starts_with(change: &Change) -> Option<Value> {
    change.steps.iter().find_map(|step| match step {
        Step::Apply { seed: Some(seed), .. } => Some(seed.value.clone()),
        _ => None,
    })
}

/// Reasons in the order in which they first appear.
fn unchecked(plan: &Plan) -> Vec<UncheckedView> {
    let mut groups: Vec<UncheckedView> = Vec::new();
    for change in plan.changes.iter().filter(|change| change.action != Action::NoOp) {
        let Checked::Not(why) = &change.checked else { continue };
        let address = address(&change.id);
        match groups.iter_mut().find(|group| &group.why == why) {
            Some(group) => group.addresses.push(address),
            None => groups.push(UncheckedView { why: why.clone(), addresses: vec![address] }),
        }
    }
    groups
}

fn same<T>(flow: Flow<T>) -> FlowView<T> {
    FlowView { before: flow.before, after: flow.after }
}

fn rates(flow: Flow<Rate>) -> FlowView<f64> {
    FlowView { before: flow.before.as_f64(), after: flow.after.as_f64() }
}

fn prices(flow: Flow<UsdPerHour>) -> FlowView<f64> {
    FlowView { before: flow.before.as_f64(), after: flow.after.as_f64() }
}
