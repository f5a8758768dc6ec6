//! The rules between fields: what is right alone and wrong together. All that
//! is wrong is reported, each with every place that takes part.

mod burst;
mod carry;
mod hpa;
mod identity;
mod instance_types;
mod pools;
mod promises;
mod signals;
mod stages;
mod text;

use super::catalog::Catalog;
use super::model::{Environment, Stage};
use super::shape::Spoiled;
use super::spots::Spots;
use crate::diag::{Diagnostic, Diagnostics, Place, nearest};
use crate::id::Name;

/// Reports every rule that `environment` breaks.
pub(super) fn validate(
    environment: &Environment,
    spots: &Spots,
    spoiled: &Spoiled,
    diagnostics: &mut Diagnostics,
) {
    let mut rules = Rules { environment, spots, spoiled, catalog: Catalog::shipped(), diagnostics };
    identity::check(&mut rules);
    promises::check(&mut rules);
    stages::check(&mut rules);
    pools::check(&mut rules);
    hpa::check(&mut rules);
    burst::check(&mut rules);
    instance_types::check(&mut rules);
    carry::check(&mut rules);
    signals::check(&mut rules);
}

/// What rules look at, and where they report.
struct Rules<'r> {
    environment: &'r Environment,
    spots: &'r Spots,
    spoiled: &'r Spoiled,
    catalog: Catalog,
    diagnostics: &'r mut Diagnostics,
}

impl<'r> Rules<'r> {
    /// Reports `diagnostic` at each of `places`: a dotted key, and what to say
    /// about its value; unless one of them could not be read, and it was its
    /// stand-in that broke the rule.
    fn report(&mut self, diagnostic: Diagnostic, places: &[(&str, &str)]) {
        if places.iter().any(|(path, _)| self.spoiled.touches(path)) {
            return;
        }
        let labelled = places
            .iter()
            .fold(diagnostic, |labelled, (path, text)| self.spots.label(labelled, path, text));
        self.diagnostics.push(labelled);
    }

    /// Reports an error about one value.
    fn error(&mut self, path: &str, message: impl Into<String>, help: &str) {
        self.report(Diagnostic::error(message).help(help), &[(path, "")]);
    }

    /// Reports a warning about one value.
    fn warning(&mut self, path: &str, message: impl Into<String>, help: &str) {
        self.report(Diagnostic::warning(message).help(help), &[(path, "")]);
    }

    /// Where the value of `path` was written.
    fn place(&self, path: &str) -> Option<Place> {
        self.spots.place(path, &self.diagnostics.sources)
    }

    fn stage(&self, name: &Name) -> Option<&'r Stage> {
        self.environment.service.stages.get(name)
    }

    /// Reports that `written` names no thing of `known`.
    fn unknown<'k>(
        &mut self,
        path: &str,
        message: String,
        written: &str,
        known: impl Iterator<Item = &'k str> + Clone,
    ) {
        if self.spoiled.names {
            return;
        }
        if self.diagnostics.is_full() {
            return self.error(path, message, "");
        }
        let help = match nearest(written, known.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let few: Vec<_> = known.take(10).collect();
                if few.is_empty() {
                    "none is declared".to_owned()
                } else {
                    format!("declared are: {}", few.join(", "))
                }
            }
        };
        self.error(path, message, &help);
    }
}
