//! A node image built, built again after a change and booted, beside what Debian's
//! cloud images are made by (mmdebstrap, an initrd of initramfs-tools, ext4 by
//! mke2fs) from the same archive: `cargo bench --bench image`.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, unreachable_pub, dead_code)]

#[path = "../suite/support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::repository::Said;

/// What Debian's cloud images have, as far as both have it.
const PEER: &str = "systemd-sysv,systemd-resolved,systemd-timesyncd,udev,dbus,kmod,e2fsprogs,\
                    ca-certificates,linux-image-cloud-amd64,initramfs-tools";

fn main() {
    let folder = tempfile::Builder::new().prefix("floodway-image-").tempdir().unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("node-image/images");
    let recipe = fs::read_to_string(shipped.join("small.toml")).unwrap();
    fs::write(folder.path().join("small.toml"), &recipe).unwrap();
    floodway(folder.path(), &["image", "lock", "./small.toml", "--cache", "cache"]).exits(0);
    // Fetches the packages and builds the programs: neither side's race.
    build(folder.path(), "first");
    for stage in ["kernel", "rootfs", "tree", "erofs", "verity", "initrd", "uki", "disk", "digest"]
    {
        fs::remove_dir_all(folder.path().join("cache/stages").join(stage)).unwrap();
    }
    let (ours, _) = build(folder.path(), "again");
    let (theirs, bytes) = peer(folder.path());
    let own = fs::metadata(folder.path().join("again/disk.raw")).unwrap().len();
    println!(
        "build with packages here: {ours:.1?} to a raw disk of {} MB (limit 210) and a qcow2; \
         mmdebstrap and mke2fs: {theirs:.1?} to a root of {} MB; ratio {:.2}",
        own / 1_000_000,
        bytes / 1_000_000,
        ours.as_secs_f64() / theirs.as_secs_f64()
    );
    let more = "\n[[file]]\npath = \"/etc/motd\"\ntext = \"hello\\n\"\n";
    fs::write(folder.path().join("small.toml"), recipe + more).unwrap();
    let (warm, said) = build(folder.path(), "warm");
    println!("build after a change of one file: {warm:.1?} (limit 30 s)\n{}", said.err);
    for mode in ["uefi", "legacy-bios"] {
        let of = ["image", "boot", "again", "--mode", mode, "--accelerator", "emulated", "--json"];
        let times: Vec<f64> =
            (0..5).map(|_| ready(&floodway(folder.path(), &of).exits(0))).collect();
        println!("power-on to agent ready by {mode}, emulated, 2 CPUs: {times:.2?} s (limit 6 s)");
    }
}

fn build(folder: &Path, out: &str) -> (Duration, Said) {
    let of = ["image", "build", "./small.toml", "--cache", "cache", "--no-boot", "--out", out];
    let source = ["--source", env!("CARGO_MANIFEST_DIR")];
    let began = Instant::now();
    let said = floodway(folder, &[&of[..], &source].concat()).exits(0);
    (began.elapsed(), said)
}

/// The way of Debian's cloud images, as far as a root filesystem. Time, and bytes.
fn peer(folder: &Path) -> (Duration, u64) {
    let archive = |what: &str| Command::new(what);
    let run = |mut command: Command| {
        let said: Said = command.current_dir(folder).stdin(Stdio::null()).output().unwrap().into();
        said.exits(0);
    };
    let mirror = "http://deb.debian.org/debian";
    let make = |out: &str| {
        let mut command = archive("mmdebstrap");
        command.args(["--variant=minbase", "--aptopt=APT::Install-Recommends \"false\""]);
        command.arg(format!("--include={PEER}")).args(["bookworm", out, mirror]);
        command
    };
    // As on our side the packages have been fetched once before.
    run(make("peer.tar"));
    let began = Instant::now();
    run(make("peer.tar"));
    let mut unpack = archive("sh");
    unpack.args([
        "-ec",
        "mkdir peer && tar -xf peer.tar -C peer && mke2fs -q -t ext4 -d peer peer.ext4 1G",
    ]);
    run(unpack);
    let took = began.elapsed();
    let used =
        Command::new("du").args(["--block-size=1", "peer.ext4"]).current_dir(folder).output();
    let used = String::from_utf8(used.unwrap().stdout).unwrap();
    (took, used.split_whitespace().next().unwrap().parse().unwrap())
}

fn ready(said: &Said) -> f64 {
    let reports: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    reports[0]["ready_seconds"].as_f64().unwrap()
}

fn floodway(folder: &Path, arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_floodway"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command.output().unwrap().into()
}
