//! Diagnostics as people read them: the message, the lines of the file with
//! what is meant underlined, and what to do.

use super::{Diagnostic, Diagnostics, Label, Severity, Sources};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Element, Level, Origin, Renderer, Snippet};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

/// Whether to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// With ANSI colours.
    Ansi,
    /// Without.
    None,
}

/// How to write for the terminal, file or comment at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Columns.
    pub width: usize,
    /// Colours.
    pub colour: Colour,
    /// Whether lines may be drawn with characters beyond ASCII.
    pub unicode: bool,
}

impl Look {
    /// 80 columns of plain ASCII.
    pub const PLAIN: Self = Self { width: 80, colour: Colour::None, unicode: false };

    fn renderer(self) -> Renderer {
        let renderer = match self.colour {
            Colour::Ansi => Renderer::styled(),
            Colour::None => Renderer::plain(),
        };
        let decor = if self.unicode { DecorStyle::Unicode } else { DecorStyle::Ascii };
        renderer.term_width(self.width).decor_style(decor)
    }
}

impl Diagnostics {
    /// All of them as text, a blank line between two, and at the end how many
    /// were left out; empty where there are none.
    pub fn render(&self, look: Look) -> String {
        let mut text: Vec<_> =
            self.iter().map(|diagnostic| diagnostic.render(&self.sources, look)).collect();
        if self.left_out() > 0 {
            text.push(format!("... and {} more\n", self.left_out()));
        }
        text.join("\n")
    }
}

/// Labels, and which of them is the primary one.
type Labels<'a> = Vec<(&'a Label, bool)>;

impl Diagnostic {
    /// As text, with a newline at its end.
    pub fn render(&self, sources: &Sources, look: Look) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = level.primary_title(wrap(&self.message, look.width, 9)).elements(
            self.files().into_iter().flat_map(|(file, labels)| snippet(sources, file, &labels)),
        );
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(wrap(help, look.width, 14)));
        }
        let mut text = look.renderer().render(&[group]);
        text.push('\n');
        text
    }

    /// The labels by file, in the order in which files first appear.
    fn files(&self) -> Vec<(&Arc<str>, Labels<'_>)> {
        let mut files: Vec<(&Arc<str>, Labels<'_>)> = Vec::new();
        for (at, label) in self.labels.iter().enumerate() {
            match files.iter_mut().find(|(file, _)| **file == label.file) {
                Some((_, labels)) => labels.push((label, at == 0)),
                None => files.push((&label.file, vec![(label, at == 0)])),
            }
        }
        files
    }
}

fn snippet<'a>(
    sources: &'a Sources,
    file: &'a Arc<str>,
    labels: &[(&'a Label, bool)],
) -> Option<Element<'a>> {
    let first = labels.first().map(|(label, _)| label.span.start)?;
    let start = labels.iter().map(|(label, _)| label.span.start).min()?;
    let end = labels.iter().map(|(label, _)| label.span.end).max()?;
    let place = sources.place(file, first);
    let lines = sources.lines(file, &(start..end)).and_then(|(line, range)| {
        let text = sources.text(file)?.get(range.clone())?;
        let readable = !sources.has_hidden(file, line, text.lines().count());
        (readable && end > 0 && !text.trim().is_empty()).then_some((line, range, text))
    });
    let Some((line, range, text)) = lines else {
        let origin = Origin::path(&**file).line(place.line).char_column(place.column);
        return Some(origin.into());
    };
    let annotations = labels.iter().map(|(label, primary)| {
        let kind = if *primary { AnnotationKind::Primary } else { AnnotationKind::Context };
        let span = label.span.start - range.start..label.span.end - range.start;
        kind.span(span).label((!label.text.is_empty()).then_some(label.text.as_str()))
    });
    let snippet =
        Snippet::source(harmless(text)).path(&**file).line_start(line).annotations(annotations);
    Some(snippet.into())
}

