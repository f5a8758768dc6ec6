//! From a view to a document.

use super::filters;
use super::templates::Templates;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::error::Error;
use std::io::{self, ErrorKind, Write};
use tera::{Context, EscapeFn, Tera};

/// A kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// As GitHub shows it.
    Markdown,
    /// One page that needs nothing else.
    Html,
    /// A Gantt chart of the phases.
    Mermaid,
    /// A flowchart of the steps.
    MermaidSteps,
    /// The phases on a line of time, as a picture.
    Svg,
}

impl Format {
    /// Whether a shipped template of this name has a part in it.
    pub(super) fn is_made_with(self, name: &str) -> bool {
        let kinds: &[&str] = match self {
            Self::Markdown => &["md", "mmd"],
            Self::Html => &["html", "css", "js", "svg"],
            Self::Mermaid | Self::MermaidSteps => &["mmd"],
            Self::Svg => &["svg"],
        };
        name.rsplit('.').next().is_some_and(|kind| kinds.contains(&kind))
    }
}

/// A document that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Tera's own report: the message names the variable, then file, line, column and
    /// the line itself.
    #[error("{0}")]
    Template(String),
    /// It is too large.
    #[error("{template} makes a document of more than {} MiB", .most >> 20)]
    TooLarge {
        /// The template.
        template: String,
        /// What it may take, in bytes.
        most: usize,
    },
}

impl DocumentError {
    pub(super) fn of(template: &str, error: &tera::Error) -> Self {
        let mut report = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            report.push_str(&format!(": {inner}"));
            cause = inner.source();
        }
        let report = report.strip_prefix("error: ").unwrap_or(&report);
        // Where Tera itself does not say.
        let named = report.contains("-->") || template.is_empty();
        Self::Template(if named { report.to_owned() } else { format!("{template}: {report}") })
    }
}

/// Makes a document of `view`, of at most so many bytes.
///
/// # Errors
/// Templates that cannot be used, and too large a document.
pub fn document(
    format: Format,
    view: &impl Serialize,
    templates: &Templates,
    most: usize,
) -> Result<String, DocumentError> {
    let tera = templates.parsed(format)?;
    let mut context =
        Context::from_serialize(view).map_err(|error| DocumentError::of("", &error))?;
    let mut printer = Printer { tera, templates, most };
    match format {
        Format::Markdown => {
            for (name, template) in [("gantt", "gantt.mmd"), ("flowchart", "steps.mmd")] {
                let text = printer.print(template, filters::mermaid, &context)?;
                context.insert_value(name, tera::Value::safe_string(text.trim_end()));
            }
            printer.print("report.md", filters::markdown, &context)
        }
        Format::Html => {
            // Both stand in the page by their hashes: nothing else of it runs or styles.
            for (name, template) in [("style", "report.css"), ("script", "report.js")] {
                let text = printer.print(template, filters::plain, &context)?;
                context.insert(format!("{name}_hash"), &base64(&Sha256::digest(&text)));
                context.insert_value(name, tera::Value::safe_string(&text));
            }
            printer.print("report.html", tera::escape_html, &context)
        }
        Format::Mermaid => printer.print("gantt.mmd", filters::mermaid, &context),
        Format::MermaidSteps => printer.print("steps.mmd", filters::mermaid, &context),
        Format::Svg => printer.print("timeline-alone.svg", tera::escape_html, &context),
    }
}

struct Printer<'t> {
    tera: Tera,
    templates: &'t Templates,
    most: usize,
}

impl Printer<'_> {
    fn print(
        &mut self,
        template: &str,
        escape: EscapeFn,
        context: &Context,
    ) -> Result<String, DocumentError> {
        self.tera.set_escape_fn(escape);
        let mut out = Bounded { text: Vec::new(), most: self.most };
        self.tera.render_to(template, context, &mut out).map_err(|error| match error.kind() {
            tera::ErrorKind::Io(ErrorKind::FileTooLarge) => {
                let template = self.templates.path_of(template);
                DocumentError::TooLarge { template, most: self.most }
            }
            _ => DocumentError::of(&self.templates.path_of(template), &error),
        })?;
        Ok(String::from_utf8_lossy(&out.text).into_owned())
    }
}

/// What takes no more than it may.
struct Bounded {
    text: Vec<u8>,
    most: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.most - self.text.len() {
            return Err(ErrorKind::FileTooLarge.into());
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// As a content security policy writes a hash.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |chunk: &[u8]| {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        [18, 12, 6, 0].map(|shift| char::from(LETTERS[(bits >> shift & 63) as usize]))
    };
    let mut text: String = bytes.chunks(3).flat_map(group).collect();
    let padding = (3 - bytes.len() % 3) % 3;
    text.truncate(text.len() - padding);
    text + &"=".repeat(padding)
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn a_hash_is_written_as_browsers_read_it() {
        for (text, written) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(text.as_bytes()), written);
        }
    }
}
