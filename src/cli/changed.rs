//! Whether an environment's files have changed since they were read.

use super::repository::Located;
use crate::spec::WeightsFile;
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

/// The files of an environment as they were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Files(Vec<(PathBuf, Option<SystemTime>, u64)>);

impl Files {
    /// As they are now: all in the folder of the environment, for any of them may be
    /// extended, and the prices and holidays beside them; and the weights, wherever
    /// they lie.
    pub(super) fn of(located: &Located, weights: Option<&WeightsFile>) -> Self {
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
        files.extend(weights.map(|weights| {
            let path = located.files.root().join(&weights.path);
            let there = fs::metadata(&path).ok();
            let modified = there.as_ref().and_then(|there| there.modified().ok());
            (path, modified, there.map_or(0, |there| there.len()))
        }));
        files.sort();
        Self(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::files::Files as Repository;
    use crate::spec;

    #[test]
    fn weights_are_watched_wherever_they_lie() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let put = |path: &str, bytes: &[u8]| {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), bytes).unwrap();
        };
        let text = "[environment]\nname = \"a\"\n[slo]\navailability = \"99%\"\n\
                    [service]\nname = \"s\"\nnamespace = \"n\"\nmodel = \"m\"\n\
                    [service.stages.i]\nimage = \"i:1\"\nresources = { cpu = \"1\", memory = \"1Gi\" }\n\
                    [onprem]\nprovider = \"sim\"\n[burst.forecast]\nweights = \"weights/a.safetensors\"\n";
        put("environments/a.toml", text.as_bytes());
        put("environments/weights/a.safetensors", b"one");
        let files = Repository::rooted(root).unwrap();
        let located = Located { files, path: "environments/a.toml".to_owned() };
        let resolve = || {
            let (resolved, found) = spec::resolve(&located.path, &located.files);
            resolved.unwrap_or_else(|| panic!("{found:?}"))
        };
        let (before, digest) = (resolve().weights, resolve().digest);
        let look = || Files::of(&located, before.as_ref());
        let seen = look();
        assert_eq!(look(), seen);
        put("environments/weights/a.safetensors", b"another");
        assert_ne!(look(), seen);
        assert_ne!(resolve().digest, digest, "and it counts as another environment");
        fs::remove_file(root.join("environments/weights/a.safetensors")).unwrap();
        assert_ne!(look(), seen);
    }
}
