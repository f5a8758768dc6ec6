//! The journal as a file: one line an entry, safe on disk before it counts.

use super::exit::Failure;
use crate::execute::{Entry, Journal};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// `.floodway/journal/<environment>.ndjson`
pub(super) struct FileJournal {
    file: Mutex<File>,
}

impl FileJournal {
    /// A new journal; the one of the apply before is kept beside it.
    pub(super) fn begin(root: &Path, environment: &str) -> Result<Self, Failure> {
        let path = path(root, environment);
        let open = || {
            fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            if path.exists() {
                fs::rename(&path, path.with_extension("before.ndjson"))?;
            }
            OpenOptions::new().create(true).append(true).open(&path)
        };
        let file =
            open().map_err(|error: io::Error| Failure::file(&path, "cannot be written", &error))?;
        Ok(Self { file: Mutex::new(file) })
    }
}

impl Journal for FileJournal {
    fn record(&self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&line)?;
        file.sync_data()
    }
}

/// What the last apply was doing when it was cut off; none: it ended, or there
/// was none. A journal that cannot be read says nothing.
pub(super) fn cut_off(root: &Path, environment: &str) -> Option<String> {
    let text = fs::read_to_string(path(root, environment)).ok()?;
    let mut doing = None;
    for line in text.lines() {
        match serde_json::from_str(line).ok()? {
            Entry::End { .. } => return None,
            Entry::Intent { id, step, .. } => doing = Some(format!("{step} {id}")),
            Entry::Begin { .. } | Entry::Outcome { .. } => {}
        }
    }
    doing
}

fn path(root: &Path, environment: &str) -> PathBuf {
    root.join(".floodway").join("journal").join(format!("{environment}.ndjson"))
}
