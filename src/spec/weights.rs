//! The weights of a forecaster that an environment names: a file of the repository,
//! below the folder of the environment. What they are of is not read here.

use super::model::Environment;
use super::side_file;
use crate::diag::{Diagnostic, Diagnostics};
use common::document::{At, Loader, Spots};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// The key that names the file.
const KEY: &str = "burst.forecast.weights";

/// A file of weights, and where it is named.
#[derive(Debug, Clone)]
pub struct WeightsFile {
    /// Its path in the repository.
    pub path: String,
    /// What it holds.
    pub bytes: Arc<[u8]>,
    /// SHA-256 of that, in hex.
    pub sha256: String,
    at: At,
}

impl WeightsFile {
    /// `diagnostic`, pointing at the value that names the file.
    #[must_use]
    pub fn label(&self, diagnostic: Diagnostic) -> Diagnostic {
        self.at.label(diagnostic, "")
    }
}

/// The file that `environment` names.
pub(super) fn load(
    environment: &Environment,
    spots: &Spots,
    loader: &dyn Loader,
    found: &mut Diagnostics,
) -> Option<WeightsFile> {
    let written = environment.burst.forecast.weights.as_deref()?;
    let example = "weights/prod.safetensors";
    let file = side_file::read((KEY, written, example), spots, loader, found)?;
    let sha256 = Sha256::digest(&file.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    Some(WeightsFile { path: file.path, bytes: file.bytes.into(), sha256, at: file.at })
}
