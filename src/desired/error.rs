//! Why a desired world could not be rendered.

use crate::observe::ResourceId;
use std::error::Error;
use std::fmt::Display;

/// A template that cannot be used. Templates are the only thing here that can
/// be wrong: the environment has been validated before.
#[derive(Debug, thiserror::Error)]
pub enum DesiredError {
    /// Tera's own report: the message names the variable, then file, line,
    /// column and the line itself.
    #[error("{report}")]
    Template {
        /// The template's name, which is its path.
        template: String,
        /// What is wrong and where.
        report: String,
    },
    /// What a template rendered is not one YAML document.
    #[error("{template} does not render YAML for {id}: {report}")]
    Yaml {
        /// The template's name.
        template: String,
        /// What it was rendered for.
        id: Box<ResourceId>,
        /// What is wrong, with the line of the rendered text.
        report: String,
    },
    /// What a template rendered has no room where it goes.
    #[error("{template} renders {bytes} bytes for {id}, and EC2 takes {most}")]
    TooLong {
        /// The template's name.
        template: String,
        /// What it was rendered for.
        id: Box<ResourceId>,
        /// What it rendered.
        bytes: usize,
        /// What there is room for.
        most: usize,
    },
    /// A template rendered something else than it was asked for.
    #[error("{template} renders {field} `{found}` where {id} needs `{wanted}`")]
    Identity {
        /// The template's name.
        template: String,
        /// What it was rendered for.
        id: Box<ResourceId>,
        /// `kind`, `metadata.name`, …
        field: String,
        /// What it rendered; empty: nothing.
        found: String,
        /// What it should have.
        wanted: String,
    },
}

impl DesiredError {
    pub(super) fn yaml(template: &str, id: &ResourceId, error: impl Display) -> Self {
        let (template, id) = (template.to_owned(), Box::new(id.clone()));
        Self::Yaml { template, id, report: error.to_string() }
    }

    pub(super) fn template(template: &str, error: &tera::Error) -> Self {
        let mut report = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            report.push_str(&format!(": {inner}"));
            cause = inner.source();
        }
        Self::Template { template: template.to_owned(), report }
    }
}
