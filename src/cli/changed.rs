//! Which files an environment was read from, and whether they have changed since.

use crate::backend::files::Files;
use crate::spec::{LoadError, Loaded, Loader};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// When a file was changed last, if that is known, and how long it is.
type Stamp = (Option<SystemTime>, u64);

/// Files as they were when they were read; none: it was not there, as a table of prices
/// need not be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ReadFiles(BTreeMap<PathBuf, Option<Stamp>>);

impl ReadFiles {
    /// Whether any of them is another one by now.
    pub(super) fn have_changed(&self) -> bool {
        self.0.iter().any(|(path, stamp)| stamp_of(path) != *stamp)
    }

    /// With those that were read `later`.
    #[must_use]
    pub(super) fn and(mut self, later: Self) -> Self {
        self.0.extend(later.0);
        self
    }
}

/// What a link leads to may change, as a mounted ConfigMap does.
fn stamp_of(path: &Path) -> Option<Stamp> {
    let there = fs::metadata(path).ok()?;
    Some((there.modified().ok(), there.len()))
}

/// Reads the files of a repository, and notes which.
pub(super) struct Noting<'f> {
    files: &'f Files,
    read: RefCell<ReadFiles>,
}

impl<'f> Noting<'f> {
    /// One that has read nothing yet.
    pub(super) fn new(files: &'f Files) -> Self {
        Self { files, read: RefCell::default() }
    }

    /// What was asked for, whether it is there or not.
    pub(super) fn read(self) -> ReadFiles {
        self.read.into_inner()
    }
}

impl Loader for Noting<'_> {
    fn load(&self, path: &str) -> Result<Loaded, LoadError> {
        let at = self.files.root().join(path);
        // Before it is read: what is written meanwhile counts as a change.
        let stamp = stamp_of(&at);
        self.read.borrow_mut().0.entry(at).or_insert(stamp);
        self.files.load(path)
    }

    fn siblings(&self, path: &str) -> Vec<String> {
        self.files.siblings(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{self, Resolved};

    const BASE: &str = "[slo]\navailability = \"99%\"\n\
        [service]\nname = \"s\"\nnamespace = \"n\"\nmodel = \"m\"\n\
        [service.stages.i]\nimage = \"i:1\"\nresources = { cpu = \"1\", memory = \"1Gi\" }\n";
    const OWN: &str = "extends = \"../shared/base.toml\"\n[environment]\nname = \"a\"\n\
        [onprem]\nprovider = \"sim\"\n\
        [calendar]\ntime_zone = \"UTC\"\nholidays = \"days/off.csv\"\n\
        [burst.forecast]\nweights = \"weights/a.safetensors\"\n";
    const PRICES: &str = "environments/prices.csv";

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn put(&self, path: &str, text: &str) {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn read(&self) -> (Option<Resolved>, ReadFiles) {
            let files = Files::rooted(self.0.path()).unwrap();
            let noting = Noting::new(&files);
            let (resolved, _) = spec::resolve("environments/a.toml", &noting);
            (resolved, noting.read())
        }
    }

    fn folder() -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        folder.put("shared/base.toml", BASE);
        folder.put("environments/a.toml", OWN);
        folder.put("environments/days/off.csv", "date,name\n2026-12-25,Christmas Day\n");
        folder.put("environments/weights/a.safetensors", "one");
        folder
    }

    #[test]
    fn every_file_that_was_read_is_watched_wherever_it_lies() {
        for path in [
            "environments/a.toml",
            "shared/base.toml",
            "environments/days/off.csv",
            "environments/weights/a.safetensors",
        ] {
            let folder = folder();
            let (resolved, read) = folder.read();
            assert!(resolved.is_some() && !read.have_changed(), "{path}");
            let before = fs::read_to_string(folder.0.path().join(path)).unwrap();
            folder.put(path, &format!("{before}\n# more\n"));
            assert!(read.have_changed(), "{path}");
            fs::remove_file(folder.0.path().join(path)).unwrap();
            assert!(read.have_changed(), "{path}");
        }
    }

    #[test]
    fn a_table_of_prices_is_watched_before_there_is_one_and_another_file_never() {
        let folder = folder();
        let (_, read) = folder.read();
        folder.put("environments/b.toml", "of no interest");
        assert!(!read.have_changed());
        folder.put(PRICES, "");
        assert!(read.have_changed());
    }

    #[test]
    fn what_could_not_be_read_is_watched_beside_what_was_read_before() {
        let folder = folder();
        let (_, before) = folder.read();
        folder.put("environments/a.toml", &OWN.replace("base.toml", "other.toml"));
        let (resolved, read) = folder.read();
        assert!(resolved.is_none());
        let watched = before.and(read);
        assert!(!watched.have_changed());
        folder.put("shared/other.toml", BASE);
        assert!(watched.have_changed());
    }
}
