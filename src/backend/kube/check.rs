//! What the server would say: dry runs of a change, and of the pods it starts.

use super::cluster::{ApplyMode, Cluster};
use super::error::{failed, is_missing_rule};
use super::kinds::Resource;
use super::live;
use super::managed::Managed;
use super::quota::Short;
use crate::observe::{Mark, Ownership, marks};
use crate::plan::{CheckRequest, FailureKind, PortError, Verdict};
use crate::port::Check;
use async_trait::async_trait;
use kube::core::Status;
use serde_json::{Value, json};

#[async_trait]
impl Check for Cluster {
    async fn check(&self, request: &CheckRequest) -> Verdict {
        match self.ask(request).await {
            Ok(verdict) => verdict,
            Err(error) => Verdict::Rejected(error),
        }
    }
}

impl Cluster {
    async fn ask(&self, request: &CheckRequest) -> Result<Verdict, PortError> {
        let (id, body) = (&request.id, request.body.value());
        let Some(resource) = Resource::of(id) else {
            return Ok(Verdict::NotChecked(format!("{} is no kind of the cluster's", id.kind)));
        };
        let live = self.get(&resource, &id.name).await?;
        if let (Some(live), false) = (&live, request.exists)
            && !same_set(live, &body)
        {
            // Whose it is needs no mark: that it is not of the body's set is known.
            let nobody =
                Mark { environment: String::new(), repository: String::new(), file: String::new() };
            let found = live::live(id.clone(), Managed::of(live), &nobody, "");
            if id.kind != "Namespace" || found.ownership != Ownership::Unmarked {
                return Ok(Verdict::Taken(Box::new(found)));
            }
        }
        let mode = ApplyMode { manager: marks::MANAGER, takes: &request.takes, dry_run: true };
        let tried = match self.apply(&resource, &id.name, &body, mode).await {
            Ok(tried) => tried,
            Err(kube::Error::Api(status)) if is_missing_rule(&status) => {
                let rule = resource.rule("patch");
                return Ok(Verdict::NotChecked(format!("the role lacks the rule {rule}")));
            }
            Err(kube::Error::Api(status)) if namespace_is_missing(&status) => {
                return Ok(Verdict::NotChecked("its namespace does not exist yet".to_owned()));
            }
            Err(error) => return Err(failed(error, "patch", &resource, &id.name)),
        };
        if live.as_ref().is_some_and(|live| stripped(live) == stripped(&tried)) {
            return Ok(Verdict::Unchanged);
        }
        if id.kind == "Deployment" {
            return self.ask_for_pods(request, &tried, live.as_ref()).await;
        }
        Ok(Verdict::Accepted)
    }

    /// What rejects pods rejects them after the Deployment was taken: a pod of
    /// its template is tried, and the quotas are worked out.
    async fn ask_for_pods(
        &self,
        request: &CheckRequest,
        tried: &Value,
        live: Option<&Value>,
    ) -> Result<Verdict, PortError> {
        let namespace = request.id.scope.as_deref().unwrap_or_default();
        if let Some(verdict) = self.try_pod(namespace, tried).await? {
            return Ok(verdict);
        }
        let Some(units) = request.units else { return Ok(Verdict::Accepted) };
        Ok(match self.quotas(namespace, tried, live, units).await? {
            None => Verdict::Accepted,
            Some(Short::AtMin(message)) => Verdict::Rejected(PortError {
                kind: FailureKind::Rejected,
                message,
                help: Some("raise the ResourceQuota, or lower the pool's min".to_owned()),
            }),
            Some(Short::AtMax(message)) => Verdict::Noted(message),
        })
    }

    /// None: nothing speaks against such a pod.
    async fn try_pod(
        &self,
        namespace: &str,
        deployment: &Value,
    ) -> Result<Option<Verdict>, PortError> {
        let pods = Resource::new("v1", "pods", Some(namespace));
        let template = deployment.pointer("/spec/template").cloned().unwrap_or_default();
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"generateName": "floodway-dry-run-", "labels": template["metadata"]["labels"]},
            "spec": template["spec"],
        });
        // What the same plan makes is not there yet; pods wait for it.
        let not_yet: [&[&str]; 3] =
            [&[], &["priorityClassName", "priority"], &["serviceAccountName", "serviceAccount"]];
        for keys in not_yet {
            if let Value::Object(spec) = &mut pod["spec"] {
                keys.iter().for_each(|key| drop(spec.shift_remove(*key)));
            }
            let status = match self.create(&pods, &pod, true).await {
                Ok(_) => return Ok(None),
                Err(kube::Error::Api(status)) => status,
                Err(error) => return Err(failed(error, "create", &pods, "")),
            };
            if is_missing_rule(&status) {
                let rule = pods.rule("create");
                let why = format!("its pods could not be tried: the role lacks the rule {rule}");
                return Ok(Some(Verdict::NotChecked(why)));
            }
            if waits_for_the_plan(&status) {
                continue;
            }
            // One more pod than there will be proves nothing: quotas are worked out.
            if status.message.contains("exceeded quota") {
                return Ok(None);
            }
            let error = failed(kube::Error::Api(status), "create", &pods, "");
            return Ok(Some(Verdict::Rejected(PortError {
                kind: FailureKind::Rejected,
                message: format!("its pods would be refused: {}", error.message),
                help: Some(help(&error.message).to_owned()),
            })));
        }
        Ok(Some(Verdict::NotChecked("its ServiceAccount does not exist yet".to_owned())))
    }
}

fn help(message: &str) -> &'static str {
    if message.contains("PodSecurity") {
        "the namespace's Pod Security level forbids it: change the image or the template"
    } else if message.contains("usage per") {
        "a LimitRange of the namespace forbids it: change it, or the stage's resources"
    } else {
        "change what the message names, then plan again"
    }
}

fn waits_for_the_plan(status: &Status) -> bool {
    let message = &status.message;
    message.contains("no PriorityClass with name")
        || message.contains("error looking up service account")
        || message.contains("serviceaccount") && message.contains("not found")
}

fn namespace_is_missing(status: &Status) -> bool {
    status.code == 404 && status.message.starts_with("namespaces ")
}

fn same_set(live: &Value, body: &Value) -> bool {
    let set = |object: &Value| {
        let labels = object.pointer("/metadata/labels")?;
        [marks::APPLYSET_PART_OF, marks::APPLYSET_ID]
            .iter()
            .find_map(|key| labels.get(key))
            .cloned()
    };
    set(live).is_some() && set(live) == set(body)
}

/// An object without what every write moves.
fn stripped(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        for key in ["managedFields", "resourceVersion", "generation"] {
            metadata.shift_remove(key);
        }
    }
    object
}
