//! Kubernetes Events (events.k8s.io/v1).

mod ledger;

use super::cluster::Cluster;
use super::error::failed;
use super::kinds::Resource;
use super::lease::micro_time;
use super::live::text;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::observe::{ResourceId, Side};
use crate::plan::PortError;
use crate::port::{Notice, Scope, Tell};
use async_trait::async_trait;
use ledger::{Ledger, Next};
use serde_json::json;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Who reports, as the API has it: a qualified name.
const CONTROLLER: &str = "floodway.dev/floodway";
/// The longest note that the API server takes, in bytes.
const LONGEST_NOTE: usize = 1024;
/// The longest name of an instance that it takes.
const LONGEST_INSTANCE: usize = 128;
/// Events of what lies in no namespace.
const ELSEWHERE: &str = "default";

/// Writes Events.
pub(super) struct Teller {
    cluster: Cluster,
    /// Which process reports.
    instance: String,
    ledger: Mutex<Ledger>,
}

impl Teller {
    pub(super) fn new(cluster: Cluster) -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let instance = cut(&format!("floodway-{}", host.trim()), LONGEST_INSTANCE).to_owned();
        Self { cluster, instance, ledger: Mutex::default() }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn create(
        &self,
        (namespace, name): (&str, &str),
        about: &ResourceId,
        notice: &Notice,
        now: Timestamp,
    ) -> Result<(), PortError> {
        let mut regarding = json!({
            "apiVersion": about.api, "kind": about.kind, "name": about.name,
            "namespace": about.scope,
        });
        // By its UID `kubectl describe` finds it; one that is gone is told of too.
        let resource = match about.kind.as_str() {
            "Node" => Some(Resource::new("v1", "nodes", None)),
            // Its scale has the same one, and is what a controller may read.
            "Deployment" => Resource::of(about).map(Resource::scale),
            _ => Resource::of(about),
        };
        if let Some(resource) = resource
            && let Ok(Some(live)) = self.cluster.get(&resource, &about.name).await
        {
            regarding["uid"] = json!(text(&live, "/metadata/uid"));
        }
        let note = match notice.about.side {
            Side::Kubernetes => notice.message.clone(),
            Side::Aws => format!("{}: {}", notice.about, notice.message),
        };
        let event = json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "eventTime": micro_time(now),
            "reportingController": CONTROLLER, "reportingInstance": self.instance,
            "action": notice.reason, "reason": notice.reason,
            "type": if notice.warning { "Warning" } else { "Normal" },
            "regarding": regarding, "note": cut(&note, LONGEST_NOTE),
        });
        let events = events(namespace);
        match self.cluster.create(&events, &event, false).await {
            Ok(_) => Ok(()),
            Err(error) => Err(failed(error, "create", &events, name)),
        }
    }

    /// Whether the event was still there.
    async fn count(
        &self,
        (namespace, name): (&str, &str),
        count: u32,
        now: Timestamp,
    ) -> Result<bool, PortError> {
        let series = json!({"series": {"count": count, "lastObservedTime": micro_time(now)}});
        let events = events(namespace);
        match self.cluster.merge(&events, name, &series).await {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
            Err(error) => Err(failed(error, "patch", &events, name)),
        }
    }
}

#[async_trait]
impl Tell for Teller {
    async fn tell(&self, scope: &Scope, notice: &Notice) -> Result<bool, PortError> {
        let about = in_cluster(scope, &notice.about);
        let namespace = about.scope.as_deref().unwrap_or(ELSEWHERE);
        let now = SystemClock.now();
        let next = self.ledger().next(notice, now);
        let done = match &next {
            Next::Nothing => return Ok(false),
            Next::Create(name) => {
                self.create((namespace, name), &about, notice, now).await.map(|()| true)
            }
            Next::Count(name, count) => self.count((namespace, name), *count, now).await,
        };
        // Events are deleted after an hour: told again, it is a new one.
        if !matches!(done, Ok(true)) {
            self.ledger().forget(notice);
        }
        done
    }
}

fn events(namespace: &str) -> Resource<'_> {
    Resource::new("events.k8s.io/v1", "events", Some(namespace))
}

/// What is told of in the cluster: of what is not there, the environment's own
/// object.
fn in_cluster(scope: &Scope, about: &ResourceId) -> ResourceId {
    match about.side {
        Side::Kubernetes => about.clone(),
        Side::Aws => ResourceId::kubernetes(
            "v1",
            "ConfigMap",
            Some(&scope.namespace),
            &scope.mark.parent_name(),
        ),
    }
}

/// The first `most` bytes, at a character's end.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}
