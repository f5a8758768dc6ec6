//! Whether a build is known to boot: `boot.json`, beside its manifest.

#[cfg(feature = "image")]
use super::super::exit::Failure;
#[cfg(feature = "image")]
use super::super::schema::pretty;
#[cfg(feature = "image")]
use node_image::card::{Boot, BootMode};
use node_image::card::{Manifest, TESTED, Tested};
use std::fs;
use std::io;
use std::path::Path;

/// Notes what came of a boot of the build in `folder`, so that the file is whole at any
/// moment.
#[cfg(feature = "image")]
pub(super) fn note(
    folder: &Path,
    manifest: &Manifest,
    mode: BootMode,
    boot: Boot,
) -> Result<(), Failure> {
    use std::io::Write as _;
    // One that cannot be read tells nothing.
    let before = read(folder).ok().flatten();
    let text = pretty(&Tested::with(before, manifest, mode, boot));
    let path = folder.join(TESTED);
    let beside = folder.join(format!("{TESTED}.{}.new", std::process::id()));
    let save = || {
        let mut file = fs::File::create(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &path)
    };
    save().map_err(|error: io::Error| {
        let _ = fs::remove_file(&beside);
        Failure::file(&path, "cannot be written", &error)
    })
}

/// Whether the disk of the build in `folder` has passed its last boot test by `mode`.
#[cfg(feature = "image")]
pub(super) fn has_passed(folder: &Path, manifest: &Manifest, mode: BootMode) -> bool {
    // What cannot be read proves nothing.
    let tested = read(folder).ok().flatten();
    tested.is_some_and(|tested| tested.has_passed(manifest, mode))
}

/// Why the build in `folder` is not known to boot as its manifest says; none: it is.
#[cfg(feature = "aws")]
pub(super) fn unproved(folder: &Path, manifest: &Manifest) -> Option<String> {
    match read(folder) {
        Ok(Some(tested)) => tested.lacks(manifest),
        Ok(None) => Some(format!("there is no {TESTED} beside its manifest")),
        Err(error) => Some(format!("{} cannot be read: {error}", folder.join(TESTED).display())),
    }
}

/// None: it is not there.
fn read(folder: &Path) -> io::Result<Option<Tested>> {
    match fs::read(folder.join(TESTED)) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(all(feature = "aws", feature = "image"))]
#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn manifest(disk: &str) -> Manifest {
        let manifest = json!({
            "schema": 1, "name": "small", "recipe": "", "lock": "", "root_hash": "",
            "disk": { "sha256": disk, "bytes": 1 }, "kernel": "6.1", "driver": null,
            "boot_modes": ["uefi", "legacy-bios"], "signed": false, "programs": {},
            "packages": [], "files": [], "source_date_epoch": 7, "root_bytes": 1,
        });
        serde_json::from_value(manifest).unwrap()
    }

    fn boot(passed: bool) -> Boot {
        Boot { passed, kvm: false, ready_seconds: passed.then_some(9.25) }
    }

    #[test]
    fn what_came_of_each_boot_is_kept_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let why = |disk: &str| unproved(at, &manifest(disk)).unwrap_or_default();
        assert_eq!(why("aa"), "there is no boot.json beside its manifest");
        note(at, &manifest("aa"), BootMode::Uefi, boot(true)).unwrap();
        assert_eq!(why("aa"), "it was not booted by legacy-bios");
        note(at, &manifest("aa"), BootMode::LegacyBios, boot(true)).unwrap();
        assert_eq!(why("aa"), "");
        assert_eq!(why("bb"), "its boot test was of another disk");
        // One that fails takes the place of an earlier one that passed.
        note(at, &manifest("aa"), BootMode::Uefi, boot(false)).unwrap();
        assert_eq!(why("aa"), "it has failed its boot test by uefi");
        let kept: Value = serde_json::from_slice(&fs::read(at.join(TESTED)).unwrap()).unwrap();
        let expected = json!({"disk": "aa", "boots": {
            "uefi": {"passed": false, "kvm": false, "ready_seconds": null},
            "legacy-bios": {"passed": true, "kvm": false, "ready_seconds": 9.25},
        }});
        assert_eq!(kept, expected);
        assert_eq!(fs::read_dir(at).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_cannot_be_read_proves_nothing_and_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        for damaged in ["", "{", "{\"disk\": \"aa\"}", "{\"disk\": \"aa\", \"boots\": {\"x\": {}}}"]
        {
            fs::write(at.join(TESTED), damaged).unwrap();
            let why = unproved(at, &manifest("aa")).unwrap();
            assert!(why.contains("boot.json cannot be read: "), "{damaged}: {why}");
        }
        for mode in [BootMode::Uefi, BootMode::LegacyBios] {
            note(at, &manifest("aa"), mode, boot(true)).unwrap();
        }
        assert_eq!(unproved(at, &manifest("aa")), None);
    }
}
