//! The agent's life: from its start to SIGTERM.

use super::engine::{self, Engine};
use super::identity::{Identity, pause};
use super::imds::Imds;
use super::log::{self, Failures};
use super::node::Node;
use super::options::Options;
use super::phases::Phases;
use super::standing::{self, Standing};
use super::{initrd, serve, watch};
use clap::Parser;
use serde_json::json;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Why the agent cannot start.
#[derive(Debug, Error)]
enum StartError {
    #[error("the runtime does not start: {0}")]
    Runtime(io::Error),
    #[error("signals cannot be received: {0}")]
    Signals(io::Error),
    #[error("cannot listen at {at}: {why}; name a free address by --listen")]
    Listen { at: std::net::SocketAddr, why: io::Error },
}

/// Runs the agent by its command line until SIGTERM or SIGINT.
#[must_use]
pub fn main() -> ExitCode {
    let phases = Phases::start();
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.map_err(StartError::Runtime).and_then(|runtime| {
        let ended = runtime.block_on(run(phases, options));
        // A name that is still being looked up holds nobody up.
        runtime.shutdown_background();
        ended
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::line("error", &json!({ "why": error.to_string() }));
            ExitCode::FAILURE
        }
    }
}

async fn run(mut phases: Phases, options: Options) -> Result<(), StartError> {
    let mut signals = Signals::receive().map_err(StartError::Signals)?;
    let listening = TcpListener::bind(options.listen).await;
    let listen = |why| StartError::Listen { at: options.listen, why };
    let listener = listening.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    log::line("listening", &json!({ "address": address, "version": env!("CARGO_PKG_VERSION") }));

    match initrd::read(&options.boot_phases) {
        Ok(read) => phases.init = read,
        Err(error) => {
            let file = options.boot_phases.display().to_string();
            log::line("failed", &json!({ "what": file, "why": error.to_string() }));
        }
    }
    let engine = Engine { ready: options.engine_ready, load: options.engine_load };
    let declared = standing::Engine::declared(engine.ready.is_some(), engine.load.is_some());
    let node = Arc::new(Node::new(Standing::new(phases, declared, options.settle)));
    let imds = Imds::at(options.imds);
    let aws = async {
        identify(&imds, &node).await;
        watch::run(&imds, &node, options.poll).await
    };
    // All in one task: where one of them panics, the agent ends and is started again.
    tokio::select! {
        never = serve::run(listener, Arc::clone(&node)) => match never {},
        never = aws => match never {},
        never = engine::run(engine, &node, options.engine_poll) => match never {},
        () = stop(&mut signals, &node, options.grace) => Ok(()),
    }
}

/// Asks until it is known who the instance is: the network may not be up yet.
async fn identify(imds: &Imds, node: &Node) {
    let mut failures = Failures::default();
    for failed in 1.. {
        let read = Identity::read(imds).await;
        if let Some(answered) = imds.answered() {
            node.with(|standing, _| standing.phases.network.get_or_insert(answered).as_nanos());
        }
        failures.note("who the instance is", read.as_ref().err().map(ToString::to_string));
        match read {
            Ok((identity, odd)) => {
                if let Some(why) = odd {
                    log::line("failed", &json!({ "what": "the user data", "why": why }));
                }
                log::line("identity", &json!({ "identity": identity }));
                return node.with(|standing, now| {
                    standing.phases.identity = Some(now.since_boot);
                    standing.identity = Some(identity);
                });
            }
            Err(_) => tokio::time::sleep(pause(failed)).await,
        }
    }
}

/// After a signal: takes no new work, and returns when nothing is in flight, when
/// `grace` is over, or at a second signal.
async fn stop(signals: &mut Signals, node: &Node, grace: Duration) {
    let name = signals.next().await;
    log::line("stopping", &json!({ "signal": name, "grace_seconds": grace.as_secs_f64() }));
    node.with(Standing::stop);
    let why = tokio::select! {
        biased;
        () = node.drained() => "drained",
        name = signals.next() => name,
        () = tokio::time::sleep(grace) => "the grace is over",
    };
    let in_flight = node.with(|standing, _| standing.in_flight());
    log::line("stopped", &json!({ "why": why, "in_flight": in_flight }));
}

/// What asks the agent to end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn receive() -> io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
