//! The small image: built by the real tools, booted in QEMU.

use crate::support::repository::Said;
use node_image::build::{Host, Wanted};
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// A folder with a recipe in it, and what was built of it.
struct Workplace {
    folder: tempfile::TempDir,
}

impl Workplace {
    /// With the small recipe, and `more` at its end.
    fn new(more: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("floodway-image-").tempdir().unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("node-image/images");
        let recipe = fs::read_to_string(shipped.join("small.toml")).unwrap();
        fs::write(folder.path().join("small.toml"), recipe + more).unwrap();
        fs::write(folder.path().join("small.lock"), lock()).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Said {
        floodway(self.folder.path(), arguments)
    }

    /// Makes a key and `certificate.pem` of it; the options that sign by them.
    fn keys(&self) -> [&'static str; 4] {
        self.keys_of(&["rsa:2048"])
    }

    /// As [`Self::keys`], of this kind.
    fn keys_of(&self, kind: &[&str]) -> [&'static str; 4] {
        let subject = ["req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=test", "-newkey"];
        let made = Command::new("openssl")
            .args(subject)
            .args(kind)
            .args(["-keyout", "key.pem", "-out", "certificate.pem"])
            .current_dir(self.folder.path())
            .output();
        assert!(made.unwrap().status.success());
        ["--sign-key", "key.pem", "--sign-cert", "certificate.pem"]
    }

    fn build(&self, out: &str, more: &[&str]) -> Said {
        let of = ["image", "build", "./small.toml", "--out", out];
        let source = ["--source", env!("CARGO_MANIFEST_DIR")];
        self.run(&[&of[..], &source, more].concat())
    }
}

/// Results of stages are kept where a user's are, so that a second run of the tests
/// finds them.
fn floodway(folder: &Path, arguments: &[&str]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_floodway"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output();
    output.unwrap().into()
}

/// The committed lock; made anew where the archive has forgotten one of its packages,
/// which it does when there is a newer one.
fn lock() -> &'static str {
    static LOCK: OnceLock<String> = OnceLock::new();
    LOCK.get_or_init(|| {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("node-image/images");
        let folder = tempfile::tempdir().unwrap();
        for name in ["small.toml", "small.lock"] {
            fs::copy(shipped.join(name), folder.path().join(name)).unwrap();
        }
        let source = env!("CARGO_MANIFEST_DIR");
        let build = ["image", "build", "./small.toml", "--out", "out", "--no-boot"];
        let built = floodway(folder.path(), &[&build[..], &["--source", source]].concat());
        if built.code != Some(0) && built.err.contains("is no longer at") {
            floodway(folder.path(), &["image", "lock", "./small.toml"]).exits(0);
        } else {
            built.exits(0);
        }
        fs::read_to_string(folder.path().join("small.lock")).unwrap()
    })
}

