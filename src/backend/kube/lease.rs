//! The lock: a Lease with a heartbeat. Each write of it names the version it
//! has read, so of two that see it free only one gets it.

use super::cluster::Cluster;
use super::error::{failed, is_missing_rule};
use super::kinds::Resource;
use super::live::text;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::plan::{FailureKind, PortError};
use crate::port::{HeldLock, Lease, Lock, Scope};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// Without a heartbeat for this long, the holder is taken for dead.
const EXPIRY_SECONDS: i64 = 60;

/// Every lease lies here: this namespace is always there, before the service's
/// own is made and after that is gone, so there is one lock and not two.
const NAMESPACE: &str = "default";
/// How often a lease that is renewed meanwhile is looked at again to break it.
const BREAKINGS: u32 = 5;
/// A renewal that takes longer has failed, and is tried again.
const ANSWER: Duration = Duration::from_secs(10);
/// Without a renewal for this long the lock counts as lost: before others may
/// take it.
const LOST_SECONDS: i64 = EXPIRY_SECONDS - 20;

#[async_trait]
impl Lock for Cluster {
    async fn acquire(&self, scope: &Scope, holder: &str) -> Result<Arc<dyn Lease>, PortError> {
        let name = name(scope);
        let live = self.get(&LEASES, &name).await?;
        if let Some(held) = live.as_ref().and_then(|live| held(&name, live))
            && !held.expired
        {
            return Err(taken(&held));
        }
        let body = body(&name, holder, live.as_ref());
        let written = match &live {
            None => self.create(&LEASES, &body, false).await,
            Some(_) => self.replace(&LEASES, &name, &body).await,
        };
        let lease = written.map_err(|error| match error {
            kube::Error::Api(status) if status.code == 409 => locked("somebody was faster"),
            error => {
                failed(error, if live.is_some() { "update" } else { "create" }, &LEASES, &name)
            }
        })?;
        let state = Mutex::new(State { lease, renewed: SystemClock.now() });
        Ok(Arc::new(Held { cluster: self.clone(), name, state }))
    }

    async fn show(&self, scope: &Scope) -> Result<Option<HeldLock>, PortError> {
        let name = name(scope);
        let live = self.get(&LEASES, &name).await?;
        Ok(live.and_then(|live| held(&name, &live)))
    }

    async fn break_held(&self, scope: &Scope, shown: &HeldLock) -> Result<bool, PortError> {
        let name = name(scope);
        for _ in 0..BREAKINGS {
            let Some(live) = self.get(&LEASES, &name).await? else { return Ok(false) };
            let Some(held) = held(&name, &live) else { return Ok(false) };
            if held.identity != shown.identity {
                return Err(PortError {
                    kind: FailureKind::Stale,
                    message: format!("the lock was taken anew meanwhile, by {}", held.holder),
                    help: Some("look again with `floodway lock show`".to_owned()),
                });
            }
            match self.free(&name, &live).await {
                Ok(()) => return Ok(true),
                // A heartbeat came in between, or it was given back: look again.
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
                Err(error) => return Err(failed(error, "delete", &LEASES, &name)),
            }
        }
        Err(PortError {
            kind: FailureKind::Transient,
            message: "the lock is renewed faster than it can be broken".to_owned(),
            help: Some("try again".to_owned()),
        })
    }
}

impl Cluster {
    /// Takes the lease away in exactly this version.
    async fn free(&self, name: &str, lease: &Value) -> Result<(), kube::Error> {
        let metadata = &lease["metadata"];
        let options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "preconditions":
                {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]},
        });
        match self.delete(&LEASES, name, &options).await {
            Ok(_) => Ok(()),
            // Who may not delete it can still say that nobody holds it.
            Err(kube::Error::Api(status)) if is_missing_rule(&status) => {
                let mut free = lease.clone();
                free["spec"]["holderIdentity"] = json!("");
                self.replace(&LEASES, name, &free).await.map(|_| ())
            }
            Err(error) => Err(error),
        }
    }
}

struct Held {
    cluster: Cluster,
    name: String,
    state: Mutex<State>,
}

struct State {
    /// As the server has it.
    lease: Value,
    renewed: Timestamp,
}

