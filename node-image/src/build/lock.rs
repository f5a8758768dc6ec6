//! The lock: every package that goes into an image or into building it, by its
//! digest, so that the same recipe makes the same image on any day.

use super::error::Error;
use super::hash;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What stands at the head of a lock.
const HEAD: &str = "# Written by `floodway image lock`: every package of the image and of its build.\n\
                    # Commit it beside the recipe; `floodway image lock` makes it anew.\n\n";

/// Packages by digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// SHA-256 in hex of what in the recipe decides about packages.
    pub asked: String,
    /// The packages, by group and name.
    #[serde(rename = "package", default)]
    pub packages: Vec<Locked>,
}

/// What a package is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Installed in the image.
    Root,
    /// Holds the kernel and its modules.
    Kernel,
    /// Holds what firmware starts.
    Boot,
    /// Builds the GPU's modules, and is thrown away.
    Toolchain,
    /// Holds the source of the GPU's modules.
    Driver,
}

/// One package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// What it is for.
    pub group: Group,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `amd64` or `all`.
    pub architecture: String,
    /// Where it is fetched.
    pub url: String,
    /// SHA-256 of the package file, in hex.
    pub sha256: String,
}

impl Lock {
    /// Those of a group.
    pub(super) fn of(&self, group: Group) -> impl Iterator<Item = &Locked> {
        self.packages.iter().filter(move |package| package.group == group)
    }

    /// The digests of a group's packages, as one text: what a stage's key takes.
    pub(super) fn digests(&self, group: Group) -> String {
        let of: Vec<_> = self.of(group).map(|package| package.sha256.as_str()).collect();
        of.join(" ")
    }

    /// As it stands in the file.
    ///
    /// # Errors
    /// None that a lock which was made here has.
    pub fn to_text(&self) -> Result<String, Error> {
        let text = toml::to_string(self);
        text.map(|text| format!("{HEAD}{text}")).map_err(|error| Error::Wrong(error.to_string()))
    }

    /// SHA-256 in hex of what it says.
    pub(super) fn digest(&self) -> Result<String, Error> {
        Ok(hash::of_bytes(self.to_text()?.as_bytes()))
    }

    /// Reads what [`Self::to_text`] writes, from the file at `path`.
    ///
    /// # Errors
    /// What in it is not a lock.
    pub fn read(path: &Path, text: &str) -> Result<Self, Error> {
        let help = "make it anew with `floodway image lock`";
        let lock: Self = toml::from_str(text).map_err(|error| {
            Error::refused(format!("{} is no lock: {error}", path.display()), help)
        })?;
        for package in &lock.packages {
            let digest = package.sha256.len() == 64
                && package.sha256.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
            let address = ["http://", "https://"].iter().any(|at| package.url.starts_with(at));
            // What is not plain could be taken for an option or a path.
            let plain = |text: &str| {
                let in_names = |c: char| c.is_ascii_alphanumeric() || "+-.:~_".contains(c);
                text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(in_names)
            };
            let named = plain(&package.name) && plain(&package.version);
            if !(digest && address && named && plain(&package.architecture)) {
                let what =
                    format!("{}: `{}` is not locked as it must be", path.display(), package.name);
                return Err(Error::refused(what, help));
            }
        }
        Ok(lock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> Lock {
        let package = |group, name: &str| Locked {
            group,
            name: name.into(),
            version: "1:2.3-4+deb12u1".into(),
            architecture: "amd64".into(),
            url: format!("https://deb.example/{name}.deb"),
            sha256: "a".repeat(64),
        };
        let packages = vec![package(Group::Root, "libc6"), package(Group::Kernel, "linux-image-6")];
        Lock { asked: "b".repeat(64), packages }
    }

    #[test]
    fn a_lock_is_read_as_it_was_written() {
        let text = lock().to_text().unwrap();
        assert_eq!(Lock::read("x.lock".as_ref(), &text).unwrap(), lock());
        assert_eq!(lock().of(Group::Kernel).count(), 1);
    }

    #[test]
    fn a_lock_that_was_edited_into_something_else_is_refused() {
        let text = lock().to_text().unwrap();
        for (from, to) in [
            ("libc6\"", "--help\""),
            ("https://deb.example/libc6", "file:///etc/passwd"),
            (&"a".repeat(64), "abc"),
            ("group = \"root\"", "group = \"rot\""),
            ("asked", "askd"),
        ] {
            let wrong = text.replacen(from, to, 1);
            assert_ne!(wrong, text, "{from}");
            let error = Lock::read("x.lock".as_ref(), &wrong).unwrap_err();
            assert!(error.to_string().contains("x.lock"), "{error}");
        }
    }
}
