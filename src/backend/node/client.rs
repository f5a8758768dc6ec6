//! Calls to agents: small, bounded, never repeated by themselves.

use super::status::{State, Status};
use crate::plan::{FailureKind, PortError};
use crate::port::{Drain, Leaving, Left};
use async_trait::async_trait;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;

/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(2);
/// Until the whole answer is there.
const ANSWER: Duration = Duration::from_secs(5);
/// The longest answer, in bytes.
const LONGEST: usize = 16 * 1024;

/// The agents of instances that stand alone.
pub struct Agents {
    client: Client<HttpConnector, Full<Bytes>>,
    limit: Duration,
}

impl Default for Agents {
    fn default() -> Self {
        Self::with_limit(ANSWER)
    }
}

impl Agents {
    /// With another time limit for a whole call than 5 seconds.
    pub fn with_limit(limit: Duration) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT.min(limit)));
        // Calls are rare, and an instance that has ended leaves no connection behind.
        let client =
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        Self { client, limit }
    }

    async fn call(&self, unit: &Leaving, how: Method, path: &str) -> Result<Status, PortError> {
        let agent = unit.agent.ok_or_else(|| PortError {
            kind: FailureKind::Other,
            message: format!("where the agent of {} answers is not known", unit.instance),
            help: None,
        })?;
        let of = format!("the agent of {} at {agent}", unit.instance);
        let answered = tokio::time::timeout(self.limit, self.send(unit, agent, how, path)).await;
        let (status, body) = match answered {
            Ok(Ok(answer)) => answer,
            Ok(Err(why)) => return Err(silent(format!("{of} does not answer: {why}"))),
            Err(_) => {
                let limit = self.limit.as_secs_f64();
                return Err(silent(format!("{of} does not answer within {limit} s")));
            }
        };
        let wrong =
            |kind, message, help: &str| PortError { kind, message, help: Some(help.into()) };
        match status {
            StatusCode::OK => Status::read(&body, &unit.instance).map_err(|why| {
                let message = format!("the answer of {of} cannot be believed: {why}");
                wrong(FailureKind::Rejected, message, "it counts as not drained; look at the agent")
            }),
            StatusCode::CONFLICT => Err(wrong(
                FailureKind::Stale,
                format!("{of} is another instance's by now"),
                "the instance has ended, or its address is not what was believed",
            )),
            StatusCode::NOT_FOUND => Err(wrong(
                FailureKind::Rejected,
                format!("{of} does not know the node protocol"),
                "build the image with a newer agent, or end the instance by hand",
            )),
            status if status.is_server_error() => Err(wrong(
                FailureKind::Transient,
                format!("{of} failed ({status})"),
                "it is asked again; if it stays so, look at the agent",
            )),
            status => {
                let message = format!("{of} refuses {path} ({status})");
                Err(wrong(FailureKind::Rejected, message, "look at the agent"))
            }
        }
    }

    async fn send(
        &self,
        unit: &Leaving,
        agent: SocketAddr,
        how: Method,
        path: &str,
    ) -> Result<(StatusCode, Bytes), String> {
        let body = match how {
            Method::GET => String::new(),
            _ => json!({"instance": unit.instance}).to_string(),
        };
        let request = Request::builder()
            .method(how)
            .uri(format!("http://{agent}{path}"))
            .header("content-type", "application/json")
            .body(Full::from(body))
            .map_err(|error| error.to_string())?;
        let response = self.client.request(request).await.map_err(|error| said(&error))?;
        let status = response.status();
        let body = Limited::<Incoming>::new(response.into_body(), LONGEST).collect().await;
        Ok((status, body.map_err(|error| error.to_string())?.to_bytes()))
    }
}

#[async_trait]
impl Drain for Agents {
    /// As `begin`: an agent moves nothing.
    async fn close(&self, unit: &Leaving) -> Result<Left, PortError> {
        self.begin(unit).await
    }

    /// An error: no answer in time, one of another instance, or one that cannot be
    /// read.
    async fn status(&self, unit: &Leaving) -> Result<Left, PortError> {
        Ok(self.call(unit, Method::GET, "/v1/status").await?.left())
    }

    async fn begin(&self, unit: &Leaving) -> Result<Left, PortError> {
        Ok(self.call(unit, Method::POST, "/v1/drain").await?.left())
    }

    async fn undo(&self, unit: &Leaving) -> Result<(), PortError> {
        let status = self.call(unit, Method::DELETE, "/v1/drain").await?;
        if status.state == State::Serving {
            return Ok(());
        }
        Err(PortError {
            kind: FailureKind::Rejected,
            message: format!("the agent of {} has not taken its drain back", unit.instance),
            help: Some("end the instance, or look at the agent".to_owned()),
        })
    }
}

fn silent(message: String) -> PortError {
    let help = Some("check the security groups, and that the agent runs".to_owned());
    PortError { kind: FailureKind::Unreachable, message, help }
}

/// The whole chain of causes: the outermost one only says that sending failed.
fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
