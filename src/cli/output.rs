//! Files that a command writes.

use super::exit::Failure;
use std::path::Path;

/// TOML is what Floodway reads: environments, scenarios. A slip of the hand must
/// not put anything else in its place.
pub(super) fn must_not_be_read(path: &Path, option: &str) -> Result<(), Failure> {
    if path.extension().is_none_or(|extension| extension != "toml") {
        return Ok(());
    }
    Err(Failure::usage(format!("`{option} {}` would overwrite a TOML file", path.display()))
        .help("give it another name: plans and events are no TOML"))
}
