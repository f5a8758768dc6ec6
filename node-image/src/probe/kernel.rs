//! What the kernel tells: its log, and whether it has random numbers.

use crate::facts::Seen;
use rustix::fs::OFlags;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

/// The longest record of `/dev/kmsg`, in bytes.
const RECORD: usize = 8192;
/// More records than these are not read.
const RECORDS: usize = 100_000;

/// A line of the kernel's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// Since the kernel started.
    pub(super) at: Duration,
    pub(super) message: String,
}

/// Its log, from the oldest line that it still has.
///
/// # Errors
/// It cannot be read.
pub(super) fn log() -> io::Result<Vec<Record>> {
    let mut kmsg = without_waiting("/dev/kmsg")?;
    let mut records = Vec::new();
    let mut bytes = [0; RECORD];
    for _ in 0..RECORDS {
        match kmsg.read(&mut bytes) {
            Ok(0) => break,
            Ok(length) => {
                records.extend(record(&String::from_utf8_lossy(&bytes[..length])));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            // A line was overwritten before it was read.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Err(error) => return Err(error),
        }
    }
    Ok(records)
}

/// `6,339,5140900,-;NET: Registered protocol family 10`, see the kernel's
/// `Documentation/ABI/testing/dev-kmsg`.
fn record(text: &str) -> Option<Record> {
    let (head, message) = text.split_once(';')?;
    let micros = head.split(',').nth(2)?.parse().ok()?;
    let message = message.lines().next().unwrap_or_default().to_owned();
    Some(Record { at: Duration::from_micros(micros), message })
}

/// When its random numbers were ready, in seconds since its start.
pub(super) fn random_ready() -> Option<f64> {
    let log = log().unwrap_or_default();
    let ready = log.iter().find(|record| record.message.contains("crng init done"));
    ready.map(|record| record.at.as_secs_f64())
}

/// What stands in a line that tells of a fault: an oops, a failed assertion, a warning
/// with its stack. <https://docs.kernel.org/admin-guide/bug-hunting.html>
const FAULTS: [&str; 6] =
    ["BUG:", "Oops:", "kernel BUG at", "WARNING: CPU:", "general protection fault", "UBSAN:"];
/// How a processor is told of that got no time for long, as an emulated one may.
const STARVED: &str = "soft lockup";

/// Lines of its log that tell of a fault.
///
/// # Errors
/// The log cannot be read.
pub(super) fn complaints() -> Seen<Vec<String>> {
    let log = log().map_err(|error| format!("/dev/kmsg: {error}"))?;
    let messages = log.into_iter().map(|record| record.message);
    Ok(messages.filter(|message| is_fault(message)).take(20).collect())
}

fn is_fault(message: &str) -> bool {
    FAULTS.iter().any(|fault| message.contains(fault)) && !message.contains(STARVED)
}

/// Reads random numbers from where reading waits until there are good ones.
pub(super) fn random() -> Seen<()> {
    let path = "/dev/random";
    let read = without_waiting(path).and_then(|mut file| file.read_exact(&mut [0; 16]));
    read.map_err(|error| format!("{path}: {error}"))
}

fn without_waiting(path: &str) -> io::Result<File> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_its_time_and_its_first_line() {
        let text = "6,339,5140900,-;Run /init as init process\n SUBSYSTEM=x\n";
        let read = record(text).unwrap();
        assert_eq!(read.at, Duration::from_micros(5_140_900));
        assert_eq!(read.message, "Run /init as init process");
        for odd in ["", "6,339;x", "6,339,soon,-;x", "no semicolon"] {
            assert_eq!(record(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_fault_is_told_from_what_a_kernel_says_on_its_way() {
        for fault in [
            "BUG: kernel NULL pointer dereference, address: 0000000000000000",
            "Oops: 0000 [#1] PREEMPT SMP PTI",
            "WARNING: CPU: 0 PID: 1 at kernel/workqueue.c:3200 __flush_work",
            "UBSAN: array-index-out-of-bounds in nvidia/nv.c:12:3",
        ] {
            assert!(is_fault(fault), "{fault}");
        }
        for word in [
            "watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [modprobe:310]",
            "nvidia: loading out-of-tree module taints kernel.",
            "NVRM: No NVIDIA GPU found.",
        ] {
            assert!(!is_fault(word), "{word}");
        }
    }

    #[test]
    fn random_numbers_can_be_had_on_a_machine_that_is_up() {
        assert_eq!(random(), Ok(()));
    }
}
