//! Which packages: apt's own answer for a machine that has none, from archives whose
//! signatures it has checked.

use super::apt::Apt;
use super::driver;
use crate::build::error::Error;
use crate::build::hash::Key;
use crate::build::lock::{Group, Lock, Locked};
use crate::build::recipe::{Gpu, Read, Recipe, Runtime};
use crate::build::store::Store;
use common::diag::Diagnostic;
use common::shape::Shape as _;
use std::path::Path;

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
    // Of the first version, a lock with closed modules may lack their firmware.
    let version = if gpu.is_some() { 2 } else { 1 };
    Key::of("resolve", version)
        .with("base", json(recipe.base.encode()))
        .with("repositories", json(recipe.repositories.encode()))
        .with("packages", json(recipe.packages.encode()))
        .with("kernel", &recipe.kernel.package)
        .with("gpu", json(gpu.encode()))
        .with("runtime", recipe.runtime.as_str())
        .finish()
}

/// Asks the archives of a recipe, whose keys lie in `beside`.
pub(in crate::build) fn resolve(read: &Read, beside: &Path, store: &Store) -> Result<Lock, Error> {
    let recipe = &read.recipe;
    let keyring = &recipe.base.keyring;
    if !Path::new(keyring).is_file() {
        let what = Diagnostic::error(format!("there is no {keyring}, which signs the archives"));
        let what = what.help("on Debian and Ubuntu: apt-get install debian-archive-keyring");
        return Err(read.not_so([("base.keyring".to_owned(), what, String::new())]));
    }
    let scratch = store.scratch()?;
    let apt = Apt::set_up(read, beside, scratch.path())?;
    apt.update(read)?;
    let mut packages = Vec::new();
    let mut add = |group, found: Vec<Locked>| {
        packages.extend(found.into_iter().map(|package| Locked { group, ..package }));
    };
    let gpu = recipe.gpu.as_ref();
    let chosen = gpu.map(|gpu| driver::choose(read, gpu, &apt)).transpose()?;
    let firmware = chosen.as_ref().and_then(|driver| driver.firmware);
    let runtime = if recipe.runtime == Runtime::Containerd { &["containerd"][..] } else { &[] };
    let userspace = gpu.iter().flat_map(|gpu| gpu.userspace.iter().map(String::as_str));
    let root = ["?essential"].into_iter().chain(ALWAYS).chain(runtime.iter().copied());
    let root = root.chain(recipe.packages.include.iter().map(String::as_str)).chain(userspace);
    let root = root.chain(firmware);
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
    }
    add(Group::Driver, chosen.map(|driver| driver.source).unwrap_or_default());
    packages.sort();
    if let Some(what) = driver::odd(&packages) {
        let help = "name a branch of which the archives have that too, or an archive that has it \
                    under repositories";
        let what = Diagnostic::error(what).help(help);
        return Err(read.not_so([("gpu.userspace".to_owned(), what, String::new())]));
    }
    driver::check_firmware(read, &packages)?;
    Ok(Lock { asked: asked(recipe), packages })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::recipe::read;
    use std::fs;
    use std::path::PathBuf;

    #[test]
    fn the_lock_of_each_shipped_recipe_is_of_what_that_asks_for() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("images");
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let is_recipe = |file: &PathBuf| file.extension().is_some_and(|end| end == "toml");
        let recipes: Vec<_> = files.filter(is_recipe).collect();
        assert!(recipes.len() >= 2, "{recipes:?}");
        for file in recipes {
            let name = file.display().to_string();
            let (recipe, wrong) = read(&name, &fs::read(&file).unwrap());
            let recipe = recipe.unwrap_or_else(|| panic!("{name}: {wrong:?}")).recipe;
            let lock = file.with_extension("lock");
            let lock = Lock::read(&lock, &fs::read_to_string(&lock).unwrap()).unwrap();
            assert_eq!(lock.asked, asked(&recipe), "make the lock of {name} anew");
        }
    }
}
