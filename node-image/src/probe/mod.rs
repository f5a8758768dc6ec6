//! The boot test's eye inside the image: it waits for the agent, looks at what the
//! boot test cannot see from outside, tells it on a virtio-serial port and powers
//! the machine off.
//!
//! Where there is no such port, so everywhere but in the boot test, it does
//! nothing: the disk that is tested is the disk that is published.

mod agent;
mod command;
mod files;
mod kernel;
mod modules;
mod mounts;
mod sockets;
mod starts;
mod verity;
mod volume;

use crate::facts::{Facts, PORT, SCHEMA};
use rustix::system::RebootCommand;
use rustix::time::{ClockId, clock_gettime};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

/// Where it notes each start, so that the next one can tell what was kept.
const STARTS: &str = "/var/lib/floodway-probe";

/// Tells what it sees on the port, and powers the machine off, whatever it saw.
#[must_use]
pub fn main() -> ExitCode {
    let port = Path::new("/dev/virtio-ports").join(PORT);
    if !port.exists() {
        say(format_args!("there is no {}: this is no boot test", port.display()));
        return ExitCode::SUCCESS;
    }
    let told = gather().and_then(|facts| tell(&port, facts));
    if let Err(error) = &told {
        say(format_args!("the facts cannot be told on {}: {error}", port.display()));
    }
    power_off();
    if told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// To the journal.
#[expect(clippy::print_stderr, reason = "it is the program's only voice beside the port")]
fn say(what: std::fmt::Arguments<'_>) {
    eprintln!("floodway-probe: {what}");
}

fn gather() -> io::Result<Facts> {
    // First of all: what else is looked at must not slow the boot that is timed.
    let agent = agent::ask();
    let built = mounts::built_root();
    let built_etc = |file: &str| built.root.as_deref().map(|root| root.join("etc").join(file));
    let host_keys = files::host_keys(&[Some(PathBuf::from("/etc/ssh")), built_etc("ssh").ok()]);
    let machine_id_built = built_etc("machine-id").map_err(Clone::clone).and_then(files::text);
    drop(built);
    let started = command::started();
    let modules = modules::load();
    let gpu = modules::gpu();
    let boot_id = files::text("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Ok(Facts {
        schema: SCHEMA,
        kernel: files::text("/proc/sys/kernel/osrelease").unwrap_or_default(),
        uefi: Path::new("/sys/firmware/efi").exists(),
        secure_boot: files::secure_boot(),
        random_ready_seconds: kernel::random_ready(),
        random: kernel::random(),
        root: verity::targets("root"),
        mounts: mounts::all(),
        volume: volume::under(Path::new("/var")),
        starts_before: starts::note(Path::new(STARTS), &boot_id),
        boot_id,
        writes: ["/", "/usr", "/etc", "/var", "/tmp", "/root"]
            .map(|folder| (folder.to_owned(), mounts::write(Path::new(folder))))
            .into(),
        modules,
        gpu,
        agent,
        listens: sockets::listening(),
        host_keys,
        machine_id_built,
        machine_id: files::text("/etc/machine-id"),
        logins: files::logins(),
        started,
        failed_units: command::failed_units(),
        complaints: kernel::complaints(),
        wall_seconds: 0.0,
        up_seconds: 0.0,
    })
}

fn tell(port: &Path, mut facts: Facts) -> io::Result<()> {
    let mut port = OpenOptions::new().write(true).open(port)?;
    let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    facts.wall_seconds = wall.unwrap_or_default().as_secs_f64();
    let up = Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default();
    facts.up_seconds = up.as_secs_f64();
    let mut line = serde_json::to_vec(&facts)?;
    line.push(b'\n');
    port.write_all(&line)
}

/// As an administrator would, so that what stops cleanly can; the hard way where
/// that is not taken.
fn power_off() {
    if let Err(why) = command::run("systemctl", &["--no-block", "poweroff"]) {
        say(format_args!("systemctl does not power off: {why}"));
        rustix::fs::sync();
        let _ = rustix::system::reboot(RebootCommand::PowerOff);
    }
}
