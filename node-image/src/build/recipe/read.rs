//! From the bytes of a recipe to what it means.

use super::check;
use super::model::Recipe;
use crate::build::error::Error;
use common::diag::{Diagnostic, Diagnostics, Sources};
use common::document::{At, Damage, Node, Spots, Value, parse};
use common::shape::{self, Shape as _};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// A recipe, and what it means.
#[derive(Debug, Clone)]
pub struct Read {
    /// What is wanted.
    pub recipe: Recipe,
    /// SHA-256 in hex of what it means: comments and order do not change it. The
    /// files that it names count by what they hold, at the stage that takes them.
    pub digest: String,
    /// Where it says what.
    places: Arc<(Spots, Sources)>,
}

impl Read {
    /// What is not as the recipe says: each with the key that says it, and what to say
    /// there.
    pub(in crate::build) fn not_so(
        &self,
        wrong: impl IntoIterator<Item = (String, Diagnostic, String)>,
    ) -> Error {
        let (spots, sources) = &*self.places;
        let mut found = Diagnostics::default();
        found.sources = sources.clone();
        for (path, diagnostic, text) in wrong {
            found.push(spots.label(diagnostic, &path, &text));
        }
        Error::Recipe(Box::new(found))
    }
}

/// Reads a recipe from the `bytes` of the file that is called `file`, with all that
/// is wrong in it; `None` where anything is an error.
pub fn read(file: &str, bytes: &[u8]) -> (Option<Read>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let mut damage = Damage::default();
    let file: Arc<str> = file.into();
    let table = parse(&file, bytes, &mut diagnostics, &mut damage);
    let at = At { file, span: 0..0 };
    let spots = Spots::of(&table, at.clone());
    let root = Node { value: Value::Table(table), at };
    let recipe =
        shape::read(&root, &damage, &mut diagnostics, |recipe: &Recipe, spoiled, found| {
            check::check(recipe, &spots, spoiled, found);
        });
    diagnostics.sort();
    let read = recipe.filter(|_| !diagnostics.has_errors()).map(|recipe| {
        let canonical = recipe.encode().map(|tree| tree.to_json().to_string()).unwrap_or_default();
        let digest = crate::build::hash::hex(&Sha256::digest(canonical));
        Read { digest, recipe, places: Arc::new((spots, diagnostics.sources.clone())) }
    });
    (read, diagnostics)
}

#[cfg(test)]
mod tests;
