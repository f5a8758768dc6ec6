//! What the server would say: dry runs of a change, and of the pods it starts.

use super::cluster::{ApplyMode, Cluster};
use super::error::{failed, is_missing_rule};
use super::kinds::Resource;
use super::live;
use super::managed::Managed;
use super::quota;
use crate::observe::{Mark, Ownership, marks};
use crate::plan::{CheckRequest, FailureKind, PortError, Verdict};
use crate::port::Check;
use async_trait::async_trait;
use futures::stream::{self, StreamExt};
use kube::core::Status;
use serde_json::{Value, json};

/// Dry runs in flight.
const AT_ONCE: usize = 16;

/// What the server said of one change, and what it would make of it.
pub(super) struct Asked {
    pub(super) verdict: Verdict,
    /// None: it is not known, or nothing would change.
    pub(super) made: Option<Made>,
}

/// What becomes of a thing.
pub(super) struct Made {
    pub(super) object: Value,
    pub(super) live: Option<Value>,
    /// The live Deployment that an autoscaler moves.
    pub(super) moves: Option<Value>,
}

impl From<Verdict> for Asked {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, made: None }
    }
}

#[async_trait]
impl Check for Cluster {
    async fn check(&self, requests: &[CheckRequest]) -> Vec<Verdict> {
        let asked: Vec<_> = requests.iter().map(|request| self.ask(request)).collect();
        let mut asked: Vec<Asked> = stream::iter(asked)
            .buffered(AT_ONCE)
            .map(|asked| asked.unwrap_or_else(|error| Verdict::Rejected(error).into()))
            .collect()
            .await;
        self.ask_quotas(requests, &mut asked).await;
        asked.into_iter().map(|asked| asked.verdict).collect()
    }
}

impl Cluster {
    async fn ask(&self, request: &CheckRequest) -> Result<Asked, PortError> {
        let (id, body) = (&request.id, request.body.value());
        let Some(resource) = Resource::of(id) else {
            let why = format!("{} is no kind of the cluster's", id.kind);
            return Ok(Verdict::NotChecked(why).into());
        };
        let live = match self.get(&resource, &id.name).await {
            Err(error) if error.kind == FailureKind::Denied => {
                return Ok(Verdict::NotChecked(error.help.unwrap_or(error.message)).into());
            }
            found => found?,
        };
        if let (Some(live), false) = (&live, request.exists)
            && !same_set(live, &body)
        {
            // Whose it is needs no mark: that it is not of the body's set is known.
            let nobody =
                Mark { environment: String::new(), repository: String::new(), file: String::new() };
            let found = live::live(id.clone(), Managed::of(live), &nobody, "");
            if id.kind != "Namespace" || found.ownership != Ownership::Unmarked {
                return Ok(Verdict::Taken(Box::new(found)).into());
            }
        }
        let mode = ApplyMode { manager: marks::MANAGER, takes: &request.takes, dry_run: true };
        let object = match self.apply(&resource, &id.name, &body, mode).await {
            Ok(object) => object,
            Err(kube::Error::Api(status)) if is_missing_rule(&status) => {
                let rule = resource.rule("patch");
                return Ok(Verdict::NotChecked(format!("the role lacks the rule {rule}")).into());
            }
            Err(kube::Error::Api(status)) if namespace_is_missing(&status) => {
                let why = "its namespace does not exist yet".to_owned();
                return Ok(Verdict::NotChecked(why).into());
            }
            Err(error) => {
                let error = failed(error, "patch", &resource, &id.name);
                let made = quota::is_of_quota(&error);
                let made = made.then_some(Made { object: body, live, moves: None });
                return Ok(Asked { verdict: Verdict::Rejected(error), made });
            }
        };
        if live.as_ref().is_some_and(|live| stripped(live) == stripped(&object)) {
            return Ok(Verdict::Unchanged.into());
        }
        let namespace = id.scope.as_deref().unwrap_or_default();
        // What rejects pods rejects them after the Deployment was taken.
        let verdict = match id.kind.as_str() {
            "Deployment" => self.try_pod(namespace, &object).await?,
            _ => None,
        };
        let moves = match live::text(&object, "/spec/scaleTargetRef/name") {
            Some(name) => {
                let deployments = Resource::new("apps/v1", "deployments", Some(namespace));
                self.get(&deployments, name).await?
            }
            None => None,
        };
        let made = Some(Made { object, live, moves });
        Ok(Asked { verdict: verdict.unwrap_or(Verdict::Accepted), made })
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
            let error = failed(kube::Error::Api(status), "create", &pods, "");
            if quota::is_of_quota(&error) {
                return Ok(None);
            }
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
    let set = live::applyset(live);
    set.is_some() && set == live::applyset(body)
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
