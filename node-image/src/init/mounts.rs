//! Mounting, with errors that say what.

use super::error::{InitError, Trying};
use rustix::mount::MountFlags;
use std::ffi::CString;
use std::path::Path;

/// Nothing on it runs with the rights of another, and nothing on it is a device.
pub(super) const SAFE: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV);

/// Mounts a filesystem of `kind`.
///
/// # Errors
/// The kernel refuses.
pub(super) fn mount(
    source: &Path,
    target: &Path,
    kind: &str,
    flags: MountFlags,
    options: &str,
) -> Result<(), InitError> {
    let options = CString::new(options).unwrap_or_default();
    let mounted = rustix::mount::mount(source, target, kind, flags, options.as_c_str());
    mounted.trying(|| format!("mount {} as {kind} on {}", source.display(), target.display()))
}

/// Mounts what the kernel tells of itself, for the initrd and for what follows it.
///
/// # Errors
/// The kernel refuses.
pub(super) fn kernel() -> Result<(), InitError> {
    let inert = SAFE | MountFlags::NOEXEC;
    let devices = MountFlags::NOSUID | MountFlags::NOEXEC | MountFlags::STRICTATIME;
    let mounts =
        [("proc", inert, ""), ("sysfs", inert, ""), ("devtmpfs", devices, "mode=0755,size=4m")];
    for ((kind, flags, options), target) in mounts.into_iter().zip(["/proc", "/sys", "/dev"]) {
        mount(Path::new(kind), Path::new(target), kind, flags, options)?;
    }
    Ok(())
}

/// Mounts the folders that live in memory, with systemd's own options.
///
/// # Errors
/// The kernel refuses.
pub(super) fn in_memory() -> Result<(), InitError> {
    let flags = SAFE | MountFlags::STRICTATIME;
    let run = "mode=0755,size=20%,nr_inodes=800k";
    mount(Path::new("tmpfs"), Path::new("/run"), "tmpfs", flags, run)?;
    let tmp = "mode=1777,size=50%,nr_inodes=1m";
    mount(Path::new("tmpfs"), Path::new("/tmp"), "tmpfs", flags, tmp)
}
