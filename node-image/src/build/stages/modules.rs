//! What the GPU's modules must be, once they are built.

use crate::build::error::Error;
use crate::build::files;
use crate::build::recipe::NEEDED_MODULE;
use std::fs;
use std::path::Path;

/// Holds the modules in `folder`, each as `NAME.ko`, to what is `wanted` of `package`, and
/// each of them to the kernel of this `release`: it loads none that is for another.
///
/// # Errors
/// What is missing, or which module was built for what.
pub(super) fn check(
    folder: &Path,
    wanted: &[String],
    package: &str,
    release: &str,
) -> Result<(), Error> {
    let is_there = |module: &str| folder.join(format!("{module}.ko")).is_file();
    if !is_there(NEEDED_MODULE) {
        let what =
            format!("{package} builds no `{NEEDED_MODULE}`, without which CUDA finds no GPU");
        return Err(Error::refused(what, "name another package as gpu.source"));
    }
    if let Some(module) = wanted.iter().find(|module| !is_there(module)) {
        let what = format!("{package} builds no `{module}`");
        return Err(Error::refused(what, "take it out of gpu.modules"));
    }
    for name in names(folder)? {
        let Some(built) = release_of(&files::read(&folder.join(&name))?) else {
            return Err(Error::Wrong(format!("{name} does not say which kernel it was built for")));
        };
        if built != release {
            return Err(Error::refused(
                format!("{name} was built for the kernel {built}, and the image's is {release}"),
                "name the headers of kernel.package as gpu.headers, and make the lock anew with \
                 `floodway image lock`",
            ));
        }
    }
    Ok(())
}

/// The names of all modules in `folder`, `NAME.ko`, sorted.
pub(super) fn names(folder: &Path) -> Result<Vec<String>, Error> {
    let entries = fs::read_dir(folder).map_err(|error| Error::file("read", folder, error))?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(".ko")).collect();
    names.sort();
    Ok(names)
}

/// What a module says of itself under a `key`, as `modinfo` tells it: its `.modinfo` has
/// texts like `firmware=nvidia/gsp.bin`, each of which a zero ends.
pub(super) fn told(module: &[u8], key: &str) -> impl Iterator<Item = String> {
    let texts = module.split(|byte| *byte == 0);
    texts.filter_map(move |text| {
        let value = text.strip_prefix(key.as_bytes())?.strip_prefix(b"=")?;
        Some(String::from_utf8_lossy(value).into_owned())
    })
}

/// The release of the kernel that a module is for: the first word of its `vermagic`.
fn release_of(module: &[u8]) -> Option<String> {
    let magic = told(module, "vermagic").next()?;
    magic.split(' ').next().filter(|word| !word.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELEASE: &str = "6.1.0-40-cloud-amd64";

    /// As much of a module as is looked at.
    fn module(release: &str) -> Vec<u8> {
        let info = format!(
            "\0license=NVIDIA\0depends=\0retpoline=Y\0name=nvidia\0vermagic={release} SMP preempt \
             mod_unload modversions \0"
        );
        let before = b"\x7fELF\x02\x01\x01\0vermagic of a text\0\xff\xfe";
        [&before[..], info.as_bytes(), b"\x90\x90"].concat()
    }

    fn checked(built: &[(&str, Vec<u8>)], wanted: &[&str]) -> Result<(), Error> {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in built {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
        check(folder.path(), &wanted, "nvidia-kernel-dkms 535", RELEASE)
    }

    #[test]
    fn modules_of_the_images_kernel_are_taken() {
        let built = ["nvidia.ko", "nvidia-uvm.ko", "nvidia-drm.ko"].map(|n| (n, module(RELEASE)));
        assert!(checked(&built, &["nvidia", "nvidia-uvm"]).is_ok());
    }

    #[test]
    fn a_module_of_another_kernel_is_named_with_both() {
        let other = "6.1.0-39-cloud-amd64";
        for wrong in ["nvidia.ko", "nvidia-uvm.ko", "nvidia-drm.ko"] {
            let built = ["nvidia.ko", "nvidia-uvm.ko", "nvidia-drm.ko"]
                .map(|name| (name, module(if name == wrong { other } else { RELEASE })));
            let error = checked(&built, &["nvidia", "nvidia-uvm"]).unwrap_err();
            let expected =
                format!("{wrong} was built for the kernel {other}, and the image's is {RELEASE}");
            assert_eq!(error.to_string(), expected);
            assert!(error.help().is_some_and(|help| help.contains("gpu.headers")));
        }
        // One is the beginning of the other.
        let longer = [("nvidia-uvm.ko", module(&format!("{RELEASE}-dbg")))];
        assert!(checked(&longer, &[]).is_err());
    }

    #[test]
    fn what_does_not_say_its_kernel_is_no_module() {
        for bytes in [&b""[..], b"\x7fELF", b"\0vermagic=\0", b"\0novermagic=6.1.0-40 SMP\0"] {
            let built = [("nvidia-uvm.ko", module(RELEASE)), ("nvidia.ko", bytes.to_vec())];
            let error = checked(&built, &["nvidia"]).unwrap_err();
            assert!(error.to_string().starts_with("nvidia.ko does not say"), "{error}");
        }
    }

    #[test]
    fn what_was_not_built_is_named() {
        let only = |name| [(name, module(RELEASE))];
        let error = checked(&only("nvidia.ko"), &["nvidia"]).unwrap_err();
        assert!(error.to_string().contains("535 builds no `nvidia-uvm`"), "{error}");
        let error = checked(&only("nvidia-uvm.ko"), &["nvidia", "nvidia-uvm"]).unwrap_err();
        assert_eq!(error.to_string(), "nvidia-kernel-dkms 535 builds no `nvidia`");
    }
}
