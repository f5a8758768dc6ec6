//! Files that a command writes.

use super::exit::Failure;
use std::path::Path;

/// TOML is what Floodway reads (environments, scenarios), and CSV (histories, prices,
/// holidays). A slip of the hand must not put anything else in its place.
pub(super) fn must_not_be_read(path: &Path, option: &str) -> Result<(), Failure> {
    let kind = match path.extension() {
        Some(extension) if extension == "toml" => "TOML",
        Some(extension) if extension == "csv" => "CSV",
        _ => return Ok(()),
    };
    Err(Failure::usage(format!("`{option} {}` would overwrite a {kind} file", path.display()))
        .help(format!("give it another name: what is written is no {kind}")))
}
