//! Traces of turns for an OpenTelemetry collector.

use super::exit::Failure;
use crate::controller::Turn;
use crate::controller::lead::Standing;

#[cfg(not(feature = "otlp"))]
#[derive(Debug, clap::Args)]
pub(super) struct Export {}

/// Where traces go.
#[cfg(feature = "otlp")]
#[derive(Debug, clap::Args)]
pub(super) struct Export {
    /// Send a trace of every turn to the OpenTelemetry collector there, by OTLP over
    /// HTTP: http://127.0.0.1:4318
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    otlp: Option<String>,
}

/// Who is told of turns, if anybody.
pub(super) struct Traces {
    #[cfg(feature = "otlp")]
    collector: Option<crate::backend::otlp::Collector>,
}

#[cfg(not(feature = "otlp"))]
impl Traces {
    pub(super) fn begin(_: &Export) -> Result<Self, Failure> {
        Ok(Self {})
    }

    pub(super) fn tell(&self, _: &str, _: &Standing, _: &Turn) {}

    pub(super) async fn end(self) {}
}

#[cfg(feature = "otlp")]
impl Traces {
    pub(super) fn begin(args: &Export) -> Result<Self, Failure> {
        use crate::backend::otlp::Collector;

        let Some(url) = &args.otlp else { return Ok(Self { collector: None }) };
        let service = vec![
            ("service.name", "floodway".to_owned()),
            ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
            ("service.instance.id", super::applying::holder()),
        ];
        let collector = Collector::at(url, service).map_err(|why| {
            Failure::usage(format!("no traces can be sent to {url}: {why}"))
                .help("write the collector's address like --otlp http://127.0.0.1:4318")
        })?;
        Ok(Self { collector: Some(collector) })
    }

    pub(super) fn tell(&self, environment: &str, standing: &Standing, turn: &Turn) {
        if let Some(collector) = &self.collector {
            collector.tell(&crate::render::trace::trace(environment, standing, turn));
        }
    }

    pub(super) async fn end(self) {
        if let Some(collector) = self.collector {
            collector.end().await;
        }
    }
}
