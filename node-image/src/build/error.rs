//! Why an image is not built.

use common::diag::Diagnostics;
use std::io;
use std::path::{Path, PathBuf};

/// Why an image is not built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Programs of the building machine are missing.
    #[error("these programs are needed and missing: {}", names.join(", "))]
    Tools {
        /// The programs.
        names: Vec<String>,
        /// The one command that installs them.
        install: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {what} {}: {error}", path.display())]
    File {
        /// What was tried: `open`, `write`.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// A program failed.
    #[error("{program} failed ({status}){}", last_lines(output))]
    Program {
        /// Its name.
        program: String,
        /// How it ended.
        status: String,
        /// The end of what it said.
        output: String,
    },
    /// What a recipe says is not so, where it says it.
    #[error("{}", first(.0))]
    Recipe(Box<Diagnostics>),
    /// Something that was made is not what it must be.
    #[error("{0}")]
    Wrong(String),
    /// What stands in the way is for the user to change.
    #[error("{what}")]
    Refused {
        /// What is in the way.
        what: String,
        /// What to do.
        help: String,
    },
}

impl Error {
    pub(super) fn file(what: &'static str, path: &Path, error: io::Error) -> Self {
        Self::File { what, path: path.to_owned(), error }
    }

    pub(super) fn refused(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Refused { what: what.into(), help: help.into() }
    }

    /// What to do about it, where that is known.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Tools { install, .. } => Some(format!("install them: {install}")),
            Self::Refused { help, .. } => Some(help.clone()),
            Self::File { error, .. } if error.kind() == io::ErrorKind::StorageFull => {
                Some("the disk is full: free some room, or name another --cache or --out".into())
            }
            _ => None,
        }
    }
}

fn first(diagnostics: &Diagnostics) -> &str {
    diagnostics.iter().next().map_or("the recipe is wrong", |first| &first.message)
}

fn last_lines(output: &str) -> String {
    if output.is_empty() { String::new() } else { format!(":\n{output}") }
}
