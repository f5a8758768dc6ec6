//! The kernel and its modules, out of their package without installing it: that
//! would make an initrd that nobody starts.

use super::{Workshop, fetch};
use crate::build::command::Run;
use crate::build::error::Error;
use crate::build::hash::Key;
use crate::build::lock::{Group, Lock};
use crate::build::store::Made;
use std::fs;

/// `vmlinuz`, `release` (as `uname -r` says it) and `modules.tar` with
/// `usr/lib/modules/RELEASE`.
pub(in crate::build) fn kernel(lock: &Lock, workshop: &Workshop<'_>) -> Result<Made, Error> {
    let key = Key::of("kernel", 1).with("packages", lock.digests(Group::Kernel));
    workshop.store.stage("kernel", key.finish(), |folder| {
        let scratch = workshop.store.scratch()?;
        let tree = scratch.path().join("tree");
        for package in fetch::fetch(lock.of(Group::Kernel), workshop.store)? {
            Run::new("dpkg-deb").arg("-x").arg(package).arg(&tree).run()?;
        }
        let modules = tree.join("lib/modules");
        let mut releases = fs::read_dir(&modules)
            .map_err(|error| Error::file("read", &modules, error))?
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned());
        let (Some(release), None) = (releases.next(), releases.next()) else {
            return Err(Error::Wrong("the kernel's packages do not hold one kernel".into()));
        };
        crate::build::files::copy(
            &tree.join(format!("boot/vmlinuz-{release}")),
            &folder.join("vmlinuz"),
        )?;
        Run::new("tar")
            .args(["--create", "--sort=name", "--owner=0", "--group=0", "--numeric-owner"])
            .args(["--format=ustar", "--transform=s,^lib/,usr/lib/,"])
            .arg("--mtime=@0")
            .arg(format!("--file={}", folder.join("modules.tar").display()))
            .args(["-C".as_ref(), tree.as_os_str()])
            .arg(format!("lib/modules/{release}"))
            .run()?;
        crate::build::files::write(&folder.join("release"), release)
    })
}
