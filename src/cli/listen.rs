//! The controller's own HTTP.

use super::board::Told;
use super::exit::Failure;
use super::logging::Log;

#[cfg(not(feature = "serve"))]
#[derive(Debug, clap::Args)]
pub(super) struct Listen {}

/// Where it answers.
#[cfg(feature = "serve")]
#[derive(Debug, clap::Args)]
pub(super) struct Listen {
    /// Answer /metrics, /livez and /readyz here: 127.0.0.1:9469
    #[arg(long, value_name = "ADDR", env = "FLOODWAY_LISTEN")]
    listen: Option<std::net::SocketAddr>,
}

/// Answers, if that is asked for, for as long as `work` goes on.
#[cfg(not(feature = "serve"))]
pub(super) async fn beside<T>(
    _: &Listen,
    _: Told,
    _: Log,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    work.await
}

#[cfg(feature = "serve")]
pub(super) use served::beside;

#[cfg(feature = "serve")]
mod served {
    use super::*;
    use crate::backend::serve::{Page, Server, Site};
    use crate::cli::exit::Exit;
    use async_trait::async_trait;
    use std::sync::Arc;

    /// Answers, if that is asked for, for as long as `work` goes on.
    pub(in crate::cli) async fn beside<T>(
        args: &Listen,
        told: Told,
        log: Log,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let Some(address) = args.listen else { return work.await };
        let cannot = |error: std::io::Error| {
            let message = format!("nobody can listen at {address}: {error}");
            Failure::new(Exit::Failed, message).help("choose another --listen ADDRESS:PORT")
        };
        let server = Server::at(address).await.map_err(cannot)?;
        let at = server.address().map_err(cannot)?;
        log.note(&format!("answering /metrics, /livez and /readyz at http://{at}"));
        // A turn that computes for long must not keep who asks waiting.
        let serving = tokio::spawn(server.run(Arc::new(told)));
        let done = work.await;
        serving.abort();
        done
    }

    #[async_trait]
    impl Site for Told {
        async fn page(&self, path: &str) -> Option<Page> {
            const TEXT: &str = "text/plain; charset=utf-8";
            let health = |ill: Option<String>| Page {
                well: ill.is_none(),
                media_type: TEXT,
                text: ill.map_or_else(|| "ok\n".to_owned(), |why| format!("{why}\n")),
            };
            match path {
                "/metrics" => Some(Page {
                    well: true,
                    media_type: "text/plain; version=0.0.4; charset=utf-8",
                    text: self.metrics(),
                }),
                "/livez" => Some(health(self.dead())),
                "/readyz" => Some(health(self.not_ready())),
                _ => None,
            }
        }
    }
}
