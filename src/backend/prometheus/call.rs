//! One call over HTTP: bounded in time and size, never redirected, through no
//! proxy.

use super::credentials::Stamp;
use super::{Credentials, answer, error};
use crate::signal::{MeasureError, MeasureFailure};
use crate::units::Span;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client as Http, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::error::Error;
use std::sync::Mutex;
use std::time::Duration;

type Connected = Http<HttpsConnector<HttpConnector>, String>;

/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(60);

/// A server's client. Its TLS part is made anew when its files change.
pub(super) struct Client {
    server: String,
    credentials: Credentials,
    timeout: Span,
    most: usize,
    made: Mutex<(Stamp, Connected)>,
}

impl Client {
    pub(super) fn new(
        server: &str,
        credentials: Credentials,
        timeout: Span,
        most: usize,
    ) -> Result<Self, MeasureError> {
        let unusable =
            |why: &str, help| error(MeasureFailure::Denied, format!("{server} {why}"), Some(help));
        let uri: Uri = server.parse().map_err(|_| {
            unusable("is no URL", "write it like \"http://prometheus.monitoring:9090\"")
        })?;
        let plain = uri.scheme_str() != Some("https");
        let has = credentials.token.is_some() || credentials.certificate.is_some();
        if plain && has && !is_loopback(&uri) {
            let help = "use its https address, or no credentials";
            return Err(unusable("would be sent the credentials in the clear", help));
        }
        let made = Mutex::new((credentials.stamp(), connect(&credentials)?));
        Ok(Self { server: server.to_owned(), credentials, timeout, most, made })
    }

    /// How long the server may usually take.
    pub(super) fn timeout(&self) -> Span {
        self.timeout
    }

    /// Asks `/api/v1/{path}`, and waits for `limit` at most, as Prometheus' own client
    /// does: by POST, for queries are long, and by GET where POST is not allowed.
    pub(super) async fn ask(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
        limit: Span,
    ) -> Result<Vec<u8>, MeasureError> {
        // As long as the server itself goes on with it.
        let timeout = format!("{}ms", limit.millis().max(1));
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .append_pair("timeout", &timeout)
            .finish();
        let posted = self.send(Method::POST, path, &form, limit).await?;
        let (status, body) = match posted.0 {
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => {
                self.send(Method::GET, path, &form, limit).await?
            }
            _ => posted,
        };
        if status == StatusCode::OK { Ok(body) } else { Err(self.failed(status, &body)) }
    }

    /// A page of `/api/v1/`; none where there is no such page.
    pub(super) async fn get(&self, path: &str) -> Result<Option<Vec<u8>>, MeasureError> {
        let (status, body) = self.send(Method::GET, path, "", self.timeout).await?;
        Ok((status == StatusCode::OK).then_some(body))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        form: &str,
        limit: Span,
    ) -> Result<(StatusCode, Vec<u8>), MeasureError> {
        match tokio::time::timeout(limit.duration(), self.exchange(method, path, form)).await {
            Ok(done) => done,
            Err(_) => {
                let message = format!("{} has not answered within {limit}", self.server);
                Err(error(MeasureFailure::Unreachable, message, None))
            }
        }
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        form: &str,
    ) -> Result<(StatusCode, Vec<u8>), MeasureError> {
        let posts = method == Method::POST;
        let query = if posts || form.is_empty() { String::new() } else { format!("?{form}") };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/api/v1/{path}{query}", self.server))
            .header(ACCEPT, "application/json");
        if posts {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        if let Some(authorization) = self.credentials.authorization()? {
            request = request.header(AUTHORIZATION, authorization);
        }
        let body = if posts { form.to_owned() } else { String::new() };
        let request = request.body(body).map_err(|why| {
            let message = format!("{} cannot be asked: {why}", self.server);
            error(MeasureFailure::Refused, message, None)
        })?;
        let answer = self.connected()?.request(request).await.map_err(|why| self.lost(&why))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), self.most).collect().await;
        match body {
            Ok(body) => Ok((status, body.to_bytes().to_vec())),
            Err(why) if why.is::<LengthLimitError>() => {
                let most = self.most >> 20;
                let message = format!("{} answers more than {most} MiB", self.server);
                let help = Some("aggregate the query, with sum() for instance");
                Err(error(MeasureFailure::Garbage, message, help))
            }
            Err(why) => Err(self.lost(why.as_ref())),
        }
    }

    /// The client, made anew if its files have changed.
    fn connected(&self) -> Result<Connected, MeasureError> {
        let stamp = self.credentials.stamp();
        let mut made = self.made.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if made.0 != stamp {
            *made = (stamp, connect(&self.credentials)?);
        }
        Ok(made.1.clone())
    }

    fn failed(&self, status: StatusCode, body: &[u8]) -> MeasureError {
        let server = &self.server;
        if status.is_redirection() {
            let message = format!("{server} redirects ({status}), which is not followed");
            return error(
                MeasureFailure::Garbage,
                message,
                Some("give the address that it leads to"),
            );
        }
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => error(
                MeasureFailure::Denied,
                format!("{server} does not let us in ({status})"),
                Some("pass --prometheus-token-file, or --prometheus-cert and --prometheus-key"),
            ),
            StatusCode::NOT_FOUND => error(
                MeasureFailure::Garbage,
                format!("{server} has no query API ({status})"),
                Some("check the address and its path in [signals] prometheus"),
            ),
            _ => answer::failure(server, body).unwrap_or_else(|| {
                let message = format!("{server} answers {status}");
                error(MeasureFailure::Unreachable, message, None)
            }),
        }
    }

    fn lost(&self, why: &(dyn Error + 'static)) -> MeasureError {
        // The innermost cause says it in the system's words.
        let mut cause = why;
        while let Some(next) = cause.source() {
            cause = next;
        }
        let message = format!("{} does not answer: {cause}", self.server);
        error(MeasureFailure::Unreachable, message, None)
    }
}

fn connect(credentials: &Credentials) -> Result<Connected, MeasureError> {
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(credentials.tls()?)
        .https_or_http()
        .enable_http1()
        .build();
    Ok(Http::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_timer(TokioTimer::new())
        .build(connector))
}

/// Whether what is sent there stays on this machine.
fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    host == "localhost" || address.is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}
