//! A plan, made so: locked, compared with the live world, then executed.

use super::gate::{Waits, Watch, halted};
use super::{Error, Session, lock, look};
use crate::clock::{Clock, SystemClock};
use crate::execute::{Executor, Gate, Journal, Limits, Listener, Report, StopSignal};
use crate::observe::ResourceId;
use crate::plan::{self, Plan};
use crate::port::{Backends, Lease, Scope};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Between two renewals of the lease.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// How to apply.
pub struct ApplyRequest<'a> {
    /// Who applies, for whoever finds the lock held.
    pub holder: &'a str,
    /// Where intents are written ahead.
    pub journal: &'a dyn Journal,
    /// Who is told.
    pub listener: Listener<'a>,
    /// When to end early.
    pub stop: StopSignal,
    /// How much at once.
    pub limits: Limits,
}

/// How an apply ended.
#[derive(Debug)]
pub struct Applied {
    /// Change by change.
    pub report: Report,
}

/// Applies exactly `plan`, or nothing. Its waves follow each other at once.
///
/// # Errors
/// Guards, another apply under way, a world or an environment that is not the
/// one that was planned for: nothing has been written then. What fails later
/// is in the report.
pub async fn apply(
    session: &Session,
    plan: &Plan,
    request: &ApplyRequest<'_>,
) -> Result<Applied, Error> {
    locked(session, plan, request, None).await
}

/// As [`apply`], waiting after each wave: operators may pause it meanwhile, and an
/// abort criterion that `watch` sees stops it.
///
/// # Errors
/// As [`apply`].
pub async fn apply_in_waves(
    session: &Session,
    plan: &Plan,
    request: &ApplyRequest<'_>,
    watch: Option<&dyn Watch>,
) -> Result<Applied, Error> {
    let ApplyRequest { holder, listener, .. } = *request;
    let told = <_>::default();
    let waits = Waits { session, plan, holder, listener, watch, told };
    locked(session, plan, request, Some(&waits)).await
}

async fn locked(
    session: &Session,
    plan: &Plan,
    request: &ApplyRequest<'_>,
    waits: Option<&Waits<'_>>,
) -> Result<Applied, Error> {
    if !plan.refusals.is_empty() {
        return Err(Error::Refused(plan.refusals.clone()));
    }
    let leases = lock::take(session, request.holder).await?;
    let outcome = while_locked(session, plan, request, waits, &leases).await;
    lock::release(leases).await;
    outcome
}

async fn while_locked(
    session: &Session,
    plan: &Plan,
    request: &ApplyRequest<'_>,
    waits: Option<&Waits<'_>>,
    leases: &[Arc<dyn Lease>],
) -> Result<Applied, Error> {
    compare(session, plan).await?;
    // Whoever takes everything away asks for no phase to go on.
    if !plan.destroys() {
        let refusals = halted(session).await?;
        if !refusals.is_empty() {
            return Err(Error::Refused(refusals));
        }
    }
    if let Some(waits) = waits {
        waits.before_all().await?;
    }
    let (sender, stop) = watch::channel(request.stop.borrow().clone());
    let executor = Executor {
        plan,
        holder: request.holder,
        backends: &session.backends,
        journal: request.journal,
        listener: request.listener,
        stop,
        limits: request.limits,
        gate: waits.map(|waits| waits as &dyn Gate),
    };
    let report = tokio::select! {
        report = executor.run() => report,
        never = heartbeat(leases, &sender, request.stop.clone()) => match never {},
    };
    Ok(Applied { report })
}

/// Compares the live world and the environment with what `plan` was computed
/// from. [`apply`] does so itself, while it holds the lock.
///
/// # Errors
/// Where they differ, or where the places cannot be read.
pub async fn compare(session: &Session, plan: &Plan) -> Result<(), Error> {
    // What was planned to be adopted carries no marks yet.
    let subjects = plan.changes.iter().filter(|change| !change.steps.is_empty());
    let named = subjects.flat_map(|change| [Some(change.id.clone()), change.replaces.clone()]);
    let taken_over = plan.takes_over().then(|| {
        let namespace = session.resolved.environment.service.namespace.as_str();
        let parent = session.mark.parent_name();
        ResourceId::kubernetes("v1", "ConfigMap", Some(namespace), &parent)
    });
    let named = named.flatten().chain(taken_over);
    // Prices, quotas and what is elsewhere make no plan stale; and what the plan
    // believed, it does not depend on.
    let (offers, full, strays) = (BTreeSet::new(), plan.believed.is_empty(), false);
    let scope = Scope { offers, full, strays, ..session.scope(named) };
    let fresh = look::observe(session, &scope).await?;
    for planned in &plan.locations {
        if let Some(here) = fresh.locations.iter().find(|here| here.side == planned.side)
            && here.identity != planned.identity
        {
            let (planned, here) = (Box::new(planned.clone()), Box::new(here.clone()));
            return Err(Error::Elsewhere { planned, here });
        }
    }
    let stale = plan::staleness(plan, &fresh, &session.resolved.digest, &session.text);
    if stale.is_empty() { Ok(()) } else { Err(Error::Stale(stale)) }
}

/// Renews the leases, and passes the caller's stop on; a lost lease stops the
/// work, for another apply may begin. Ends only with the work.
async fn heartbeat(
    leases: &[Arc<dyn Lease>],
    stop: &watch::Sender<Option<String>>,
    mut asked: StopSignal,
) -> std::convert::Infallible {
    loop {
        tokio::select! {
            told = asked.wait_for(Option::is_some) => {
                // An error means that nobody is left who could ask.
                if let Ok(why) = told {
                    stop.send_replace(why.clone());
                }
                return keep_renewing(leases, stop).await;
            }
            () = tokio::time::sleep(HEARTBEAT) => renew(leases, stop).await,
        }
    }
}

async fn keep_renewing(
    leases: &[Arc<dyn Lease>],
    stop: &watch::Sender<Option<String>>,
) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        renew(leases, stop).await;
    }
}

async fn renew(leases: &[Arc<dyn Lease>], stop: &watch::Sender<Option<String>>) {
    for lease in leases {
        if let Err(error) = lease.renew().await {
            let why = format!("the lock was lost: {error}");
            stop.send_if_modified(|told| told.is_none() && told.replace(why.clone()).is_none());
        }
    }
}

/// The clock of the connected places: virtual where they are simulated.
pub fn clock(backends: &Backends) -> Arc<dyn Clock> {
    let connected = [&backends.kubernetes, &backends.aws].into_iter().flatten().next();
    connected.map_or_else(
        || Arc::new(SystemClock) as Arc<dyn Clock>,
        |backend| Arc::clone(&backend.clock),
    )
}
