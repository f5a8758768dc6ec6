//! What the GPU's modules load into it: without one of these files a node has a GPU that
//! nobody can use. The kernel's own modules name firmware as well, of devices that no
//! instance has, so nobody looks at these.

use super::modules;
use crate::build::error::Error;
use crate::build::files;
use crate::card::File;
use std::collections::BTreeMap;
use std::path::Path;

/// Where the kernel looks for it.
const FOLDER: &str = "/usr/lib/firmware";
/// The ends of its name: as it is, and as the kernel unpacks it, one that was built so.
const ENDINGS: [&str; 3] = ["", ".xz", ".zst"];
/// Links that the kernel follows, and no more.
const LINKS: usize = 40;

/// Whether all that the modules in `folder` load, each as `NAME.ko`, is among the files of
/// the `root`.
///
/// # Errors
/// Which module would look for which file in vain, and what to do.
pub(in crate::build) fn check(folder: &Path, root: &[File]) -> Result<(), Error> {
    let root: BTreeMap<&str, &File> = root.iter().map(|file| (file.path.as_str(), file)).collect();
    for name in modules::names(folder)? {
        let module = files::read(&folder.join(&name))?;
        // The rest of a module may happen to have such words in it.
        let wanted = modules::told(&module, "firmware").filter(|file| is_path(file));
        let wanted = wanted.map(|file| format!("{FOLDER}/{file}"));
        for path in wanted {
            if !ENDINGS.iter().any(|ending| is_file(&root, &format!("{path}{ending}"))) {
                return Err(Error::refused(
                    format!("{name} loads {path} into the GPU, and the image does not have it"),
                    "name the package that holds it in gpu.userspace (Debian's is \
                     firmware-nvidia-gsp, of the driver's version, in `non-free-firmware`) and \
                     make the lock anew with `floodway image lock`, or put the file there \
                     yourself with [[file]]",
                ));
            }
        }
    }
    Ok(())
}

/// Whether `path` leads to a file, by whatever links.
fn is_file(root: &BTreeMap<&str, &File>, path: &str) -> bool {
    let parts = |path: &str| path.split('/').rev().map(str::to_owned).collect::<Vec<_>>();
    let (mut left, mut at, mut links) = (parts(path), String::new(), 0);
    while let Some(part) = left.pop() {
        match part.as_str() {
            "" | "." => {}
            ".." => up(&mut at),
            part => at = format!("{at}/{part}"),
        }
        let Some(to) = root.get(at.as_str()).and_then(|file| link(file)) else { continue };
        links += 1;
        if links > LINKS {
            return false;
        }
        if to.starts_with('/') {
            at.clear();
        } else {
            up(&mut at);
        }
        left.extend(parts(to));
    }
    root.get(at.as_str()).is_some_and(|file| file.mode.starts_with('-'))
}

/// To the folder that it lies in.
fn up(path: &mut String) {
    path.truncate(path.rfind('/').unwrap_or(0));
}

/// Where a link leads; none: it is no link.
fn link(file: &File) -> Option<&str> {
    if file.mode.starts_with('l') { file.content.strip_prefix("-> ") } else { None }
}

/// Whether it can be the path of a file, from the folder of firmware.
fn is_path(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./+".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const ADA: &str = "nvidia/535.309.01/gsp_ga10x.bin";
    const TURING: &str = "nvidia/535.309.01/gsp_tu10x.bin";

    fn file(path: &str) -> File {
        let (path, mode, content) = (path.to_owned(), "-rw-r--r--".to_owned(), "a".repeat(64));
        File { path, mode, bytes: 1, content }
    }

    fn link(path: &str, to: &str) -> File {
        let (mode, content) = ("lrwxrwxrwx".to_owned(), format!("-> {to}"));
        File { mode, bytes: 0, content, ..file(path) }
    }

    /// What becomes of a module that loads the two, and of one that loads nothing, beside
    /// these files.
    fn checked(root: &[File]) -> Result<(), Error> {
        let folder = tempfile::tempdir().unwrap();
        let module = format!(
            "\x7fELF\0firmware=%s not found\0description=x\0firmware={TURING}\0firmware={ADA}\0\
             version=535.309.01\0"
        );
        fs::write(folder.path().join("nvidia.ko"), module).unwrap();
        fs::write(folder.path().join("nvidia-uvm.ko"), "\x7fELF\0version=535.309.01\0").unwrap();
        fs::write(folder.path().join("notes"), "firmware=of/no/module").unwrap();
        check(folder.path(), root)
    }

    #[test]
    fn a_root_with_all_that_the_modules_load_is_taken() {
        let root = [TURING, ADA].map(|name| file(&format!("/usr/lib/firmware/{name}")));
        checked(&root).unwrap();
    }

    #[test]
    fn what_is_packed_is_taken_and_a_link_as_far_as_it_leads_to_a_file() {
        let ada = || file(&format!("/usr/lib/firmware/{ADA}.xz"));
        let turing = |to: &str| link(&format!("/usr/lib/firmware/{TURING}"), to);
        checked(&[ada(), turing("gsp_ga10x.bin.xz")]).unwrap();
        checked(&[ada(), turing("/opt/./gsp.bin"), file("/opt/gsp.bin")]).unwrap();
        checked(&[ada(), turing("gsp_tu10x.bin"), file("/opt/gsp.bin")]).unwrap_err();
        checked(&[ada(), turing("../../../../../opt/gsp.bin")]).unwrap_err();
        // The folder itself may be one.
        let folder = link("/usr/lib/firmware/nvidia", "../../share/nvidia");
        let there = [TURING, ADA].map(|name| file(&format!("/usr/share/{name}.zst")));
        checked(&[&[folder][..], &there].concat()).unwrap();
    }

    #[test]
    fn a_file_that_is_missing_is_named_with_its_module_and_what_to_do() {
        for there in [TURING, ADA] {
            let missing = if there == ADA { TURING } else { ADA };
            // It is there, and not where the kernel looks.
            let paths = [format!("/usr/lib/firmware/{there}"), format!("/opt/{missing}")];
            let error = checked(&paths.map(|path| file(&path))).unwrap_err();
            let expected = format!(
                "nvidia.ko loads /usr/lib/firmware/{missing} into the GPU, and the image does not \
                 have it"
            );
            assert_eq!(error.to_string(), expected);
            let help = error.help().unwrap();
            assert!(help.contains("floodway image lock") && help.contains("gpu.userspace"));
        }
    }
}
