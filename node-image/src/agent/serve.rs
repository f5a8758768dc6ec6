//! The agent's answers. One connection carries one request; each is bounded in
//! size and time, and their number is.

use super::node::Node;
use super::standing::{Standing, Unready};
use super::status::Status;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Deserialize;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Connections at once; more wait until one ends.
const CONNECTIONS: usize = 64;
/// The longest head and the longest body of a request, in bytes.
const LONGEST: usize = 16 * 1024;
/// Until a request's head is there.
const HEAD: Duration = Duration::from_secs(5);
/// Until a connection is over, whatever it does.
const WHOLE: Duration = Duration::from_secs(10);
/// Before connections are accepted again when the process has no room for more.
const BREATH: Duration = Duration::from_millis(100);

type Answer = Response<Full<Bytes>>;

/// Answers until it is dropped.
pub(super) async fn run(listener: TcpListener, node: Arc<Node>) -> Infallible {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    // Connections end with the server.
    let mut open = JoinSet::new();
    loop {
        // Never closed, so there is always an answer.
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { continue };
        while open.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let node = Arc::clone(&node);
                open.spawn(async move {
                    let _ = tokio::time::timeout(WHOLE, answer(stream, node)).await;
                    drop(place);
                });
            }
            // One that hung up, or no file descriptors: it passes.
            Err(_) => tokio::time::sleep(BREATH).await,
        }
    }
}

async fn answer(stream: TcpStream, node: Arc<Node>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let node = Arc::clone(&node);
        async move { Ok::<_, Infallible>(respond(request, &node).await) }
    });
    // How a connection ends is its caller's matter.
    let _ = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(LONGEST)
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn respond<B>(request: Request<B>, node: &Node) -> Answer
where
    B: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    let path = request.uri().path().to_owned();
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    match path.as_str() {
        "/livez" if reads => made(StatusCode::OK, &json!({ "alive": true })),
        "/readyz" if reads => ready(node.with(|standing, _| standing.unready())),
        "/v1/status" if reads => node.with(|standing, now| told(Status::of(standing, now))),
        "/livez" | "/readyz" | "/v1/status" => other_method("GET, HEAD"),
        "/v1/drain" => match *request.method() {
            Method::POST => drain(request, node, Standing::begin).await,
            Method::DELETE => drain(request, node, |standing, _| standing.drain.undo()).await,
            _ => other_method("POST, DELETE"),
        },
        _ => wrong(StatusCode::NOT_FOUND, "there is nothing here"),
    }
}

fn ready(unready: Option<Unready>) -> Answer {
    match unready {
        None => made(StatusCode::OK, &json!({ "ready": true })),
        Some(unready) => later(&json!({ "ready": false, "why": unready.why() })),
    }
}

/// Changes the drain of the instance that the body names, and of no other.
async fn drain<B>(
    request: Request<B>,
    node: &Node,
    change: impl FnOnce(&mut Standing, super::clock::Moment),
) -> Answer
where
    B: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    #[derive(Deserialize)]
    struct Asked {
        instance: String,
    }
    let body = match Limited::new(request.into_body(), LONGEST).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return wrong(StatusCode::PAYLOAD_TOO_LARGE, "a request is at most 16 KiB long");
        }
        Err(_) => return wrong(StatusCode::BAD_REQUEST, "the request was cut off"),
    };
    let Ok(Asked { instance }) = serde_json::from_slice(&body) else {
        return wrong(StatusCode::BAD_REQUEST, r#"write {"instance": "i-0abc…"}"#);
    };
    node.with(|standing, now| match &standing.identity {
        None => told(None),
        Some(identity) if identity.instance != instance => {
            let own = &identity.instance;
            let said = json!({ "error": "this is another instance", "instance": own });
            made(StatusCode::CONFLICT, &said)
        }
        Some(_) => {
            change(standing, now);
            told(Status::of(standing, now))
        }
    })
}

fn told(status: Option<Status<'_>>) -> Answer {
    match status.map(serde_json::to_value) {
        Some(Ok(status)) => made(StatusCode::OK, &status),
        Some(Err(_)) => wrong(StatusCode::INTERNAL_SERVER_ERROR, "the status cannot be written"),
        None => later(&json!({ "error": Unready::Unknown.why() })),
    }
}

fn later(said: &Value) -> Answer {
    let mut answer = made(StatusCode::SERVICE_UNAVAILABLE, said);
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

fn other_method(allowed: &'static str) -> Answer {
    let mut answer = wrong(StatusCode::METHOD_NOT_ALLOWED, "it cannot be called so");
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    answer
}

fn wrong(status: StatusCode, why: &str) -> Answer {
    made(status, &json!({ "error": why }))
}

/// The body of an answer to HEAD is left out by the server, its length is not.
fn made(status: StatusCode, said: &Value) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(format!("{said}\n"))));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

#[cfg(test)]
mod tests;
