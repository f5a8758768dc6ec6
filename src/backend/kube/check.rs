//! What the server would say: dry runs of a change, and of the pods it starts.

use super::cluster::{ApplyMode, Cluster};
use super::error::{failed, is_missing_rule};
use super::kinds::Resource;
use super::live;
use super::managed::Managed;
use super::quota::{self, Asks, Short};
use crate::observe::{Mark, Ownership, marks};
use crate::plan::{CheckRequest, FailureKind, PortError, Verdict};
use crate::port::Check;
use async_trait::async_trait;
use futures::stream::{self, StreamExt};
use kube::core::Status;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Dry runs in flight.
const AT_ONCE: usize = 16;

/// What the server said of one change, and what it would make of it.
struct Asked {
    verdict: Verdict,
    /// None: it is not known, or nothing would change.
    made: Option<Made>,
}

struct Made {
    object: Value,
    live: Option<Value>,
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
        let live = self.get(&resource, &id.name).await?;
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
                let made = is_of_quota(&error).then_some(Made { object: body, live });
                return Ok(Asked { verdict: Verdict::Rejected(error), made });
            }
        };
        if live.as_ref().is_some_and(|live| stripped(live) == stripped(&object)) {
            return Ok(Verdict::Unchanged.into());
        }
        let mut verdict = Verdict::Accepted;
        // What rejects pods rejects them after the Deployment was taken.
        if id.kind == "Deployment" {
            let namespace = id.scope.as_deref().unwrap_or_default();
            verdict = self.try_pod(namespace, &object).await?.unwrap_or(verdict);
        }
        Ok(Asked { verdict, made: Some(Made { object, live }) })
    }

    /// What each change fits, all together may not.
    async fn ask_quotas(&self, requests: &[CheckRequest], asked: &mut [Asked]) {
        let namespaces: BTreeSet<&str> = requests
            .iter()
            .zip(&*asked)
            .filter(|(_, asked)| asked.made.is_some())
            .filter_map(|(request, _)| request.id.scope.as_deref())
            .collect();
        for namespace in namespaces {
            let quotas = self.quotas(namespace).await;
            let of = |request: &CheckRequest| request.id.scope.as_deref() == Some(namespace);
            let within: Vec<usize> = (0..requests.len()).filter(|&at| of(&requests[at])).collect();
            let found = match quotas {
                Ok(quotas) => shortages_of(&quotas, requests, asked, &within),
                Err(error) => {
                    let why = format!("whether quotas suffice is not known: {error}");
                    within.iter().for_each(|&at| doubt(&mut asked[at].verdict, &why));
                    continue;
                }
            };
            // The worst first: what is rejected stays so.
            for short in found.iter().filter(|short| !short.only_at_most) {
                reject(&mut asked[short.at].verdict, &short.message);
            }
            for short in found.iter().filter(|short| short.only_at_most) {
                note(&mut asked[short.at].verdict, &short.message);
            }
        }
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
            if is_of_quota(&error) {
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

/// What is short for the changes at `within`, by their places in `requests`.
fn shortages_of(
    quotas: &[Value],
    requests: &[CheckRequest],
    asked: &[Asked],
    within: &[usize],
) -> Vec<Short> {
    let (places, asks): (Vec<usize>, Vec<Asks<'_>>) = within
        .iter()
        .filter_map(|&at| {
            let (request, made) = (&requests[at], asked[at].made.as_ref()?);
            let (object, live) = (&made.object, made.live.as_ref());
            Some((at, Asks { id: &request.id, object, live, units: request.units }))
        })
        .unzip();
    let found = quotas.iter().flat_map(|quota| quota::shortages(quota, &asks));
    found.map(|short| Short { at: places[short.at], ..short }).collect()
}

/// The server's own word of a quota counts one change alone.
fn is_of_quota(error: &PortError) -> bool {
    error.message.contains("exceeded quota")
}

fn reject(verdict: &mut Verdict, message: &str) {
    let message = match verdict {
        Verdict::Rejected(error) if error.message.starts_with("ResourceQuota ") => {
            format!("{}; {message}", error.message)
        }
        Verdict::Rejected(error) if !is_of_quota(error) => return,
        _ => message.to_owned(),
    };
    *verdict = Verdict::Rejected(PortError {
        kind: FailureKind::Rejected,
        message,
        help: Some("raise the ResourceQuota, or ask for less: fewer pools, a lower min".to_owned()),
    });
}

fn note(verdict: &mut Verdict, message: &str) {
    match verdict {
        Verdict::Accepted | Verdict::Unchanged => *verdict = Verdict::Noted(message.to_owned()),
        Verdict::Noted(said) | Verdict::NotChecked(said) => *said = format!("{said}; {message}"),
        Verdict::Taken(_) | Verdict::Rejected(_) => {}
    }
}

fn doubt(verdict: &mut Verdict, why: &str) {
    if matches!(verdict, Verdict::Accepted | Verdict::Noted(_)) {
        *verdict = Verdict::NotChecked(why.to_owned());
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
