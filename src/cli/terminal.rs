//! What the reader's terminal can show, and the only way to print to it.

use super::exit::Failure;
use crate::diag::Diagnostics;
use crate::render::{Style, error};
use clap::ColorChoice;
use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

/// Columns where there is no terminal to ask.
const COLUMNS: usize = 80;

/// Why standard output takes nothing more.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Standard output and standard error, each with what it can show.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terminal {
    pub(super) out: Style,
    pub(super) err: Style,
    /// Somebody is there to be asked.
    pub(super) interactive: bool,
    /// Nothing is shown, for work whose words nobody wants.
    pub(super) silent: bool,
}

impl Terminal {
    pub(super) fn detect(choice: ColorChoice) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        let style = |is_terminal: bool| Style {
            color: match choice {
                ColorChoice::Always => true,
                ColorChoice::Never => false,
                ColorChoice::Auto if set("NO_COLOR") => false,
                ColorChoice::Auto if set("CLICOLOR_FORCE") => true,
                ColorChoice::Auto => is_terminal && !dumb,
            },
            width: columns(is_terminal),
            unicode: unicode(),
        };
        Self {
            out: style(io::stdout().is_terminal()),
            err: style(io::stderr().is_terminal()),
            interactive: io::stdin().is_terminal() && io::stderr().is_terminal(),
            silent: false,
        }
    }

    /// One that shows nothing and asks nothing.
    pub(super) fn silenced(self) -> Self {
        Self { silent: true, interactive: false, ..self }
    }

    /// Prints a result. What cannot be printed ends no work that was begun:
    /// [`Self::lost_output`] tells afterwards.
    pub(super) fn print(&self, text: &str) {
        if !self.silent && LOST.get().is_none() {
            let mut out = io::stdout().lock();
            if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
                let _ = LOST.set(error);
            }
        }
    }

    /// Why results were not printed, unless their reader has gone (`| head`) and
    /// wants no more.
    pub(super) fn lost_output() -> Option<&'static io::Error> {
        LOST.get().filter(|error| error.kind() != io::ErrorKind::BrokenPipe)
    }

    /// Prints progress, warnings and errors.
    pub(super) fn note(&self, text: &str) {
        if !self.silent {
            note(text);
        }
    }

    /// Prints why a command failed.
    pub(super) fn complain(&self, failure: &Failure) {
        if let Some(view) = &failure.view {
            self.note(&error::text(view, &self.err));
        }
    }

    /// Prints what is wrong with an environment.
    pub(super) fn diagnose(&self, diagnostics: &Diagnostics) {
        self.note(&diagnostics.render((&self.err).into()));
    }

    /// Asks, and returns the answer without white space around it.
    pub(super) fn ask(&self, question: &str) -> io::Result<String> {
        self.note(question);
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(answer.trim().to_owned())
    }
}

/// Prints to standard error; one that has gone is no error.
pub(super) fn note(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn columns(is_terminal: bool) -> usize {
    let declared = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let asked = || terminal_size::terminal_size_of(io::stderr()).map(|(width, _)| width.0.into());
    let columns = declared.or_else(|| if is_terminal { asked() } else { None });
    columns.filter(|columns| *columns > 0).unwrap_or(COLUMNS)
}

fn unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty());
    // A container without a locale still shows UTF-8; a declared other one does not.
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8") || locale == "c" || locale == "posix"
    })
}
