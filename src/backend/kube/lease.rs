//! The lock's place in a cluster: a Lease. Each write of it names the version it
//! has read.

use super::cluster::Cluster;
use super::error::{failed, is_missing_rule, is_silent};
use super::kinds::Resource;
use super::live::text;
use crate::backend::lease::{Holding, Keeper, Slot, Stored, answered};
use crate::clock::Timestamp;
use crate::plan::PortError;
use crate::port::{Purpose, Scope};
use async_trait::async_trait;
use serde_json::{Value, json};

/// Every lease lies here: this namespace is always there, before the service's
/// own is made and after that is gone, so there is one lock and not two.
const NAMESPACE: &str = "default";
const LEASES: Resource<'static> =
    Resource::new("coordination.k8s.io/v1", "leases", Some(NAMESPACE));

impl Keeper for Cluster {
    fn slot(&self, scope: &Scope, purpose: Purpose) -> impl Slot + 'static {
        let name = format!("{}.{}", scope.mark.parent_name(), scope.namespace);
        let name = match purpose {
            Purpose::Apply => name,
            Purpose::Lead => format!("{name}.run"),
        };
        InCluster { cluster: self.clone(), name, purpose }
    }
}

struct InCluster {
    cluster: Cluster,
    name: String,
    purpose: Purpose,
}

#[async_trait]
impl Slot for InCluster {
    fn place(&self) -> String {
        format!("Lease {NAMESPACE}/{}", self.name)
    }

    fn purpose(&self) -> Purpose {
        self.purpose
    }

    async fn read(&self) -> Result<Option<Stored>, PortError> {
        Ok(self.cluster.get(&LEASES, &self.name).await?.map(stored))
    }

    async fn write(
        &self,
        holding: &Holding,
        over: Option<&Stored>,
    ) -> Result<Option<Stored>, PortError> {
        let body = self.body(holding, over);
        let written = match over {
            None => self.cluster.create(&LEASES, &body, false).await,
            Some(_) => self.cluster.replace(&LEASES, &self.name, &body).await,
        };
        match written {
            Ok(lease) => Ok(Some(stored(lease))),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(None),
            Err(kube::Error::Api(status)) if status.code == 404 && over.is_some() => Ok(None),
            Err(error) => {
                let verb = if over.is_some() { "update" } else { "create" };
                let silent = is_silent(&error);
                let failed = failed(error, verb, &LEASES, &self.name);
                Err(if silent { failed } else { answered(failed) })
            }
        }
    }

    async fn free(&self, over: &Stored) -> Result<bool, PortError> {
        let metadata = &over.version["metadata"];
        let options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "preconditions":
                {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]},
        });
        let freed = match self.cluster.delete(&LEASES, &self.name, &options).await {
            // Who may not delete it can still say that nobody holds it.
            Err(kube::Error::Api(status)) if is_missing_rule(&status) => {
                let mut free = over.version.clone();
                free["spec"]["holderIdentity"] = json!("");
                self.cluster.replace(&LEASES, &self.name, &free).await.map(|_| ())
            }
            freed => freed.map(|_| ()),
        };
        match freed {
            Ok(()) => Ok(true),
            // It was written, deleted or made meanwhile.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(false),
            Err(error) => Err(failed(error, "delete", &LEASES, &self.name)),
        }
    }
}

impl InCluster {
    fn body(&self, holding: &Holding, over: Option<&Stored>) -> Value {
        let before = over.and_then(|live| live.version.pointer("/spec/leaseTransitions")?.as_i64());
        let renewal = over
            .and_then(|live| live.holding.as_ref())
            .is_some_and(|live| live.holder == holding.holder && live.since == holding.since);
        let transitions = before.map_or(0, |before| if renewal { before } else { before + 1 });
        let mut body = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": self.name, "namespace": NAMESPACE},
            "spec": {
                "holderIdentity": holding.holder,
                "acquireTime": holding.since.map(micro_time),
                "renewTime": holding.renewed.map(micro_time),
                "leaseDurationSeconds": self.purpose.expiry().secs_ceil(),
                "leaseTransitions": transitions,
            },
        });
        // Without its UID one that was deleted would be made again.
        for key in ["resourceVersion", "uid"] {
            if let Some(over) = over {
                body["metadata"][key] = over.version["metadata"][key].clone();
            }
        }
        body
    }
}

fn stored(lease: Value) -> Stored {
    let time = |at: &str| text(&lease, at).and_then(|time| time.parse::<Timestamp>().ok());
    let holder = text(&lease, "/spec/holderIdentity").filter(|holder| !holder.is_empty());
    let holding = holder.map(|holder| Holding {
        holder: holder.to_owned(),
        since: time("/spec/acquireTime"),
        renewed: time("/spec/renewTime"),
    });
    let uid = text(&lease, "/metadata/uid").unwrap_or_default().to_owned();
    Stored { holding, uid, version: lease }
}

/// As the API server writes a MicroTime.
pub(super) fn micro_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

#[cfg(test)]
mod tests;
