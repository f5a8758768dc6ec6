//! Writes.

use super::cluster::{ApplyMode, Cluster};
use super::error::failed;
use super::kinds::Resource;
use super::retry::Contended;
use super::{fields, live};
use crate::desired::Seed;
use crate::observe::{ResourceId, marks};
use crate::plan::{FailureKind, PortError, Precondition, Step, Takes};
use crate::port::Act;
use async_trait::async_trait;
use serde_json::{Value, json};

#[async_trait]
impl Act for Cluster {
    async fn act(&self, step: &Step) -> Result<(), PortError> {
        let id = step.id();
        let resource = Resource::of(id).ok_or_else(|| unknown_kind(id))?;
        match step {
            Step::Apply { body, seed, precondition, takes, .. } => {
                let apply = Apply { cluster: self, id, resource };
                apply.run(body.value(), seed.as_ref(), precondition, takes).await
            }
            Step::Hold { path, uid, .. } => self.hold(id, &resource, path, uid).await,
            Step::AwaitReady { .. } => Ok(()),
            Step::Raise { uid, path, least, .. } => {
                let live = self.get(&resource, &id.name).await?;
                let live = live.filter(|live| live::text(live, "/metadata/uid") == Some(uid));
                let Some(live) = live else { return Err(stale(id)) };
                if live.pointer(path).and_then(Value::as_u64).unwrap_or(0) >= u64::from(*least) {
                    return Ok(());
                }
                self.set_number(id, &resource, header(id), path, json!(least)).await
            }
            // Who scales needs no right to anything else of what it scales.
            Step::SetUnits { uid, path, from, to, .. } => {
                self.set_units(id, &resource.scale(), (uid, path), (*from, *to)).await
            }
            Step::SetEndpoints { uid, from, to, .. } => {
                self.set_endpoints(id, &resource, uid, (from, to)).await
            }
            Step::CatchUp { with, path, .. } => self.catch_up(id, with, path).await,
            Step::Drain { uid, .. } => self.drain(id, &resource, uid).await,
            // A Deployment's pods are Kubernetes' own to choose.
            Step::DrainUnits { .. }
            | Step::ReplaceUnits { .. }
            | Step::Proceed { .. }
            | Step::Refresh { .. }
            | Step::PassOn { .. } => Ok(()),
            Step::Delete { uid, .. } => self.remove(id, &resource, uid).await,
        }
    }
}

struct Apply<'a> {
    cluster: &'a Cluster,
    id: &'a ResourceId,
    resource: Resource<'a>,
}

impl Apply<'_> {
    async fn run(
        &self,
        mut body: Value,
        seed: Option<&Seed>,
        precondition: &Precondition,
        takes: &Takes,
    ) -> Result<(), PortError> {
        let live = match precondition {
            // The server itself refuses an object with another UID.
            Precondition::Is(uid) => {
                body["metadata"]["uid"] = json!(uid);
                None
            }
            Precondition::Absent => self.absent(&body).await?,
        };
        let makes = live.is_none() && *precondition == Precondition::Absent;
        match (seed, &live) {
            (Some(seed), _) if makes => {
                // Made as our own, with the seed in it; then the handover
                // manager holds the seed, and the write below lets go of it.
                // Cut off in between, it is a number that git hands over.
                let mut seeded = body.clone();
                set(&mut seeded, &seed.path, seed.value.clone());
                self.apply(marks::MANAGER, &seeded, takes).await?;
                let mut held = header(self.id);
                set(&mut held, &seed.path, seed.value.clone());
                self.apply(marks::HANDOVER_MANAGER, &held, &Takes::Everything).await?;
            }
            // An earlier try may have been cut off before it handed over.
            (Some(seed), Some(live)) => {
                let uid = live::text(live, "/metadata/uid").unwrap_or_default();
                self.cluster.hold(self.id, &self.resource, &seed.path, uid).await?;
            }
            _ => {}
        }
        let applied = self.apply(marks::MANAGER, &body, takes).await?;
        self.release_others(applied, takes).await
    }

    /// Nobody else owns what was taken over any more: a co-owner, who wants the
    /// same value today, would be in the way of the next change.
    async fn release_others(&self, applied: Value, takes: &Takes) -> Result<(), PortError> {
        let (mut applied, mut contended) = (applied, Contended::default());
        loop {
            let Some(left) = fields::without_co_owners(&applied, takes) else { return Ok(()) };
            let version = applied["metadata"]["resourceVersion"].clone();
            let patch = json!({"metadata": {"resourceVersion": version, "managedFields": left}});
            match self.cluster.merge(&self.resource, &self.id.name, &patch).await {
                Ok(_) => return Ok(()),
                Err(kube::Error::Api(status)) if contended.again(&status).await => {}
                Err(error) => return Err(failed(error, "patch", &self.resource, &self.id.name)),
            }
            match self.cluster.get(&self.resource, &self.id.name).await? {
                Some(live) => applied = live,
                None => return Ok(()),
            }
        }
    }

    /// The live object, if it is there; it must be of the same set then.
    async fn absent(&self, body: &Value) -> Result<Option<Value>, PortError> {
        let found = self.cluster.get(&self.resource, &self.id.name).await?;
        let Some(object) = &found else { return Ok(None) };
        let set = live::applyset(object);
        let namespace_of_ours = self.id.kind == "Namespace";
        if namespace_of_ours || set.is_some() && set == live::applyset(body) {
            return Ok(found);
        }
        Err(PortError {
            kind: FailureKind::Stale,
            message: format!("{} is there by now, and is not this environment's", self.id),
            help: Some("plan again".to_owned()),
        })
    }

    async fn apply(&self, manager: &str, body: &Value, takes: &Takes) -> Result<Value, PortError> {
        let mode = ApplyMode { manager, takes, dry_run: false };
        let applied = self.cluster.apply(&self.resource, &self.id.name, body, mode).await;
        applied.map_err(|error| failed(error, "patch", &self.resource, &self.id.name))
    }
}

