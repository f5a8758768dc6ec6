//! What `/var` keeps from one start to the next: a note of each.

use crate::facts::Seen;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

/// Notes `start`, a line without space around it, and tells the starts that were noted
/// before.
pub(super) fn note(file: &Path, start: &str) -> Seen<Vec<String>> {
    let note = || -> io::Result<String> {
        let mut file = File::options().read(true).append(true).create(true).open(file)?;
        let mut before = String::new();
        file.read_to_string(&mut before)?;
        writeln!(file, "{start}")?;
        file.sync_all()?;
        Ok(before)
    };
    let before = note().map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(before.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_start_finds_those_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("starts");
        assert_eq!(note(&file, "first"), Ok(Vec::new()));
        assert_eq!(note(&file, "second"), Ok(vec!["first".to_owned()]));
        assert_eq!(note(&file, "third"), Ok(vec!["first".to_owned(), "second".to_owned()]));
        let why = note(folder.path(), "fourth").unwrap_err();
        assert!(why.starts_with(&folder.path().display().to_string()), "{why}");
    }
}
