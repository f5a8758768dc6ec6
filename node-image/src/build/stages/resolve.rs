//! Which packages: apt's own answer for a machine that has none, from archives whose
//! signatures it has checked.

use crate::build::command::Run;
use crate::build::error::Error;
use crate::build::hash::{self, Key};
use crate::build::lock::{Group, Lock, Locked};
use crate::build::recipe::{Flavour, Gpu, Recipe, Runtime};
use crate::build::{files, store::Store};
use common::shape::Shape as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What firmware starts: systemd's stub for UEFI, syslinux for a BIOS.
const BOOT: [&str; 2] = ["systemd-boot-efi", "syslinux-common"];

/// What every image has: the system that starts the agent, the file system of
/// `/var`, and the tools of the boot.
const ALWAYS: [&str; 9] = [
    "ca-certificates",
    "dbus",
    "e2fsprogs",
    "kmod",
    "systemd-resolved",
    "systemd-sysv",
    "systemd-timesyncd",
    "udev",
    // Instead of what moves files about at installation.
    "usr-is-merged",
];

/// What builds modules, beside the kernel's headers.
const TOOLCHAIN: [&str; 3] = ["gcc", "make", "libc6-dev"];

/// SHA-256 of what in `recipe` decides about packages: a lock of another is stale.
pub(in crate::build) fn asked(recipe: &Recipe) -> String {
    let json = |tree: Option<common::shape::Tree>| {
        tree.map(|tree| tree.to_json().to_string()).unwrap_or_default()
    };
    let gpu = recipe.gpu.as_ref().map(|gpu| Gpu { modules: Vec::new(), ..gpu.clone() });
    Key::of("resolve", 1)
        .with("base", json(recipe.base.encode()))
        .with("repositories", json(recipe.repositories.encode()))
        .with("packages", json(recipe.packages.encode()))
        .with("kernel", &recipe.kernel.package)
        .with("gpu", json(gpu.encode()))
        .with("runtime", recipe.runtime.as_str())
        .finish()
}

/// Asks the archives of `recipe`, whose keys lie in `beside`.
pub(in crate::build) fn resolve(
    recipe: &Recipe,
    beside: &Path,
    store: &Store,
) -> Result<Lock, Error> {
    let scratch = store.scratch()?;
    let apt = Apt::set_up(recipe, beside, scratch.path())?;
    apt.run("apt-get", &["update", "-qq"])?;
    apt.check_pins(recipe)?;
    let mut packages = Vec::new();
    let mut add = |group, found: Vec<Locked>| {
        packages.extend(found.into_iter().map(|package| Locked { group, ..package }));
    };
    let gpu = recipe.gpu.as_ref();
    let runtime = if recipe.runtime == Runtime::Containerd { &["containerd"][..] } else { &[] };
    let userspace = gpu.iter().flat_map(|gpu| gpu.userspace.iter().map(String::as_str));
    let root = ["?essential"].into_iter().chain(ALWAYS).chain(runtime.iter().copied());
    let root = root.chain(recipe.packages.include.iter().map(String::as_str)).chain(userspace);
    add(Group::Root, apt.with_dependencies(root)?);
    let kernel = apt.with_dependencies([recipe.kernel.package.as_str()])?;
    let images = kernel.into_iter().filter(|package| package.name.starts_with("linux-image-"));
    add(Group::Kernel, images.collect());
    add(Group::Boot, apt.alone(&BOOT)?);
    if let Some(gpu) = gpu {
        let toolchain = ["?essential"].into_iter().chain(TOOLCHAIN);
        let toolchain = toolchain.chain(["usr-is-merged", gpu.headers.as_str()]);
        let toolchain = toolchain.chain(gpu.build.iter().map(String::as_str));
        add(Group::Toolchain, apt.with_dependencies(toolchain)?);
        add(Group::Driver, driver(gpu, &apt)?);
    }
    packages.sort();
    Ok(Lock { asked: asked(recipe), packages })
}

fn driver(gpu: &Gpu, apt: &Apt) -> Result<Vec<Locked>, Error> {
    let debian = match gpu.flavour {
        Flavour::Open => "nvidia-open-kernel-dkms",
        Flavour::Closed => "nvidia-kernel-dkms",
    };
    let name = gpu.source.as_deref().unwrap_or(debian);
    let found = apt.alone(&[name])?;
    for package in &found {
        let upstream = package.version.rsplit_once(':').map_or(&*package.version, |(_, v)| v);
        let of_branch = upstream
            .strip_prefix(&gpu.branch)
            .is_some_and(|rest| rest.starts_with(['.', '-']) || rest.is_empty());
        if !of_branch {
            return Err(Error::refused(
                format!("{name} is of version {upstream}, not of branch {}", gpu.branch),
                "name the branch that the archive has, or an archive that has the branch",
            ));
        }
    }
    Ok(found)
}

