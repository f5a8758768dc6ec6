//! The journal as a file: one line an entry, safe on disk before it counts.

use super::home;
use crate::execute::{Entry, Journal};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// `.floodway/journal/<environment>.ndjson`. It is begun by its first entry:
/// until then another apply may be under way, whose journal it is.
pub(super) struct FileJournal<'a> {
    root: &'a Path,
    environment: &'a str,
    /// Is told what the apply before was cut off at.
    cut_off: &'a (dyn Fn(&str) + Send + Sync),
    file: Mutex<Option<File>>,
}

impl<'a> FileJournal<'a> {
    /// A journal that nothing is written to yet.
    pub(super) fn new(
        root: &'a Path,
        environment: &'a str,
        cut_off: &'a (dyn Fn(&str) + Send + Sync),
    ) -> Self {
        Self { root, environment, cut_off, file: Mutex::new(None) }
    }

    /// A new file; the one of the apply before is kept beside it.
    fn begin(&self) -> io::Result<File> {
        let folder = home::folder(self.root)?.join("journal");
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{}.ndjson", self.environment));
        if let Some(doing) = cut_off(&path) {
            (self.cut_off)(&doing);
        }
        if path.exists() {
            fs::rename(&path, path.with_extension("before.ndjson"))?;
        }
        OpenOptions::new().create(true).append(true).open(&path)
    }
}

impl Journal for FileJournal<'_> {
    fn record(&self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let mut begun = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match begun.as_mut() {
            Some(file) => file,
            None => begun.insert(self.begin()?),
        };
        file.write_all(&line)?;
        file.sync_data()
    }
}

/// What the last apply was doing when it was cut off; none: it ended, or there
/// was none.
fn cut_off(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let mut doing = None;
    // A line that was not written whole announced nothing that was done.
    for entry in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
        match entry {
            Entry::End { .. } => return None,
            Entry::Intent { id, step, .. } => doing = Some(format!("{step} {id}")),
            Entry::Begin { .. } | Entry::Outcome { .. } => {}
        }
    }
    doing
}
