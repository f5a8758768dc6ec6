//! One HTTP call to a service near by: one connection, one answer, bounded in
//! time and size, no redirects, no proxies.

use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::fmt;
use std::io;
use std::time::Duration;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Where a service answers: `http://host[:port][/path]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    host: String,
    port: u16,
    authority: HeaderValue,
    path: String,
}

impl Url {
    /// # Errors
    /// It is no such URL; the text says what to write.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|error| format!("{error}"))?;
        if uri.scheme_str() != Some("http") {
            return Err("write http://host[:port][/path]".to_owned());
        }
        let authority = uri.authority().ok_or("the host is missing")?;
        if authority.as_str().contains('@') {
            return Err("a name or password has no place here".to_owned());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let port = authority.port_u16().unwrap_or(80);
        let authority =
            HeaderValue::from_str(authority.as_str()).map_err(|error| error.to_string())?;
        Ok(Self { host, port, authority, path })
    }

    /// Another path at the same place.
    pub(super) fn at(&self, path: &str) -> Self {
        let below = self.path.trim_end_matches('/');
        Self { path: format!("{below}{path}"), ..self.clone() }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.authority.to_str().unwrap_or(&self.host);
        write!(f, "http://{authority}{}", self.path)
    }
}

/// What an answer may cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Until all of it is there.
    pub(super) time: Duration,
    /// The longest body, in bytes.
    pub(super) bytes: usize,
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// No answer.
#[derive(Debug, Error)]
pub(super) enum FetchError {
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("the connection failed: {0}")]
    Connection(#[from] hyper::Error),
    #[error("the answer cannot be read: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
    #[error("the request cannot be written: {0}")]
    Request(#[from] http::Error),
    #[error("no answer within {0:?}")]
    Late(Duration),
}

/// Asks `url` once.
///
/// # Errors
/// There was no whole answer within the limits.
pub(super) async fn fetch(
    method: Method,
    url: &Url,
    headers: &[(&'static str, HeaderValue)],
    limits: Limits,
) -> Result<Answer, FetchError> {
    let answered = tokio::time::timeout(limits.time, send(method, url, headers, limits.bytes));
    answered.await.unwrap_or(Err(FetchError::Late(limits.time)))
}

async fn send(
    method: Method,
    url: &Url,
    headers: &[(&'static str, HeaderValue)],
    bytes: usize,
) -> Result<Answer, FetchError> {
    let mut request = Request::builder()
        .method(method)
        .uri(url.path.as_str())
        .header(header::HOST, url.authority.clone())
        .header(header::CONNECTION, "close");
    for (name, value) in headers {
        request = request.header(*name, value.clone());
    }
    let request = request.body(Empty::<Bytes>::new())?;
    let to = (url.host.as_str(), url.port);
    let stream = TcpStream::connect(to).await.map_err(FetchError::Connect)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with this call.
    let mut carried = JoinSet::new();
    carried.spawn(connection);
    let response = sender.send_request(request).await?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, bytes).collect().await.map_err(FetchError::Body)?.to_bytes();
    Ok(Answer { status: head.status, headers: head.headers, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_keeps_its_parts() {
        let url = Url::read("http://127.0.0.1:8000/metrics?all=1").unwrap();
        assert_eq!((url.host.as_str(), url.port), ("127.0.0.1", 8000));
        assert_eq!(url.to_string(), "http://127.0.0.1:8000/metrics?all=1");
        let six = Url::read("http://[fd00:ec2::254]").unwrap().at("/latest");
        assert_eq!((six.host.as_str(), six.port), ("fd00:ec2::254", 80));
        assert_eq!(six.to_string(), "http://[fd00:ec2::254]/latest");
    }

    #[test]
    fn what_is_no_plain_http_is_refused() {
        for wrong in ["", "127.0.0.1", "https://host/", "http://", "/path", "http://u:p@host/"] {
            assert!(Url::read(wrong).is_err(), "{wrong}");
        }
    }
}
