//! Saved plans on disk.

use super::exit::{Exit, Failure};
use crate::plan::{Plan, saved};
use std::fs;
use std::io::Write;
use std::path::Path;

/// No plan is larger.
const LARGEST: u64 = 1 << 30;

/// Writes `plan` so that the file is whole or not there, and only its owner
/// may read it.
pub(super) fn write(path: &Path, plan: &Plan) -> Result<(), Failure> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let save = || {
        // Temporary files are made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&saved::encode(plan))?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    save().map_err(|error: std::io::Error| Failure::file(path, "cannot be written", &error))
}

/// Reads a saved plan.
pub(super) fn read(path: &Path) -> Result<Plan, Failure> {
    let failed = |error: std::io::Error| Failure::file(path, "cannot be read", &error);
    let size = fs::metadata(path).map_err(failed)?.len();
    if size > LARGEST {
        return Err(Failure::new(Exit::Failed, format!("{} is no saved plan", path.display())));
    }
    let bytes = fs::read(path).map_err(failed)?;
    saved::decode(&bytes)
        .map_err(|error| Failure::new(Exit::Failed, format!("{}: {error}", path.display())))
}
