//! What is in a namespace, of every kind that the cluster knows.

use super::cluster::Cluster;
use super::error::failed;
use super::kinds::Resource;
use super::live;
use crate::observe::Ownership;
use crate::plan::{FailureKind, PortError};
use crate::port::Scope;
use futures::stream::{self, StreamExt, TryStreamExt};
use kube::api::{ApiResource, DynamicObject, ListParams, PartialObjectMeta};
use kube::discovery::{Discovery, Scope as KindScope, verbs};
use kube::{Api, ResourceExt};
use serde_json::json;

/// Kinds listed at once.
const AT_ONCE: usize = 16;
/// Items of one page.
const PAGE: u32 = 500;

/// What is no one's work: Kubernetes puts the first two into every namespace;
/// the others come and go with what they speak of.
const STANDARD: [(&str, &str); 4] = [
    ("ConfigMap", "kube-root-ca.crt"),
    ("ServiceAccount", "default"),
    ("Event", ""),
    ("Lease", ""),
];

type Meta = PartialObjectMeta<DynamicObject>;

impl Cluster {
    /// What is in the service's namespace and not the environment's: workloads
    /// of any kind, claims, secrets, custom resources.
    ///
    /// # Errors
    /// A kind that may not be listed: what cannot be seen may be there.
    pub(super) async fn foreign(&self, scope: &Scope) -> Result<Vec<String>, PortError> {
        let ours = |meta: &Meta| {
            let object = json!({"metadata": {"labels": meta.labels()}});
            live::ownership(&object, &scope.mark, &scope.namespace) == Ownership::Ours
        };
        self.contents(&scope.namespace, |meta| !ours(meta)).await
    }

    /// Refuses what would take other things along: a namespace goes only empty.
    pub(super) async fn must_be_empty(&self, namespace: &str) -> Result<(), PortError> {
        let going = |meta: &Meta| meta.metadata.deletion_timestamp.is_some();
        let left = self.contents(namespace, |meta| !going(meta)).await?;
        let Some(first) = left.first() else { return Ok(()) };
        let more = match left.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        Err(PortError {
            kind: FailureKind::Rejected,
            message: format!("namespace {namespace} is not empty: {first}{more}"),
            help: Some("remove that first, or destroy without the namespace".to_owned()),
        })
    }

    async fn contents(
        &self,
        namespace: &str,
        counts: impl Fn(&Meta) -> bool,
    ) -> Result<Vec<String>, PortError> {
        let kinds = self.kinds().await?;
        let lists: Vec<Vec<String>> = stream::iter(kinds)
            .map(|kind| self.names(namespace, kind, &counts))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut names: Vec<String> = lists.into_iter().flatten().collect();
        names.sort();
        Ok(names)
    }

    /// Every kind that lives in namespaces and can be listed and deleted.
    async fn kinds(&self) -> Result<Vec<ApiResource>, PortError> {
        let all = Resource::new("", "kinds", None);
        let discovery = Discovery::new(self.client.clone()).run_aggregated().await;
        let discovery = discovery.map_err(|error| failed(error, "discover", &all, ""))?;
        let kinds = discovery.groups().flat_map(|group| group.recommended_resources());
        Ok(kinds
            .filter(|(_, can)| {
                let (list, delete) =
                    (can.supports_operation(verbs::LIST), can.supports_operation(verbs::DELETE));
                can.scope == KindScope::Namespaced && list && delete
            })
            .map(|(kind, _)| kind)
            .collect())
    }

    /// `Kind namespace/name` of what counts, less what a controller made (that
    /// goes with its owner) and what is standard.
    async fn names(
        &self,
        namespace: &str,
        kind: ApiResource,
        counts: &impl Fn(&Meta) -> bool,
    ) -> Result<Vec<String>, PortError> {
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), namespace, &kind);
        let resource = Resource::new(&kind.api_version, &kind.plural, Some(namespace));
        let mut names = Vec::new();
        let mut page = ListParams::default().limit(PAGE);
        loop {
            let list = match api.list_metadata(&page).await {
                Ok(list) => list,
                Err(error) => return Err(failed(error, "list", &resource, "")),
            };
            let kept = list.items.iter().filter(|meta| {
                let name = meta.name_any();
                let is = |&(of, named): &(&str, &str)| {
                    of == kind.kind && (named.is_empty() || named == name)
                };
                meta.owner_references().is_empty() && !STANDARD.iter().any(is) && counts(meta)
            });
            names.extend(kept.map(|meta| format!("{} {namespace}/{}", kind.kind, meta.name_any())));
            match list.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(&token),
                None => return Ok(names),
            }
        }
    }
}
