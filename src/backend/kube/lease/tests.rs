//! Which failures of a lease's write are an answer, and which are silence.

use super::*;
use crate::plan::FailureKind::{self, Denied, Rejected, Transient, Unknown, Unreachable};
use http::{Request, Response};
use kube::Client;
use kube::client::{AuthError, Body};
use std::io::{Error as IoError, ErrorKind};
use std::sync::Arc;
use tower::BoxError;

type Answer = Result<Response<Body>, BoxError>;

/// What a renewal comes to where the way to the cluster gives this answer.
async fn renewal(answer: impl Fn() -> Answer + Send + 'static) -> PortError {
    let service = tower::service_fn(move |_: Request<Body>| std::future::ready(answer()));
    let (client, calls) = (Client::new(service, "default"), Arc::default());
    let cluster = Cluster { client, title: "fake".to_owned(), calls, watch: Arc::default() };
    let lease = InCluster { cluster, name: "floodway-e.ns.run".to_owned(), purpose: Purpose::Lead };
    let holding = Holding { holder: "ada".to_owned(), since: None, renewed: None };
    let version = json!({"metadata": {"uid": "u", "resourceVersion": "1"}});
    let over = Stored { holding: Some(holding.clone()), uid: "u".to_owned(), version };
    lease.write(&holding, Some(&over)).await.unwrap_err()
}

fn status(code: u16) -> Answer {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
        "message": "it said so",
    });
    let body = Body::from(status.to_string().into_bytes());
    Ok(Response::builder().status(code).body(body)?)
}

#[tokio::test]
async fn a_server_that_turns_a_renewal_away_has_answered_and_one_that_fails_has_not() {
    for (code, kind) in [
        (400, Rejected),
        (401, Denied),
        (403, Rejected),
        (429, Denied),
        (500, Transient),
        (502, Transient),
        (503, Transient),
        (504, Transient),
    ] {
        let error = renewal(move || status(code)).await;
        assert_eq!(error.kind, kind, "{code}: {error}");
    }
    let revoked = renewal(|| status(401)).await;
    assert!(revoked.help.is_some_and(|help| help.contains("log in again")), "its help stays");
}

#[tokio::test]
async fn a_way_that_fails_is_silence_unless_the_server_was_not_even_asked() {
    let ways: [(fn() -> Answer, FailureKind); 7] = [
        (|| Err(IoError::from(ErrorKind::ConnectionRefused).into()), Unreachable),
        (|| Err(IoError::from(ErrorKind::ConnectionReset).into()), Unknown),
        (|| Err(IoError::from(ErrorKind::TimedOut).into()), Unknown),
        (|| Err(AuthError::AuthExec("it ended with 1".to_owned()).into()), Denied),
        (|| Err(AuthError::UnrefreshableTokenResponse.into()), Denied),
        (|| Err("invalid peer certificate: UnknownIssuer".into()), Denied),
        (|| Err("received fatal alert: CertificateExpired".into()), Denied),
    ];
    for (way, kind) in ways {
        let error = renewal(way).await;
        assert_eq!(error.kind, kind, "{error}");
    }
}

#[tokio::test]
async fn what_a_login_helper_prints_is_said_nowhere() {
    let error = renewal(|| {
        let out = std::process::Output {
            status: std::process::ExitStatus::default(),
            stdout: b"s3cr3t".to_vec(),
            stderr: b"ask your team".to_vec(),
        };
        let (cmd, out) = ("helper --token s3cr3t".to_owned(), Box::new(out));
        Err(AuthError::AuthExecRun { cmd, out }.into())
    })
    .await;
    let said = format!("{error:?}");
    assert!(said.contains("ask your team"), "{said}");
    // As text, and as the numbers of its bytes.
    assert!(!said.contains("s3cr3t") && !said.contains("115, 51, 99"), "{said}");
}
