//! The rules between fields: what is right alone and wrong together. All that
//! is wrong is reported, each with every place that takes part.

mod burst;
mod calendar;
mod carry;
mod freezes;
mod hpa;
mod identity;
mod instance_types;
mod pools;
mod prices;
mod profiles;
mod promises;
mod requirements;
mod reservations;
mod rollout;
mod schedules;
mod secrets;
mod signals;
mod stages;
mod text;
mod volumes;

use super::catalog::Catalog;
use super::model::{Environment, Stage};
use crate::diag::{Diagnostic, Diagnostics, nearest};
use crate::id::Name;
use common::document::Spots;
use common::shape::Spoiled;

/// Reports every rule that `environment` breaks, as far as that can be told: no
/// rule judges by a value that could not be read, nor by the absence of one that
/// may have been meant to be there.
pub(super) fn validate(
    environment: &Environment,
    spots: &Spots,
    spoiled: &Spoiled,
    catalog: &Catalog,
    diagnostics: &mut Diagnostics,
) {
    let mut rules = Rules { environment, spots, spoiled, catalog, diagnostics };
    identity::check(&mut rules);
    promises::check(&mut rules);
    stages::check(&mut rules);
    pools::check(&mut rules);
    hpa::check(&mut rules);
    burst::check(&mut rules);
    reservations::check(&mut rules);
    prices::check(&mut rules);
    instance_types::check(&mut rules);
    requirements::check(&mut rules);
    carry::check(&mut rules);
    signals::check(&mut rules);
    schedules::check(&mut rules);
    freezes::check(&mut rules);
    profiles::check(&mut rules);
    calendar::check(&mut rules);
    rollout::check(&mut rules);
    secrets::check(&mut rules);
}

/// What rules look at, and where they report.
struct Rules<'r> {
    environment: &'r Environment,
    spots: &'r Spots,
    spoiled: &'r Spoiled,
    catalog: &'r Catalog,
    diagnostics: &'r mut Diagnostics,
}

impl<'r> Rules<'r> {
    /// Reports `diagnostic` at each of `places`: a dotted key, and what to say
    /// about its value; unless one of them could not be read, and it was its
    /// stand-in that broke the rule.
    fn report(&mut self, diagnostic: Diagnostic, places: &[(&str, &str)]) {
        if places.iter().all(|(path, _)| self.could_read(path)) {
            self.push(diagnostic, places);
        }
    }

    /// As [`Self::report`], for a rule that asks only which keys are there, not
    /// what they hold.
    fn report_keys(&mut self, diagnostic: Diagnostic, places: &[(&str, &str)]) {
        if !places.iter().any(|(path, _)| self.spoiled.hides(path)) {
            self.push(diagnostic, places);
        }
    }

    fn push(&mut self, diagnostic: Diagnostic, places: &[(&str, &str)]) {
        let labelled = places
            .iter()
            .fold(diagnostic, |labelled, (path, text)| self.spots.label(labelled, path, text));
        self.diagnostics.push(labelled);
    }

    /// Reports an error about a key of the user's choice.
    fn error_in_key(&mut self, path: &str, message: impl Into<String>, help: &str) {
        let diagnostic = Diagnostic::error(message).help(help);
        self.diagnostics.push(self.spots.label_key(diagnostic, path));
    }

    /// Whether all that is at `path` could be read; a rule that looks at more
    /// than it points at asks.
    fn could_read(&self, path: &str) -> bool {
        !self.spoiled.touches(path)
    }

    /// Whether what seems to be absent at `path` is: a rule that judges by that
    /// asks.
    fn is_absent(&self, path: &str) -> bool {
        !self.spoiled.may_hold(path)
    }

    /// Reports an error about one value.
    fn error(&mut self, path: &str, message: impl Into<String>, help: &str) {
        self.report(Diagnostic::error(message).help(help), &[(path, "")]);
    }

    /// Reports a warning about one value.
    fn warning(&mut self, path: &str, message: impl Into<String>, help: &str) {
        self.report(Diagnostic::warning(message).help(help), &[(path, "")]);
    }

    fn stage(&self, name: &Name) -> Option<&'r Stage> {
        self.environment.service.stages.get(name)
    }

    /// Reports that `written` names no thing of `known`, which are declared in
    /// the tables `among`.
    fn unknown<'k>(
        &mut self,
        path: &str,
        among: &[&str],
        message: String,
        (written, known): (&str, impl Iterator<Item = &'k str> + Clone),
    ) {
        if !among.iter().all(|table| self.is_absent(table)) {
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