impl Cluster {
    /// Another manager owns the live value from now on, at the version that was
    /// read: a value that moves meanwhile is read again.
    async fn hold(
        &self,
        id: &ResourceId,
        resource: &Resource<'_>,
        path: &str,
        uid: &str,
    ) -> Result<(), PortError> {
        let as_it_is = |value: Option<&Value>| Ok(value.cloned());
        self.write_over((id, resource), (uid, path), &Takes::Nothing, as_it_is).await
    }

    /// Asks for `to` where `from` are asked for, at the version that was read. The scale of
    /// a thing has its number at the same path as the thing, and whoever applies it owns
    /// the thing's own field.
    async fn set_units(
        &self,
        id: &ResourceId,
        resource: &Resource<'_>,
        at: (&str, &str),
        (from, to): (u32, u32),
    ) -> Result<(), PortError> {
        let (from, to) = (u64::from(from), u64::from(to));
        let wanted = |value: Option<&Value>| match value.and_then(Value::as_u64).unwrap_or(0) {
            has if has == to => Ok(None),
            has if has == from => Ok(Some(json!(to))),
            has => Err(PortError::moved(id, u32::try_from(has).unwrap_or(u32::MAX))),
        };
        self.write_over((id, resource), at, &Takes::Everything, wanted).await
    }

    /// Makes the endpoints be `to` where `from` are there, at the version that was
    /// read.
    async fn set_endpoints(
        &self,
        id: &ResourceId,
        resource: &Resource<'_>,
        uid: &str,
        (from, to): (&Value, &Value),
    ) -> Result<(), PortError> {
        let wanted = |value: Option<&Value>| match live::list(value) {
            has if has == *to => Ok(None),
            has if has == *from => Ok(Some(to.clone())),
            _ => Err(PortError {
                kind: FailureKind::Stale,
                message: format!("somebody else has written the endpoints of {id} meanwhile"),
                help: None,
            }),
        };
        self.write_over((id, resource), (uid, live::ENDPOINTS), &Takes::Everything, wanted).await
    }

