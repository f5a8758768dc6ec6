//! The packages of the lock, installed by mmdebstrap into a tar archive.

use super::{Workshop, fetch};
use crate::build::command::Run;
use crate::build::error::Error;
use crate::build::files;
use crate::build::hash::{Key, of_bytes};
use crate::build::lock::{Group, Lock};
use crate::build::store::Made;
use std::fs;
use std::path::{Path, PathBuf};

/// What no node reads.
const LEFT_OUT: [&str; 7] = [
    "/usr/share/doc/*",
    "/usr/share/info/*",
    "/usr/share/lintian/*",
    "/usr/share/locale/*",
    "/usr/share/man/*",
    "/usr/share/bash-completion/*",
    "/usr/share/zsh/*",
];

/// `root.tar`: the root filesystem as the packages make it.
pub(in crate::build) fn rootfs(
    lock: &Lock,
    suite: &str,
    workshop: &Workshop<'_>,
) -> Result<Made, Error> {
    let key = Key::of("rootfs", 1)
        .with("suite", suite)
        .with("packages", lock.digests(Group::Root))
        .with("epoch", workshop.epoch.to_string());
    let key = workshop.host.versions(key, &["mmdebstrap"])?;
    workshop.store.stage("rootfs", key.finish(), |folder| {
        let archive = Archive::of(lock, Group::Root, suite, workshop)?;
        let run = archive.mmdebstrap(workshop);
        let mut run = run.arg("--format=tar");
        for path in LEFT_OUT {
            run = run.arg(format!("--dpkgopt=path-exclude={path}"));
        }
        archive.finish(run, &folder.join("root.tar")).map(drop)
    })
}

/// An archive of the locked packages alone, for mmdebstrap to install from.
pub(super) struct Archive {
    scratch: tempfile::TempDir,
    names: Vec<String>,
    suite: String,
}

impl Archive {
    /// Of a group's packages.
    pub(super) fn of(
        lock: &Lock,
        group: Group,
        suite: &str,
        workshop: &Workshop<'_>,
    ) -> Result<Self, Error> {
        let mut packages: Vec<_> = lock.of(group).collect();
        if workshop.reversed {
            packages.reverse();
        }
        let fetched = fetch::fetch(packages.iter().copied(), workshop.store)?;
        let scratch = workshop.store.scratch()?;
        let folder = scratch.path();
        let mut index = String::new();
        for (package, file) in packages.iter().zip(&fetched) {
            let name = format!("{}.deb", package.sha256);
            let here = folder.join(&name);
            if fs::hard_link(file, &here).is_err() {
                files::copy(file, &here)?;
            }
            let fields = Run::new("dpkg-deb").arg("-f").arg(&here).run()?;
            let size = files::length(&here)?;
            index += &format!("{}Filename: ./{name}\nSize: {size}\n", ended(&fields));
            index += &format!("SHA256: {}\n\n", package.sha256);
        }
        files::write(&folder.join("Packages"), &index)?;
        // Essential packages are sought by the archive's suite.
        let release = format!(
            "Codename: {suite}\nSuite: {suite}\nArchitectures: amd64\n\
             Date: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n {} {} Packages\n",
            of_bytes(index.as_bytes()),
            index.len()
        );
        files::write(&folder.join("Release"), release)?;
        let names = packages.iter().map(|package| package.name.clone()).collect();
        Ok(Self { scratch, names, suite: suite.to_owned() })
    }

    /// mmdebstrap with all that makes its result the same on any day.
    pub(super) fn mmdebstrap(&self, workshop: &Workshop<'_>) -> Run {
        // Not by its own mode for users: there it is somebody who may read nothing of
        // the caller's.
        let run = workshop.host.as_root("mmdebstrap").arg("--mode=root");
        run.env("SOURCE_DATE_EPOCH", workshop.epoch.to_string())
            .args(["--variant=essential", "--architectures=amd64"])
            .arg("--skip=essential/unlink,cleanup/apt/cache")
            .arg("--hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr")
            .arg("--aptopt=Dir::Cache::pkgcache \"\"")
            .arg("--aptopt=Dir::Cache::srcpkgcache \"\"")
            .arg("--aptopt=APT::Install-Recommends \"false\"")
            .arg("--aptopt=APT::Sandbox::User \"root\"")
            .arg("--aptopt=Acquire::Languages \"none\"")
            .arg(format!("--include={}", self.names.join(",")))
    }

    /// Runs it, to make `out`.
    pub(super) fn finish(&self, run: Run, out: &Path) -> Result<PathBuf, Error> {
        // It was checked by its digests, which no signature says better.
        let source = format!("deb [trusted=yes] copy://{} ./", self.scratch.path().display());
        run.arg(&self.suite).arg(out).arg(source).run()?;
        Ok(out.to_owned())
    }
}

fn ended(fields: &str) -> String {
    if fields.ends_with('\n') { fields.to_owned() } else { format!("{fields}\n") }
}
