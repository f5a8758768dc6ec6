//! From a tree to what it means, held to its rules.

use super::{Decoder, Shape, Spoiled};
use crate::diag::Diagnostics;
use crate::document::{Damage, Node};
use std::sync::Arc;

/// Reads `root` and, where it can be read, holds it to `rules`. What is wrong is
/// added to `diagnostics`, but for what a syntax error left of its own line: that
/// is not what was meant.
pub fn read<T: Shape>(
    root: &Node,
    damage: &Damage,
    diagnostics: &mut Diagnostics,
    rules: impl FnOnce(&T, &Spoiled, &mut Diagnostics),
) -> Option<T> {
    let mut found = Diagnostics::default();
    found.sources = diagnostics.sources.clone();
    let mut decoder = Decoder::new(&mut found, damage.incomplete);
    let read = T::decode(root, &mut decoder);
    let spoiled = decoder.finish();
    if let Some(read) = &read {
        rules(read, &spoiled, &mut found);
    }
    let sources = found.sources.clone();
    let line = |file: &_, at| (Arc::clone(file), sources.place(file, at).line);
    let broken: Vec<_> = damage.places.iter().map(|at| line(&at.file, at.span.start)).collect();
    found.retain(|diagnostic| {
        diagnostic.labels.iter().all(|label| !broken.contains(&line(&label.file, label.span.start)))
    });
    diagnostics.sources = sources;
    diagnostics.append(found);
    read
}
