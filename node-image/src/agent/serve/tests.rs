use super::*;
use crate::agent::identity::Identity;
use crate::agent::phases::Phases;
use crate::agent::standing::Engine;
use proptest::prelude::*;

fn node(known: bool) -> Node {
    let engine = Engine::declared(false, false);
    let mut standing = Standing::new(Phases::start(), engine, Duration::ZERO);
    standing.identity = known.then(|| Identity {
        instance: "i-1".into(),
        instance_type: "g6e.12xlarge".into(),
        zone: "us-east-1a".into(),
        lifecycle: Some("spot".into()),
        image: None,
        floodway: None,
    });
    Node::new(standing)
}

fn ask(node: &Node, method: &str, path: &str, body: &str) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path);
    let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let answer = respond(request, node).await;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    })
}

const OWN: &str = r#"{"instance":"i-1","more":1}"#;

#[test]
fn an_instance_that_does_not_know_itself_says_so() {
    let node = node(false);
    assert_eq!(ask(&node, "GET", "/livez", "").0, 200);
    for (method, path) in
        [("GET", "/readyz"), ("GET", "/v1/status"), ("POST", "/v1/drain"), ("DELETE", "/v1/drain")]
    {
        assert_eq!(ask(&node, method, path, OWN).0, 503, "{method} {path}");
    }
    assert_eq!(node.with(|standing, _| standing.unready()), Some(Unready::Unknown));
}

#[test]
fn a_drain_is_of_the_instance_that_is_named() {
    let node = node(true);
    let (status, said) = ask(&node, "POST", "/v1/drain", r#"{"instance":"i-2"}"#);
    assert_eq!((status, said["instance"].as_str()), (409, Some("i-1")));
    assert_eq!(ask(&node, "GET", "/v1/status", "").1["state"], "serving");
    let (status, said) = ask(&node, "POST", "/v1/drain", OWN);
    assert_eq!((status, said["state"].as_str()), (200, Some("drained")));
    assert_eq!(ask(&node, "GET", "/readyz", "").0, 503);
    assert_eq!(ask(&node, "DELETE", "/v1/drain", r#"{"instance":"i-2"}"#).0, 409);
    let again = ask(&node, "POST", "/v1/drain", OWN).1;
    assert_eq!(again["since"], said["since"], "the second call changes nothing");
    let (status, said) = ask(&node, "DELETE", "/v1/drain", OWN);
    assert_eq!((status, said["state"].as_str()), (200, Some("serving")));
    assert_eq!((said.get("since"), ask(&node, "GET", "/readyz", "").0), (None, 200));
}

#[test]
fn an_agent_that_ends_is_not_taken_back() {
    let node = node(true);
    node.with(Standing::stop);
    let (status, said) = ask(&node, "DELETE", "/v1/drain", OWN);
    assert_eq!((status, said["state"].as_str()), (200, Some("drained")));
}

#[test]
fn what_is_not_of_the_protocol_changes_nothing() {
    let node = node(true);
    for (method, path, body, status) in [
        ("GET", "/", "", 404),
        ("GET", "/v1/drain", "", 405),
        ("PUT", "/v1/drain", OWN, 405),
        ("POST", "/v1/status", OWN, 405),
        ("POST", "/v1/drain", "", 400),
        ("POST", "/v1/drain", r#""i-1""#, 400),
        ("POST", "/v1/drain", r#"{"instance":1}"#, 400),
        ("POST", "/v1/drain/", OWN, 404),
    ] {
        assert_eq!(ask(&node, method, path, body).0, status, "{method} {path} {body}");
    }
    let long = format!(r#"{{"instance":"i-1","more":"{}"}}"#, "x".repeat(LONGEST));
    assert_eq!(ask(&node, "POST", "/v1/drain", &long).0, 413);
    assert_eq!(ask(&node, "GET", "/v1/status", "").1["state"], "serving");
}

proptest! {
    #[test]
    fn no_body_drains_an_instance_that_it_does_not_name(body in "\\PC{0,60}") {
        let node = node(true);
        let (status, _) = ask(&node, "POST", "/v1/drain", &body);
        prop_assert!(status == 400 || status == 409);
    }
}
