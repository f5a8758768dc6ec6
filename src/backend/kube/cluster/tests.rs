//! Lists whose pages go wrong as no real server can be made to.

use super::*;
use crate::port::CallCounts;
use http::Response;
use kube::client::Body;
use serde_json::json;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

type Answer = (u16, String);

/// A cluster that gives these answers in their order, and what it was asked.
fn cluster(answers: impl IntoIterator<Item = Answer>) -> (Cluster, Arc<Mutex<Vec<String>>>) {
    let answers = Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>()));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let service = tower::service_fn(move |request: Request<Body>| {
        log.lock().unwrap().push(request.uri().query().unwrap_or_default().to_owned());
        let (code, text) = answers.lock().unwrap().pop_front().unwrap();
        let response = Response::builder().status(code).body(Body::from(text.into_bytes()));
        std::future::ready(response)
    });
    let (client, calls) = (Client::new(service, "default"), Arc::default());
    (Cluster { client, title: "fake".to_owned(), calls, watch: Arc::default() }, asked)
}

fn page(names: &[&str], next: &str) -> Answer {
    let items: Vec<_> = names.iter().map(|name| json!({"metadata": {"name": name}})).collect();
    (200, json!({"kind": "List", "metadata": {"continue": next}, "items": items}).to_string())
}

fn expired() -> Answer {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410,
        "reason": "Expired", "message": "The provided continue parameter is too old",
    });
    (410, status.to_string())
}

fn busy(code: u16) -> Answer {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
        "message": "come back later", "details": {"retryAfterSeconds": 1},
    });
    (code, status.to_string())
}

async fn names(cluster: &Cluster) -> Result<Vec<String>, PortError> {
    let deployments = Resource::new("apps/v1", "deployments", Some("ns"));
    let name = |object: Value| object["metadata"]["name"].as_str().map(str::to_owned);
    cluster.list(&deployments, "labelSelector=a", name).await
}

#[tokio::test]
async fn each_call_is_counted_and_with_what_became_of_it() {
    let codes = [404, 409, 403, 429, 429, 503];
    let answers = [page(&[], "")].into_iter().chain(codes.map(busy));
    let (cluster, _) = cluster(answers);
    for _ in 0..=codes.len() {
        let _ = cluster.send::<Value>(Request::get("/").body(Vec::new())).await;
    }
    // Those are answers: that it is not there, and that it was written meanwhile.
    assert_eq!(cluster.calls.counts(), CallCounts { made: 7, failed: 4, throttled: 2 });
}

#[tokio::test]
async fn pages_come_together_in_their_order() {
    let (cluster, asked) =
        cluster([page(&["a", "b"], "one/+"), page(&["c"], "two"), page(&["d"], "")]);
    assert_eq!(names(&cluster).await.unwrap(), ["a", "b", "c", "d"]);
    let asked = asked.lock().unwrap();
    let rest = "limit=500&labelSelector=a";
    assert_eq!(
        *asked,
        [rest, &format!("{rest}&continue=one%2F%2B"), &format!("{rest}&continue=two")]
    );
}

#[tokio::test]
async fn a_list_that_expires_on_the_way_begins_again() {
    let answers = [
        page(&["a", "old"], "one"),
        expired(),
        page(&["a"], "two"),
        page(&["b"], "three"),
        expired(),
        page(&["a", "b", "c"], ""),
    ];
    assert_eq!(names(&cluster(answers).0).await.unwrap(), ["a", "b", "c"]);
    let again = [page(&["a"], "one"), expired()];
    let for_ever = again.iter().cycle().take(6).cloned().collect();
    for answers in [vec![expired()], for_ever] {
        let error = names(&cluster(answers).0).await.unwrap_err();
        assert!(error.message.contains("too old"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_busy_for_a_moment_is_asked_again() {
    let answers = [page(&["a"], "one"), busy(429), busy(503), page(&["b"], "")];
    assert_eq!(names(&cluster(answers).0).await.unwrap(), ["a", "b"]);
    let (cluster, asked) = cluster([busy(503), busy(503), busy(503), busy(503)]);
    let error = names(&cluster).await.unwrap_err();
    assert!(error.message.contains("deployments"), "{error}");
    assert_eq!(asked.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn a_page_that_is_no_list_is_an_error_and_no_shorter_list() {
    for broken in ["<html>busy</html>", "{\"items\": [{\"metadata\"", "{}"] {
        let answers = [page(&["a"], "one"), (200, broken.to_owned())];
        let error = names(&cluster(answers).0).await.unwrap_err();
        assert!(error.message.contains("deployments"), "{error}");
    }
}
