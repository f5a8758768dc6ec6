//! Which file an environment is, and whose.

use super::changed::{Noting, ReadFiles};
use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::weights;
use crate::backend::files::Files;
use crate::diag::{Diagnostics, is_plain, nearest};
use crate::observe::Mark;
use crate::plan::Claim;
use crate::spec::{self, Phased, Resolved, Survey};
use std::collections::BTreeSet;
use std::ffi::OsStr;
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
    if !is_plain(env) {
        return Err(Failure::usage(format!("{env:?} is no name or path of an environment")));
    }
    let is_path = env.contains(['/', '\\']) || env.ends_with(".toml");
    let file = if is_path { PathBuf::from(env) } else { named(env)? };
    if is_path && !file.exists() {
        return Err(not_there(&file));
    }
    let (files, path) =
        Files::around(&file).map_err(|error| Failure::file(&file, "cannot be found", &error))?;
    Ok(Located { files, path })
}

/// All environments of this repository that stand for themselves, not those
/// that are only extended.
pub(super) fn all() -> Result<Vec<String>, Failure> {
    let folder = environments_folder()?;
    let mut surveyed = Vec::new();
    let mut parts = BTreeSet::new();
    for name in names(&folder)? {
        let around = Files::around(&folder.join(format!("{name}.toml")));
        let survey = around.map(|(files, path)| (spec::survey(&path, &files), path));
        if let Ok((survey, _)) = &survey {
            parts.extend(survey.extends.iter().cloned());
        }
        surveyed.push((name, survey.ok()));
    }
    let stands_for_itself = |(name, survey): &(String, Option<(Survey, String)>)| {
        survey.as_ref().is_none_or(|(survey, path)| {
            survey.names_itself || (name != BASE && !parts.contains(path))
        })
    };
    Ok(surveyed.into_iter().filter(stands_for_itself).map(|(name, _)| name).collect())
}

/// The file that environments extend by custom.
pub(super) const BASE: &str = "base";

fn named(name: &str) -> Result<PathBuf, Failure> {
    let folder = environments_folder()?;
    let file = folder.join(format!("{name}.toml"));
    if file.exists() {
        return Ok(file);
    }
    if is_link(&file) {
        return Err(not_there(&file));
    }
    let known = names(&folder)?;
    let failure =
        Failure::usage(format!("there is no environment `{name}` in {}", folder.display()));
    Err(match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None if known.is_empty() => failure.help("make one with `floodway init NAME`"),
        None => failure.help(format!("there are: {}", known.join(", "))),
    })
}

/// Says that there is no such file, and which was probably meant.
fn not_there(file: &Path) -> Failure {
    if is_link(file) {
        let message = format!("{} is a link to a file that is not there", file.display());
        return Failure::usage(message);
    }
    let failure = Failure::usage(format!("there is no file {}", file.display()));
    let meant = file.file_stem().and_then(OsStr::to_str).unwrap_or_default();
    let beside = names(file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(".".as_ref()));
    let beside = beside.unwrap_or_default();
    if let Some(near) = nearest(meant, beside.iter().map(String::as_str)) {
        let near = file.with_file_name(format!("{near}.toml"));
        return failure.help(format!("did you mean {}?", near.display()));
    }
    let known = environments_folder().and_then(|folder| names(&folder)).unwrap_or_default();
    let same = known.iter().map(String::as_str).find(|name| *name == meant);
    match same.or_else(|| nearest(meant, known.iter().map(String::as_str))) {
        Some(name) => failure.help(format!("did you mean the environment `{name}`?")),
        None => failure,
    }
}

fn is_link(file: &Path) -> bool {
    fs::symlink_metadata(file).is_ok_and(|found| found.is_symlink())
}

/// Where environments are, of this folder or one around it.
pub(super) fn environments_folder() -> Result<PathBuf, Failure> {
    let here = std::env::current_dir()
        .map_err(|error| Failure::file(Path::new("."), "cannot be read", &error))?;
    let found = here.ancestors().map(|folder| folder.join("environments")).find(|f| f.is_dir());
    found.ok_or_else(|| {
        Failure::usage("there is no `environments` folder here or in a folder around this one")
            .help("make a first environment with `floodway init NAME`, or name a file")
    })
}

fn names(folder: &Path) -> Result<Vec<String>, Failure> {
    let cannot = |error| Failure::file(folder, "cannot be read", &error);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let name = entry.map_err(cannot)?.file_name();
        names.extend(name.to_str().and_then(|name| name.strip_suffix(".toml")).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// `2 errors and 1 warning`
pub(super) fn counted(diagnostics: &Diagnostics) -> String {
    let (errors, warnings) = diagnostics.counts();
    let count = |number: usize, what: &str| {
        format!("{number} {what}{}", if number == 1 { "" } else { "s" })
    };
    let errors = count(errors, "error");
    if warnings > 0 { format!("{errors} and {}", count(warnings, "warning")) } else { errors }
}

impl Located {
    /// Reads the environment; what is wrong is printed.
    pub(super) fn resolve(&self, terminal: &Terminal) -> Result<Resolved, Failure> {
        self.told(weights::resolve(&self.path, &self.files), terminal)
    }

    /// As [`Self::resolve`], with the files that were asked for, whatever came of it.
    pub(super) fn resolve_noting(
        &self,
        terminal: &Terminal,
    ) -> (Result<Resolved, Failure>, ReadFiles) {
        let noting = Noting::new(&self.files);
        let resolved = self.told(weights::resolve(&self.path, &noting), terminal);
        (resolved, noting.read())
    }

    /// Reads the environment, whatever its weights are of: who trains them anew reads
    /// it so.
    pub(super) fn resolve_untrained(&self, terminal: &Terminal) -> Result<Resolved, Failure> {
        let (resolved, diagnostics) = spec::resolve(&self.path, &self.files);
        let resolved = resolved.map(|resolved| Resolved { weights: None, ..resolved });
        self.told((resolved, diagnostics), terminal)
    }

    /// As [`Self::resolve`], with the environment at each of its phases.
    pub(super) fn resolve_phases(&self, terminal: &Terminal) -> Result<Phased, Failure> {
        self.told(spec::resolve_phases(&self.path, &self.files), terminal)
    }

    fn told<T>(
        &self,
        (resolved, diagnostics): (Option<T>, Diagnostics),
        terminal: &Terminal,
    ) -> Result<T, Failure> {
        if !diagnostics.is_empty() {
            terminal.diagnose(&diagnostics);
        }
        resolved.ok_or_else(|| {
            let counts = counted(&diagnostics);
            Failure::new(Exit::Invalid, format!("{} has {counts}", self.path))
        })
    }

    /// What it claims; `resolved` is none where it cannot be read.
    pub(super) fn claim(&self, resolved: Option<&Resolved>) -> Claim {
        let named = |resolved: &Resolved| {
            let environment = &resolved.environment;
            (environment.environment.name.to_string(), environment.service.namespace.to_string())
        };
        Claim {
            repository: repository(self.files.root()),
            file: self.path.clone(),
            environment: resolved.map(named),
        }
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
///
/// A controller in a pod has no clone to ask: `FLOODWAY_REPOSITORY` says it there.
fn repository(root: &Path) -> String {
    let told = std::env::var("FLOODWAY_REPOSITORY").unwrap_or_default();
    if is_plain(&told) && !normalised(told.trim()).is_empty() {
        return normalised(told.trim());
    }
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