#[test]
fn the_small_image_boots_by_both_firmwares_and_is_not_built_twice() {
    let place = Workplace::new("");
    // As p4d starts it, and once more from the volume that this has left, and that has grown.
    let first = place
        .build("out", &["--mode", "legacy-bios", "--starts", "2"])
        .exits(0)
        .says("boot by legacy-bios (disk.raw on NVMe")
        .says("init: verity")
        .says("agent ready")
        .says("8 GiB, the partition table to its end")
        .says("start 2 of the same volume")
        .says("12 GiB, the partition table to its end")
        .says("/var has the note of 1 start before");
    // As virtual machines elsewhere do.
    let elsewhere = ["--mode", "uefi", "--bus", "virtio", "--disk", "qcow2"];
    let other = place
        .run(&[&["image", "boot", "out"][..], &elsewhere].concat())
        .exits(0)
        .says("boot by uefi (disk.qcow2 on virtio");
    for said in [&first, &other] {
        assert!(!said.err.contains("FAILED"), "{}", said.err);
    }
    // What is known of the disk is known of the same disk elsewhere: it is not booted again.
    fs::create_dir(place.path("again")).unwrap();
    fs::copy(place.path("out/boot.json"), place.path("again/boot.json")).unwrap();
    let again = place.build("again", &["--mode", "legacy-bios"]).exits(0);
    assert!(!again.err.contains("boot by"), "{}", again.err);
    let stages =
        ["kernel", "programs", "rootfs", "tree", "erofs", "verity", "initrd", "uki", "disk"];
    for stage in stages.into_iter().chain(["boot legacy-bios"]) {
        let unchanged = |line: &str| line.contains(stage) && line.ends_with("as before");
        assert!(again.err.lines().any(unchanged), "{stage}: {}", again.err);
    }
    let digest = |said: &Said| said.out.lines().next().unwrap().to_owned();
    assert_eq!(digest(&first), digest(&again));
    let bytes = fs::metadata(place.path("out/disk.raw")).unwrap().len();
    assert!(bytes <= 210_000_000, "{bytes}");
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(place.path(name)).unwrap()).unwrap()
    };
    let manifest = read("out/manifest.json");
    let named = |path: &str| {
        let files = manifest["files"].as_array().unwrap();
        files.iter().find(|file| file["path"] == path).cloned()
    };
    assert_eq!(named("/etc/machine-id").unwrap()["bytes"], 0);
    assert_eq!(named("/etc/systemd/system/getty@.service").unwrap()["content"], "-> /dev/null");
    assert!(named("/usr/bin/floodway-node").is_some() && named("/usr/sbin/sshd").is_none());
    let bill = read("out/sbom.spdx.json");
    assert_eq!(bill["spdxVersion"], "SPDX-2.3");
    let listed = bill["packages"].as_array().unwrap().iter();
    let listed: Vec<_> = listed.filter_map(|package| package["name"].as_str()).collect();
    for name in ["systemd", "libc6", "floodway-init", "linux-image-cloud-amd64"] {
        assert!(listed.contains(&name), "{name}");
    }
    assert_eq!(read("again/sbom.spdx.json"), bill, "what is not built again is told all the same");
    let is_tokio = |package: &&serde_json::Value| package["name"] == "tokio";
    let tokio = bill["packages"].as_array().unwrap().iter().find(is_tokio).unwrap();
    let locator = tokio["externalRefs"][0]["referenceLocator"].as_str().unwrap();
    assert!(locator.starts_with("pkg:cargo/tokio@1."), "{locator}");
    assert_eq!(tokio["licenseDeclared"], "MIT");
    let link = serde_json::json!({"spdxElementId": "SPDXRef-Program-floodway-node",
        "relationshipType": "STATIC_LINK", "relatedSpdxElement": tokio["SPDXID"]});
    assert!(bill["relationships"].as_array().unwrap().contains(&link));
    assert!(place.path("out/disk.qcow2").is_file());
    let tested = read("out/boot.json");
    assert_eq!(tested["disk"], manifest["disk"]["sha256"]);
    let boot = &tested["boots"]["legacy-bios"];
    assert!(boot["passed"] == true && boot["ready_seconds"].as_f64() > Some(0.0), "{tested}");
    assert!(tested["boots"]["uefi"].is_null(), "that was not as EC2 starts it: {tested}");
    assert_eq!(read("again/boot.json"), tested);
    let recipe = fs::read_to_string(place.path("small.toml")).unwrap();
    fs::write(place.path("small.toml"), recipe.replace("\"200Mi\"", "\"1Mi\"")).unwrap();
    place.build("less", &["--no-boot"]).exits(12).says("limits.disk allows 1Mi");
    assert!(!place.path("less/manifest.json").exists());
}

#[test]
fn a_build_without_its_programs_names_them_and_makes_nothing() {
    let place = Workplace::new("");
    fs::create_dir(place.path("empty")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_floodway"))
        .args(["image", "build", "./small.toml", "--out", "made", "--cache", "kept"])
        .args(["--source", env!("CARGO_MANIFEST_DIR")])
        .current_dir(place.folder.path())
        .env("PATH", place.path("empty"))
        .stdin(Stdio::null())
        .output();
    let said: Said = output.unwrap().into();
    said.exits(64).says("these programs are needed and missing: apt-get,").says("apt-get install");
    for name in ["made", "kept", ".floodway"] {
        assert!(!place.path(name).exists(), "{name}");
    }
}

#[test]
fn a_diff_tells_of_another_kernel_and_another_driver() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, kernel: &str, driver: serde_json::Value| {
        let manifest = serde_json::json!({
            "schema": 1, "name": "small", "recipe": "", "lock": "", "root_hash": "",
            "disk": { "sha256": name, "bytes": 1_500_000 }, "kernel": kernel, "driver": driver,
            "boot_modes": ["uefi"], "signed": false, "programs": {}, "packages": [],
            "files": [], "source_date_epoch": 7, "root_bytes": 1,
        });
        fs::write(folder.path().join(name), manifest.to_string()).unwrap();
    };
    let open = serde_json::json!({"flavour": "open", "version": "535.309.01"});
    write("before.json", "6.1.0-40-cloud-amd64", serde_json::Value::Null);
    write("after.json", "6.1.0-41-cloud-amd64", open);
    let said = floodway(folder.path(), &["image", "diff", "before.json", "after.json"]).exits(0);
    assert_eq!(
        said.out,
        "kernel    6.1.0-40-cloud-amd64 -> 6.1.0-41-cloud-amd64\n\
         driver    none -> 535.309.01 (open)\n\
         disk      1.5 MB -> 1.5 MB (+0.0)\n"
    );
}

