//! Prometheus, and whatever else speaks its HTTP API (Thanos, Mimir,
//! VictoriaMetrics): <https://prometheus.io/docs/prometheus/latest/querying/api/>.

mod answer;
mod call;
mod credentials;
#[cfg(test)]
mod tests;

use crate::clock::Timestamp;
use crate::port::Measure;
use crate::signal::{Answer, MeasureError, MeasureFailure, Range};
use crate::units::Span;
use async_trait::async_trait;
use call::Client;
use std::path::PathBuf;

/// The largest answer that is read: 10,000 points of a thousand series.
pub const MOST_BYTES: usize = 64 << 20;

/// A longer part of the past than this takes a server more than the number of a moment.
const SHORT: Span = Span::from_secs(3600);
/// So long a server may take for such a one, or as long as for all else if that is more.
const LONGEST: Span = Span::from_secs(30);

/// Files with credentials, each read again when it changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// A bearer token.
    pub token: Option<PathBuf>,
    /// Certificates, in PEM, of authorities to trust in place of the system's.
    pub ca: Option<PathBuf>,
    /// Our certificate, in PEM, with those between it and its authority.
    pub certificate: Option<PathBuf>,
    /// Its private key, in PEM.
    pub key: Option<PathBuf>,
}

/// A Prometheus server.
pub struct Prometheus {
    url: String,
    client: Client,
}

impl Prometheus {
    /// The server at `url`. Nothing is sent yet.
    ///
    /// # Errors
    /// A URL or a credential that cannot be used: a file that cannot be read, a
    /// token that would be sent in the clear.
    pub fn new(url: &str, credentials: Credentials, timeout: Span) -> Result<Self, MeasureError> {
        Self::bounded(url, credentials, timeout, MOST_BYTES)
    }

    fn bounded(
        url: &str,
        credentials: Credentials,
        timeout: Span,
        most: usize,
    ) -> Result<Self, MeasureError> {
        let url = url.trim_end_matches('/').to_owned();
        let client = Client::new(&url, credentials, timeout, most)?;
        Ok(Self { url, client })
    }
}

#[async_trait]
impl Measure for Prometheus {
    fn server(&self) -> &str {
        &self.url
    }

    async fn instant(&self, query: &str) -> Result<Answer, MeasureError> {
        let body = self.client.ask("query", &[("query", query)], self.client.timeout()).await?;
        answer::read(&self.url, &body)
    }

    async fn range(&self, query: &str, range: &Range) -> Result<Answer, MeasureError> {
        let step = format!("{}ms", range.step.millis());
        let (start, end) = (seconds(range.start), seconds(range.end));
        let parameters = [("query", query), ("start", &start), ("end", &end), ("step", &step)];
        let usual = self.client.timeout();
        let is_long = range.end.duration_since(range.start).unsigned_abs() > SHORT.duration();
        let limit = if is_long { usual.max(LONGEST) } else { usual };
        let body = self.client.ask("query_range", &parameters, limit).await?;
        answer::read(&self.url, &body)
    }

    async fn started(&self) -> Result<Option<Timestamp>, MeasureError> {
        // What only speaks the query API has no such page.
        match self.client.get("status/runtimeinfo").await? {
            Some(body) => Ok(answer::started(&body)),
            None => Ok(None),
        }
    }
}

fn seconds(at: Timestamp) -> String {
    let millis = at.as_millisecond();
    format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000))
}

fn error(kind: MeasureFailure, message: String, help: Option<&str>) -> MeasureError {
    MeasureError { kind, message, help: help.map(str::to_owned) }
}
