//! What a device of device mapper is made of, by the kernel's own word.
//! <https://docs.kernel.org/admin-guide/device-mapper/verity.html>

use crate::facts::{Seen, Target};
use rustix::ioctl::{Direction, Opcode, Updater, ioctl, opcode};
use std::fs::File;
use std::os::fd::AsFd;

const CONTROL: &str = "/dev/mapper/control";

/// `struct dm_ioctl` of `linux/dm-ioctl.h`: where its fields are, in bytes.
mod field {
    pub(super) const VERSION: usize = 0;
    pub(super) const SIZE: usize = 12;
    pub(super) const START: usize = 16;
    pub(super) const TARGETS: usize = 20;
    pub(super) const FLAGS: usize = 28;
    pub(super) const NAME: usize = 48;
    /// All of it.
    pub(super) const END: usize = 312;
}

/// `struct dm_target_spec`, without the text behind it.
mod spec {
    pub(super) const NEXT: usize = 20;
    pub(super) const KIND: usize = 24;
    pub(super) const END: usize = 40;
}

/// Asks for the table where it is set, else for the status.
const TABLE: u32 = 1 << 4;
/// `DM_TABLE_STATUS`.
const STATUS: Opcode = opcode::from_components(Direction::ReadWrite, 0xfd, 12, field::END);
const MOST_TARGETS: u32 = 64;
const LONGEST: usize = 16 * 1024;

/// The question, and then the answer; aligned as the kernel's struct is.
#[repr(C, align(8))]
struct Buffer([u8; LONGEST]);

/// The targets of the device with this name.
pub(super) fn targets(device: &str) -> Seen<Vec<Target>> {
    let control = File::open(CONTROL).map_err(|error| format!("{CONTROL}: {error}"))?;
    let failed = |error| format!("device mapper on {device}: {error}");
    let table = ask(&control, device, TABLE).map_err(failed)?;
    let status = ask(&control, device, 0).map_err(failed)?;
    let both = table.into_iter().zip(status);
    Ok(both.map(|((kind, table), (_, status))| Target { kind, table, status }).collect())
}

/// Each target's kind and text.
fn ask(control: &File, device: &str, flags: u32) -> rustix::io::Result<Vec<(String, String)>> {
    let mut buffer = Buffer([0; LONGEST]);
    let bytes = &mut buffer.0;
    let mut put = |at: usize, value: u32| bytes[at..at + 4].copy_from_slice(&value.to_ne_bytes());
    put(field::VERSION, 4);
    put(field::SIZE, LONGEST as u32);
    put(field::START, field::END as u32);
    put(field::FLAGS, flags);
    bytes[field::NAME..field::NAME + device.len()].copy_from_slice(device.as_bytes());
    // SAFETY: the kernel takes a struct dm_ioctl, which is what is written above, and
    // writes no more than the size that stands in it, which is the buffer's.
    #[expect(unsafe_code, reason = "there is no safe call for device mapper")]
    unsafe {
        ioctl(control.as_fd(), Updater::<STATUS, Buffer>::new(&mut buffer))?;
    }
    Ok(answer(&buffer.0))
}

/// What stands in the kernel's answer.
fn answer(bytes: &[u8]) -> Vec<(String, String)> {
    let number = |at: usize| {
        let word = bytes.get(at..at.checked_add(4)?)?;
        word.try_into().ok().map(u32::from_ne_bytes)
    };
    let text = |at: usize, end: usize| {
        let all = bytes.get(at..end.min(bytes.len())).unwrap_or_default();
        let length = all.iter().position(|byte| *byte == 0).unwrap_or(all.len());
        String::from_utf8_lossy(&all[..length]).into_owned()
    };
    let start = number(field::START).unwrap_or_default() as usize;
    let count = number(field::TARGETS).unwrap_or_default().min(MOST_TARGETS);
    let mut at = start;
    let mut targets = Vec::new();
    for _ in 0..count {
        // From the first target on, as the kernel counts it in an answer.
        let Some(next) = number(at.saturating_add(spec::NEXT)) else { break };
        let next = start.saturating_add(next as usize);
        let kind = text(at + spec::KIND, at + spec::END);
        targets.push((kind, text(at + spec::END, next).trim().to_owned()));
        at = next;
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(targets: &[(&str, &str)]) -> Vec<u8> {
        let mut bytes = vec![0; field::END];
        let set = |bytes: &mut Vec<u8>, at: usize, value: usize| {
            bytes[at..at + 4].copy_from_slice(&u32::try_from(value).unwrap().to_ne_bytes());
        };
        set(&mut bytes, field::START, field::END);
        set(&mut bytes, field::TARGETS, targets.len());
        for (kind, text) in targets {
            let at = bytes.len();
            bytes.resize(at + spec::END, 0);
            bytes[at + spec::KIND..at + spec::KIND + kind.len()].copy_from_slice(kind.as_bytes());
            bytes.extend(text.as_bytes());
            bytes.push(0);
            bytes.resize(bytes.len().next_multiple_of(8), 0);
            let next = bytes.len() - field::END;
            set(&mut bytes, at + spec::NEXT, next);
        }
        bytes
    }

    #[test]
    fn targets_are_read_in_their_order() {
        let both = [("verity", "1 8:2 8:3 4096 4096"), ("linear", "V")];
        let read = answer(&written(&both));
        let read: Vec<_> = read.iter().map(|(kind, text)| (kind.as_str(), text.as_str())).collect();
        assert_eq!(read, both);
    }

    proptest! {
        #[test]
        fn no_answer_ends_the_probe(
            bytes in proptest::collection::vec(any::<u8>(), 0..600),
            start in 0_u32..700,
        ) {
            let mut bytes = bytes;
            if let Some(field) = bytes.get_mut(field::START..field::START + 4) {
                field.copy_from_slice(&start.to_ne_bytes());
            }
            let _ = answer(&bytes);
        }
    }
}
