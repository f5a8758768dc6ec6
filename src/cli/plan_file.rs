//! Saved plans on disk.

use super::exit::{Exit, Failure};
use crate::plan::{Plan, saved};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// No plan is larger.
const LARGEST: u64 = 1 << 30;

/// Writes `plan` so that the file is whole or not there, and only its owner
/// may read it.
pub(super) fn write(path: &Path, plan: &Plan) -> Result<(), Failure> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let save = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(&saved::encode(plan))?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    save().map_err(|error: std::io::Error| {
        let _ = fs::remove_file(&beside);
        Failure::file(path, "cannot be written", &error)
    })
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
