//! Brings packages here, and holds each to its digest.

use crate::build::command::Run;
use crate::build::error::Error;
use crate::build::hash;
use crate::build::lock::Locked;
use crate::build::store::Store;
use std::fs;
use std::path::PathBuf;

/// apt's own way to fetch a file: it knows proxies, retries and certificates.
const HELPER: &str = "/usr/lib/apt/apt-helper";

/// How many are asked for at once.
const AT_ONCE: usize = 40;

/// The files of `packages`, fetched where they are not here yet, in their order.
pub(in crate::build) fn fetch<'p>(
    packages: impl IntoIterator<Item = &'p Locked>,
    store: &Store,
) -> Result<Vec<PathBuf>, Error> {
    let folder = store.packages()?;
    let packages: Vec<_> = packages.into_iter().collect();
    let place = |package: &Locked| folder.join(format!("{}.deb", package.sha256));
    let missing: Vec<_> = packages.iter().filter(|package| !place(package).is_file()).collect();
    let scratch = store.scratch()?;
    for some in missing.chunks(AT_ONCE) {
        let mut run = Run::new(HELPER).args(["-o", "APT::Sandbox::User=root", "download-file"]);
        for package in some {
            run = run.arg(&package.url).arg(scratch.path().join(&package.sha256));
            run = run.arg(format!("SHA256:{}", package.sha256));
        }
        run.run().map_err(|error| not_there(error, some))?;
        for package in some {
            let file = scratch.path().join(&package.sha256);
            if hash::of_file(&file)? != package.sha256 {
                return Err(another(package));
            }
            fs::rename(&file, place(package)).map_err(|e| Error::file("rename", &file, e))?;
        }
    }
    Ok(packages.into_iter().map(place).collect())
}

/// Why a package is not here, in apt's words: the output tells of those that are as well.
fn not_there(error: Error, some: &[&&Locked]) -> Error {
    let Error::Program { output, .. } = &error else { return error };
    let mut lines = output.lines().filter_map(|line| line.strip_prefix("E: Failed to fetch "));
    let of = |line: &'_ str| {
        let (url, why) = line.split_once(' ')?;
        let package = some.iter().find(|package| package.url == url)?;
        Some((**package, why.trim().to_owned()))
    };
    let Some((package, why)) = lines.find_map(of) else { return error };
    let Locked { name, version, url, .. } = package;
    if why.contains("Hash Sum mismatch") {
        return another(package);
    }
    if !why.starts_with("404") {
        return Error::Wrong(format!("{name} {version} cannot be fetched from {url}: {why}"));
    }
    // An archive forgets a version when there is a newer one.
    Error::refused(
        format!("{name} {version} is no longer at {url}"),
        "make the lock anew with `floodway image lock`, or name a mirror that keeps old \
         versions, such as one of snapshot.debian.org, as `base.mirror`",
    )
}

/// Who changed it, its archive or somebody on the way, cannot be told from here.
fn another(package: &Locked) -> Error {
    let Locked { name, version, url, sha256, .. } = package;
    Error::refused(
        format!("{name} {version} at {url} is not what was locked: its SHA-256 is not {sha256}"),
        "nothing of it was used; find out who changed it before a new lock says that it is right",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::lock::Group;

    fn why(line: &str) -> Error {
        let package = |name: &str| Locked {
            group: Group::Root,
            name: name.into(),
            version: "1.2".into(),
            architecture: "amd64".into(),
            url: format!("http://deb.example/{name}.deb"),
            sha256: "a".repeat(64),
        };
        let (first, second) = (package("first"), package("second"));
        let output = format!(
            "Get:1 http://deb.example/first.deb [1 B]\nErr:2 http://deb.example/second.deb\n\
             E: Failed to fetch http://deb.example/second.deb  {line}\nE: Download Failed"
        );
        let (program, status) = (HELPER.to_owned(), "exit status: 100".to_owned());
        not_there(Error::Program { program, status, output }, &[&&first, &&second])
    }

    #[test]
    fn what_is_not_there_is_told_from_what_is_and_from_what_is_another() {
        let gone = why("404  Not Found [IP: 192.0.2.1 80]");
        assert_eq!(gone.to_string(), "second 1.2 is no longer at http://deb.example/second.deb");
        let another = why("Hash Sum mismatch");
        assert!(matches!(another, Error::Refused { .. }));
        assert!(another.to_string().contains("second 1.2 at http://deb.example/second.deb is not"));
        let deaf = why("Could not connect to deb.example:80. - connect (111: Connection refused)");
        assert!(deaf.to_string().contains("cannot be fetched from"), "{deaf}");
    }
}
