//! What happens, told as it happens: a live line on a terminal, plain lines
//! elsewhere.

use super::stream::Stream;
use super::terminal::Terminal;
use crate::clock::Timestamp;
use crate::execute::{Event, Report};
use crate::plan::Plan;
use crate::render::event::{self, EventLine, EventView, Narrator, ReportView};
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A live line in indicatif's `template`; none: nobody watches a terminal.
pub(super) fn live(terminal: &Terminal, template: &str) -> Option<ProgressBar> {
    terminal.interactive.then(|| {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    })
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
        let bar = live(terminal, "{spinner} {pos}/{len} {elapsed} {wide_msg}");
        Self { terminal, stream, narrator: Mutex::new(Narrator::new(plan)), bar }
    }

    pub(super) fn tell(&self, at: Timestamp, event: &Event) {
        let line = self.narrator.lock().unwrap_or_else(PoisonError::into_inner).line(at, event);
        let text = event::text(&line.event, &self.terminal.err);
        self.stream.write(line);
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
            Event::WaveStarted { .. } | Event::WavePassed { .. } | Event::Noted { .. } => {
                bar.println(text.trim_end());
            }
            Event::Ended { .. } => bar.finish_and_clear(),
            _ => bar.set_message(text.lines().next().unwrap_or_default().to_owned()),
        }
    }

    /// Tells something to know.
    pub(super) fn warn(&self, at: Timestamp, message: String) {
        let line = EventLine::new(at, EventView::Warning { message });
        let text = event::text(&line.event, &self.terminal.err);
        self.stream.write(line);
        match &self.bar {
            Some(bar) => bar.println(text.trim_end()),
            None => self.terminal.note(&text),
        }
    }

    /// Prints how it ended, and what to do next.
    pub(super) fn end(&self, plan: &Plan, report: &Report, next: Vec<String>) {
        let mut next = next.into_iter();
        let first = next.next();
        let view =
            ReportView { or_commands: next.collect(), ..ReportView::new(plan, report, first) };
        self.stream.report(&view);
        self.terminal.print(&event::report_text(&view, &self.terminal.out));
    }
}
