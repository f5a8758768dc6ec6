//! The journal as a file: one line an entry, safe on disk before it counts.

use super::exit::Failure;
use super::home;
use crate::execute::{Entry, History, Journal};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Whose account it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// The last apply's.
    Last,
    /// That of the one before, kept beside it.
    Before,
}

/// `.floodway/journal/<environment>.ndjson`, or `….before.ndjson`.
pub(super) fn path(root: &Path, environment: &str, which: Which) -> PathBuf {
    let end = match which {
        Which::Last => "ndjson",
        Which::Before => "before.ndjson",
    };
    root.join(".floodway/journal").join(format!("{environment}.{end}"))
}

/// A journal's text; none: there is none. What is no UTF-8 is damaged like any
/// other line.
pub(super) fn read(
    root: &Path,
    environment: &str,
    which: Which,
) -> Result<Option<String>, Failure> {
    let path = path(root, environment, which);
    match fs::read(&path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::file(&path, "cannot be read", &error)
            .help("mend that, or delete it: it explains, and no plan needs it")),
    }
}

/// The journal of an apply. It is begun by its first entry: until then another
/// apply may be under way, whose journal it is.
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
    fn begin(&self, path: &Path) -> io::Result<File> {
        home::folder(self.root)?;
        fs::create_dir_all(path.parent().unwrap_or(self.root))?;
        if let Some(doing) = cut_off(path) {
            (self.cut_off)(&doing);
        }
        if path.exists() {
            fs::rename(path, self::path(self.root, self.environment, Which::Before))?;
        }
        OpenOptions::new().create(true).append(true).open(path)
    }

    fn write(&self, entry: &Entry, path: &Path) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let mut begun = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match begun.as_mut() {
            Some(file) => file,
            None => begun.insert(self.begin(path)?),
        };
        file.write_all(&line)?;
        file.sync_data()
    }
}

impl Journal for FileJournal<'_> {
    fn record(&self, entry: &Entry) -> io::Result<()> {
        let path = path(self.root, self.environment, Which::Last);
        self.write(entry, &path)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }
}

/// What the last apply was doing when it was cut off; none: it ended, or there
/// was none.
fn cut_off(path: &Path) -> Option<String> {
    let history = History::read(&String::from_utf8_lossy(&fs::read(path).ok()?));
    if history.begun.is_none() || history.ended.is_some() {
        return None;
    }
    let last = history.in_flight().max_by_key(|write| write.at);
    Some(last.map_or_else(
        || "a moment between two writes".to_owned(),
        |write| format!("{} {}", write.step, write.id),
    ))
}
