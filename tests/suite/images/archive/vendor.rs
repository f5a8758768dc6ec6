//! An archive of packages as a vendor has one: made by Debian's tools, signed by a key
//! that lives as long as it, and served on loopback.

use super::web::Server;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Every file in it was made then.
const EPOCH: &str = "1735689600";
/// The date of its indices, and the one up to which that of a flat one is good: it has
/// long passed.
const DATE: &str = "Date: Wed, 01 Jan 2025 00:00:00 UTC\n";
const EXPIRED: &str = "Valid-Until: Thu, 02 Jan 2025 00:00:00 UTC\n";

/// A package to be put into it.
#[derive(Clone, Copy)]
pub struct Package<'p> {
    pub name: &'p str,
    pub version: &'p str,
    /// Further fields of its control file, a line each.
    pub fields: &'p str,
    /// Paths and what they hold.
    pub files: &'p [(&'p str, &'p str)],
}

impl<'p> Package<'p> {
    /// One that holds nothing.
    pub fn empty(name: &'p str) -> Self {
        Self { name, version: "1.0", fields: "", files: &[] }
    }
}

/// It goes with all that it has started.
pub struct Vendor {
    folder: tempfile::TempDir,
    server: Server,
}

impl Vendor {
    /// With a key, and without any package.
    pub fn new() -> Self {
        // The agent's socket lies in it, whose path must be short.
        let folder = tempfile::Builder::new().prefix("fw-").tempdir().unwrap();
        let served = folder.path().join("served");
        fs::create_dir(&served).unwrap();
        let vendor = Self { server: Server::start(&served), folder };
        let home = vendor.folder.path().join("gpg");
        fs::create_dir(&home).unwrap();
        run(Command::new("chmod").arg("0700").arg(&home));
        let unlocked = ["--passphrase", "", "--quick-generate-key", "vendor@example.org"];
        vendor.gpg(&[&unlocked[..], &["ed25519", "sign", "never"]].concat());
        vendor
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What it serves.
    pub fn served(&self, path: &str) -> PathBuf {
        self.folder.path().join("served").join(path)
    }

    /// The key that signs it, armoured.
    pub fn key(&self) -> String {
        self.gpg(&["--armor", "--export"])
    }

    /// Makes the package, and lays it into a folder of what is served.
    pub fn add(&self, folder: &str, package: Package<'_>) {
        let Package { name, version, fields, files } = package;
        let tree = tempfile::tempdir_in(self.folder.path()).unwrap();
        let control = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: amd64\n\
             Maintainer: Vendor <vendor@example.org>\nDescription: of a test\n{fields}"
        );
        write(&tree.path().join("DEBIAN/control"), &control);
        for (path, text) in files {
            write(&tree.path().join(path), text);
        }
        run(Command::new("chmod").args(["-R", "u=rwX,go=rX"]).arg(tree.path()));
        let folder = self.served(folder);
        fs::create_dir_all(&folder).unwrap();
        // An epoch is in no file's name.
        let plain = version.rsplit(':').next().unwrap();
        let file = folder.join(format!("{name}_{plain}_amd64.deb"));
        let mut build = Command::new("dpkg-deb");
        build.args(["--root-owner-group", "-b"]).arg(tree.path()).arg(file);
        run(build.env("SOURCE_DATE_EPOCH", EPOCH));
    }

    /// Writes and signs the index of a flat archive; the SHA-256 of its InRelease.
    pub fn index_flat(&self, folder: &str) -> String {
        let at = self.served(folder);
        let index = scan(&at, ".");
        write(&at.join("Packages"), &index);
        self.release(&at, &["Packages"], &format!("Suite: stable\n{EXPIRED}"))
    }

    /// As [`Self::index_flat`], of an archive with a suite, whose packages lie in `pool`.
    pub fn index_suite(&self, folder: &str, suite: &str) -> String {
        let at = self.served(folder);
        let index = scan(&at, "pool");
        let dists = at.join("dists").join(suite);
        write(&dists.join("main/binary-amd64/Packages"), &index);
        let fields = format!("Codename: {suite}\nComponents: main\nArchitectures: amd64\n");
        self.release(&dists, &["main/binary-amd64/Packages"], &fields)
    }

    fn release(&self, at: &Path, indices: &[&str], fields: &str) -> String {
        let mut text = format!("Origin: Vendor\n{fields}{DATE}SHA256:\n");
        for index in indices {
            let length = fs::metadata(at.join(index)).unwrap().len();
            text += &format!(" {} {length} {index}\n", sha256(&at.join(index)));
        }
        write(&at.join("Release"), &text);
        let _ = fs::remove_file(at.join("InRelease"));
        let [from, to] = ["Release", "InRelease"].map(|name| at.join(name).display().to_string());
        self.gpg(&["--clearsign", "--output", &to, &from]);
        sha256(&at.join("InRelease"))
    }

    /// Signs the index of a flat archive as old archives do: in a file of its own.
    pub fn sign_beside(&self, folder: &str) {
        let at = self.served(folder);
        fs::remove_file(at.join("InRelease")).unwrap();
        let [from, to] = ["Release", "Release.gpg"].map(|name| at.join(name).display().to_string());
        self.gpg(&["--armor", "--detach-sign", "--output", &to, &from]);
    }

    fn gpg(&self, arguments: &[&str]) -> String {
        let mut gpg = Command::new("gpg");
        gpg.arg("--homedir").arg(self.folder.path().join("gpg")).args(["--batch", "--quiet"]);
        run(gpg.args(arguments))
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        let mut end = Command::new("gpgconf");
        end.arg("--homedir").arg(self.folder.path().join("gpg")).args(["--kill", "all"]);
        let _ = end.output();
    }
}

/// The index of the packages in a folder, without the words that the program says of it.
fn scan(within: &Path, folder: &str) -> String {
    let mut scan = Command::new("dpkg-scanpackages");
    run(scan.args(["--multiversion", folder]).current_dir(within))
}

/// The SHA-256 of a file, in hex.
pub fn sha256(file: &Path) -> String {
    run(Command::new("sha256sum").arg(file)).split(' ').next().unwrap().to_owned()
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// What a program prints.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| {
        panic!("{:?}: {error}: run tests/testbed/setup first", command.get_program())
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}
