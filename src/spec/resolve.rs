//! From a path to an environment, with all that is wrong on the way.

use super::catalog::Catalog;
use super::holidays::{self, Holiday};
use super::model::Environment;
use super::price_table::{self, PRICE_TABLE};
use super::weights::{self, WeightsFile};
use super::{layers, validate};
use crate::diag::{Diagnostic, Diagnostics, Sources};
use common::document::{Damage, LoadError, Loader, Node, Origins, Spots, Value, beside};
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
    /// SHA-256 of what it means, in hex: comments, order and the split into
    /// files do not change it.
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

/// Reads the environment at `entry`, a path that `loader` understands, with all
/// files that it extends, and the prices beside it. `None` where anything is an error; warnings come with
/// an environment.
pub fn resolve(entry: &str, loader: &dyn Loader) -> (Option<Resolved>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let layers = layers::read(entry, loader, &mut diagnostics);
    let spots = Spots::of(&layers.table, layers.at.clone());
    let root = Node { value: Value::Table(layers.table), at: layers.at };
    let catalog = catalog(entry, loader, &mut diagnostics);
    let environment = judge(&root, &layers.damage, &spots, &catalog, &mut diagnostics);
    let holidays = match &environment {
        Some(environment) => holidays::load(environment, &spots, loader, &mut diagnostics),
        None => Vec::new(),
    };
    let weights = environment
        .as_ref()
        .and_then(|environment| weights::load(environment, &spots, loader, &mut diagnostics));
    diagnostics.sort();
    let sources = diagnostics.sources.clone();
    let resolved = environment.filter(|_| !diagnostics.has_errors()).map(|environment| Resolved {
        digest: digest(&environment, weights.as_ref()),
        origins: spots.origins(&sources),
        environment,
        sources,
        catalog,
        holidays,
        weights,
    });
    (resolved, diagnostics)
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
/// bytes where it names some, in hex.
fn digest(environment: &Environment, weights: Option<&WeightsFile>) -> String {
    let canonical = environment.encode().map(|tree| tree.to_json().to_string());
    let weights = weights.map(|weights| format!("\n{}", weights.sha256));
    let all = canonical.unwrap_or_default() + &weights.unwrap_or_default();
    Sha256::digest(all).iter().map(|byte| format!("{byte:02x}")).collect()
}
