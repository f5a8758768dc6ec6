//! Which crates are linked into the image's own programs: by cargo's word for the
//! features and the machine that they are built for, and by `Cargo.lock`.

use crate::build::error::Error;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What `cargo tree` is to tell of each crate: name, version and where it is from, and
/// behind a tab its license.
pub(super) const FORMAT: &str = "--format={p}\t{l}";

/// crates.io in `Cargo.lock`, by whatever way it is reached.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// A crate that is linked into the programs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::build) struct Crate {
    /// Its name.
    pub(super) name: String,
    /// Its version.
    pub(super) version: String,
    /// Its license, as SPDX writes it; none: its manifest names none.
    pub(super) license: Option<String>,
    /// SHA-256 in hex of its package on crates.io; none: it is not from there.
    pub(super) sha256: Option<String>,
}

/// The crates of a `tree` that cargo has printed by [`FORMAT`], each once, that of the
/// programs themselves among them; `lock` is the text of `Cargo.lock`.
pub(super) fn linked(tree: &str, lock: &str) -> Result<Vec<Crate>, Error> {
    let mut found = BTreeSet::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        // It has been told before, with what it depends on.
        let line = line.strip_suffix(" (*)").unwrap_or(line);
        let (name, version, from, license) = told(line).ok_or_else(|| {
            Error::Wrong(format!("cargo tells of a crate in words that are not known: {line}"))
        })?;
        let sha256 = match from {
            Some(_) => None,
            None => Some(checksum(lock, name, version).ok_or_else(|| {
                Error::Wrong(format!("Cargo.lock has no checksum of {name} {version}"))
            })?),
        };
        found.insert(Crate {
            name: name.to_owned(),
            version: version.to_owned(),
            license: as_spdx(license),
            sha256: sha256.map(str::to_owned),
        });
    }
    Ok(found.into_iter().collect())
}

/// `NAME vVERSION`, behind that in brackets where it is from unless that is crates.io, and
/// behind a tab its license.
fn told(line: &str) -> Option<(&str, &str, Option<&str>, &str)> {
    let (package, license) = line.split_once('\t')?;
    let (name, rest) = package.split_once(' ')?;
    let rest = rest.strip_prefix('v')?;
    let (version, from) = match rest.split_once(' ') {
        Some((version, from)) => (version, Some(from)),
        None => (rest, None),
    };
    Some((name, version, from, license))
}

/// Old manifests have `/` between licenses of which one may be chosen.
fn as_spdx(license: &str) -> Option<String> {
    let license = license.trim();
    let each: Vec<_> = license.split('/').map(str::trim).collect();
    (!license.is_empty()).then(|| each.join(" OR "))
}

fn checksum<'l>(lock: &'l str, name: &str, version: &str) -> Option<&'l str> {
    let field = |entry: &'l str, key: &str| {
        let value =
            |line: &'l str| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"');
        entry.lines().find_map(value)
    };
    let is_it = |&entry: &&'l str| {
        field(entry, "name") == Some(name)
            && field(entry, "version") == Some(version)
            && field(entry, "source") == Some(CRATES_IO)
    };
    field(lock.split("[[package]]").find(is_it)?, "checksum")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "version = 4\n\n\
        [[package]]\nname = \"node-image\"\nversion = \"0.1.0\"\ndependencies = [\n \"tokio\",\n]\n\n\
        [[package]]\nname = \"tokio\"\nversion = \"1.48.0\"\n\
        source = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
        checksum = \"aa11\"\ndependencies = [\n \"bytes\",\n]\n\n\
        [[package]]\nname = \"zstd-sys\"\nversion = \"2.0.1+zstd.1.5.6\"\n\
        source = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
        checksum = \"bb22\"\n\n\
        [[package]]\nname = \"zstd-sys\"\nversion = \"2.0.1+zstd.1.5.7\"\n\
        source = \"git+https://git.example/zstd#0a\"\n";

    fn one(name: &str, version: &str, license: Option<&str>, sha256: Option<&str>) -> Crate {
        Crate {
            name: name.to_owned(),
            version: version.to_owned(),
            license: license.map(str::to_owned),
            sha256: sha256.map(str::to_owned),
        }
    }

    #[test]
    fn each_crate_is_told_once_with_its_license_and_the_checksum_of_its_package() {
        let tree = "node-image v0.1.0 (/floodway/node-image)\tApache-2.0\n\
                    zstd-sys v2.0.1+zstd.1.5.6\tMIT/Apache-2.0\n\
                    tokio v1.48.0\tMIT\n\
                    common v0.1.0 (/floodway/common)\t\n\
                    tokio v1.48.0\tMIT (*)\n\
                    zstd-sys v2.0.1+zstd.1.5.7 (https://git.example/zstd#0a)\t (*)\n";
        let zstd = one("zstd-sys", "2.0.1+zstd.1.5.6", Some("MIT OR Apache-2.0"), Some("bb22"));
        let expected = [
            one("common", "0.1.0", None, None),
            one("node-image", "0.1.0", Some("Apache-2.0"), None),
            one("tokio", "1.48.0", Some("MIT"), Some("aa11")),
            zstd,
            one("zstd-sys", "2.0.1+zstd.1.5.7", None, None),
        ];
        assert_eq!(linked(tree, LOCK).unwrap(), expected);
    }

    #[test]
    fn what_is_not_locked_or_not_understood_is_no_crate() {
        let wrong = |line: &str| linked(line, LOCK).unwrap_err();
        assert!(wrong("tokio v1.0.0\tMIT").to_string().contains("no checksum of tokio 1.0.0"));
        // By its name and version alone it would be another's.
        assert!(wrong("zstd-sys v2.0.1+zstd.1.5.7\tMIT").to_string().contains("no checksum"));
        for line in ["tokio", "tokio v1.48.0", "tokio 1.48.0\tMIT"] {
            assert!(wrong(line).to_string().contains("words that are not known"), "{line}");
        }
    }
}
