//! A small HTTP server for what a controller tells of itself: GET and HEAD of a
//! few pages, and nothing that a caller could change or exhaust.

use async_trait::async_trait;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Connections at once; more wait until one ends.
const CONNECTIONS: usize = 32;
/// The longest request line and headers, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;
/// Until a request's head is there.
const HEAD: Duration = Duration::from_secs(5);
/// Until a connection is over, whatever it does.
const WHOLE: Duration = Duration::from_secs(20);
/// Before connections are accepted again when the process has no room for more.
const BREATH: Duration = Duration::from_millis(100);

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// 200, or 503 where the answer is no.
    pub well: bool,
    /// `text/plain; version=0.0.4`
    pub media_type: &'static str,
    /// What it says.
    pub text: String,
}

/// What is served.
#[async_trait]
pub trait Site: Send + Sync + 'static {
    /// The page at `path` (`/livez`) as it is now; none: there is none.
    async fn page(&self, path: &str) -> Option<Page>;
}

/// A server that listens and does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    connections: usize,
    whole: Duration,
}

impl Server {
    /// Listens at `address`; port 0: any that is free.
    ///
    /// # Errors
    /// Somebody else listens there, or it is no address of this machine.
    pub async fn at(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { listener, connections: CONNECTIONS, whole: WHOLE })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until it is dropped. One connection carries one request: what
    /// scrapes and probes comes seldom.
    pub async fn run(self, site: Arc<dyn Site>) -> Infallible {
        let room = Arc::new(Semaphore::new(self.connections));
        // Connections end with the server.
        let mut open = tokio::task::JoinSet::new();
        loop {
            // Never closed, so there is always an answer.
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { continue };
            while open.try_join_next().is_some() {}
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let (site, whole) = (Arc::clone(&site), self.whole);
                    open.spawn(async move {
                        let _ = tokio::time::timeout(whole, answer(stream, site)).await;
                        drop(place);
                    });
                }
                // One that hung up, or no file descriptors: it passes.
                Err(_) => tokio::time::sleep(BREATH).await,
            }
        }
    }
}

async fn answer(stream: TcpStream, site: Arc<dyn Site>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let site = Arc::clone(&site);
        async move { Ok::<_, Infallible>(respond(&request, site.as_ref()).await) }
    });
    // How a connection ends is its caller's matter.
    let _ = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(LONGEST_HEAD)
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn respond(request: &Request<Incoming>, site: &dyn Site) -> Response<Full<Bytes>> {
    const TEXT: &str = "text/plain; charset=utf-8";
    let simple = |status, text: &str| made(status, TEXT, text.to_owned());
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut refused = simple(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        let allowed = header::HeaderValue::from_static("GET, HEAD");
        refused.headers_mut().insert(header::ALLOW, allowed);
        return refused;
    }
    match site.page(request.uri().path()).await {
        Some(page) if page.well => made(StatusCode::OK, page.media_type, page.text),
        Some(page) => made(StatusCode::SERVICE_UNAVAILABLE, page.media_type, page.text),
        None => simple(StatusCode::NOT_FOUND, "there is no such page\n"),
    }
}

/// The body of an answer to HEAD is left out by the server, its length is not.
fn made(status: StatusCode, media_type: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static(media_type);
    let sniff = header::HeaderValue::from_static("nosniff");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, sniff);
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests;