#[async_trait]
impl Lease for Held {
    async fn renew(&self) -> Result<(), PortError> {
        let mut state = self.state.lock().await;
        let error = match timeout(ANSWER, self.write_time(&mut state)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) if error.kind == FailureKind::Stale => return Err(error),
            Ok(Err(error)) => error,
            Err(_) => lost("the API server does not answer"),
        };
        // It is ours until it runs out: a server that is away for a moment ends nothing.
        let silent = SystemClock.now().duration_since(state.renewed).as_secs();
        if silent < LOST_SECONDS { Ok(()) } else { Err(error) }
    }

    async fn release(&self) -> Result<(), PortError> {
        let state = self.state.lock().await;
        let freed = self.cluster.free(&self.name, &state.lease).await;
        freed.map_err(|error| failed(error, "delete", &LEASES, &self.name))
    }
}

impl Held {
    async fn write_time(&self, state: &mut State) -> Result<(), PortError> {
        let now = SystemClock.now();
        let mut next = state.lease.clone();
        next["spec"]["renewTime"] = json!(micro_time(now));
        let written = match self.cluster.replace(&LEASES, &self.name, &next).await {
            Err(kube::Error::Api(status)) if status.code == 409 => {
                // A write of ours whose answer was lost has another version too.
                let live = self.cluster.get(&LEASES, &self.name).await?;
                let still = |live: &Value| {
                    let same = |at: &str| live.pointer(at) == state.lease.pointer(at);
                    same("/spec/holderIdentity") && same("/spec/acquireTime")
                };
                match live {
                    None => return Err(lost("it was deleted")),
                    Some(live) if still(&live) => live,
                    Some(_) => return Err(lost("it was taken")),
                }
            }
            Err(kube::Error::Api(status)) if status.code == 404 => {
                return Err(lost("it was deleted"));
            }
            written => written.map_err(|error| failed(error, "update", &LEASES, &self.name))?,
        };
        *state = State { lease: written, renewed: now };
        Ok(())
    }
}

fn lost(why: &str) -> PortError {
    PortError { kind: FailureKind::Stale, message: why.to_owned(), help: None }
}

const LEASES: Resource<'static> =
    Resource::new("coordination.k8s.io/v1", "leases", Some(NAMESPACE));

fn body(name: &str, holder: &str, live: Option<&Value>) -> Value {
    let now = micro_time(SystemClock.now());
    let before = live.and_then(|live| live.pointer("/spec/leaseTransitions")?.as_i64());
    let mut body = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "holderIdentity": holder, "acquireTime": now, "renewTime": now,
            "leaseDurationSeconds": EXPIRY_SECONDS,
            "leaseTransitions": before.map_or(0, |before| before + 1),
        },
    });
    if let Some(version) = live.and_then(|live| live.pointer("/metadata/resourceVersion")) {
        body["metadata"]["resourceVersion"] = version.clone();
    }
    body
}

/// Who holds the lease, if somebody does.
fn held(name: &str, lease: &Value) -> Option<HeldLock> {
    let holder = text(lease, "/spec/holderIdentity").filter(|holder| !holder.is_empty())?;
    let time = |at: &str| text(lease, at).and_then(|time| time.parse::<Timestamp>().ok());
    let renewed = time("/spec/renewTime");
    // Where it does not say when it was renewed, it is not known to have run out.
    let expired = renewed.is_some_and(|renewed| silent(renewed) > EXPIRY_SECONDS);
    let uid = text(lease, "/metadata/uid").unwrap_or_default();
    let acquired = text(lease, "/spec/acquireTime").unwrap_or_default();
    Some(HeldLock {
        holder: holder.to_owned(),
        since: time("/spec/acquireTime"),
        renewed,
        expired,
        place: format!("Lease {NAMESPACE}/{name}"),
        identity: format!("{uid} {acquired} {holder}"),
    })
}

/// Seconds since then.
fn silent(renewed: Timestamp) -> i64 {
    SystemClock.now().duration_since(renewed).as_secs()
}

/// The error that says who holds the lease.
fn taken(held: &HeldLock) -> PortError {
    let since = held.since.map_or_else(|| "an unknown time".to_owned(), |at| at.to_string());
    let seen = held.renewed.map(|renewed| format!(", last seen {} s ago", silent(renewed)));
    locked(&format!("{}, since {since}{}", held.holder, seen.unwrap_or_default()))
}

fn name(scope: &Scope) -> String {
    format!("{}.{}", scope.mark.parent_name(), scope.namespace)
}

fn locked(holder: &str) -> PortError {
    PortError {
        kind: FailureKind::Locked,
        message: format!("another apply is under way: {holder}"),
        help: Some(format!(
            "wait until it ends; if its process is dead, the lock runs out after {EXPIRY_SECONDS} s, \
             or `floodway lock break` takes it away"
        )),
    }
}

/// As the API server writes a MicroTime.
fn micro_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}
