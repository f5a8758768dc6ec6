//! The locks of an environment's places.

use super::look::right_place;
use super::{Error, Session};
use crate::port::{Backend, FailureKind, HeldLock, Lease, Lock};
use std::sync::Arc;

/// The places that have a lock; two sides of one world share theirs.
fn locks(session: &Session) -> Vec<(&Backend, &Arc<dyn Lock>)> {
    let sides = [&session.backends.kubernetes, &session.backends.aws];
    let mut locks: Vec<(&Backend, &Arc<dyn Lock>)> = Vec::new();
    for backend in sides.into_iter().flatten() {
        let Some(lock) = &backend.lock else { continue };
        if !locks.iter().any(|(_, known)| Arc::ptr_eq(known, lock)) {
            locks.push((backend, lock));
        }
    }
    locks
}

/// Takes the lock of every place, or none.
pub(super) async fn take(session: &Session, holder: &str) -> Result<Vec<Arc<dyn Lease>>, Error> {
    let mut leases = Vec::new();
    for (_, lock) in locks(session) {
        match lock.acquire(&session.scope([]), holder).await {
            Ok(lease) => leases.push(lease),
            Err(error) => {
                release(leases).await;
                return Err(error.into());
            }
        }
    }
    Ok(leases)
}

/// Why the lock of an account without a cluster could not be taken, as far as a
/// look tells. Who may only plan need not see it.
pub(super) async fn unreadable(session: &Session) -> Option<String> {
    let alone = session.backends.aws.as_ref().filter(|_| session.backends.kubernetes.is_none());
    let error = alone?.lock.as_ref()?.show(&session.scope([])).await.err()?;
    let help = error.help.iter().map(|help| format!("; {help}")).collect::<String>();
    (error.kind != FailureKind::Denied).then(|| format!("the lock cannot be read: {error}{help}"))
}

pub(super) async fn release(leases: Vec<Arc<dyn Lease>>) {
    for lease in leases {
        // It runs out by itself; the work is done either way.
        let _ = lease.release().await;
    }
}

/// A lock that somebody holds, and can be made to lose.
#[derive(Clone)]
pub struct Holding {
    /// Who, since when, where.
    pub held: HeldLock,
    lock: Arc<dyn Lock>,
}

/// The locks that are held now; none: the environment has nothing to lock.
///
/// # Errors
/// A place that cannot be reached, that is not the declared one, or whose lock
/// may not be looked at.
pub async fn held_locks(session: &Session) -> Result<Option<Vec<Holding>>, Error> {
    let locks = locks(session);
    if locks.is_empty() {
        return Ok(None);
    }
    let mut holdings = Vec::new();
    for (backend, lock) in locks {
        right_place(session, backend).await?;
        let held = lock.show(&session.scope([])).await?;
        holdings.extend(held.map(|held| Holding { held, lock: Arc::clone(lock) }));
    }
    Ok(Some(holdings))
}

/// Takes a lock away from who was seen to hold it; whether they still did.
///
/// # Errors
/// It was taken anew meanwhile, and is not touched; or the place refuses.
pub async fn break_lock(session: &Session, holding: &Holding) -> Result<bool, Error> {
    Ok(holding.lock.break_held(&session.scope([]), &holding.held).await?)
}
