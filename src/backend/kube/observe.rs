//! What is in the cluster, by lists alone.

use super::cluster::{Cluster, escape};
use super::error::failed;
use super::kinds::{MEMBERS, OPERATOR, Resource};
use super::live;
use super::managed::{Managed, Trees};
use super::watch::Watch;
use crate::clock::{Clock, SystemClock};
use crate::observe::{
    Capabilities, Gap, Inventory, LastApply, Live, Mark, Ownership, ResourceId, Side, Workload,
    marks,
};
use crate::plan::{FailureKind, PortError};
use crate::port::{Observe, Scope};
use async_trait::async_trait;
use futures::future::{join, join_all};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;
use std::collections::BTreeSet;

/// The kind of which those of others count too.
const AUTOSCALER: &str = "HorizontalPodAutoscaler";
/// Calls in flight where there is one for each thing.
const AT_ONCE: usize = 16;

#[async_trait]
impl Observe for Cluster {
    async fn observe(&self, scope: &Scope) -> Result<Inventory, PortError> {
        let mut inventory = Inventory::empty(SystemClock.now());
        inventory.capabilities = self.capabilities(scope).await?;
        let (found, nodes) = join(self.members(scope, &inventory.capabilities), self.nodes()).await;
        for (kind, list) in found {
            match list {
                Ok(list) => {
                    inventory.resources.extend(list.into_iter().map(|l| (l.id.clone(), l)));
                }
                Err(error) => inventory.gaps.push(gap(kind, error, true)?),
            }
        }
        match nodes {
            Ok(nodes) => inventory.nodes = nodes,
            Err(error) => inventory.gaps.push(gap(Gap::NODES, error, false)?),
        }
        self.parent(scope, &mut inventory).await?;
        self.named(scope, &mut inventory).await?;
        self.explain_unsettled(&mut inventory).await?;
        if scope.whole_namespace {
            inventory.capabilities.namespace_foreign = Some(self.foreign(scope).await?);
        }
        Ok(inventory)
    }

    fn watch(&self, labels: BTreeSet<String>) {
        self.watch.get_or_init(|| Watch::begin(&self.client, labels));
    }
}

impl Cluster {
    async fn capabilities(&self, scope: &Scope) -> Result<Capabilities, PortError> {
        let namespaces = Resource::new("v1", "namespaces", None);
        let operator = http::Request::get(format!("/apis/{OPERATOR}")).body(Vec::new());
        let (namespace, operator) =
            join(self.get(&namespaces, &scope.namespace), self.send::<Value>(operator)).await;
        let namespace_exists = match namespace {
            Ok(found) => found.is_some(),
            // Who may only look into the namespace still knows that it is there.
            Err(error) if error.kind == FailureKind::Denied => true,
            Err(error) => return Err(error),
        };
        let rules = match operator {
            Ok(group) => {
                let resources = group["resources"].as_array();
                resources.into_iter().flatten().any(|resource| resource["kind"] == "PrometheusRule")
            }
            Err(kube::Error::Api(status)) if status.code == 404 => false,
            Err(error) => {
                let resource = Resource::new(OPERATOR, "prometheusrules", None);
                return Err(failed(error, "discover", &resource, ""));
            }
        };
        Ok(Capabilities { prometheus_rules: rules, namespace_exists, namespace_foreign: None })
    }

    /// Everything that carries the marks, kind by kind, all kinds at once.
    async fn members(
        &self,
        scope: &Scope,
        capabilities: &Capabilities,
    ) -> Vec<(&'static str, Result<Vec<Live>, PortError>)> {
        let selector = if scope.any_environment {
            format!("{}={}", marks::MANAGED_BY, marks::MANAGER)
        } else {
            format!("{}={}", marks::APPLYSET_PART_OF, scope.mark.applyset_id(&scope.namespace))
        };
        let query = format!("labelSelector={}", escape(&selector));
        let there = MEMBERS.iter().filter(|(api, _, _, namespaced)| {
            (*api != OPERATOR || capabilities.prometheus_rules)
                && (!namespaced || capabilities.namespace_exists || scope.any_environment)
        });
        join_all(there.map(async |&(api, kind, plural, namespaced)| {
            let namespace = scope.namespace.as_str();
            let within = (namespaced && !scope.any_environment).then_some(namespace);
            let resource = Resource::new(api, plural, within);
            // Whoever made an autoscaler, it moves what it points at.
            let all = kind == AUTOSCALER && !scope.any_environment;
            let query = if all { "" } else { query.as_str() };
            let trees = Trees::default();
            let keep = |text: &str| {
                let managed = Managed::read(text, &trees)?;
                let copied = is_controlled(&managed.object);
                let mut live = reduce(api, kind, managed, &scope.mark, namespace);
                if copied && all {
                    live.ownership = Ownership::Other("the controller that made it".to_owned());
                }
                Ok((!copied || all).then_some(live))
            };
            (plural, self.list_texts(&resource, query, keep).await)
        }))
        .await
    }

