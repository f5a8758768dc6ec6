//! What the person at the console reads, and the end of a machine that cannot start.

use rustix::system::{RebootCommand, reboot};
use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

/// Whether this program is the machine's first.
pub(super) fn is_first() -> bool {
    rustix::process::getpid().is_init()
}

/// Says one line on every console. The kernel's log reaches them all, where
/// `/dev/console` is the last of them only; priority 2 passes `quiet`.
pub(super) fn say(line: &str) {
    tell(2, line);
}

/// Says one line in the log alone: nobody needs to do anything.
pub(super) fn note(line: &str) {
    tell(6, line);
}

fn tell(priority: u8, line: &str) {
    let line = line.replace('\n', "; ");
    if !is_first() {
        let _ = writeln!(std::io::stderr(), "floodway-init: {line}");
        return;
    }
    let log = OpenOptions::new().write(true).open("/dev/kmsg");
    // One write is one line of the log.
    let text = format!("<{priority}>floodway-init: {line}");
    let said = log.and_then(|mut log| log.write_all(text.as_bytes()));
    if said.is_err() {
        let _ = writeln!(std::io::stderr(), "floodway-init: {line}");
    }
}

/// Ends the machine; never the program alone, for the kernel panics without it.
pub(super) fn power_off() -> ! {
    rustix::fs::sync();
    let _ = reboot(RebootCommand::PowerOff);
    loop {
        std::thread::sleep(Duration::from_secs(60));
    }
}

/// A panic here would be the kernel's, with its text lost above the kernel's own.
pub(super) fn power_off_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        say(&format!("{panic}; this is a fault of floodway-init"));
        if is_first() {
            power_off();
        }
    }));
}
