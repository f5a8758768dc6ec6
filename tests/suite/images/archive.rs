//! A vendor's archive in a recipe: pinned, resolved by the real apt, and installed.

mod driver;
mod installed;
mod somebody;
mod vendor;
mod web;

use crate::support::repository::Said;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use vendor::{Package, Vendor, sha256};

const TOOL: Package<'_> = Package {
    name: "vendor-tool",
    version: "1:2.0~rc1-1",
    fields: "Depends: vendor-data\n",
    files: &[("usr/bin/vendor-tool", "#!/bin/sh\ncat /usr/share/vendor/data\n")],
};
const DATA: Package<'_> = Package {
    name: "vendor-data",
    version: "2.0",
    fields: "",
    files: &[("usr/share/vendor/data", "of the vendor\n")],
};

/// Where its packages are, from the address of the server. apt quotes some of it.
const FOLDER: &str = "cuda/debian12/x86_64";

/// An archive that holds [`TOOL`] and [`DATA`], and the SHA-256 of its index.
fn vendor() -> (Vendor, String) {
    let vendor = Vendor::new();
    vendor.add(FOLDER, TOOL);
    vendor.add(FOLDER, DATA);
    let pin = vendor.index_flat(FOLDER);
    (vendor, pin)
}

/// What stands in a recipe for [`vendor`].
fn repository(vendor: &Vendor, pin: &str) -> String {
    format!(
        "\n[repositories.vendor]\nuri = \"{}/{FOLDER}/\"\nsuite = \"./\"\n\
         key = \"vendor.asc\"\nsha256 = \"{pin}\"\n",
        vendor.url()
    )
}

/// As the lock has a package of the vendor's.
fn locked(vendor: &Vendor, package: Package<'_>) -> String {
    let Package { name, version, .. } = package;
    let plain = version.rsplit(':').next().unwrap();
    let file = vendor.served(&format!("{FOLDER}/{name}_{plain}_amd64.deb"));
    let quoted = plain.replace('~', "%7e");
    format!(
        "[[package]]\ngroup = \"root\"\nname = \"{name}\"\nversion = \"{version}\"\n\
         architecture = \"amd64\"\nurl = \"{}/{FOLDER}/./{name}_{quoted}_amd64.deb\"\n\
         sha256 = \"{}\"\n",
        vendor.url(),
        sha256(&file)
    )
}

/// A folder with a recipe, its keys, and programs that nobody will run.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(vendor: &Vendor) -> Self {
        let folder = tempfile::Builder::new().prefix("floodway-image-").tempdir().unwrap();
        let place = Self { folder };
        place.write("vendor.asc", vendor.key());
        fs::create_dir(place.path("programs")).unwrap();
        // The head of a static program for x86-64.
        let mut head = [0; 64];
        head[..6].copy_from_slice(b"\x7fELF\x02\x01");
        head[18] = 62;
        for name in ["floodway-init", "floodway-node", "floodway-probe"] {
            place.write(&format!("programs/{name}"), head);
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_floodway"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env("COLUMNS", "200")
            .stdin(Stdio::null())
            .output();
        output.unwrap().into()
    }
}

/// A Debian of empty packages, as small as a recipe's can be: what is resolved from it
/// can be locked, and not be installed. Beside it, the vendor's archive.
struct Little {
    vendor: Vendor,
    pin: String,
    place: Place,
}

impl Little {
    fn new() -> Self {
        let (vendor, pin) = vendor();
        for name in [
            "ca-certificates",
            "dbus",
            "e2fsprogs",
            "kmod",
            "syslinux-common",
            "systemd-boot-efi",
            "systemd-resolved",
            "systemd-sysv",
            "systemd-timesyncd",
            "udev",
            "usr-is-merged",
        ] {
            vendor.add("debian/pool", Package::empty(name));
        }
        let essential = Package { fields: "Essential: yes\n", ..Package::empty("base-files") };
        vendor.add("debian/pool", essential);
        let files = [("boot/vmlinuz-6.1", "kernel"), ("lib/modules/6.1/modules.dep", "")];
        let kernel = Package { files: &files, ..Package::empty("linux-image-cloud-amd64") };
        vendor.add("debian/pool", kernel);
        for suite in ["bookworm", "bookworm-updates"] {
            vendor.index_suite("debian", suite);
        }
        let place = Place::new(&vendor);
        Self { vendor, pin, place }
    }

    /// Writes the recipe.
    fn recipe(&self, repositories: &str) {
        let text = format!(
            "[image]\nname = \"little\"\ntime = \"2026-11-01T00:00:00Z\"\n\n\
             [base]\nsuite = \"bookworm\"\nmirror = \"{}/debian\"\nsecurity = \"\"\n\
             keyring = \"{}\"\n\n[packages]\ninclude = [\"vendor-tool\"]\n\n[kernel]\n\n\
             [limits]\ndisk = \"210Mi\"\n{repositories}",
            self.vendor.url(),
            self.place.path("vendor.asc").display()
        );
        self.place.write("little.toml", text);
    }

    /// With the archive as it is now pinned to `pin`.
    fn pinned(&self, pin: &str) {
        self.recipe(&repository(&self.vendor, pin));
    }

