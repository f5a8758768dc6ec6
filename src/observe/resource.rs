//! One thing that exists, and the name it goes by.

use super::{Autoscaler, Body, Mark, Unit, Workload};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// The two sides that one environment spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The Kubernetes cluster.
    Kubernetes,
    /// EC2 and EC2 Auto Scaling.
    Aws,
}

/// The name of a thing, unique over everything an environment can own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResourceId {
    /// Where it lives.
    pub side: Side,
    /// `apps/v1`, `v1`, …; `autoscaling` for groups.
    pub api: String,
    /// `Deployment`, …; `AutoScalingGroup`.
    pub kind: String,
    /// Namespace, or region; none for what the whole cluster shares.
    pub scope: Option<String>,
    /// Its name there.
    pub name: String,
}

impl ResourceId {
    /// A Kubernetes object.
    pub fn kubernetes(api: &str, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        Self {
            side: Side::Kubernetes,
            api: api.into(),
            kind: kind.into(),
            scope: namespace.map(Into::into),
            name: name.into(),
        }
    }

    /// An EC2 Auto Scaling group.
    pub fn group(region: &str, name: &str) -> Self {
        Self {
            side: Side::Aws,
            api: "autoscaling".into(),
            kind: "AutoScalingGroup".into(),
            scope: Some(region.into()),
            name: name.into(),
        }
    }

    /// An EC2 launch template.
    pub fn launch_template(region: &str, name: &str) -> Self {
        Self {
            side: Side::Aws,
            api: "ec2".into(),
            kind: "LaunchTemplate".into(),
            scope: Some(region.into()),
            name: name.into(),
        }
    }

    /// The replacing of a group's instances by such of its template's version:
    /// nothing that exists by itself, so never a member.
    pub fn instance_refresh(region: &str, group: &str) -> Self {
        Self { kind: "InstanceRefresh".into(), ..Self::group(region, group) }
    }

    /// The group that an instance refresh is of.
    pub fn refreshed_group(&self) -> Self {
        Self { kind: "AutoScalingGroup".into(), ..self.clone() }
    }

    /// Whether it is the parent of this environment's ApplySet.
    pub fn is_parent_of(&self, mark: &Mark) -> bool {
        self.kind == "ConfigMap" && self.name == mark.parent_name()
    }

    /// `Deployment.apps`, `Service`: the kind as ApplySets write it.
    pub fn group_kind(&self) -> String {
        match self.api.split_once('/') {
            Some((group, _)) => format!("{}.{group}", self.kind),
            None => self.kind.clone(),
        }
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        if let Some(scope) = &self.scope {
            write!(f, "{scope}/")?;
        }
        f.write_str(&self.name)
    }
}

/// Whose a thing is, told by the marks on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    /// It carries this environment's marks.
    Ours,
    /// It carries the marks of another ApplySet, tool or environment, named here.
    Other(String),
    /// It carries no marks.
    Unmarked,
}

/// The one field that a runtime owner may move: a Deployment's `replicas`, a
/// group's `desired`, an EndpointSlice's `endpoints`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimeField {
    /// JSON pointer in the object: `/spec/replicas`.
    pub path: String,
    /// Its live value.
    pub value: Value,
    /// The field managers that own it now, if the place says.
    pub managers: Vec<String>,
}

/// A field that another manager owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The field manager.
    pub manager: String,
    /// The live value.
    pub value: Value,
}

/// One thing that exists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// Its name.
    pub id: ResourceId,
    /// Kubernetes UID; ARN and creation time of a group.
    pub uid: String,
    /// Whose it is.
    pub ownership: Ownership,
    /// The live values of the fields that Floodway's manager owns, in the
    /// object's own shape; nothing of anybody else's. Of an unmarked thing
    /// that was asked for by name (adoption): all of it but its status and
    /// what the server keeps in its metadata.
    pub fields: Body,
    /// Fields that other managers took: what drift is told by. Keyed by
    /// [`super::FieldPath`]'s text; those of runtime owners may be left out.
    #[serde(default)]
    pub taken: std::collections::BTreeMap<String, Taken>,
    /// The field that the runtime may own.
    pub runtime: Option<RuntimeField>,
    /// Labels that say which pool, stage and workload this is (`floodway.dev/…`,
    /// without the prefix); for what is not ours too.
    pub marks: std::collections::BTreeMap<String, String>,
    /// The ApplySet that its labels name, of what is in a cluster.
    #[serde(default)]
    pub applyset: Option<String>,
    /// What runs in it, for a Deployment or a group.
    pub workload: Option<Workload>,
    /// The version that new units start from: of a template its default, of a
    /// group one that stands in the group itself; none where there is no such
    /// thing.
    #[serde(default)]
    pub version: Option<String>,
    /// What it says of itself, of an autoscaler of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaler: Option<Autoscaler>,
    /// It is being deleted and waits for its finalizers.
    pub deleting: bool,
}

impl Live {
    /// The instances of a group, by name: a plan says which of them end.
    pub fn units(&self) -> &[Unit] {
        self.workload.as_ref().map_or(&[], |workload| &workload.units)
    }

    /// Whether it is a group of ours whose instances stand alone, as marked.
    pub fn stands_alone(&self) -> bool {
        self.id.kind == "AutoScalingGroup"
            && self.ownership == Ownership::Ours
            && self.marks.get("join").is_some_and(|join| join == "standalone")
    }

    /// The market that a group was made for: as marked, else as its policy says.
    pub fn market(&self) -> Option<String> {
        let marked = self.marks.get("market").cloned();
        marked.or_else(|| self.fields.text_at("/capacity_type"))
    }

    /// The pool it belongs to, as marked.
    pub fn pool(&self) -> Option<&str> {
        self.marks.get("pool").map(String::as_str)
    }
}
