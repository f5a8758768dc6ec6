//! From a path to an environment, with all that is wrong on the way.

use super::catalog::Catalog;
use super::holidays::{self, Holiday};
use super::layers::{self, Layers};
use super::model::{Environment, Rollout};
use super::overlay::{self, Overlay};
use super::price_table::{self, PRICE_TABLE};
use super::validate;
use super::weights::{self, WeightsFile};
use crate::diag::{Diagnostic, Diagnostics, Severity, Sources};
use crate::id::Name;
use common::document::{At, Damage, LoadError, Loader, Node, Origins, Spots, Table, Value, beside};
use common::shape::{self, Shape as _};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// An environment, and where its values come from.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What is wanted.
    pub environment: Environment,
    /// The line of each value; one without a line is a default.
    pub origins: Origins,
    /// The texts of all its files.
    pub sources: Sources,
    /// SHA-256 of what it means, in hex: comments, order, the split into files and
    /// phases that are not live do not change it.
    pub digest: String,
    /// Instance types, and prices with those of the table beside the
    /// environment; not part of what it means.
    pub catalog: Catalog,
    /// The days off of the calendar's file, in their order; not part of what it
    /// means.
    pub holidays: Vec<Holiday>,
    /// The weights that the environment names; part of what it means.
    pub weights: Option<WeightsFile>,
}

/// An environment at the phase that is live, and at each of its phases.
#[derive(Debug, Clone)]
pub struct Phased {
    /// As [`resolve`] answers it.
    pub live: Resolved,
    /// At each phase, earliest first. Of the rollout itself only the phase that it is at
    /// and the waves are there: the rest is the same at every phase, and stands in
    /// [`Self::live`].
    pub phases: Vec<(Name, Resolved)>,
}

/// Reads the environment at `entry`, a path that `loader` understands, with all
/// files that it extends, and the prices beside it, at the phase that is live.
/// `None` where anything is an error, at this phase or at another; warnings come with
/// an environment.
pub fn resolve(entry: &str, loader: &dyn Loader) -> (Option<Resolved>, Diagnostics) {
    let (phased, diagnostics) = read_all(entry, loader, false);
    (phased.map(|phased| phased.live), diagnostics)
}

/// As [`resolve`], with the environment at each phase, from one reading of its files.
pub fn resolve_phases(entry: &str, loader: &dyn Loader) -> (Option<Phased>, Diagnostics) {
    read_all(entry, loader, true)
}

/// As [`resolve`], as if `phase` were live, and looking at no other; none: before the
/// first, where nothing that a step sets is set.
pub fn resolve_at(
    entry: &str,
    loader: &dyn Loader,
    phase: Option<&Name>,
) -> (Option<Resolved>, Diagnostics) {
    let mut reading = Reading::of(entry, loader);
    overlay::name_phase(&mut reading.table, phase);
    let resolved = reading.resolve_at(phase);
    let Reading { mut diagnostics, .. } = reading;
    diagnostics.sort();
    (resolved.filter(|_| !diagnostics.has_errors()), diagnostics)
}

fn read_all(entry: &str, loader: &dyn Loader, keep: bool) -> (Option<Phased>, Diagnostics) {
    let mut reading = Reading::of(entry, loader);
    let live = reading.overlay.live().cloned();
    let resolved = reading.resolve_at(live.as_ref());
    let phases = reading.look_at_phases(live.as_ref(), keep);
    let Reading { mut diagnostics, .. } = reading;
    diagnostics.sort();
    let right = resolved.filter(|_| !diagnostics.has_errors());
    (right.map(|live| Phased { live, phases }), diagnostics)
}

/// The files of an environment, read; what they mean is seen phase by phase.
struct Reading<'r> {
    loader: &'r dyn Loader,
    /// As the files say it: no step is laid.
    table: Table,
    at: At,
    damage: Damage,
    overlay: Overlay,
    catalog: Catalog,
    diagnostics: Diagnostics,
}

impl<'r> Reading<'r> {
    fn of(entry: &str, loader: &'r dyn Loader) -> Self {
        let mut diagnostics = Diagnostics::default();
        let Layers { table, at, damage } = layers::read(entry, loader, &mut diagnostics);
        let catalog = catalog(entry, loader, &mut diagnostics);
        let overlay = Overlay::of(&table);
        Self { loader, table, at, damage, overlay, catalog, diagnostics }
    }

    /// The environment at `phase`; what is wrong with it joins what is known.
    fn resolve_at(&mut self, phase: Option<&Name>) -> Option<Resolved> {
        // Without phases nobody looks at the file again, and a large one is not copied.
        let table = if self.overlay.is_empty() {
            std::mem::take(&mut self.table)
        } else {
            self.overlay.at(&self.table, phase)
        };
        let (resolved, found) = self.judge(table);
        self.diagnostics.sources = found.sources.clone();
        self.diagnostics.append(found);
        resolved
    }

