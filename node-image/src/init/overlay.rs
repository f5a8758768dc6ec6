//! Folders of the image that may be written: the image below, memory above. What is
//! written there is gone with the power.

use super::error::{InitError, Trying};
use super::mounts::{self, SAFE};
use rustix::mount::{MountFlags, UnmountFlags, unmount};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

/// Where the memory is reached until all overlays hold it.
const ABOVE: &str = "/run/floodway/overlay";

/// Lays memory over each of `folders`.
///
/// # Errors
/// The kernel refuses.
pub(super) fn lay(folders: &[&str]) -> Result<(), InitError> {
    let above = Path::new(ABOVE);
    fs::create_dir_all(above).trying(|| format!("make {ABOVE}"))?;
    mounts::mount(Path::new("tmpfs"), above, "tmpfs", SAFE, "mode=0700")?;
    folders.iter().try_for_each(|folder| lay_one(Path::new(folder), above))?;
    // The overlays keep it; nobody else can change what is under them.
    unmount(ABOVE, UnmountFlags::DETACH).trying(|| format!("unmount {ABOVE}"))?;
    fs::remove_dir(above).trying(|| format!("remove {ABOVE}"))
}

fn lay_one(folder: &Path, above: &Path) -> Result<(), InitError> {
    let own = above.join(folder.strip_prefix("/").unwrap_or(folder));
    let (upper, work) = (own.join("upper"), own.join("work"));
    let made = fs::create_dir_all(&work).and_then(|()| fs::create_dir(&upper));
    // The upper folder's owner and rights are those of the whole.
    let like = made.and_then(|()| {
        let image = fs::metadata(folder)?;
        chown(&upper, Some(image.uid()), Some(image.gid()))?;
        fs::set_permissions(&upper, Permissions::from_mode(image.mode() & 0o7777))
    });
    like.trying(|| format!("prepare the overlay of {}", folder.display()))?;
    let [lower, upper, work] = [folder, &upper, &work].map(Path::display);
    let options = format!("lowerdir={lower},upperdir={upper},workdir={work}");
    mounts::mount(Path::new("overlay"), folder, "overlay", MountFlags::empty(), &options)
}
