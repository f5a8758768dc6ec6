//! Laying text out on a screen of some width. Everything that reaches a screen
//! passes through here, so that nothing from outside reaches it uncleaned.

mod clean;
mod line;
mod number;
mod table;
mod wrap;

pub(super) use line::Line;
pub(super) use number::{
    clock_time, count, flow_count, flow_rate, money, plural, rate, signed, signed_money,
    signed_rate, span,
};
pub(super) use table::Table;

use super::style::{Ink, Style};
use std::fmt::Write as _;
use wrap::{Glyph, wrap};

/// A screen being written, top down.
#[derive(Debug)]
pub(super) struct Screen<'s> {
    style: &'s Style,
    out: String,
}

impl<'s> Screen<'s> {
    /// An empty one.
    pub(super) fn new(style: &'s Style) -> Self {
        Self { style, out: String::new() }
    }

    /// A line, wrapped under its own beginning.
    pub(super) fn line(&mut self, indent: usize, line: impl Into<Line>) {
        self.hanging(indent, 0, &line.into());
    }

    /// A line whose continuations stand `hang` columns further in.
    pub(super) fn hanging(&mut self, indent: usize, hang: usize, line: &Line) {
        let columns = self.columns();
        // Deep indents may not squeeze the text out of a narrow screen.
        let indent = indent.min(columns / 3);
        let hang = hang.min(columns / 2 - indent.min(columns / 2));
        let rest = columns - indent - hang;
        let wrapped = wrap(&self.glyphs(line), columns - indent, rest);
        for (at, glyphs) in wrapped.into_iter().enumerate() {
            let before = indent + if at == 0 { 0 } else { hang };
            let mut whole = vec![(Ink::Plain, ' '); before];
            whole.extend(glyphs);
            self.put(whole);
        }
    }

    /// A line that is cut where the screen ends.
    pub(super) fn clipped(&mut self, indent: usize, line: &Line) {
        let indent = indent.min(self.columns() / 3);
        let room = self.columns() - indent;
        let mut glyphs = self.glyphs(line);
        if wrap::width(&glyphs) > room {
            let more = self.glyphs(&Line::of(Ink::Dim, "…"));
            glyphs.truncate(wrap::fitting(&glyphs, room - wrap::width(&more)));
            glyphs.extend(more);
        }
        let mut whole = vec![(Ink::Plain, ' '); indent];
        whole.extend(glyphs);
        self.put(whole);
    }

    /// A line that is searched for and copied: left whole, whatever the width.
    pub(super) fn unwrapped(&mut self, line: &Line) {
        let glyphs = self.glyphs(line);
        self.put(glyphs);
    }

    /// An empty line, never two in a row and never the first.
    pub(super) fn blank(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A table.
    pub(super) fn table(&mut self, table: &Table) {
        table.print(self);
    }

    /// What was written.
    pub(super) fn finish(self) -> String {
        self.out
    }

    fn columns(&self) -> usize {
        self.style.columns()
    }

    fn glyphs(&self, line: &Line) -> Vec<Glyph> {
        let mut glyphs = Vec::new();
        for (ink, text) in &line.0 {
            clean::clean(text, self.style.unicode, |c| glyphs.push((*ink, c)));
        }
        glyphs
    }

    fn put(&mut self, mut glyphs: Vec<Glyph>) {
        while glyphs.last().is_some_and(|(_, c)| *c == ' ') {
            glyphs.pop();
        }
        for run in glyphs.chunk_by(|a, b| a.0 == b.0) {
            let text = run.iter().map(|(_, c)| *c);
            match run[0].0.sgr().filter(|_| self.style.color) {
                None => self.out.extend(text),
                Some(sgr) => {
                    let text: String = text.collect();
                    let _ = write!(self.out, "\u{1b}[{sgr}m{text}\u{1b}[0m");
                }
            }
        }
        self.out.push('\n');
    }
}
