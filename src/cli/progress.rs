//! What happens, told as it happens: a live line on a terminal, plain lines
//! elsewhere, and NDJSON into a file.

use super::exit::Failure;
use super::terminal::Terminal;
use crate::clock::Timestamp;
use crate::execute::{Event, Report};
use crate::plan::Plan;
use crate::render::event::{self, EventLine, EventView, Narrator, ReportView};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The event stream in a file.
pub(super) struct Stream(Option<Mutex<BufWriter<File>>>);

impl Stream {
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self(None)) };
        let file =
            File::create(path).map_err(|error| Failure::file(path, "cannot be written", &error))?;
        Ok(Self(Some(Mutex::new(BufWriter::new(file)))))
    }

    /// Writes one line. A stream that breaks off does not stop an apply.
    pub(super) fn write(&self, line: &EventLine) {
        let Some(file) = &self.0 else { return };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        let written = serde_json::to_writer(&mut *file, line).is_ok();
        if written {
            let _ = file.write_all(b"\n").and_then(|()| file.flush());
        }
    }

    /// Writes what a finished plan says.
    pub(super) fn plan(&self, plan: &Plan) {
        for view in EventView::of_plan(plan) {
            self.write(&EventLine::new(plan.as_of, view));
        }
    }
}

/// Tells an apply's events.
pub(super) struct Progress<'a> {
    terminal: &'a Terminal,
    stream: &'a Stream,
    narrator: Mutex<Narrator<'a>>,
    bar: Option<ProgressBar>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(plan: &'a Plan, terminal: &'a Terminal, stream: &'a Stream) -> Self {
        let bar = terminal.interactive.then(|| {
            let bar = ProgressBar::new(0);
            if let Ok(style) =
                ProgressStyle::with_template("{spinner} {pos}/{len} {elapsed} {wide_msg}")
            {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { terminal, stream, narrator: Mutex::new(Narrator::new(plan)), bar }
    }

    pub(super) fn tell(&self, at: Timestamp, event: &Event) {
        let line = self.narrator.lock().unwrap_or_else(PoisonError::into_inner).line(at, event);
        self.stream.write(&line);
        let text = event::text(&line.event, &self.terminal.err);
        let Some(bar) = &self.bar else {
            self.terminal.note(&text);
            return;
        };
        match event {
            Event::Started { changes } => bar.set_length(*changes as u64),
            Event::ChangeEnded { .. } => {
                bar.inc(1);
                bar.println(text.trim_end());
            }
            Event::Ended { .. } => bar.finish_and_clear(),
            _ => bar.set_message(text.lines().next().unwrap_or_default().to_owned()),
        }
    }

    /// Prints how it ended, and what to do next.
    pub(super) fn end(&self, plan: &Plan, report: &Report, next: Option<String>) {
        let view = ReportView::new(plan, report, next);
        self.terminal.print(&event::report_text(&view, &self.terminal.out));
    }
}
