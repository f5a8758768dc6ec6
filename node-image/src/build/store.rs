//! What stages have made, by the hash of what went into it.

use super::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// How many results of one stage are kept: enough to go back and forth between a
/// few recipes.
const KEPT: usize = 6;

/// The folder of what is thrown away.
const SCRATCH: &str = "scratch";

/// A folder of results, shared by builds.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    /// Held as long as the store: one build at a time uses it.
    _lock: File,
}

/// What a stage has made.
#[derive(Debug, Clone)]
pub(super) struct Made {
    /// The folder that holds it.
    pub(super) folder: PathBuf,
    /// The hash of what went into it, in hex.
    pub(super) key: String,
    /// How long that took; none: it was there already.
    pub(super) took: Option<Duration>,
}

impl Store {
    /// Opens the store in `folder`, and waits for another build that uses it.
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        make(folder)?;
        let folder = fs::canonicalize(folder).map_err(|e| Error::file("find", folder, e))?;
        can_be_named(&folder)?;
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(|error| Error::file("create", &path, error))?;
        lock.lock().map_err(|error| Error::file("lock", &path, error))?;
        let store = Self { folder, _lock: lock };
        // A build that was killed has left what it was about, and nobody else is here.
        for left in fs::read_dir(store.folder.join(SCRATCH)).into_iter().flatten().flatten() {
            let _ = fs::remove_dir_all(left.path());
        }
        Ok(store)
    }

    /// The folder of fetched packages.
    pub(super) fn packages(&self) -> Result<PathBuf, Error> {
        let folder = self.folder.join("packages");
        make(&folder)?;
        Ok(folder)
    }

    /// A folder for what is thrown away after a stage.
    pub(super) fn scratch(&self) -> Result<tempfile::TempDir, Error> {
        let within = self.folder.join(SCRATCH);
        make(&within)?;
        let made = tempfile::Builder::new().prefix("stage-").tempdir_in(&within);
        made.map_err(|error| Error::file("create", &within, error))
    }

    /// What `stage` makes of what `key` stands for: as it is there, or by `work` in
    /// an empty folder, which becomes the result when all of it is written.
    pub(super) fn stage(
        &self,
        stage: &str,
        key: String,
        work: impl FnOnce(&Path) -> Result<(), Error>,
    ) -> Result<Made, Error> {
        let of_stage = self.folder.join("stages").join(stage);
        make(&of_stage)?;
        let folder = of_stage.join(&key[..32]);
        if folder.is_dir() {
            // What was used last is kept longest.
            if let Ok(file) = File::open(&folder) {
                let _ = file.set_modified(SystemTime::now());
            }
            return Ok(Made { folder, key, took: None });
        }
        let began = Instant::now();
        let part = tempfile::Builder::new().prefix("part-").tempdir_in(&of_stage);
        let part = part.map_err(|error| Error::file("create", &of_stage, error))?;
        work(part.path())?;
        fs::rename(part.path(), &folder).map_err(|e| Error::file("rename", part.path(), e))?;
        // It is the result now, and no longer to be removed.
        let _ = part.keep();
        forget_oldest(&of_stage, &folder);
        Ok(Made { folder, key, took: Some(began.elapsed()) })
    }
}

impl Made {
    /// A file of it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A small text of it.
    pub(super) fn text(&self, name: &str) -> Result<String, Error> {
        let path = self.file(name);
        fs::read_to_string(&path).map_err(|error| Error::file("read", &path, error))
    }
}

/// Whether apt can be told of a file in it: its lists of archives have no quotes.
fn can_be_named(folder: &Path) -> Result<(), Error> {
    let stands_apart = |c: char| c.is_whitespace() || "[]".contains(c);
    if !folder.to_string_lossy().contains(stands_apart) {
        return Ok(());
    }
    let what = format!("apt cannot use {}: its path has blanks or brackets", folder.display());
    Err(Error::refused(what, "name another folder with --cache"))
}

fn make(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|error| Error::file("create", folder, error))
}

/// Removes what has not been used for longest, and what a killed build left.
fn forget_oldest(of_stage: &Path, but: &Path) {
    let Ok(entries) = fs::read_dir(of_stage) else { return };
    let mut results: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with("part-") {
            let _ = fs::remove_dir_all(path);
        } else if path != but {
            let used = entry.metadata().and_then(|found| found.modified());
            results.push((used.unwrap_or(SystemTime::UNIX_EPOCH), path));
        }
    }
    results.sort();
    let too_many = results.len().saturating_sub(KEPT - 1);
    for (_, path) in results.into_iter().take(too_many) {
        let _ = fs::remove_dir_all(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        (folder, store)
    }

    fn key(number: usize) -> String {
        super::super::hash::of_bytes(&number.to_le_bytes())
    }

    #[test]
    fn what_is_there_is_not_made_again() {
        let (_folder, store) = store();
        let write = |text: &'static str| {
            move |folder: &Path| {
                fs::write(folder.join("x"), text).map_err(|e| Error::file("write", folder, e))
            }
        };
        let first = store.stage("s", key(1), write("one")).unwrap();
        let again = store.stage("s", key(1), write("two")).unwrap();
        assert!(first.took.is_some() && again.took.is_none());
        assert_eq!(again.text("x").unwrap(), "one");
        assert!(store.stage("s", key(2), write("two")).unwrap().took.is_some());
    }

    #[test]
    fn a_stage_that_fails_leaves_nothing() {
        let (folder, store) = store();
        let failed = store.stage("s", key(1), |part| {
            fs::write(part.join("x"), "half").unwrap();
            Err(Error::Wrong("no".into()))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_dir(folder.path().join("stages/s")).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_build_was_about_goes_when_the_next_begins() {
        let (folder, store) = store();
        let left = store.scratch().unwrap().keep();
        fs::write(left.join("x"), "half").unwrap();
        drop(store);
        Store::open(folder.path()).unwrap();
        assert!(!left.exists());
    }

    #[test]
    fn a_folder_that_apt_cannot_be_told_of_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = Store::open(&folder.path().join("my cache")).unwrap_err();
        assert!(error.to_string().contains("my cache: its path has blanks"), "{error}");
        assert_eq!(error.help().unwrap(), "name another folder with --cache");
    }

    #[test]
    fn only_the_last_results_are_kept() {
        let (folder, store) = store();
        for number in 0..KEPT + 3 {
            store.stage("s", key(number), |_| Ok(())).unwrap();
        }
        assert_eq!(fs::read_dir(folder.path().join("stages/s")).unwrap().count(), KEPT);
    }
}
