//! apt with folders of its own, as on a machine without any package.

use super::archives;
use crate::build::command::Run;
use crate::build::error::Error;
use crate::build::files;
use crate::build::lock::{Group, Locked};
use crate::build::recipe::{Read, Repository};
use common::diag::Diagnostic;
use std::fs;
use std::path::{Path, PathBuf};

/// What it looks for.
const FOLDERS: [&str; 6] =
    ["lists/partial", "archives/partial", "dpkg", "etc/apt.conf.d", "etc/preferences.d", "keys"];

/// It, and the archives that it knows.
pub(super) struct Apt {
    folder: PathBuf,
}

/// A version of a package that an archive offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) package: String,
    pub(super) version: String,
}

impl Apt {
    /// In `folder`, with the archives of a recipe, whose keys lie in `beside`.
    pub(super) fn set_up(read: &Read, beside: &Path, folder: &Path) -> Result<Self, Error> {
        let apt = Self { folder: folder.to_owned() };
        for part in FOLDERS {
            let part = folder.join(part);
            fs::create_dir_all(&part).map_err(|error| Error::file("create", &part, error))?;
        }
        files::write(&folder.join("dpkg/status"), "")?;
        let sources = archives::sources(&read.recipe, |name, repository| {
            apt.key(name, repository, read, beside)
        })?;
        files::write(&folder.join("sources.list"), sources)?;
        let at = folder.display();
        let settings = format!(
            "Dir::State \"{at}\";\nDir::State::lists \"{at}/lists\";\n\
             Dir::State::status \"{at}/dpkg/status\";\nDir::Cache \"{at}\";\n\
             Dir::Cache::archives \"{at}/archives\";\nDir::Cache::pkgcache \"\";\n\
             Dir::Cache::srcpkgcache \"\";\nDir::Etc \"{at}/etc\";\n\
             Dir::Etc::sourcelist \"{at}/sources.list\";\nAPT::Architecture \"amd64\";\n\
             APT::Architectures {{ \"amd64\"; }};\nAPT::Install-Recommends \"false\";\n\
             APT::Sandbox::User \"root\";\nAcquire::Languages \"none\";\n\
             Acquire::ForceHash \"SHA256\";\nAcquire::Retries \"3\";\n\
             APT::Update::Error-Mode \"any\";\n"
        );
        files::write(&folder.join("apt.conf"), settings)?;
        Ok(apt)
    }

    /// A copy of the key that signs a further archive: apt tells armoured ones from
    /// others by the name.
    fn key(
        &self,
        name: &str,
        repository: &Repository,
        read: &Read,
        beside: &Path,
    ) -> Result<String, Error> {
        let bytes = fs::read(beside.join(&repository.key)).map_err(|error| {
            let at = format!("repositories.{name}.key");
            let what = format!("`{}` cannot be read: {error}", repository.key);
            let help = "put the key that signs the archive beside the recipe";
            read.not_so([(at, Diagnostic::error(what).help(help), String::new())])
        })?;
        let ending = if bytes.starts_with(b"-----BEGIN") { "asc" } else { "gpg" };
        let own = self.folder.join(format!("keys/{name}.{ending}"));
        files::write(&own, bytes)?;
        Ok(own.display().to_string())
    }

    /// Reads what the archives offer, each as it was pinned.
    pub(super) fn update(&self, read: &Read) -> Result<(), Error> {
        let updated = self.run("update", &[]);
        updated.map_err(|error| archives::unreadable(read, error))?;
        archives::check_pins(read, &self.folder.join("lists"))
    }

    /// All versions of `packages` that the archives offer, the newest of each first. Of a
    /// package that none of them has there is none.
    pub(super) fn offered(&self, packages: &[&str]) -> Result<Vec<Offer>, Error> {
        let run = Run::new("apt-cache").arg("madison").args(packages);
        let said = run.env("APT_CONFIG", self.folder.join("apt.conf")).run()?;
        Ok(read_offers(&said))
    }