/// `text` of the same length in bytes, without what steers a terminal; the
/// renderer itself takes care of the controls that ASCII has.
fn harmless(text: &str) -> Cow<'_, str> {
    let steers = |c: char| !c.is_ascii() && super::steers(c);
    if !text.contains(steers) {
        return text.into();
    }
    let mut harmless = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            harmless.extend(std::iter::repeat_n('?', c.len_utf8()));
        } else {
            harmless.push(c);
        }
    }
    harmless.into()
}

/// Breaks `text` between words so that it fits `width` after `indent`.
fn wrap(text: &str, width: usize, indent: usize) -> String {
    let room = width.saturating_sub(indent).max(20);
    let mut wrapped = String::with_capacity(text.len());
    let mut column = 0;
    for (line_number, line) in text.lines().enumerate() {
        if line_number > 0 {
            wrapped.push('\n');
            column = 0;
        }
        for word in line.split(' ') {
            let length = unicode_width::UnicodeWidthStr::width(word);
            if column > 0 && column + 1 + length > room {
                wrapped.push('\n');
                column = 0;
            } else if column > 0 {
                wrapped.push(' ');
                column += 1;
            }
            let _ = write!(wrapped, "{word}");
            column += length;
        }
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_and_a_help_fit_eighty_columns() {
        let mut all = Diagnostics::default();
        all.sources.insert("a.toml".into(), "x = 1\n\n[t]\nmin = 9 # here\n".into());
        all.sources.insert("b.toml".into(), "# ä\nmax = 3\n".into());
        all.push(
            Diagnostic::error("`min` is above `max`, and there is a lot more to say about it here")
                .at(&"a.toml".into(), 17..18, "9 at least")
                .at(&"b.toml".into(), 11..12, "3 at most")
                .help("raise `max` or lower `min`, so that the first is not below the second"),
        );
        insta::assert_snapshot!(all.render(Look::PLAIN));
    }

    #[test]
    fn what_points_beyond_the_text_or_into_a_giant_line_is_still_said() {
        let mut all = Diagnostics::default();
        all.sources.insert("a.toml".into(), "x".repeat(100_000).as_str().into());
        all.push(Diagnostic::warning("long").at(&"a.toml".into(), 50_000..50_001, ""));
        all.push(Diagnostic::warning("out").at(&"a.toml".into(), 200_000..200_001, ""));
        all.push(Diagnostic::warning("unknown").at(&"b.toml".into(), 0..1, ""));
        insta::assert_snapshot!(all.render(Look::PLAIN));
    }

    #[test]
    fn a_line_with_a_secret_is_named_and_not_shown() {
        let mut all = Diagnostics::default();
        let text = "a = 1\nurl = \"ftp://me:pw@prom\"\nb = 2\n";
        all.sources.insert("a.toml".into(), text.into());
        all.push(
            Diagnostic::error("no `ftp://me:pw@prom`")
                .at(&"a.toml".into(), 6..9, "me")
                .help("not http://you:pw@prom"),
        );
        all.push(Diagnostic::warning("around").at(&"a.toml".into(), 0..1, "").at(
            &"a.toml".into(),
            31..32,
            "",
        ));
        let said = all.render(Look::PLAIN);
        assert!(!said.contains("pw"), "{said}");
        assert!(said.contains("--> a.toml:2:1") && said.contains("--> a.toml:1:1"), "{said}");
    }

    #[test]
    fn what_is_quoted_of_a_file_cannot_steer_the_terminal() {
        let mut all = Diagnostics::default();
        let text = "name = \"\u{1b}[2J\u{202e}x\u{9b}\"\n";
        all.sources.insert("a.toml".into(), text.into());
        all.push(Diagnostic::error("no").at(&"a.toml".into(), 0..4, ""));
        let said = all.render(Look::PLAIN);
        assert!(said.lines().all(crate::diag::is_plain), "{said:?}");
    }
}
