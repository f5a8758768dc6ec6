//! A node image built, built again after a change and booted, beside what Debian's
//! cloud images are made by (mmdebstrap, an initrd of initramfs-tools, ext4 by
//! mke2fs) from the same archive: `cargo bench --bench image`.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, unreachable_pub, dead_code)]

mod limit;
#[path = "../suite/support/mod.rs"]
mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use support::repository::Said;

/// What Debian's cloud images have, as far as both have it.
const PEER: &str = "systemd-sysv,systemd-resolved,systemd-timesyncd,udev,dbus,kmod,e2fsprogs,\
                    ca-certificates,linux-image-cloud-amd64,initramfs-tools";
/// Of the raw disk, in megabytes.
const DISK: u64 = 210;
/// Of a build after a change of one file.
const WARM: Duration = Duration::from_secs(30);
/// From power-on to agent ready, in seconds.
const READY: f64 = 6.0;

fn main() -> ExitCode {
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
        "build with packages here: {ours:.1?} to a raw disk of {} MB (limit {DISK}) and a qcow2; \
         mmdebstrap and mke2fs: {theirs:.1?} to a root of {} MB; ratio {:.2}",
        own / 1_000_000,
        bytes / 1_000_000,
        ours.as_secs_f64() / theirs.as_secs_f64()
    );
    limit::hold("raw disk in MB", own as f64 / 1e6, DISK as f64);
    let more = "\n[[file]]\npath = \"/etc/motd\"\ntext = \"hello\\n\"\n";
    fs::write(folder.path().join("small.toml"), recipe + more).unwrap();
    let (warm, said) = build(folder.path(), "warm");
    println!("build after a change of one file: {warm:.1?} (limit {WARM:?})\n{}", said.err);
    limit::hold("build after a change of one file", warm, WARM);
    // In turns: a machine that is slower for a while is so for all of them.
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..5 {
        for (mode, times) in ["uefi", "legacy-bios"].into_iter().zip(&mut times) {
            let of = ["image", "boot", "again", "--mode", mode, "--accelerator", "emulated"];
            let of = [&of[..], &["--json"]].concat();
            times.push(ready(&floodway(folder.path(), &of).exits(0)));
        }
        times[2].push(peer_ready(folder.path()));
    }
    let [uefi, bios, theirs] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        (times[times.len() / 2], times)
    });
    println!(
        "power-on to agent ready, emulated, 2 CPUs (limit {READY} s): by a BIOS {:.2} s, by UEFI {:.2} s; \
         Debian's way, its kernel started without firmware, to network-online: {:.2} s; \
         ratio by a BIOS {:.2}, by UEFI {:.2}\n{bios:.2?} {uefi:.2?} {theirs:.2?}",
        bios.0,
        uefi.0,
        theirs.0,
        bios.0 / theirs.0,
        uefi.0 / theirs.0,
        bios = bios.1,
        uefi = uefi.1,
        theirs = theirs.1,
    );
    limit::hold("ready by a BIOS, in seconds", bios.0, READY);
    limit::hold("ready by UEFI, in seconds", uefi.0, READY);
    limit::outcome()
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
    unpack.args(["-ec", "mkdir peer && tar -xf peer.tar -C peer"]);
    run(unpack);
    let unpacked = began.elapsed();
    // What tells when it is up, as our agent does: not a part of the race.
    let put = |path: &str, text: &str| fs::write(folder.join("peer").join(path), text).unwrap();
    put("etc/systemd/network/80-dhcp.network", "[Match]\nType=ether\n[Network]\nDHCP=yes\n");
    put("etc/systemd/system/up.service", UP);
    let mut enable = archive("chroot");
    enable.args(["peer", "systemctl", "enable", "systemd-networkd", "up"]);
    run(enable);
    let began = Instant::now();
    let mut pack = archive("mke2fs");
    run({
        pack.args(["-q", "-t", "ext4", "-d", "peer", "peer.ext4", "1G"]);
        pack
    });
    let took = unpacked + began.elapsed();
    let used =
        Command::new("du").args(["--block-size=1", "peer.ext4"]).current_dir(folder).output();
    let used = String::from_utf8(used.unwrap().stdout).unwrap();
    (took, used.split_whitespace().next().unwrap().parse().unwrap())
}

/// Says on the console that the network is up.
const UP: &str = "\
[Unit]
Wants=network-online.target
After=network-online.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo PEER-IS-UP >/dev/ttyS0'
[Install]
WantedBy=multi-user.target
";

/// Seconds from the start of Debian's kernel, without any firmware's time, until its
/// network is up.
fn peer_ready(folder: &Path) -> f64 {
    let boot = folder.join("peer/boot");
    let starting = |with: &str| {
        let mut names = fs::read_dir(&boot).unwrap().map(|entry| entry.unwrap().path());
        names.find(|path| path.file_name().unwrap().to_string_lossy().starts_with(with)).unwrap()
    };
    let began = Instant::now();
    let mut machine = Command::new("qemu-system-x86_64")
        .args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-snapshot"])
        .args(["-machine", "q35,graphics=off", "-accel", "tcg", "-cpu", "max,la57=off"])
        .args(["-smp", "2", "-m", "1024", "-serial", "stdio"])
        .args(["-drive", "if=none,id=disk,format=raw,cache=unsafe,file=peer.ext4"])
        .args(["-device", "nvme,drive=disk,serial=peer", "-netdev", "user,id=net,restrict=on"])
        .args(["-device", "virtio-net-pci,netdev=net,romfile=", "-device", "virtio-rng-pci"])
        .args(["-append", "root=/dev/nvme0n1 rw console=ttyS0 quiet"])
        .arg("-kernel")
        .arg(starting("vmlinuz-"))
        .arg("-initrd")
        .arg(starting("initrd.img-"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let console = BufReader::new(machine.stdout.take().unwrap());
    // Ends with the machine, which ends by itself where it cannot go on.
    let mut lines = console.split(b'\n').map_while(Result::ok);
    let up = lines.any(|line| String::from_utf8_lossy(&line).contains("PEER-IS-UP"));
    let took = began.elapsed();
    machine.kill().unwrap();
    machine.wait().unwrap();
    assert!(up, "Debian's image did not come up");
    took.as_secs_f64()
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
