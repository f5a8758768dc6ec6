//! A GPU's driver in a recipe: which version of it is locked, and that all of it is of one.
//! The packages are empty.

use super::vendor::Package;
use super::{Little, repository};

const CLOSED: &str = "nvidia-kernel-dkms";
const OPEN: &str = "nvidia-open-kernel-dkms";
const LIBRARY: &str = "libcuda1";
const FIRMWARE: &str = "firmware-nvidia-gsp";

impl Little {
    /// Adds packages of these versions, and what builds modules.
    fn offers(&self, packages: &[(&str, &[&str])]) {
        let tools = ["gcc", "libc6-dev", "linux-headers-cloud-amd64", "make"];
        for name in tools {
            self.vendor.add("debian/pool", Package::empty(name));
        }
        for (name, versions) in packages {
            for &version in *versions {
                self.vendor.add("debian/pool", Package { version, ..Package::empty(name) });
            }
        }
        for suite in ["bookworm", "bookworm-updates"] {
            self.vendor.index_suite("debian", suite);
        }
    }

    fn wants(&self, flavour: &str, branch: &str) {
        let gpu = format!(
            "\n[gpu]\nflavour = \"{flavour}\"\nbranch = \"{branch}\"\nuserspace = [\"{LIBRARY}\"]\n"
        );
        self.recipe(&(repository(&self.vendor, &self.pin) + &gpu));
    }

    /// Ends the test unless these packages are locked, and in no other version.
    #[track_caller]
    fn locked(&self, packages: &[(&str, &str, &str)]) {
        let lock = self.place.read("little.lock");
        for (group, name, version) in packages {
            let wanted = format!("group = \"{group}\"\nname = \"{name}\"\nversion = \"{version}\"");
            assert!(lock.contains(&wanted), "{wanted}\n{lock}");
            assert_eq!(lock.matches(&format!("name = \"{name}\"")).count(), 1, "{lock}");
        }
    }
}

#[test]
fn a_branch_chooses_the_driver_and_all_of_it_is_of_one_version() {
    let little = Little::new();
    little.offers(&[
        (CLOSED, &["535.1.05-1", "535.2.01-1", "580.1.02-1"]),
        (LIBRARY, &["535.1.05-1", "580.1.02-1"]),
        (FIRMWARE, &["535.1.05-1", "535.2.01-1", "580.1.02-1"]),
    ]);
    for (branch, version) in [("580", "580.1.02-1"), ("535", "535.1.05-1")] {
        little.wants("closed", branch);
        little.lock().exits(0);
        let of_root = [("root", LIBRARY, version), ("root", FIRMWARE, version)];
        little.locked(&[&[("driver", CLOSED, version)][..], &of_root].concat());
    }

    let lock = little.place.read("little.lock");
    let version = |number: &str| format!("name = \"{LIBRARY}\"\nversion = \"{number}-1\"");
    let edited = lock.replace(&version("535.1.05"), &version("535.2.01"));
    assert_ne!(edited, lock);
    little.place.write("little.lock", edited);
    let build = ["image", "build", "./little.toml", "--cache", "cache", "--out", "out"];
    let said = little.place.run(&[&build[..], &["--programs", "programs", "--no-boot"]].concat());
    said.exits(12)
        .says("libcuda1 is of version 535.2.01, and the modules of nvidia-kernel-dkms are of")
        .says("help: make the lock anew with `floodway image lock`");

    little.wants("closed", "470");
    let said = little.lock().exits(12).says(&little.line("branch = "));
    said.says("no archive has nvidia-kernel-dkms of branch 470")
        .says("there are 580.1.02-1, 535.2.01-1, 535.1.05-1");
    little.wants("open", "535");
    let said = little.lock().exits(12).says(&little.line("flavour = "));
    said.says("no archive has the package nvidia-open-kernel-dkms").says("`contrib`");
}

#[test]
fn closed_modules_are_not_locked_without_a_package_that_may_be_their_firmware() {
    let little = Little::new();
    little.offers(&[
        (CLOSED, &["590.1.01-1"]),
        (LIBRARY, &["590.1.01-1"]),
        (FIRMWARE, &["535.1.05-1"]),
        ("vendor-firmware", &["1.0"]),
    ]);
    little.wants("closed", "590");
    let said = little.lock().exits(12).says(&little.line("flavour = "));
    said.says("the archives have no firmware-nvidia-gsp of version 590.1.01")
        .says("`non-free-firmware`")
        .says("a package with `firmware` in its name");
    let recipe = little.place.read("little.toml");
    let both = format!("[\"{LIBRARY}\", \"vendor-firmware\"]");
    little.place.write("little.toml", recipe.replace(&format!("[\"{LIBRARY}\"]"), &both));
    little.lock().exits(0);
    little.locked(&[("root", "vendor-firmware", "1.0"), ("driver", CLOSED, "590.1.01-1")]);
}

#[test]
fn open_modules_have_their_firmware_and_libraries_of_another_version_are_refused() {
    let little = Little::new();
    little.offers(&[
        (OPEN, &["535.1.05-1"]),
        (LIBRARY, &["535.1.05-1", "535.2.01-1"]),
        (FIRMWARE, &["535.2.01-1"]),
    ]);
    little.wants("open", "535");
    let said = little.lock().exits(12).says(&little.line("flavour = "));
    said.says("the archives have no firmware-nvidia-gsp of version 535.1.05")
        .says("its modules load it into the GPU")
        .says("`non-free-firmware`");
    little.offers(&[(FIRMWARE, &["535.1.05-1"]), (CLOSED, &["535.3.01-1"])]);
    little.lock().exits(0);
    little.locked(&[
        ("driver", OPEN, "535.1.05-1"),
        ("root", LIBRARY, "535.1.05-1"),
        ("root", FIRMWARE, "535.1.05-1"),
    ]);

    little.wants("closed", "535");
    let said = little.lock().exits(12).says(&little.line("userspace = "));
    said.says(
        "libcuda1 is of version 535.2.01, and the modules of nvidia-kernel-dkms are of 535.3.01",
    );
}