/// apt with folders of its own, as on a machine without any package.
struct Apt {
    folder: PathBuf,
}

impl Apt {
    fn set_up(recipe: &Recipe, beside: &Path, folder: &Path) -> Result<Self, Error> {
        let apt = Self { folder: folder.to_owned() };
        for part in ["lists/partial", "archives/partial", "dpkg", "etc", "keys"] {
            let part = folder.join(part);
            fs::create_dir_all(&part).map_err(|error| Error::file("create", &part, error))?;
        }
        files::write(&folder.join("dpkg/status"), "")?;
        files::write(&folder.join("sources.list"), apt.sources(recipe, beside)?)?;
        let at = folder.display();
        let settings = format!(
            "Dir::State \"{at}\";\nDir::State::lists \"{at}/lists\";\n\
             Dir::State::status \"{at}/dpkg/status\";\nDir::Cache \"{at}\";\n\
             Dir::Cache::archives \"{at}/archives\";\nDir::Cache::pkgcache \"\";\n\
             Dir::Cache::srcpkgcache \"\";\nDir::Etc \"{at}/etc\";\n\
             Dir::Etc::sourcelist \"{at}/sources.list\";\nAPT::Architecture \"amd64\";\n\
             APT::Architectures {{ \"amd64\"; }};\nAPT::Install-Recommends \"false\";\n\
             APT::Sandbox::User \"root\";\nAcquire::Languages \"none\";\n\
             Acquire::ForceHash \"SHA256\";\nAcquire::Retries \"3\";\n"
        );
        files::write(&folder.join("apt.conf"), settings)?;
        Ok(apt)
    }

    fn sources(&self, recipe: &Recipe, beside: &Path) -> Result<String, Error> {
        let base = &recipe.base;
        let parts = base.components.join(" ");
        let (suite, key) = (&base.suite, &base.keyring);
        let mut lines = format!(
            "deb [signed-by={key}] {mirror} {suite} {parts}\n\
             deb [signed-by={key}] {mirror} {suite}-updates {parts}\n",
            mirror = base.mirror
        );
        if !base.security.is_empty() {
            let security = &base.security;
            lines += &format!("deb [signed-by={key}] {security} {suite}-security {parts}\n");
        }
        for (name, repository) in &recipe.repositories {
            let key = beside.join(&repository.key);
            // apt tells armoured keys from others by the name.
            let armoured = files::read(&key)?.starts_with(b"-----BEGIN");
            let ending = if armoured { "asc" } else { "gpg" };
            let own = self.folder.join(format!("keys/{name}.{ending}"));
            files::copy(&key, &own)?;
            lines += &format!(
                "deb [signed-by={}] {} {} {}\n",
                own.display(),
                repository.uri,
                repository.suite,
                repository.components.join(" ")
            );
        }
        Ok(lines)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<String, Error> {
        Run::new(program).args(arguments).env("APT_CONFIG", self.folder.join("apt.conf")).run()
    }

    /// Whether each pinned archive offers what was pinned.
    fn check_pins(&self, recipe: &Recipe) -> Result<(), Error> {
        let lists = self.folder.join("lists");
        let mut offered = Vec::new();
        for entry in fs::read_dir(&lists).map_err(|e| Error::file("read", &lists, e))?.flatten() {
            if entry.file_name().to_string_lossy().ends_with("InRelease") {
                offered.push(hash::of_file(&entry.path())?);
            }
        }
        for (name, repository) in &recipe.repositories {
            if !offered.contains(&repository.sha256.to_ascii_lowercase()) {
                return Err(Error::refused(
                    format!("the archive `{name}` offers something else than what was pinned"),
                    format!(
                        "look at what is new in {}, then write the SHA-256 of its InRelease into \
                         repositories.{name}.sha256",
                        repository.uri
                    ),
                ));
            }
        }
        Ok(())
    }

    /// `packages` and all that they depend on.
    fn with_dependencies<'p>(
        &self,
        packages: impl IntoIterator<Item = &'p str>,
    ) -> Result<Vec<Locked>, Error> {
        let mut arguments =
            vec!["install", "-qq", "-y", "--allow-change-held-packages", "--print-uris"];
        arguments.extend(packages);
        read_uris(&self.run("apt-get", &arguments)?)
    }

    /// `packages` without what they depend on: they are unpacked, not installed.
    fn alone(&self, packages: &[&str]) -> Result<Vec<Locked>, Error> {
        read_uris(&self.run("apt-get", &[&["download", "-qq", "--print-uris"], packages].concat())?)
    }
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
    fn a_line_without_a_digest_is_an_error() {
        assert!(read_uris("'http://deb.example/a_1_all.deb' a_1_all.deb 5 MD5Sum:abc").is_err());
    }
}
