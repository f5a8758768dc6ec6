//! What `floodway run` tells while it runs: lines for people, or objects for programs;
//! and, where somebody asks for it, what the libraries under it tell of themselves.

use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use crate::controller::{Tally, Turn};
use crate::render::event::{self, EventView};
use crate::render::tally;
use crate::render::turn::{self as render, Entry, Level};
use std::io;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Of whom the entries are that this program makes itself.
const OWN: &str = "floodway::run";

#[derive(Debug, clap::Args)]
pub(super) struct Logging {
    /// How to tell what happens: as text, or each thing as a line of JSON
    #[arg(long, value_enum, value_name = "FORM", default_value = "text", conflicts_with = "json")]
    log: Form,
    /// What the libraries tell of themselves too, on standard error, like
    /// `kube_client=debug,aws_smithy_runtime=debug`
    #[arg(long, env = "FLOODWAY_LOG_LIBRARIES", value_name = "TARGET=LEVEL,…")]
    log_libraries: Option<Targets>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    Text,
    Json,
}

/// Where it is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Log {
    form: Form,
    terminal: Terminal,
}

impl Log {
    /// # Errors
    /// Something else has taken the log of this process already.
    pub(super) fn begin(asked: &Logging, terminal: &Terminal) -> Result<Self, Failure> {
        let json = asked.log == Form::Json;
        let entries = || fmt::layer().json().flatten_event(true);
        let mut layers = Vec::new();
        if json {
            let own = Targets::new().with_target(OWN, LevelFilter::TRACE);
            layers.push(entries().with_writer(Printed(*terminal)).with_filter(own).boxed());
        }
        if let Some(targets) = asked.log_libraries.clone() {
            let theirs = targets.with_target(OWN, LevelFilter::OFF);
            let lines = fmt::layer().with_ansi(terminal.err.color).with_writer(io::stderr);
            layers.push(match json {
                true => entries().with_writer(io::stderr).with_filter(theirs).boxed(),
                false => lines.with_filter(theirs).boxed(),
            });
        }
        let begun = tracing_subscriber::registry().with(layers).try_init();
        begun.map_err(|error| Failure::new(Exit::Failed, format!("no log: {error}")))?;
        Ok(Self { form: asked.log, terminal: *terminal })
    }

    /// What a turn has to tell to who has seen the one before it.
    pub(super) fn turn(&self, environment: &str, turn: &Turn, before: Option<&Turn>) {
        match self.form {
            Form::Json => {
                for entry in render::entries(turn, before) {
                    tell(environment, &entry);
                }
            }
            Form::Text => {
                for line in render::lines(turn, before) {
                    self.terminal.print(&format!("{line}\n"));
                }
            }
        }
    }

    /// What all turns came to: for people, whatever programs read.
    pub(super) fn sums(&self, sums: &Tally, dry_run: bool) {
        match self.form {
            Form::Json => self.terminal.note(&tally::text(sums, dry_run, &self.terminal.err)),
            Form::Text => {
                let text = tally::text(sums, dry_run, &self.terminal.out);
                self.terminal.print(&format!("\n{text}"));
            }
        }
    }

    /// Something that is not of a turn, on a line.
    pub(super) fn note(&self, text: &str) {
        match self.form {
            Form::Json => tracing::info!(target: OWN, event = "notice", "{text}"),
            Form::Text => self.terminal.note(&format!("{text}\n")),
        }
    }

    /// Something that should be otherwise.
    pub(super) fn warn(&self, message: String) {
        match self.form {
            Form::Json => tracing::warn!(target: OWN, event = "notice", "{message}"),
            Form::Text => {
                let line = event::text(&EventView::Warning { message }, &self.terminal.err);
                self.terminal.note(&line);
            }
        }
    }
}

fn tell(environment: &str, entry: &Entry) {
    macro_rules! say {
        ($level:ident) => {
            tracing::$level!(
                target: OWN,
                environment,
                at = entry.at,
                event = entry.event.as_str(),
                about = entry.about,
                "{}",
                entry.message
            )
        };
    }
    match entry.level {
        Level::Info => say!(info),
        Level::Warn => say!(warn),
        Level::Error => say!(error),
    }
}

/// Standard output, as the rest of the program prints to it: what cannot be printed
/// ends no work, and is told at the end.
struct Printed(Terminal);

impl io::Write for Printed {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.print(&String::from_utf8_lossy(line));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Printed {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self(self.0)
    }
}
