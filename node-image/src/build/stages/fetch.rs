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
                let what = format!("{} is not what the lock says it is", package.url);
                return Err(Error::Wrong(what));
            }
            fs::rename(&file, place(package)).map_err(|e| Error::file("rename", &file, e))?;
        }
    }
    Ok(packages.into_iter().map(place).collect())
}

/// An archive forgets a version when there is a newer one.
fn not_there(error: Error, some: &[&&Locked]) -> Error {
    let said = error.to_string();
    let gone = some.iter().find(|package| said.contains(&package.url));
    match gone {
        Some(package) if said.contains("404") => Error::refused(
            format!("{} {} is no longer at {}", package.name, package.version, package.url),
            "make the lock anew with `floodway image lock`, or name a mirror that keeps old \
             versions, such as one of snapshot.debian.org, as `base.mirror`",
        ),
        _ => error,
    }
}