#[test]
fn another_file_builds_only_what_it_goes_into_and_diff_names_it() {
    let place = Workplace::new("");
    place.build("before", &["--no-boot"]).exits(0);
    let more =
        "\n[[file]]\npath = \"/etc/sysctl.d/90-more.conf\"\ntext = \"vm.swappiness = 0\\n\"\n";
    let other = Workplace::new(more);
    let built = other.build("after", &["--no-boot"]).exits(0);
    for stage in ["kernel", "programs", "rootfs"] {
        let unchanged = |line: &str| line.contains(stage) && line.ends_with("as before");
        assert!(built.err.lines().any(unchanged), "{stage}: {}", built.err);
    }
    let before = place.path("before").display().to_string();
    let said = other.run(&["image", "diff", &before, "after"]).exits(0);
    assert!(said.out.contains("  + /etc/sysctl.d/90-more.conf -rw-r--r-- 18 "), "{}", said.out);
    assert!(!said.out.contains("packages ("), "{}", said.out);
    let same = other.run(&["image", "diff", "after", "after"]).exits(0);
    assert_eq!(same.out, "the images are the same\n");
}

#[test]
fn a_changed_byte_of_the_root_does_not_boot() {
    let place = Workplace::new("");
    place.build("out", &["--no-boot"]).exits(0);
    let disk = fs::File::options().read(true).write(true).open(place.path("out/disk.raw")).unwrap();
    // The superblock of the root, which is behind the first partition.
    const ROOT: u64 = 41 << 20;
    let mut byte = [0];
    disk.read_exact_at(&mut byte, ROOT + 1024 + 100).unwrap();
    disk.write_all_at(&[byte[0] ^ 1], ROOT + 1024 + 100).unwrap();
    drop(disk);
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(place.path(name)).unwrap()).unwrap()
    };
    // As a test has left it that it passed.
    let passed = serde_json::json!({"passed": true, "kvm": true, "ready_seconds": 3.0});
    let boots = serde_json::json!({"uefi": passed, "legacy-bios": passed});
    let digest = read("out/manifest.json")["disk"]["sha256"].clone();
    let before = serde_json::json!({"disk": digest, "boots": boots});
    fs::write(place.path("out/boot.json"), before.to_string()).unwrap();
    let said = place.run(&["image", "boot", "out", "--mode", "uefi", "--json"]).exits(1);
    let said = said.says("the disk does not boot").says("verity");
    assert_eq!(said.out, "[]\n", "whoever reads reports gets those of the starts that came up");
    let boots = read("out/boot.json")["boots"].clone();
    assert_eq!((boots["uefi"]["passed"].as_bool(), &boots["legacy-bios"]), (Some(false), &passed));
    assert!(boots["uefi"]["ready_seconds"].is_null(), "{boots}");
}

#[test]
fn this_machine_has_all_that_is_taken_to_build_an_image_sign_it_and_boot_it() {
    let wanted = Wanted { signing: true, boot: true, programs: true };
    let missing = Host::check(wanted).err().map(|error| format!("{error}: {:?}", error.help()));
    assert_eq!(missing, None);
}

#[test]
fn secure_boot_starts_what_is_signed_and_nothing_else() {
    let place = Workplace::new("");
    let signed = place.build("signed", &[&place.keys()[..], &["--mode", "uefi"]].concat());
    signed.exits(0).says("boot by uefi, secure boot (disk.raw on NVMe");
    let secure = ["--secure-boot", "certificate.pem"];
    place.build("unsigned", &["--no-boot"]).exits(0);
    let said = place.run(&[&["image", "boot", "unsigned"][..], &secure].concat());
    said.exits(1).says("the disk does not boot");
    let noted = |image: &str| fs::read(place.path(image).join("boot.json"));
    let signed: serde_json::Value = serde_json::from_slice(&noted("signed").unwrap()).unwrap();
    assert_eq!(signed["boots"]["uefi"]["passed"], true, "{signed}");
    assert!(noted("unsigned").is_err(), "who asks too much of it learns nothing of it");
}

#[test]
fn two_signed_builds_are_the_same_bit_by_bit() {
    let place = Workplace::new("");
    // Packages are all that is shared: a verification builds the rest, the programs among it,
    // in caches of its own.
    place.build("out", &["--no-boot"]).exits(0);
    let source = env!("CARGO_MANIFEST_DIR");
    let verify = ["image", "verify", "./small.toml", "--source", source];
    place.run(&[&verify[..], &place.keys()].concat()).exits(0).says("the same twice:");
}

#[test]
fn a_recipe_that_is_wrong_says_where_and_one_without_a_lock_what_to_do() {
    let place = Workplace::new("\n[gpu]\nflavour = \"ajar\"\nbranch = \"535\"\n");
    place.build("out", &[]).exits(65).says("small.toml").says("ajar");
    place.run(&["image", "build", "smal"]).exits(64).says("there is no recipe `smal`");
    let place = Workplace::new("");
    fs::remove_file(place.path("small.lock")).unwrap();
    place.build("out", &[]).exits(64).says("floodway image lock");
    let place = Workplace::new("\n[agent]\noptions = []\n");
    let keys = place.keys_of(&["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    place.build("out", &keys).exits(64).says("certificate.pem is not of an RSA key");
    let recipe = fs::read_to_string(place.path("small.toml")).unwrap();
    let more = recipe.replace("include = []", "include = [\"nvme-cli\"]");
    fs::write(place.path("small.toml"), more).unwrap();
    place.build("out", &[]).exits(12).says("the lock is of another recipe");
}
