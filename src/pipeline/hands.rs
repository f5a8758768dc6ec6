//! The operator's hand: read, and changed over what was read.

use super::look::right_place;
use super::{Error, Session, clock};
use crate::observe::Hands;
use crate::port::{Backend, FailureKind, KeepHands, PortError};
use futures::future::try_join;
use std::sync::Arc;

/// Where operators say things: the cluster, where there is one.
fn keeper(session: &Session) -> Option<(&Backend, &Arc<dyn KeepHands>)> {
    let sides = [&session.backends.kubernetes, &session.backends.aws];
    sides.into_iter().flatten().find_map(|side| Some((side, side.hands.as_ref()?)))
}

/// What operators have said and still counts; none: there is nowhere to say it.
///
/// # Errors
/// A place that cannot be reached or is not the declared one, and what cannot be
/// understood.
pub async fn hands(session: &Session) -> Result<Option<Hands>, Error> {
    let Some((backend, keeper)) = keeper(session) else { return Ok(None) };
    let scope = session.scope([]);
    // A controller asks before it writes. What another place says is not believed.
    let said = async { Ok(keeper.read(&scope).await?) };
    let (_, said) = try_join(right_place(session, backend), said).await?;
    Ok(Some(said.hands.in_force(clock(&session.backends).now())))
}

/// Changes what operators have said, and forgets what has run out; what is said
/// then, with what `change` returns.
///
/// # Errors
/// As [`hands`]; nowhere to say it; an error of kind `Stale`: somebody has said
/// something else meanwhile, and nothing was changed.
pub async fn change_hands<T>(
    session: &Session,
    change: impl FnOnce(&mut Hands) -> T,
) -> Result<(Hands, T), Error> {
    let Some((backend, keeper)) = keeper(session) else { return Err(nowhere().into()) };
    right_place(session, backend).await?;
    let scope = session.scope([]);
    let said = keeper.read(&scope).await?;
    let mut hands = said.hands.clone().in_force(clock(&session.backends).now());
    let changed = change(&mut hands);
    if hands != said.hands {
        keeper.write(&scope, &hands, &said).await?;
    }
    Ok((hands, changed))
}

fn nowhere() -> PortError {
    PortError {
        kind: FailureKind::Rejected,
        message: "this environment has no cluster and no bucket: there is nowhere to say something"
            .to_owned(),
        help: Some("declare a bucket with aws.lock.bucket".to_owned()),
    }
}
