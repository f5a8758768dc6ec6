//! The lock: a Lease with a heartbeat. Each write of it names the version it
//! has read, so of two that see it free only one gets it.

use super::cluster::Cluster;
use super::error::failed;
use super::kinds::Resource;
use super::live::text;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::plan::{FailureKind, PortError};
use crate::port::{Lease, Lock, Scope};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Mutex;

/// Without a heartbeat for this long, the holder is taken for dead.
const EXPIRY_SECONDS: i64 = 60;

#[async_trait]
impl Lock for Cluster {
    async fn acquire(&self, scope: &Scope, holder: &str) -> Result<Arc<dyn Lease>, PortError> {
        let namespace = self.lease_namespace(scope).await?;
        let name = scope.mark.parent_name();
        let leases = resource(&namespace);
        let live = self.get(&leases, &name).await?;
        if let Some(live) = &live
            && let Some(problem) = held(live)
        {
            return Err(problem);
        }
        let body = body(&name, &namespace, holder, live.as_ref());
        let written = match &live {
            None => self.create(&leases, &body, false).await,
            Some(_) => self.replace(&leases, &name, &body).await,
        };
        let lease = written.map_err(|error| match error {
            kube::Error::Api(status) if status.code == 409 => locked("somebody was faster"),
            error => {
                failed(error, if live.is_some() { "update" } else { "create" }, &leases, &name)
            }
        })?;
        let held = Held { cluster: self.clone(), namespace, name, lease: Mutex::new(lease) };
        Ok(Arc::new(held))
    }
}

impl Cluster {
    /// The service's namespace; before it exists, `default`.
    async fn lease_namespace(&self, scope: &Scope) -> Result<String, PortError> {
        let namespaces = Resource::new("v1", "namespaces", None);
        match self.get(&namespaces, &scope.namespace).await {
            Ok(None) => Ok("default".to_owned()),
            Ok(Some(_)) => Ok(scope.namespace.clone()),
            Err(error) if error.kind == FailureKind::Denied => Ok(scope.namespace.clone()),
            Err(error) => Err(error),
        }
    }
}

struct Held {
    cluster: Cluster,
    namespace: String,
    name: String,
    lease: Mutex<Value>,
}

#[async_trait]
impl Lease for Held {
    async fn renew(&self) -> Result<(), PortError> {
        let mut lease = self.lease.lock().await;
        let mut next = lease.clone();
        next["spec"]["renewTime"] = json!(micro_time(SystemClock.now()));
        let leases = resource(&self.namespace);
        let written = self.cluster.replace(&leases, &self.name, &next).await;
        *lease = written.map_err(|error| failed(error, "update", &leases, &self.name))?;
        Ok(())
    }

    async fn release(&self) -> Result<(), PortError> {
        let mut lease = self.lease.lock().await;
        let mut next = lease.clone();
        next["spec"]["holderIdentity"] = json!("");
        let leases = resource(&self.namespace);
        let written = self.cluster.replace(&leases, &self.name, &next).await;
        *lease = written.map_err(|error| failed(error, "update", &leases, &self.name))?;
        Ok(())
    }
}

fn resource(namespace: &str) -> Resource<'_> {
    Resource::new("coordination.k8s.io/v1", "leases", Some(namespace))
}

fn body(name: &str, namespace: &str, holder: &str, live: Option<&Value>) -> Value {
    let now = micro_time(SystemClock.now());
    let before = live.and_then(|live| live.pointer("/spec/leaseTransitions")?.as_i64());
    let mut body = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": name, "namespace": namespace},
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

/// The error that says who holds the lease, while somebody does.
fn held(lease: &Value) -> Option<PortError> {
    let holder = text(lease, "/spec/holderIdentity").filter(|holder| !holder.is_empty())?;
    let renewed: Timestamp = text(lease, "/spec/renewTime")?.parse().ok()?;
    let silent = SystemClock.now().duration_since(renewed).as_secs();
    if silent > EXPIRY_SECONDS {
        return None;
    }
    let since = text(lease, "/spec/acquireTime").unwrap_or("an unknown time");
    Some(locked(&format!("{holder}, since {since}, last seen {silent} s ago")))
}

fn locked(holder: &str) -> PortError {
    PortError {
        kind: FailureKind::Locked,
        message: format!("another apply is under way: {holder}"),
        help: Some(format!(
            "wait until it ends; if its process is dead, the lock runs out after {EXPIRY_SECONDS} s"
        )),
    }
}

/// As the API server writes a MicroTime.
fn micro_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}
