//! What is there, and what the environment makes of it.

use super::{Error, Session};
use crate::decide::{self, Decision, PlanningInput, Supply};
use crate::observe::{Gap, Inventory, Location, ResourceId, Side};
use crate::plan::wrong_place;
use crate::port::{Backend, Scope};
use crate::spec::model::Join;
use futures::future::try_join_all;

/// What is there, and how much capacity each pool should have.
#[derive(Debug, Clone)]
pub struct Seen {
    /// What is there.
    pub inventory: Inventory,
    /// What runs in each pool.
    pub supply: Supply,
    /// What should.
    pub decision: Decision,
}

/// Locates and observes every connected place, then decides.
///
/// # Errors
/// A place that cannot be reached or read at all.
pub async fn look(
    session: &Session,
    named: impl IntoIterator<Item = ResourceId>,
) -> Result<Seen, Error> {
    look_in(session, session.scope(named)).await
}

pub(super) async fn look_in(session: &Session, scope: Scope) -> Result<Seen, Error> {
    let inventory = observe(session, &scope).await?;
    let environment = &session.resolved.environment;
    let supply = Supply::from_inventory(environment, &inventory);
    let decision = decide::decide(&PlanningInput {
        environment,
        origins: &session.resolved.origins,
        catalog: &session.catalog,
        supply: &supply,
    });
    Ok(Seen { inventory, supply, decision })
}

/// Where `backend` leads to, if that is where the environment means (law 12).
pub(super) async fn right_place(session: &Session, backend: &Backend) -> Result<Location, Error> {
    let location = backend.locate.locate().await?;
    match wrong_place(&session.resolved.environment, &location) {
        Some(refusal) => Err(Error::Refused(vec![refusal])),
        None => Ok(location),
    }
}

/// Where we are first, then what is there; both sides at once.
pub(super) async fn observe(session: &Session, scope: &Scope) -> Result<Inventory, Error> {
    let sides = [&session.backends.kubernetes, &session.backends.aws];
    let one = |backend| observe_one(session, backend, scope);
    // What is seen later is no older than this.
    let mut inventory = Inventory::empty(super::apply::clock(&session.backends).now());
    let seen = try_join_all(sides.into_iter().flatten().map(one)).await?;
    for side in seen {
        inventory.merge(side);
    }
    let declared = session.resolved.environment.aws.is_some();
    if declared && session.backends.aws.is_none() {
        inventory.gaps.push(Gap {
            side: Side::Aws,
            what: "EC2 Auto Scaling groups".to_owned(),
            why: "this build has no AWS backend: nothing is planned there".to_owned(),
            hides_members: false,
        });
    }
    Ok(inventory)
}

async fn observe_one(
    session: &Session,
    backend: &Backend,
    scope: &Scope,
) -> Result<Inventory, Error> {
    let location = right_place(session, backend).await?;
    let mut seen = backend.observe.observe(scope).await?;
    if !seen.locations.contains(&location) {
        seen.locations.push(location);
    }
    Ok(seen)
}

/// What is there on one side, for who goes on when the other cannot be seen; with
/// what changes rarely (images, subnets, prices, quotas), where that is `asked`, and
/// with what no plan asks for: where instances that stand alone are reached,
/// and which of spot are taken back.
///
/// # Errors
/// It cannot be reached or read, or is not the declared place.
pub async fn look_at(
    session: &Session,
    backend: &Backend,
    asked: bool,
) -> Result<Inventory, Error> {
    let aws = session.resolved.environment.aws.iter();
    let pools = aws.flat_map(|aws| aws.pools.values());
    let mut scope = Scope {
        strays: false,
        addresses: pools.clone().any(|pool| pool.join == Join::Standalone),
        notices: pools.clone().any(|pool| pool.spot.is_some()),
        ..session.scope([])
    };
    if !asked {
        scope.lookups.clear();
        scope.offers.clear();
    }
    observe_one(session, backend, &scope).await
}

/// What is there as a controller sees it, on both sides.
///
/// # Errors
/// As [`look`].
pub async fn look_closely(session: &Session) -> Result<Inventory, Error> {
    let mut inventory = Inventory::empty(super::apply::clock(&session.backends).now());
    let sides = [&session.backends.kubernetes, &session.backends.aws];
    let one = |backend| look_at(session, backend, false);
    for side in try_join_all(sides.into_iter().flatten().map(one)).await? {
        inventory.merge(side);
    }
    Ok(inventory)
}

/// Everything that carries Floodway's marks, of any environment.
///
/// # Errors
/// As [`look`].
pub async fn search(session: &Session) -> Result<Inventory, Error> {
    let mut scope = session.scope([]);
    scope.any_environment = true;
    observe(session, &scope).await
}
