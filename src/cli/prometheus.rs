//! The way to an environment's Prometheus servers, for every command that measures.

use super::exit::{Exit, Failure};
use crate::port::Measure;
use crate::spec::model::Signals;
use std::path::PathBuf;
use std::sync::Arc;

/// Credentials for Prometheus: files, each read again when it changes. Nothing in
/// an environment's file can name them.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Prometheus")]
pub(super) struct Access {
    /// A file with a bearer token
    #[arg(long, value_name = "FILE", env = "FLOODWAY_PROMETHEUS_TOKEN_FILE")]
    prometheus_token_file: Option<PathBuf>,
    /// Authorities to trust, in PEM, in place of the system's
    #[arg(long, value_name = "FILE", env = "FLOODWAY_PROMETHEUS_CA")]
    prometheus_ca: Option<PathBuf>,
    /// A client certificate, in PEM
    #[arg(
        long,
        value_name = "FILE",
        env = "FLOODWAY_PROMETHEUS_CERT",
        requires = "prometheus_key"
    )]
    prometheus_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM
    #[arg(
        long,
        value_name = "FILE",
        env = "FLOODWAY_PROMETHEUS_KEY",
        requires = "prometheus_cert"
    )]
    prometheus_key: Option<PathBuf>,
}

/// The servers that `signals` names, in their order.
#[cfg(feature = "prometheus")]
pub(super) fn servers(
    signals: &Signals,
    access: &Access,
) -> Result<Vec<Arc<dyn Measure>>, Failure> {
    use crate::backend::prometheus::{Credentials, Prometheus};
    let credentials = Credentials {
        token: access.prometheus_token_file.clone(),
        ca: access.prometheus_ca.clone(),
        certificate: access.prometheus_cert.clone(),
        key: access.prometheus_key.clone(),
    };
    let one = |url: &String| {
        let server = Prometheus::new(url, credentials.clone(), signals.timeout);
        let server = server.map_err(|error| {
            let failure = Failure::new(Exit::Failed, error.message);
            match error.help {
                Some(help) => failure.help(help),
                None => failure,
            }
        })?;
        Ok(Arc::new(server) as Arc<dyn Measure>)
    };
    signals.prometheus.iter().map(one).collect()
}

/// The servers that `signals` names.
#[cfg(not(feature = "prometheus"))]
pub(super) fn servers(_: &Signals, access: &Access) -> Result<Vec<Arc<dyn Measure>>, Failure> {
    let Access { prometheus_token_file, prometheus_ca, prometheus_cert, prometheus_key } = access;
    let _ = (prometheus_token_file, prometheus_ca, prometheus_cert, prometheus_key);
    Err(Failure::new(Exit::Failed, "this Floodway was built without its Prometheus backend")
        .help("build it with: cargo build --features prometheus"))
}
