//! The service, over HTTP.

use super::{Asked, Imds};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Until a connection is over, whatever it does.
const WHOLE: Duration = Duration::from_secs(30);
/// Before connections are accepted again when the process has no room for more.
const BREATH: Duration = Duration::from_millis(100);

const TOKEN: &str = "x-aws-ec2-metadata-token";
const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const FORWARDED: &str = "x-forwarded-for";

/// Answers until it is dropped.
pub(crate) async fn serve(imds: Imds, listener: TcpListener) -> Infallible {
    let mut open = JoinSet::new();
    loop {
        while open.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                open.spawn(tokio::time::timeout(WHOLE, connection(stream, imds.clone())));
            }
            Err(_) => tokio::time::sleep(BREATH).await,
        }
    }
}

async fn connection(stream: TcpStream, imds: Imds) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = answer(&imds, &request);
        async move { Ok::<_, Infallible>(answer) }
    });
    // How a connection ends is its caller's matter. It ends after one answer, so
    // that what carries it here ends as well.
    let _ = http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn answer<B>(imds: &Imds, request: &Request<B>) -> Response<Full<Bytes>> {
    let text = |name: &str| header_text(request.headers(), name);
    let asked = Asked {
        method: request.method().as_str(),
        path: request.uri().path(),
        token: text(TOKEN),
        ttl: text(TTL),
        forwarded: request.headers().contains_key(FORWARDED),
    };
    let answer = imds.state().answer(&asked, Instant::now());
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    let failed = StatusCode::INTERNAL_SERVER_ERROR;
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(failed);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    if let Some(ttl) = answer.ttl {
        headers.insert(TTL, HeaderValue::from(ttl));
    }
    response
}

/// One that is no text is as good as one that was never given.
fn header_text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}
