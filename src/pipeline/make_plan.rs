//! From an environment to its plan.

use super::gate::halted;
use super::look::{self, Seen};
use super::{Error, Session, lock};
use crate::desired::{self, DesiredInput, DesiredWorld};
use crate::observe::{ResourceId, Side};
use crate::plan::{
    self, CheckRequest, Draft, Drift, Import, Plan, PlanInput, PlanOptions, Verdict,
};
use crate::port::{Backend, FailureKind, Scope};
use futures::future::join_all;
use std::collections::BTreeSet;

/// Observes, decides, and works out the plan; asks the places about every
/// change of it, and about nothing else: a plan without changes only lists.
///
/// # Errors
/// A place that cannot be read, templates, targets, and what the places would
/// refuse. Guards are in the plan, not errors.
pub async fn make_plan(session: &Session, options: &PlanOptions) -> Result<Plan, Error> {
    let scope = Scope { full: options.full, ..session.scope(options.adopt.iter().cloned()) };
    let seen = look::look_in(session, scope).await?;
    plan_from(session, &seen, options).await
}

/// As [`make_plan`], from what has been seen already.
///
/// # Errors
/// See there.
pub async fn plan_from(
    session: &Session,
    seen: &Seen,
    options: &PlanOptions,
) -> Result<Plan, Error> {
    let desired = desired_world(session, seen)?;
    let draft = plan::draft(&input(session, seen, &desired, options))?;
    let sides = [Side::Kubernetes, Side::Aws];
    let verdicts = join_all(sides.map(|side| check(session, side, &draft))).await.concat();
    let mut plan = plan::finish(draft, verdicts)?;
    let images = plan.changed_images();
    if let Some(aws) = session.backends.aws.as_ref().filter(|_| !images.is_empty()) {
        plan.tell_images(&aws.observe.builds(&images).await);
    }
    plan.warnings.extend(session.limits.iter().cloned());
    plan.warnings.extend(lock::unreadable(session).await);
    if plan.has_work() {
        match halted(session).await {
            Ok(refusals) => plan.refusals.extend(refusals),
            // Who may only plan need not see it: whoever applies asks again.
            Err(Error::Place(error)) => {
                let note = "whether the rollout is paused is not known, and asked again by apply";
                plan.warnings.push(format!("{note}: {error}"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(plan)
}

/// A plan that makes `things` part of the environment where they stand, with
/// what they need; nothing else.
///
/// # Errors
/// As [`make_plan`]; and what is not there, or would not be the environment's.
pub async fn import_plan(
    session: &Session,
    things: &BTreeSet<ResourceId>,
) -> Result<Import, Error> {
    let seen = look::look(session, things.iter().cloned()).await?;
    let (already, options) = plan::import_options(things, &seen.inventory);
    if already.len() == things.len() {
        return Ok(Import { already, plan: None });
    }
    let plan = plan_from(session, &seen, &options).await?;
    Ok(plan::imported(already, plan, &options, &seen.inventory)?)
}

/// What others changed since the last apply. What is not there under its marks is
/// looked for by its name too: it may have lost them.
///
/// # Errors
/// A place that cannot be read, templates, and things that are not this file's.
pub async fn find_drift(session: &Session) -> Result<Drift, Error> {
    // Here nothing is believed.
    let full = |named| Scope { full: true, ..session.scope(named) };
    let mut seen = look::look_in(session, full(Vec::new())).await?;
    let desired = desired_world(session, &seen)?;
    let unseen = desired.resources.iter().map(|want| &want.id).filter(|id| {
        // A namespace is known by what can be done in it.
        id.kind != "Namespace" && !seen.inventory.resources.contains_key(*id)
    });
    let unseen: Vec<ResourceId> = unseen.cloned().collect();
    if !unseen.is_empty() {
        seen = match look::look_in(session, full(unseen)).await {
            // A role that may only list: gone or without marks, it is drift.
            Err(Error::Place(error)) if error.kind == FailureKind::Denied => seen,
            again => again?,
        };
    }
    let options = PlanOptions::default();
    let drift = plan::drift(&input(session, &seen, &desired, &options));
    if drift.refusals.is_empty() { Ok(drift) } else { Err(Error::Refused(drift.refusals)) }
}

/// A plan that takes everything of the environment away, `namespace` too.
///
/// # Errors
/// As [`make_plan`].
pub async fn destroy_plan(
    session: &Session,
    options: &PlanOptions,
    namespace: bool,
) -> Result<Plan, Error> {
    let name = session.resolved.environment.service.namespace.as_str();
    let named = namespace.then(|| ResourceId::kubernetes("v1", "Namespace", None, name));
    let scope = Scope { whole_namespace: namespace, ..session.scope(named) };
    let seen = look::look_in(session, scope).await?;
    let nothing = DesiredWorld::default();
    Ok(plan::destroy_plan(&input(session, &seen, &nothing, options), namespace)?)
}

fn desired_world(session: &Session, seen: &Seen) -> Result<DesiredWorld, Error> {
    let input = DesiredInput {
        environment: &session.resolved.environment,
        origins: &session.resolved.origins,
        catalog: &session.catalog,
        decision: &seen.decision,
        inventory: &seen.inventory,
        mark: &session.mark,
    };
    let mut desired = desired::render(&input, &session.templates)?;
    desired.resources.retain(|wanted| backend(session, wanted.id.side).is_some());
    if session.backends.aws.is_none() {
        desired.missing.clear();
    }
    Ok(desired)
}

fn input<'a>(
    session: &'a Session,
    seen: &'a Seen,
    desired: &'a DesiredWorld,
    options: &'a PlanOptions,
) -> PlanInput<'a> {
    PlanInput {
        mark: &session.mark,
        environment: &session.resolved.environment,
        origins: &session.resolved.origins,
        environment_digest: &session.resolved.digest,
        environment_text: &session.text,
        catalog: &session.catalog,
        decision: &seen.decision,
        supply: &seen.supply,
        desired,
        inventory: &seen.inventory,
        options,
    }
}

/// What one side says to all that is asked of it.
async fn check(session: &Session, side: Side, draft: &Draft) -> Vec<(usize, Verdict)> {
    let asked = draft.check_requests().iter().filter(|(_, request)| request.id.side == side);
    let (indices, requests): (Vec<usize>, Vec<CheckRequest>) = asked.cloned().unzip();
    let verdicts = match backend(session, side) {
        _ if requests.is_empty() => Vec::new(),
        Some(backend) => backend.check.check(&requests).await,
        None => vec![Verdict::NotChecked("no backend is connected".to_owned()); requests.len()],
    };
    indices.into_iter().zip(verdicts).collect()
}

fn backend(session: &Session, side: Side) -> Option<&Backend> {
    match side {
        Side::Kubernetes => session.backends.kubernetes.as_ref(),
        Side::Aws => session.backends.aws.as_ref(),
    }
}