    /// Writes what is `wanted` for the live value at a path, over exactly the version
    /// that it was read from, and reads again where others came in between; none:
    /// nothing is to be written.
    async fn write_over(
        &self,
        (id, resource): (&ResourceId, &Resource<'_>),
        (uid, path): (&str, &str),
        takes: &Takes,
        wanted: impl Fn(Option<&Value>) -> Result<Option<Value>, PortError>,
    ) -> Result<(), PortError> {
        let mut contended = Contended::default();
        loop {
            let live = self.get(resource, &id.name).await?;
            let live = live.filter(|live| live::text(live, "/metadata/uid") == Some(uid));
            let Some(live) = live else { return Err(stale(id)) };
            let Some(value) = wanted(live.pointer(path))? else { return Ok(()) };
            let mut body = header(id);
            if resource.is_scale() {
                (body["apiVersion"], body["kind"]) = (json!("autoscaling/v1"), json!("Scale"));
            }
            body["metadata"]["uid"] = json!(uid);
            body["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
            set(&mut body, path, value);
            let mode = ApplyMode { manager: marks::HANDOVER_MANAGER, takes, dry_run: false };
            match self.apply(resource, &id.name, &body, mode).await {
                Ok(_) => return Ok(()),
                Err(kube::Error::Api(status)) if contended.again(&status).await => {}
                Err(error) => return Err(failed(error, "patch", resource, &id.name)),
            }
        }
    }

    async fn drain(
        &self,
        id: &ResourceId,
        resource: &Resource<'_>,
        uid: &str,
    ) -> Result<(), PortError> {
        let live = self.get(resource, &id.name).await?;
        match live.as_ref().map(|live| live::text(live, "/metadata/uid") == Some(uid)) {
            Some(true) if id.kind == "Deployment" => {}
            Some(false) => return Err(stale(id)),
            _ => return Ok(()),
        }
        let mut body = header(id);
        body["metadata"]["uid"] = json!(uid);
        self.set_number(id, resource, body, "/spec/replicas", json!(0)).await
    }

    /// As many of `id` as of `with`, if that has more.
    async fn catch_up(
        &self,
        id: &ResourceId,
        with: &ResourceId,
        path: &str,
    ) -> Result<(), PortError> {
        let resource = Resource::of(id).ok_or_else(|| unknown_kind(id))?;
        let number = async |id: &ResourceId| {
            let resource = Resource::of(id).ok_or_else(|| unknown_kind(id))?;
            let live = self.get(&resource, &id.name).await?;
            Ok::<_, PortError>(live.and_then(|live| live.pointer(path)?.as_u64()).unwrap_or(0))
        };
        let (has, wanted) = (number(id).await?, number(with).await?);
        if has >= wanted {
            return Ok(());
        }
        self.set_number(id, &resource, header(id), path, json!(wanted)).await
    }

    /// Writes a number that no other manager may keep from us now.
    async fn set_number(
        &self,
        id: &ResourceId,
        resource: &Resource<'_>,
        mut body: Value,
        path: &str,
        number: Value,
    ) -> Result<(), PortError> {
        set(&mut body, path, number);
        let mode = ApplyMode {
            manager: marks::HANDOVER_MANAGER,
            takes: &Takes::Everything,
            dry_run: false,
        };
        let written = self.apply(resource, &id.name, &body, mode).await;
        written.map(|_| ()).map_err(|error| failed(error, "patch", resource, &id.name))
    }

    async fn remove(
        &self,
        id: &ResourceId,
        resource: &Resource<'_>,
        uid: &str,
    ) -> Result<(), PortError> {
        if id.kind == "Namespace" {
            self.must_be_empty(&id.name).await?;
        }
        let options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions",
            "propagationPolicy": "Foreground", "preconditions": {"uid": uid},
        });
        match self.delete(resource, &id.name, &options).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 409 => {
                // Gone and made anew: the one that was meant is no more.
                Err(stale(id))
            }
            Err(error) => Err(failed(error, "delete", resource, &id.name)),
        }
    }
}

fn header(id: &ResourceId) -> Value {
    let mut header = json!({"apiVersion": id.api, "kind": id.kind, "metadata": {"name": id.name}});
    if let Some(namespace) = &id.scope {
        header["metadata"]["namespace"] = json!(namespace);
    }
    // A slice cannot be written without its type, which never changes.
    if id.kind == "EndpointSlice" {
        header["addressType"] = json!("IPv4");
    }
    header
}

/// Puts `value` at a JSON pointer through objects.
fn set(object: &mut Value, pointer: &str, value: Value) {
    let mut at = object;
    for key in pointer.split('/').skip(1) {
        at = &mut at[key];
    }
    *at = value;
}

fn stale(id: &ResourceId) -> PortError {
    PortError {
        kind: FailureKind::Stale,
        message: format!("{id} is not the one that was planned for"),
        help: Some("plan again".to_owned()),
    }
}

fn unknown_kind(id: &ResourceId) -> PortError {
    let message = format!("{id}: no environment owns things of this kind");
    PortError { kind: FailureKind::Other, message, help: None }
}
