//! A terminal with somebody at it.

use super::repository::Said;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

/// Runs `command` on a terminal of its own at which `answer` is typed; all that
/// the terminal shows is `out`.
pub fn on_terminal(mut command: Command, answer: &str) -> Said {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let slave = || File::options().read(true).write(true).open(&name).unwrap();
    let mut master = File::from(master);
    command.stdin(slave()).stdout(slave()).stderr(Stdio::from(slave()));
    let mut child = command.spawn().unwrap();
    // The last copies of the terminal's other end, but for the child's own.
    drop(command);
    master.write_all(answer.as_bytes()).unwrap();
    let mut shown = Vec::new();
    let mut part = [0; 4096];
    // A terminal without anybody at its other end fails to be read.
    while let Ok(count @ 1..) = master.read(&mut part) {
        shown.extend_from_slice(&part[..count]);
    }
    let out = String::from_utf8_lossy(&shown).into_owned();
    Said { code: child.wait().unwrap().code(), out, err: String::new() }
}
