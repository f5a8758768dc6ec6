//! Which file an environment is, and whose.

use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use crate::backend::files::Files;
use crate::diag::nearest;
use crate::observe::Mark;
use crate::spec::{self, Resolved};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An environment's file in its repository.
#[derive(Debug, Clone)]
pub(super) struct Located {
    pub(super) files: Files,
    /// The file's path in the repository.
    pub(super) path: String,
}

/// Finds ENV: a name under `environments/` of this folder or one around it, or
/// a path.
pub(super) fn locate(env: &str) -> Result<Located, Failure> {
    let is_path = env.contains(['/', '\\']) || env.ends_with(".toml");
    let file = if is_path { PathBuf::from(env) } else { named(env)? };
    let (files, path) =
        Files::around(&file).map_err(|error| Failure::file(&file, "cannot be found", &error))?;
    Ok(Located { files, path })
}

/// All environments of this repository that stand for themselves: `base.toml`
/// is only extended.
pub(super) fn all() -> Result<Vec<String>, Failure> {
    let folder = environments_folder()?;
    Ok(names(&folder).into_iter().filter(|name| name != "base").collect())
}

fn named(name: &str) -> Result<PathBuf, Failure> {
    let folder = environments_folder()?;
    let file = folder.join(format!("{name}.toml"));
    if file.exists() {
        return Ok(file);
    }
    let known = names(&folder);
    let failure =
        Failure::usage(format!("there is no environment `{name}` in {}", folder.display()));
    Err(match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None if known.is_empty() => failure.help("make one with `floodway init NAME`"),
        None => failure.help(format!("there are: {}", known.join(", "))),
    })
}

fn environments_folder() -> Result<PathBuf, Failure> {
    let here = std::env::current_dir()
        .map_err(|error| Failure::file(Path::new("."), "cannot be read", &error))?;
    let found = here.ancestors().map(|folder| folder.join("environments")).find(|f| f.is_dir());
    found.ok_or_else(|| {
        Failure::usage("there is no `environments` folder here or in a folder around this one")
            .help("make a first environment with `floodway init NAME`, or name a file")
    })
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned))
        .collect();
    names.sort();
    names
}

impl Located {
    /// Reads the environment; what is wrong is printed.
    pub(super) fn resolve(&self, terminal: &Terminal) -> Result<Resolved, Failure> {
        let (resolved, diagnostics) = spec::resolve(&self.path, &self.files);
        if !diagnostics.is_empty() {
            terminal.diagnose(&diagnostics);
        }
        resolved.ok_or_else(|| {
            let (errors, warnings) = diagnostics.counts();
            let warnings =
                if warnings > 0 { format!(" and {warnings} warnings") } else { String::new() };
            let errors =
                if errors == 1 { "1 error".to_owned() } else { format!("{errors} errors") };
            Failure::new(Exit::Invalid, format!("{} has {errors}{warnings}", self.path))
        })
    }

    /// Whose environment it is.
    pub(super) fn mark(&self, resolved: &Resolved) -> Mark {
        Mark {
            environment: resolved.environment.environment.name.to_string(),
            repository: repository(self.files.root()),
            file: self.path.clone(),
        }
    }
}

/// The repository's address without scheme, user and `.git`, so that every
/// clone says the same; `local` where there is none.
fn repository(root: &Path) -> String {
    let asked = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(["config", "--get", "remote.origin.url"])
        .output();
    let url = asked.ok().filter(|out| out.status.success()).map(|out| out.stdout);
    let url = url.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    match normalised(url.trim()) {
        text if text.is_empty() => "local".to_owned(),
        text => text,
    }
}

fn normalised(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    // `git@host:owner/name` has no scheme and a colon for the first slash.
    let rest = if scheme.is_empty() { rest.replacen(':', "/", 1) } else { rest.to_owned() };
    let rest = rest.trim_end_matches('/');
    rest.strip_suffix(".git").unwrap_or(rest).to_owned()
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn every_way_to_write_a_repository_is_one_name() {
        for url in [
            "git@github.com:acme/infra.git",
            "https://github.com/acme/infra",
            "https://token:x@github.com/acme/infra.git/",
            "ssh://git@github.com/acme/infra.git",
        ] {
            assert_eq!(normalised(url), "github.com/acme/infra");
        }
    }
}
