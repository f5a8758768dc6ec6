//! Calls to the API server, as JSON.

use super::error::{conflicts, failed};
use super::kinds::Resource;
use super::page::Page;
use super::retry::{Busy, Contended};
use super::watch::Watch;
use crate::observe::marks;
use crate::plan::{PortError, Takes};
use crate::port::Calls;
use futures::future::join;
use http::Request;
use kube::Client;
use kube::core::Status;
use serde_json::Value;
use std::sync::{Arc, OnceLock};

/// Items of one page.
const PAGE: u32 = 500;
/// How often a list may begin, when its pages expire on the way.
const BEGINNINGS: u32 = 3;
/// A connected cluster.
#[derive(Clone)]
pub(super) struct Cluster {
    pub(super) client: Client,
    /// For people: context and server.
    pub(super) title: String,
    pub(super) calls: Arc<Calls>,
    /// Where nodes and pods are watched, and not listed for each look.
    pub(super) watch: Arc<OnceLock<Watch>>,
}

/// How a server-side apply is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct ApplyMode<'a> {
    pub(super) manager: &'a str,
    pub(super) takes: &'a Takes,
    pub(super) dry_run: bool,
}

impl Cluster {
    /// One object; none: it is not there.
    pub(super) async fn get(
        &self,
        resource: &Resource<'_>,
        name: &str,
    ) -> Result<Option<Value>, PortError> {
        let text = self.read(&resource.path_of(name)).await;
        match text.and_then(|text| serde_json::from_str(&text).map_err(kube::Error::SerdeError)) {
            Ok(object) => Ok(Some(object)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(failed(error, "get", resource, name)),
        }
    }

    /// All objects that `query` (`labelSelector=…`) selects; each is reduced by
    /// `keep` as soon as it is read.
    pub(super) async fn list<T: Send>(
        &self,
        resource: &Resource<'_>,
        query: &str,
        keep: impl Fn(Value) -> Option<T> + Sync,
    ) -> Result<Vec<T>, PortError> {
        self.list_texts(resource, query, |text| serde_json::from_str(text).map(&keep)).await
    }

    /// As [`Self::list`], page by page; `keep` gets the texts of objects. A list
    /// that expires on the way is begun again.
    pub(super) async fn list_texts<T: Send>(
        &self,
        resource: &Resource<'_>,
        query: &str,
        keep: impl Fn(&str) -> Result<Option<T>, serde_json::Error> + Sync,
    ) -> Result<Vec<T>, PortError> {
        let failed = |error| failed(error, "list", resource, "");
        let mut kept = Vec::new();
        let mut answer = self.page(resource, query, None).await;
        let (mut first, mut begun) = (true, 1);
        loop {
            let text = match answer {
                Ok(text) => text,
                Err(kube::Error::Api(status))
                    if status.code == 410 && !first && begun < BEGINNINGS =>
                {
                    kept.clear();
                    answer = self.page(resource, query, None).await;
                    (first, begun) = (true, begun + 1);
                    continue;
                }
                Err(error) => return Err(failed(error)),
            };
            let page = Page::of(&text).map_err(failed)?;
            let Some(token) = page.next() else {
                kept.extend(page.reduce(&keep).map_err(failed)?);
                return Ok(kept);
            };
            // The server writes the next page while this one is read.
            let next = self.page(resource, query, Some(token));
            let (next, reduced) = join(next, async { page.reduce(&keep) }).await;
            kept.extend(reduced.map_err(failed)?);
            (answer, first) = (next, false);
        }
    }

    /// Reads what is at `path`. A server that is busy for a moment is asked again:
    /// reading twice changes nothing.
    pub(super) async fn read(&self, path: &str) -> Result<String, kube::Error> {
        let mut busy = Busy::default();
        loop {
            let request = Request::get(path).body(Vec::new()).map_err(kube::Error::HttpError)?;
            let answer = self.counted(self.client.request_text(request).await);
            match answer {
                Err(kube::Error::Api(status)) if busy.again(&status).await => {}
                answer => return answer,
            }
        }
    }

    async fn page(
        &self,
        resource: &Resource<'_>,
        query: &str,
        token: Option<&str>,
    ) -> Result<String, kube::Error> {
        let continued = token.map(|token| format!("&continue={}", escape(token)));
        let (path, continued) = (resource.path(), continued.unwrap_or_default());
        self.read(&format!("{path}?limit={PAGE}&{query}{continued}")).await
    }

    /// Server-side apply. The server takes over all conflicting fields or none:
    /// so it is asked to only when all that it names may be taken. A body without
    /// a resourceVersion that is overtaken by other writes is sent again.
    pub(super) async fn apply(
        &self,
        resource: &Resource<'_>,
        name: &str,
        body: &Value,
        mode: ApplyMode<'_>,
    ) -> Result<Value, kube::Error> {
        let mut forced = matches!(mode.takes, Takes::Conflicts(_) | Takes::Everything);
        let versioned = body["metadata"].get("resourceVersion").is_some();
        let mut contended = Contended::default();
        loop {
            match self.patch(resource, name, body, mode, forced).await {
                Err(kube::Error::Api(status)) if !forced && may_be_taken(&status, mode.takes) => {
                    forced = true;
                }
                Err(kube::Error::Api(status)) if !versioned && contended.again(&status).await => {}
                answer => return answer,
            }
        }
    }

    async fn patch(
        &self,
        resource: &Resource<'_>,
        name: &str,
        body: &Value,
        mode: ApplyMode<'_>,
        force: bool,
    ) -> Result<Value, kube::Error> {
        let dry_run = if mode.dry_run { "&dryRun=All" } else { "" };
        let path = format!(
            "{}?fieldManager={}&force={force}&fieldValidation=Strict{dry_run}",
            resource.path_of(name),
            mode.manager,
        );
        let request = Request::patch(path)
            .header("content-type", "application/apply-patch+yaml")
            .body(serde_json::to_vec(body).unwrap_or_default());
        self.send(request).await
    }

    /// Changes what `patch` names; its resourceVersion must be the live one.
    pub(super) async fn merge(
        &self,
        resource: &Resource<'_>,
        name: &str,
        patch: &Value,
    ) -> Result<Value, kube::Error> {
        let path = format!("{}?fieldManager={}", resource.path_of(name), marks::MANAGER);
        let request = Request::patch(path)
            .header("content-type", "application/merge-patch+json")
            .body(serde_json::to_vec(patch).unwrap_or_default());
        self.send(request).await
    }

    /// Creates an object, or only tries to.
    pub(super) async fn create(
        &self,
        resource: &Resource<'_>,
        body: &Value,
        dry_run: bool,
    ) -> Result<Value, kube::Error> {
        let dry_run = if dry_run { "?dryRun=All" } else { "" };
        let request = Request::post(format!("{}{dry_run}", resource.path()))
            .header("content-type", "application/json")
            .body(serde_json::to_vec(body).unwrap_or_default());
        self.send(request).await
    }

    /// Replaces an object: the resourceVersion in `body` must be the live one.
    pub(super) async fn replace(
        &self,
        resource: &Resource<'_>,
        name: &str,
        body: &Value,
    ) -> Result<Value, kube::Error> {
        let request = Request::put(resource.path_of(name))
            .header("content-type", "application/json")
            .body(serde_json::to_vec(body).unwrap_or_default());
        self.send(request).await
    }

    /// Deletes an object with options.
    pub(super) async fn delete(
        &self,
        resource: &Resource<'_>,
        name: &str,
        options: &Value,
    ) -> Result<Value, kube::Error> {
        let request = Request::delete(resource.path_of(name))
            .header("content-type", "application/json")
            .body(serde_json::to_vec(options).unwrap_or_default());
        self.send(request).await
    }

    pub(super) async fn send<T: serde::de::DeserializeOwned>(
        &self,
        request: Result<Request<Vec<u8>>, http::Error>,
    ) -> Result<T, kube::Error> {
        let answer = self.client.request(request.map_err(kube::Error::HttpError)?).await;
        self.counted(answer)
    }

    /// That something is not there, or was written meanwhile, is an answer.
    fn counted<T>(&self, answer: Result<T, kube::Error>) -> Result<T, kube::Error> {
        let code = match &answer {
            Ok(_) => 0,
            Err(kube::Error::Api(status)) => status.code,
            Err(_) => 599,
        };
        self.calls.note(code > 0 && !matches!(code, 404 | 409), code == 429);
        answer
    }
}

fn may_be_taken(status: &Status, takes: &Takes) -> bool {
    let conflicts = conflicts(status);
    !conflicts.is_empty()
        && conflicts.iter().all(|conflict| takes.allows(&conflict.manager, &conflict.field))
}

/// Percent-encodes what a query may not hold.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
