//! The programs that `tests/testbed/setup` installs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A program of the test bed.
///
/// # Panics
/// If it is not installed: a test that cannot run must not read as passed.
pub fn program(name: &str) -> PathBuf {
    let setup = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testbed/setup");
    let printed = Command::new(&setup).arg("--print-bin").output().unwrap();
    let bin = PathBuf::from(String::from_utf8(printed.stdout).unwrap().trim());
    let program = bin.join(name);
    assert!(program.exists(), "{name} is not installed: run tests/testbed/setup first");
    program
}
