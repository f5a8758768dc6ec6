//! Loads the kernel modules that the initrd brings, in the order that it says.
//!
//! One after another: the kernel checks the signature of each, which takes nearly
//! all of the time, and two emulated processors at once took longer for it.

use super::error::{InitError, Trying};
use super::{MODULES, MODULES_ORDER};
use rustix::io::Errno;
use rustix::system::finit_module;
use std::fs::{self, File};
use std::path::Path;

/// # Errors
/// A module is missing, or the kernel does not take it.
pub(super) fn load() -> Result<(), InitError> {
    let folder = Path::new(MODULES);
    let order = folder.join(MODULES_ORDER);
    let text = fs::read_to_string(&order).trying(|| format!("read {}", order.display()))?;
    names(&text).try_for_each(|name| {
        let path = folder.join(name);
        let file = File::open(&path).trying(|| format!("open {}", path.display()))?;
        match finit_module(&file, c"", 0) {
            // It is there already, or the machine has nothing that it drives.
            Ok(()) | Err(Errno::EXIST | Errno::NODEV) => Ok(()),
            Err(why) => Err(why).trying(|| format!("load {}", path.display())),
        }
    })
}

fn names(order: &str) -> impl Iterator<Item = &str> {
    order.lines().map(str::trim).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_a_name_a_line() {
        let order = "virtio.ko\n\n virtio_blk.ko \nerofs.ko";
        assert!(names(order).eq(["virtio.ko", "virtio_blk.ko", "erofs.ko"]));
    }
}
