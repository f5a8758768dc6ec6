//! What happens, as NDJSON into a file. Its last line says how the command ended.

use super::exit::{Exit, Failure};
use super::output;
use super::terminal::Terminal;
use crate::clock::{Clock, SystemClock};
use crate::pipeline::{self, Session};
use crate::plan::Plan;
use crate::render::event::{EventLine, EventView, FORMAT_VERSION, ReportView};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The event stream in a file, if one is asked for.
pub(super) struct Stream(Option<Mutex<Begun>>);

struct Begun {
    file: BufWriter<File>,
    /// Its name, and why it broke off.
    path: PathBuf,
    broken: Option<std::io::Error>,
    /// The time of the last line.
    at: Option<String>,
    /// What became of the changes.
    report: Option<ReportView>,
}

impl Stream {
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self(None)) };
        output::must_not_be_read(path, "--json-into")?;
        let file =
            File::create(path).map_err(|error| Failure::file(path, "cannot be written", &error))?;
        let (file, path) = (BufWriter::new(file), path.to_owned());
        let begun = Begun { file, path, broken: None, at: None, report: None };
        Ok(Self(Some(Mutex::new(begun))))
    }

    /// Runs a command, and writes how it ended.
    pub(super) fn of(
        path: Option<&Path>,
        command: impl FnOnce(&Self) -> Result<Exit, Failure>,
    ) -> Result<Exit, Failure> {
        let stream = Self::open(path)?;
        let ended = command(&stream);
        stream.end(&ended);
        match (ended, stream.broken()) {
            (Ok(Exit::Done), Some(failure)) => Err(failure),
            (ended, _) => ended,
        }
    }

    /// Writes one line. A stream that breaks off does not stop an apply.
    pub(super) fn write(&self, line: EventLine) {
        self.with(|begun| {
            let text = serde_json::to_string(&line).unwrap_or_default();
            let written = writeln!(begun.file, "{text}").and_then(|()| begun.file.flush());
            begun.broken = begun.broken.take().or(written.err());
            begun.at = Some(line.at);
        });
    }

    /// Writes that `command` begins.
    pub(super) fn started(&self, command: &str, session: &Session) {
        let event = EventView::Started {
            command: command.to_owned(),
            environment: session.mark.environment.clone(),
            floodway_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        self.write(EventLine::new(pipeline::clock(&session.backends).now(), event));
    }

    /// Writes what a finished plan says.
    pub(super) fn plan(&self, plan: &Plan) {
        for view in EventView::of_plan(plan) {
            self.write(EventLine::new(plan.as_of, view));
        }
    }

    /// Keeps what became of the changes, for the last line.
    pub(super) fn report(&self, report: &ReportView) {
        self.with(|begun| begun.report = Some(report.clone()));
    }

    fn end(&self, ended: &Result<Exit, Failure>) {
        let exit = match ended {
            Ok(exit) => *exit,
            Err(failure) => {
                if let Some(error) = &failure.view {
                    self.write(self.line(EventView::Failed { error: error.clone() }));
                }
                failure.exit
            }
        };
        let report = self.0.as_ref().and_then(|begun| unpoisoned(begun).report.take());
        let exit_code = exit.with_output(Terminal::lost_output().is_some()) as u8;
        self.write(self.line(EventView::Finished { report, exit_code }));
    }

    /// Why not every line is in the file, to be said when all else is done.
    fn broken(&self) -> Option<Failure> {
        let begun = unpoisoned(self.0.as_ref()?);
        let error = begun.broken.as_ref()?;
        Some(Failure::file(&begun.path, "does not hold every event", error))
    }

    /// At the time of the line before: on the clock of the place, if one was
    /// reached.
    fn line(&self, event: EventView) -> EventLine {
        let before = self.0.as_ref().and_then(|begun| unpoisoned(begun).at.clone());
        let at = before.unwrap_or_else(|| SystemClock.now().to_string());
        EventLine { format_version: FORMAT_VERSION.to_owned(), at, event }
    }

    fn with(&self, work: impl FnOnce(&mut Begun)) {
        if let Some(begun) = &self.0 {
            work(&mut unpoisoned(begun));
        }
    }
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