    /// From now on takes packages whose names match `names` (patterns of a shell, with
    /// blanks between) in the version `number` of their maker, each that is offered in it,
    /// whatever else is.
    pub(super) fn prefer(&self, names: &str, number: &str) -> Result<(), Error> {
        let number = number.replace('.', "\\.");
        let pin = format!(
            "Package: {names}\nPin: version /^([0-9]+:)?{number}([-+~]|$)/\nPin-Priority: 1001\n"
        );
        files::write(&self.folder.join("etc/preferences.d/driver"), pin)
    }

    /// `packages` and all that they depend on.
    pub(super) fn with_dependencies<'p>(
        &self,
        packages: impl IntoIterator<Item = &'p str>,
    ) -> Result<Vec<Locked>, Error> {
        let mut arguments = vec!["-y", "--allow-change-held-packages", "--print-uris"];
        arguments.extend(packages);
        read_uris(&self.run("install", &arguments)?)
    }

    /// `packages` without what they depend on: they are unpacked, not installed.
    pub(super) fn alone(&self, packages: &[&str]) -> Result<Vec<Locked>, Error> {
        read_uris(&self.run("download", &[&["--print-uris"], packages].concat())?)
    }

    fn run(&self, command: &str, arguments: &[&str]) -> Result<String, Error> {
        let run = Run::new("apt-get").args([command, "-qq"]).args(arguments);
        run.env("APT_CONFIG", self.folder.join("apt.conf")).run()
    }
}

/// Reads lines like ` nvidia-smi | 535.309.01-0+deb12u1 | http://… bookworm/non-free …`.
fn read_offers(said: &str) -> Vec<Offer> {
    let read = |line: &str| {
        let mut parts = line.split('|').map(|part| part.trim().to_owned());
        Some(Offer { package: parts.next()?, version: parts.next()? })
    };
    let mut offers: Vec<_> = said.lines().filter_map(read).collect();
    // Two archives may have the same.
    offers.dedup();
    offers
}

/// Reads lines like `'http://…/libc6_2.36-9_amd64.deb' libc6_2.36-9_amd64.deb 2759320 SHA256:…`.
fn read_uris(said: &str) -> Result<Vec<Locked>, Error> {
    let lines = said.lines().filter(|line| line.starts_with('\''));
    let locked: Option<Vec<_>> = lines.map(read_uri).collect();
    locked.ok_or_else(|| Error::Wrong(format!("apt did not say what it would fetch: {said}")))
}

fn read_uri(line: &str) -> Option<Locked> {
    let mut words = line.split(' ');
    let url = words.next()?.trim_matches('\'').to_owned();
    let file = words.next()?.strip_suffix(".deb")?.replace("%3a", ":");
    let sha256 = words.nth(1)?.strip_prefix("SHA256:")?.to_owned();
    let mut parts = file.splitn(3, '_').map(str::to_owned);
    let (name, version, architecture) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Locked { group: Group::Root, name, version, architecture, url, sha256 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_apt_would_fetch_is_read_with_its_epoch() {
        let said = "'http://deb.example/p/passwd_4.13%2bdfsg1_amd64.deb' \
                    passwd_1%3a4.13+dfsg1_amd64.deb 972180 SHA256:abc\n";
        let found = read_uris(said).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((&*found[0].name, &*found[0].version), ("passwd", "1:4.13+dfsg1"));
        assert_eq!((&*found[0].architecture, &*found[0].sha256), ("amd64", "abc"));
    }

    #[test]
    fn what_the_archives_offer_is_read_and_what_two_of_them_have_counts_once() {
        let said = "nvidia-smi | 535.309.01-0+deb12u1 | http://deb.example bookworm/non-free\n\
                    nvidia-smi | 535.309.01-0+deb12u1 | http://two.example bookworm/non-free\n \
                    libcuda1 | 535.261.03-1 | http://deb.example bookworm/non-free\n";
        let offer = |package: &str, version: &str| Offer {
            package: package.to_owned(),
            version: version.to_owned(),
        };
        let expected =
            [offer("nvidia-smi", "535.309.01-0+deb12u1"), offer("libcuda1", "535.261.03-1")];
        assert_eq!(read_offers(said), expected);
        assert!(read_offers("").is_empty());
    }

    #[test]
    fn a_line_without_a_digest_is_an_error() {
        assert!(read_uris("'http://deb.example/a_1_all.deb' a_1_all.deb 5 MD5Sum:abc").is_err());
    }
}