    /// What `table` means, and what is wrong with it.
    fn judge(&self, table: Table) -> (Option<Resolved>, Diagnostics) {
        let mut found = Diagnostics::default();
        found.sources = self.diagnostics.sources.clone();
        let spots = Spots::of(&table, self.at.clone());
        let root = Node { value: Value::Table(table), at: self.at.clone() };
        let environment = judge(&root, &self.damage, &spots, &self.catalog, &mut found);
        let holidays = match &environment {
            Some(environment) => holidays::load(environment, &spots, self.loader, &mut found),
            None => Vec::new(),
        };
        let weights = environment
            .as_ref()
            .and_then(|environment| weights::load(environment, &spots, self.loader, &mut found));
        let right = environment.filter(|_| !found.has_errors());
        let resolved = right.map(|environment| Resolved {
            digest: digest(&environment, weights.as_ref()),
            origins: spots.origins(&found.sources),
            environment,
            sources: found.sources.clone(),
            catalog: self.catalog.clone(),
            holidays,
            weights,
        });
        (resolved, found)
    }

    /// Looks at every phase, and adds the errors of those other than `live` that are not
    /// known from there; the environments are kept where that is asked. None is sought
    /// where more is wrong already than can be told.
    fn look_at_phases(&mut self, live: Option<&Name>, keep: bool) -> Vec<(Name, Resolved)> {
        let mut phases = Vec::new();
        if self.overlay.is_empty() {
            return phases;
        }
        let mut laid = overlay::without_rollout(self.table.clone());
        for phase in self.overlay.phases() {
            for (wrong, at) in self.overlay.lay(&mut laid, &phase) {
                self.diagnostics.push(at.label(wrong, ""));
            }
            if (Some(&phase) == live && !keep) || self.diagnostics.left_out() > 0 {
                continue;
            }
            let (resolved, found) = self.judge(laid.clone());
            self.add_of_phase(&phase, &found);
            if let (Some(mut resolved), true) = (resolved, keep) {
                let Resolved { environment, weights, .. } = &mut resolved;
                environment.environment.phase = Some(phase.clone());
                environment.rollout.waves = self.overlay.waves().cloned();
                resolved.digest = digest(environment, weights.as_ref());
                phases.push((phase, resolved));
            }
        }
        phases
    }

    /// Adds the errors of `found`, which is of `phase`, that are not known yet.
    fn add_of_phase(&mut self, phase: &Name, found: &Diagnostics) {
        self.diagnostics.sources = found.sources.clone();
        for error in found.iter().filter(|found| found.severity == Severity::Error) {
            let is_known = |known: &Diagnostic| {
                known.labels == error.labels
                    && (known.message == error.message
                        || known.message.ends_with(&format!("`: {}", error.message)))
            };
            if !self.diagnostics.iter().any(is_known) {
                self.diagnostics.push(of_phase(phase, error));
            }
        }
    }
}

/// `diagnostic`, saying that it is so in `phase`.
fn of_phase(phase: &Name, diagnostic: &Diagnostic) -> Diagnostic {
    let message = format!("in phase `{phase}`: {}", diagnostic.message);
    Diagnostic { message, ..diagnostic.clone() }
}

/// What ships with Floodway, and the table beside `entry` where there is one.
fn catalog(entry: &str, loader: &dyn Loader, diagnostics: &mut Diagnostics) -> Catalog {
    let mut catalog = Catalog::shipped();
    let Ok(path) = beside(entry, PRICE_TABLE) else { return catalog };
    let file: Arc<str> = path.as_str().into();
    let bytes = match loader.load(&path) {
        Ok(loaded) => loaded.bytes,
        Err(LoadError::NotFound) => return catalog,
        Err(error) => {
            let wrong = Diagnostic::error(format!("cannot read `{path}`: {error}"));
            diagnostics.push(wrong.at(&file, 0..0, ""));
            return catalog;
        }
    };
    let text = String::from_utf8_lossy(&bytes);
    diagnostics.sources.insert(Arc::clone(&file), text.as_ref().into());
    let rows = price_table::read(&file, &text, diagnostics);
    catalog.add_prices(rows, &path);
    catalog
}

/// Reads the tree and holds what can be read to all rules.
fn judge(
    root: &Node,
    damage: &Damage,
    spots: &Spots,
    catalog: &Catalog,
    diagnostics: &mut Diagnostics,
) -> Option<Environment> {
    shape::read(root, damage, diagnostics, |environment: &Environment, spoiled, found| {
        validate::validate(environment, spots, spoiled, catalog, found);
    })
}

/// SHA-256 over the canonical form of `environment`, and over that of its weights'
/// bytes where it names some, in hex. Of the rollout only what is laid counts, and how
/// changes go out: a plan stays good while later phases are written.
fn digest(environment: &Environment, weights: Option<&WeightsFile>) -> String {
    let rollout = Rollout { waves: environment.rollout.waves.clone(), ..Rollout::default() };
    let canonical = Environment { rollout, ..environment.clone() };
    let canonical = canonical.encode().map(|tree| tree.to_json().to_string());
    let weights = weights.map(|weights| format!("\n{}", weights.sha256));
    let all = canonical.unwrap_or_default() + &weights.unwrap_or_default();
    Sha256::digest(all).iter().map(|byte| format!("{byte:02x}")).collect()
}
