//! The boot test, when it has no time to end its machine.

use crate::support::prometheus::eventually;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What runs, and was started by `parent`: its id and its name.
fn children(parent: u32) -> Vec<(u32, String)> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let of = |entry: fs::DirEntry| {
        let id = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name stands in brackets, and may hold some.
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
        let mut fields = rest.split_whitespace();
        let runs = fields.next()? != "Z";
        let is_of_parent = fields.next()?.parse() == Ok(parent);
        (runs && is_of_parent).then(|| (id, name.to_owned()))
    };
    processes.filter_map(of).collect()
}

#[test]
fn a_machine_ends_when_the_command_that_started_it_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    // What it starts jumps to itself, for ever.
    let mut disk = vec![0; 1 << 20];
    disk[..2].copy_from_slice(&[0xeb, 0xfe]);
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    fs::write(folder.path().join("disk.raw"), disk).unwrap();
    let boot = ["image", "boot", "disk.raw", "--mode", "legacy-bios", "--accelerator", "emulated"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_floodway"));
    command.args(boot).current_dir(folder.path()).env("TMPDIR", folder.path());
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut command = command.unwrap();
    let machine = eventually("QEMU runs", || {
        let mut found = children(command.id()).into_iter();
        found.find(|(_, name)| name.starts_with("qemu-system")).map(|(id, _)| id)
    });
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(command.try_wait().unwrap(), None, "it goes on");
    command.kill().unwrap();
    command.wait().unwrap();
    let runs = || {
        let stat = fs::read_to_string(format!("/proc/{machine}/stat")).unwrap_or_default();
        stat.contains("(qemu-system") && !stat.contains(") Z ")
    };
    let begin = Instant::now();
    while runs() && begin.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(100));
    }
    let goes_on = runs();
    if goes_on {
        Command::new("kill").args(["-KILL", &machine.to_string()]).status().unwrap();
    }
    assert!(!goes_on, "QEMU has outlived the command");
}