    fn lock(&self) -> Said {
        self.place.run(&["image", "lock", "./little.toml", "--cache", "cache"])
    }

    /// `little.toml:LINE:`, of the line that begins so.
    fn line(&self, begins: &str) -> String {
        let recipe = self.place.read("little.toml");
        let at = recipe.lines().position(|line| line.starts_with(begins)).unwrap();
        format!("little.toml:{}:", at + 1)
    }
}

#[test]
fn a_pinned_archive_is_locked_and_another_state_of_it_is_refused_until_it_is_pinned() {
    let little = Little::new();
    little.pinned(&little.pin);
    little.lock().exits(0).says("little.lock: 15 packages");
    let lock = little.place.read("little.lock");
    for package in [TOOL, DATA] {
        let wanted = locked(&little.vendor, package);
        assert!(lock.contains(&wanted), "{wanted}\n{lock}");
    }

    let newer = Package { version: "1:2.1-1", ..TOOL };
    little.vendor.add(FOLDER, newer);
    let pin = little.vendor.index_flat(FOLDER);
    let said = little.lock().exits(12);
    said.says(&little.line("sha256 = "))
        .says("the archive `vendor` offers something else than what was pinned")
        .says(&format!("its InRelease has {pin} now"))
        .says("help: look at what is new in");
    assert_eq!(little.place.read("little.lock"), lock, "it is as it was");

    little.pinned(&pin);
    little.lock().exits(0).says("~ vendor-tool 1:2.0~rc1-1 -> 1:2.1-1");
    assert!(little.place.read("little.lock").contains(&locked(&little.vendor, newer)));
}

#[test]
fn an_archive_with_a_suite_is_locked_and_each_is_held_to_its_own_pin() {
    let little = Little::new();
    let extra = Package::empty("vendor-extra");
    little.vendor.add("extra/pool", extra);
    let pin = little.vendor.index_suite("extra", "stable");
    let second = |pin: &str| {
        format!(
            "\n[repositories.extra]\nuri = \"{}/extra\"\nsuite = \"stable\"\n\
             components = [\"main\"]\nkey = \"vendor.asc\"\nsha256 = \"{pin}\"\n",
            little.vendor.url()
        )
    };
    let with_both = |first: &str, other: &str| {
        little.recipe(&(repository(&little.vendor, first) + &second(other)));
        let recipe = little.place.read("little.toml");
        let both = recipe.replace("[\"vendor-tool\"]", "[\"vendor-tool\", \"vendor-extra\"]");
        little.place.write("little.toml", both);
        little.lock()
    };
    with_both(&little.pin, &pin).exits(0);
    let url = format!("{}/extra/pool/vendor-extra_1.0_amd64.deb", little.vendor.url());
    assert!(little.place.read("little.lock").contains(&url));
    let swapped = with_both(&pin, &little.pin).exits(12);
    swapped.says("the archive `vendor` offers").says("the archive `extra` offers");
}

#[test]
fn an_archive_that_is_signed_otherwise_or_not_there_is_told_where_the_recipe_names_it() {
    let little = Little::new();
    little.pinned(&little.pin);
    let (other, _) = vendor();
    little.place.write("another.asc", other.key());
    let recipe = little.place.read("little.toml");
    little.place.write("little.toml", recipe.replace("key = \"vendor", "key = \"another"));
    let said = little.lock().exits(12).says(&little.line("key = "));
    said.says("the archive `vendor` is not signed by a key in another.asc").says("NO_PUBKEY");

    little.place.write("little.toml", recipe.replace("key = \"vendor", "key = \"none"));
    little.lock().exits(12).says(&little.line("key = ")).says("`none.asc` cannot be read");

    little.place.write("little.toml", recipe.replace("x86_64", "sbsa"));
    let said = little.lock().exits(12).says(&little.line("uri = "));
    said.says("the archive `vendor` cannot be read").says("does not have a Release file");

    little.place.write("little.toml", recipe);
    little.vendor.sign_beside(FOLDER);
    let said = little.lock().exits(12).says(&little.line("sha256 = "));
    said.says("the archive `vendor` has no InRelease that could be pinned");
    assert!(!little.place.path("little.lock").exists());
}

#[test]
fn a_package_that_is_another_than_the_locked_one_is_refused_and_not_kept() {
    let little = Little::new();
    little.pinned(&little.pin);
    little.lock().exits(0);
    let file = little.vendor.served(&format!("{FOLDER}/vendor-tool_2.0~rc1-1_amd64.deb"));
    let (right, mut bytes) = (sha256(&file), fs::read(&file).unwrap());
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&file, bytes).unwrap();
    let build = ["image", "build", "./little.toml", "--cache", "cache", "--out", "out"];
    let said = little.place.run(&[&build[..], &["--programs", "programs", "--no-boot"]].concat());
    said.exits(12)
        .says("vendor-tool 1:2.0~rc1-1 at http://127.0.0.1:")
        .says(&format!("is not what was locked: its SHA-256 is not {right}"))
        .says("help: nothing of it was used");
    assert!(!little.place.path(&format!("cache/packages/{right}.deb")).exists());
    assert!(!little.place.path("out").exists());
}