    async fn parent(&self, scope: &Scope, inventory: &mut Inventory) -> Result<(), PortError> {
        if !inventory.capabilities.namespace_exists {
            return self.elsewhere(scope, inventory).await;
        }
        let namespace = scope.namespace.as_str();
        let maps = Resource::new("v1", "configmaps", Some(namespace));
        let object = match self.get(&maps, &scope.mark.parent_name()).await {
            Ok(Some(object)) => object,
            Ok(None) => return self.elsewhere(scope, inventory).await,
            Err(error) => {
                inventory.gaps.push(gap("the ApplySet's parent", error, true)?);
                return Ok(());
            }
        };
        let parent = reduce("v1", "ConfigMap", Managed::of(&object), &scope.mark, namespace);
        if parent.ownership == Ownership::Ours {
            let noted = |key: &str| {
                let notes = object.pointer("/metadata/annotations");
                notes.and_then(|notes| notes.get(key)?.as_str()).unwrap_or_default().to_owned()
            };
            let mark = Mark {
                environment: scope.mark.environment.clone(),
                repository: noted(marks::REPOSITORY),
                file: noted(marks::FILE),
            };
            let members = noted(marks::MEMBERS).parse().unwrap_or(0);
            let regions = LastApply::regions_of(&noted(marks::REGIONS));
            inventory.last_apply = Some(LastApply { mark, members, regions });
        }
        if let Ownership::Other(_) = &parent.ownership {
            // Then the members are that tool's too, though their labels say our set.
            let members = inventory.resources.values_mut();
            for member in members.filter(|member| member.ownership == Ownership::Ours) {
                member.ownership = parent.ownership.clone();
            }
        }
        inventory.resources.insert(parent.id.clone(), parent);
        Ok(())
    }

    /// An environment that was never applied to its namespace may stand in
    /// another: its PriorityClass has the same name from anywhere.
    async fn elsewhere(&self, scope: &Scope, inventory: &mut Inventory) -> Result<(), PortError> {
        let api = "scheduling.k8s.io/v1";
        let classes = Resource::new(api, "priorityclasses", None);
        let found = match self.get(&classes, &scope.mark.parent_name()).await {
            Err(error) if error.kind == FailureKind::Denied => None,
            found => found?,
        };
        let class = found.map(|object| {
            reduce(api, "PriorityClass", Managed::of(&object), &scope.mark, &scope.namespace)
        });
        inventory.resources.extend(class.map(|class| (class.id.clone(), class)));
        Ok(())
    }

    async fn named(&self, scope: &Scope, inventory: &mut Inventory) -> Result<(), PortError> {
        let unseen = scope
            .named
            .iter()
            .filter(|id| id.side == Side::Kubernetes && !inventory.resources.contains_key(*id));
        let unseen: Vec<ResourceId> = unseen.cloned().collect();
        let found: Vec<Option<Live>> = stream::iter(unseen)
            .map(async |id: ResourceId| {
                let Some(resource) = Resource::of(&id) else { return Ok(None) };
                let object = self.get(&resource, &id.name).await?;
                let of = |object: &Value| {
                    live::live(id.clone(), Managed::of(object), &scope.mark, &scope.namespace)
                };
                Ok::<_, PortError>(object.as_ref().map(of))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        inventory.resources.extend(found.into_iter().flatten().map(|live| (live.id.clone(), live)));
        Ok(())
    }

    /// Pods are only looked at where something is not as it should be.
    async fn explain_unsettled(&self, inventory: &mut Inventory) -> Result<(), PortError> {
        let unsettled = inventory.resources.values().filter_map(|live| {
            let workload = live.workload.as_ref().filter(|workload| !workload.is_settled())?;
            Some((live.id.clone(), workload.clone()))
        });
        let asked: Vec<_> = stream::iter(unsettled.collect::<Vec<_>>())
            .map(async |(id, workload)| (id.clone(), self.explain(&id, workload).await))
            .buffered(AT_ONCE)
            .collect()
            .await;
        for (id, explained) in asked {
            match explained {
                Ok(workload) => {
                    if let Some(live) = inventory.resources.get_mut(&id) {
                        live.workload = Some(workload);
                    }
                }
                Err(error) => {
                    let missing = gap("pods", error, false)?;
                    if !inventory.gaps.contains(&missing) {
                        inventory.gaps.push(missing);
                    }
                }
            }
        }
        Ok(())
    }

    /// The workload with what its pods say.
    async fn explain(
        &self,
        id: &ResourceId,
        mut workload: Workload,
    ) -> Result<Workload, PortError> {
        let Some(resource) = Resource::of(id) else { return Ok(workload) };
        let Some(object) = self.get(&resource, &id.name).await? else { return Ok(workload) };
        let namespace = id.scope.as_deref().unwrap_or_default();
        self.ask_pods(namespace, &object, &mut workload).await?;
        Ok(workload)
    }
}

/// Whether a controller made it: controllers copy labels, the marks among them
/// (a Service's EndpointSlices), and what they make is theirs to take away.
fn is_controlled(object: &Value) -> bool {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().any(|owner| owner["controller"] == true)
}

fn reduce(api: &str, kind: &str, managed: Managed, mark: &Mark, namespace: &str) -> Live {
    let name = live::text(&managed.object, "/metadata/name").unwrap_or_default();
    let within = live::text(&managed.object, "/metadata/namespace");
    live::live(ResourceId::kubernetes(api, kind, within, name), managed, mark, namespace)
}

/// What may not be listed is a gap; any other failure is one of everything.
fn gap(what: &str, error: PortError, hides_members: bool) -> Result<Gap, PortError> {
    if error.kind != FailureKind::Denied {
        return Err(error);
    }
    let help = error.help.map(|help| format!("; {help}")).unwrap_or_default();
    Ok(Gap {
        side: Side::Kubernetes,
        what: what.to_owned(),
        why: format!("{}{help}", error.message),
        hides_members,
    })
}
