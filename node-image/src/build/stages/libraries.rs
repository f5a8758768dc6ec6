//! What is linked into the image's own programs and is no crate: Rust's standard library,
//! which comes with the compiler, and the C library of the building machine.

use crate::build::error::Error;
use serde::{Deserialize, Serialize};

/// How glibc's archive tells what it is:
/// `GNU C Library (Debian GLIBC 2.36-9+deb12u14) stable release version 2.36.`
const GLIBC: &[u8] = b"GNU C Library (";
/// The longest that it is.
const MOST: usize = 200;
/// Debian's package of that archive, and that of those that are built on Debian.
const PACKAGE: &str = "libc6-dev";

/// A library that is linked into the programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::build) struct Library {
    /// Its name.
    pub(super) name: String,
    /// Its version; none: it does not tell.
    pub(super) version: Option<String>,
    /// Its license, as SPDX writes it; none: nobody knows.
    pub(super) license: Option<String>,
    /// By what lists of weaknesses know it.
    pub(super) cpe: Option<String>,
    /// The package locator of what it is from, as far as it ends before the version.
    pub(super) package: Option<String>,
}

/// Rust's standard library, which has the version of the compiler that says `said` of
/// itself: `rustc 1.95.0 (59807616e 2026-04-14)`.
///
/// # Errors
/// It speaks otherwise.
pub(super) fn rust(said: &str) -> Result<Library, Error> {
    let mut words = said.split_whitespace();
    let version = words.next().filter(|word| *word == "rustc").and_then(|_| words.next());
    let version = version.ok_or_else(|| {
        Error::Wrong(format!("rustc tells of itself in words that are not known: {said}"))
    })?;
    // `1.97.0-nightly` is, to those who list weaknesses, a 1.97.0.
    let release = version.split('-').next().unwrap_or(version);
    Ok(Library {
        name: "rust-std".to_owned(),
        version: Some(version.to_owned()),
        license: Some("MIT OR Apache-2.0".to_owned()),
        cpe: Some(format!("cpe:2.3:a:rust-lang:rust:{release}:*:*:*:*:*:*:*")),
        package: None,
    })
}

/// The C library in this archive, `libc.a`.
pub(super) fn c(archive: &[u8]) -> Library {
    glibc(archive).unwrap_or_else(|| Library {
        name: "libc".to_owned(),
        version: None,
        license: None,
        cpe: None,
        package: None,
    })
}

fn glibc(archive: &[u8]) -> Option<Library> {
    let at = archive.windows(GLIBC.len()).position(|part| part == GLIBC)?;
    let told = archive.get(at + GLIBC.len()..)?;
    let told = told.get(..told.len().min(MOST))?;
    let told = String::from_utf8_lossy(told.split(|byte| *byte == b'\n').next()?).into_owned();
    let (built, rest) = told.split_once(')')?;
    let release = rest.rsplit_once("version ")?.1.trim_end_matches('.');
    let is_plain = |c: char| c.is_ascii_digit() || c == '.';
    let release = Some(release).filter(|text| !text.is_empty() && text.chars().all(is_plain))?;
    // Who has built it adds his own name and version.
    let distribution = built.split_once(" GLIBC ").and_then(|(who, version)| {
        let space = ["Debian", "Ubuntu"].into_iter().find(|name| *name == who)?;
        Some((format!("pkg:deb/{}/{PACKAGE}", space.to_lowercase()), version.to_owned()))
    });
    let (package, version) = distribution.unzip();
    Some(Library {
        name: "glibc".to_owned(),
        version: Some(version.unwrap_or_else(|| release.to_owned())),
        license: Some("LGPL-2.1-or-later".to_owned()),
        cpe: Some(format!("cpe:2.3:a:gnu:glibc:{release}:*:*:*:*:*:*:*")),
        package,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Both, as a program of Rust's is linked with them on Debian.
    pub(in crate::build::stages) fn libraries() -> Vec<Library> {
        let banner = "\0GNU C Library (Debian GLIBC 2.36-9+deb12u14) stable release version 2.36.\n\
                      Copyright (C) 2022\0";
        vec![rust("rustc 1.95.0 (59807616e 2026-04-14)\n").unwrap(), c(banner.as_bytes())]
    }

    #[test]
    fn the_compiler_and_the_archive_tell_what_they_are() {
        let [rust, c] = <[Library; 2]>::try_from(libraries()).unwrap();
        assert_eq!((rust.name.as_str(), rust.version.as_deref()), ("rust-std", Some("1.95.0")));
        assert_eq!(rust.cpe.as_deref(), Some("cpe:2.3:a:rust-lang:rust:1.95.0:*:*:*:*:*:*:*"));
        assert_eq!((c.name.as_str(), c.version.as_deref()), ("glibc", Some("2.36-9+deb12u14")));
        assert_eq!(c.cpe.as_deref(), Some("cpe:2.3:a:gnu:glibc:2.36:*:*:*:*:*:*:*"));
        assert_eq!(c.package.as_deref(), Some("pkg:deb/debian/libc6-dev"));
        assert!(rust.license.is_some() && c.license.is_some());
    }

    #[test]
    fn what_is_not_told_is_not_made_up() {
        assert!(rust("clippy 0.1.95 (59807616e4 2026-04-14)").is_err() && rust("").is_err());
        let nightly = rust("rustc 1.97.0-nightly (0a 2026-05-01)").unwrap();
        assert_eq!(nightly.version.as_deref(), Some("1.97.0-nightly"));
        assert!(nightly.cpe.unwrap().contains(":1.97.0:"));
        let own = c(b"GNU C Library (GNU libc) stable release version 2.41.\n");
        assert_eq!((own.version.as_deref(), own.package), (Some("2.41"), None));
        for other in ["", "!<arch>\n", "GNU C Library (", "GNU C Library (x) no number at all.\n"] {
            let unknown = c(other.as_bytes());
            assert_eq!((unknown.name.as_str(), unknown.version), ("libc", None), "{other}");
        }
    }

    #[test]
    fn this_machines_own_archive_is_known() {
        let archive = std::fs::read(crate::build::host::libc().unwrap()).unwrap();
        let found = c(&archive);
        assert!(found.name == "glibc" && found.version.is_some(), "{found:?}");
    }
}
