//! The start, step by step.

use super::cmdline::Verity;
use super::disk::{self, Disk};
use super::error::{InitError, Trying};
use super::gpt_table::{Entry, Table};
use super::grow::grow;
use super::guid::Guid;
use super::partition;
use super::phases::{Failure, Phases};
use super::{
    PHASES, SYSTEMD, VAR_PARTITION, ahead, modules, mounts, network, overlay, switch, var, verity,
};
use rustix::mount::MountFlags;
use std::convert::Infallible;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

const CMDLINE: &str = "/proc/cmdline";
/// Never waits for entropy, which an identity of a partition does not need.
const RANDOM: &str = "/dev/urandom";
const VAR: &str = "/var";
/// Where the root is mounted before it is the root.
const ROOT: &str = "/sysroot";
/// Folders that are written but not kept.
const FORGETFUL: [&str; 2] = ["/etc", "/root"];

/// Starts the machine; returns only where it cannot.
pub(super) fn run() -> Failure {
    let mut phases = Phases::start();
    match steps(&mut phases) {
        Ok(never) => match never {},
        Err(failure) => failure,
    }
}

fn steps(phases: &mut Phases) -> Result<Infallible, Failure> {
    let root = phases.run("start", start)?;
    phases.run("modules", modules::load)?;
    network::begin();
    let disk = phases.run("disk", || disk::wait_for(root.root_partition()))?;
    let (table, is_kept) = phases.run("partitions", || give_room(&disk))?;
    let device = phases.run("verity", || {
        let of = |what: &str, id: Guid| partition::of(&disk, &table, what, |entry| entry.id == id);
        let data = of("the root", root.root_partition())?;
        let hashes = of("the root's hashes", root.hash_partition())?;
        verity::open(&root, &data, &hashes)
    })?;
    phases.run("root", || {
        mounts::mount(&device, Path::new(ROOT), "erofs", MountFlags::RDONLY, "")?;
        switch::to(Path::new(ROOT))
    })?;
    ahead::begin();
    phases.run("var", || {
        mounts::in_memory()?;
        let is_var = |entry: &Entry| entry.name == VAR_PARTITION;
        if is_kept && table.partitions().any(|(_, entry)| is_var(entry)) {
            return var::mount(&partition::of(&disk, &table, VAR, is_var)?);
        }
        overlay::lay(&[VAR])
    })?;
    phases.run("overlays", || overlay::lay(&FORGETFUL))?;
    let told = phases.to_json();
    phases.run("systemd", || hand_over(&told))
}

/// What everything else needs: the kernel's own filesystems, and which root to start.
fn start() -> Result<Verity, InitError> {
    mounts::kernel()?;
    let cmdline = fs::read(CMDLINE).trying(|| format!("read {CMDLINE}"))?;
    let root = Verity::read(&String::from_utf8_lossy(&cmdline));
    root.map_err(|why| InitError::Wrong(why.to_string()))
}

/// The disk's table, with the room of the whole volume; and whether the disk can be
/// written at all.
fn give_room(disk: &Disk) -> Result<(Table, bool), InitError> {
    let name = &disk.name;
    let Some(volume) = disk.open_to_write()? else {
        let table = disk.ends.table();
        let table = table.map_err(|why| InitError::Wrong(format!("{name} has {why}")))?;
        return Ok((table, false));
    };
    let mut random = [0; 16];
    let read = File::open(RANDOM).and_then(|mut file| file.read_exact(&mut random));
    read.trying(|| format!("read {RANDOM}"))?;
    let grown = grow(&volume, disk.ends.clone(), Guid::random(random));
    let (table, changed) = grown.trying(|| format!("write the partition table of {name}"))?;
    drop(volume);
    if changed {
        partition::reread(disk)?;
    }
    Ok((table, true))
}

/// Leaves the times of the phases, and becomes systemd.
fn hand_over(phases: &str) -> Result<Infallible, InitError> {
    let path = Path::new(PHASES);
    let folder = path.parent().unwrap_or(path);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, phases));
    written.trying(|| format!("write {PHASES}"))?;
    Err(Command::new(SYSTEMD).exec()).trying(|| format!("start {SYSTEMD}"))
}
