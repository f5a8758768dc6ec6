//! Traces for an OpenTelemetry collector, by OTLP over HTTP as JSON.
//! <https://opentelemetry.io/docs/specs/otlp/#otlphttp>

use crate::clock::Timestamp;
use crate::port::{Fact, Traced};
use async_trait::async_trait;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use opentelemetry::trace::{
    Span, SpanContext, SpanKind, Status, TraceContextExt, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::runtime::Handle;

/// Until the collector has taken what it was sent.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read at most.
const MOST: usize = 64 * 1024;

/// A way to a collector. What it does not take is lost, and keeps nobody waiting.
#[derive(Debug)]
pub struct Collector {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Collector {
    /// The collector at `url` (`http://127.0.0.1:4318`), told as `service`. Must be
    /// called within a tokio runtime.
    ///
    /// # Errors
    /// What is wrong with the URL, or with TLS.
    pub fn at(url: &str, service: Vec<(&'static str, String)>) -> Result<Self, String> {
        let endpoint = format!("{}/v1/traces", url.trim_end_matches('/'));
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Way { client: client()?, runtime: Handle::current() })
            .with_protocol(Protocol::HttpJson)
            .with_timeout(TIMEOUT)
            .with_endpoint(endpoint)
            .build()
            .map_err(|why| why.to_string())?;
        let attributes = service.into_iter().map(|(key, value)| KeyValue::new(key, value));
        let resource = Resource::builder_empty().with_attributes(attributes).build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("floodway");
        Ok(Self { provider, tracer })
    }

    /// Tells what was done; it is sent with what comes within the next seconds.
    pub fn tell(&self, done: &Traced) {
        self.add(done, &Context::new());
    }

    fn add(&self, done: &Traced, within: &Context) -> SpanContext {
        let builder = self
            .tracer
            .span_builder(done.name)
            .with_kind(SpanKind::Internal)
            .with_start_time(time(done.began))
            .with_attributes(facts(&done.facts));
        let mut span = builder.start_with_context(&self.tracer, within);
        for happened in &done.happened {
            span.add_event_with_timestamp(happened.name, time(done.ended), facts(&happened.facts));
        }
        if let Some(why) = &done.failed {
            span.set_status(Status::error(why.clone()));
        }
        let own = span.span_context().clone();
        let inside = within.with_remote_span_context(own.clone());
        for part in &done.parts {
            self.add(part, &inside);
        }
        span.end_with_timestamp(time(done.ended));
        own
    }

    /// Sends what is not sent yet, for as long as that may take.
    pub async fn end(self) {
        let provider = self.provider;
        // It waits for its own thread, which needs this one's runtime.
        let end = move || provider.shutdown_with_timeout(TIMEOUT);
        let _ = tokio::task::spawn_blocking(end).await;
    }
}

fn time(at: Timestamp) -> SystemTime {
    let since = u64::try_from(at.as_nanosecond()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_nanos(since)
}

fn facts(facts: &[(String, Fact)]) -> Vec<KeyValue> {
    let one = |(name, fact): &(String, Fact)| {
        let value = match fact {
            Fact::Text(text) => Value::from(text.clone()),
            Fact::Number(number) => Value::from(*number),
            Fact::Count(count) => Value::from(i64::from(*count)),
        };
        KeyValue::new(name.clone(), value)
    };
    facts.iter().map(one).collect()
}

type Connected = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

fn client() -> Result<Connected, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|why| format!("no TLS can be spoken: {why}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

/// The exporter sends from a thread of its own; the connection lives in ours.
#[derive(Debug, Clone)]
struct Way {
    client: Connected,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Way {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let answer = tokio::time::timeout(TIMEOUT, client.request(request.map(Full::new)));
            let (head, body) = answer.await??.into_parts();
            let body = Limited::new(body, MOST).collect().await?.to_bytes();
            Ok::<_, HttpError>(Response::from_parts(head, body))
        });
        sent.await?
    }
}
