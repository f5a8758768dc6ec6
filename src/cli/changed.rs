//! Whether an environment's files have changed since they were read.

use super::repository::Located;
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

/// The TOML files around an environment as they were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Files(Vec<(PathBuf, Option<SystemTime>, u64)>);

impl Files {
    /// As they are now: all in the folder of the environment, for any of them may be
    /// extended, and the prices and holidays beside them.
    pub(super) fn of(located: &Located) -> Self {
        let file = located.files.root().join(&located.path);
        let folder = file.parent().map(fs::read_dir).and_then(Result::ok);
        let read = |ending: &str| matches!(ending, "toml" | "csv");
        let mut files: Vec<_> = folder
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let ending = path.extension()?.to_str()?.to_owned();
                // What a link leads to may change, as a mounted ConfigMap does.
                let there = fs::metadata(&path).ok().filter(|_| read(&ending))?;
                Some((path, there.modified().ok(), there.len()))
            })
            .collect();
        files.sort();
        Self(files)
    }
}
