//! What the machine's serial console shows: kept within bounds, and watched for
//! words after which nothing more comes.

use std::collections::VecDeque;

/// The longest line that is kept, in bytes; what is longer goes on in the next.
const LONGEST: usize = 1024;
/// How many lines are kept.
const KEPT: usize = 200;
/// How many of them a failure shows.
const SHOWN: usize = 30;
/// Words that the console shows when nothing more will come, and what they mean.
const DEAD: [(&str, &str); 9] = [
    ("BdsDxe: No bootable option", "the firmware finds nothing to start"),
    ("UEFI Interactive Shell", "the firmware finds nothing to start"),
    ("No bootable device", "the firmware finds nothing to start"),
    ("Could not find kernel image", "the boot loader finds no kernel"),
    ("No DEFAULT or UI configuration directive found", "the boot loader has no configuration"),
    ("No configuration file found", "the boot loader has no configuration"),
    ("You are in emergency mode", "systemd is in emergency mode"),
    ("You are in rescue mode", "systemd is in rescue mode"),
    ("Freezing execution", "systemd has stopped"),
];
/// What the kernel shows before it says why.
const PANIC: &str = "Kernel panic - not syncing: ";
/// What the firmware shows when it finds something, and secure boot forbids it.
const FOUND: &str = "BdsDxe: failed to load ";
const REFUSED: [&str; 2] = ["Access Denied", "Security Violation"];
/// What the initrd's program says before it powers the machine off.
const INIT: &str = "floodway-init: ";

/// What the console showed.
#[derive(Debug, Default)]
pub(super) struct Console {
    lines: VecDeque<String>,
    /// The line that is still being written.
    open: Vec<u8>,
}

impl Console {
    /// Takes in what it shows; the lines that are whole now.
    pub(super) fn show(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut whole = Vec::new();
        for byte in bytes {
            if matches!(byte, b'\n' | b'\r') || self.open.len() >= LONGEST {
                whole.extend(self.close());
            }
            if !matches!(byte, b'\n' | b'\r') {
                self.open.push(*byte);
            }
        }
        whole
    }

    /// Ends the line that is being written; none: there is nothing on it.
    pub(super) fn close(&mut self) -> Option<String> {
        let line = plain(&std::mem::take(&mut self.open));
        if line.trim().is_empty() {
            return None;
        }
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line.clone());
        Some(line)
    }

    /// What the initrd's program said last.
    pub(super) fn init(&self) -> Option<&str> {
        let said = self.lines.iter().rev().find_map(|line| line.split_once(INIT));
        said.map(|(_, what)| what)
    }

    /// The last lines.
    pub(super) fn end(&self) -> Vec<String> {
        self.lines.iter().skip(self.lines.len().saturating_sub(SHOWN)).cloned().collect()
    }
}

/// Why nothing more will come after `line`; none: more may come.
pub(super) fn dead(line: &str) -> Option<String> {
    if let Some((_, why)) = line.split_once(PANIC) {
        return Some(format!("the kernel panicked: {why}"));
    }
    if line.contains(FOUND) && REFUSED.iter().any(|word| line.contains(word)) {
        let why =
            "secure boot forbids what is on the disk: the certificate's key has not signed it";
        return Some(why.to_owned());
    }
    DEAD.iter().find(|(words, _)| line.contains(words)).map(|(_, why)| (*why).to_owned())
}

/// The text without what moves the cursor and colours it (ECMA-48), and without
/// other control characters.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut plain = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            if characters.next_if_eq(&'[').is_some() {
                // Up to the byte that ends the sequence.
                while characters.next().is_some_and(|c| !matches!(c, '@'..='~')) {}
            } else {
                characters.next();
            }
        } else if !character.is_control() {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_are_plain_text_however_they_come() {
        let mut console = Console::default();
        let bytes = b"\x1b[2J\x1b[01;01H\x1b[=3hBdsDxe: loading\r\n[\x1b[0;1;31mFAILED\x1b[0m] x\r\n\r\nlast";
        let mut whole = Vec::new();
        for byte in bytes {
            whole.extend(console.show(&[*byte]));
        }
        assert_eq!(whole, ["BdsDxe: loading", "[FAILED] x"]);
        assert_eq!(console.close().as_deref(), Some("last"));
        assert_eq!(console.close(), None);
        assert_eq!(console.end().len(), 3);
    }

    #[test]
    fn a_line_after_which_nothing_comes_is_known() {
        let panic = "[    1.2] Kernel panic - not syncing: dm-verity device corrupted";
        let why = dead(panic).unwrap();
        assert_eq!(why, "the kernel panicked: dm-verity device corrupted");
        assert_eq!(dead("[    1.2] panic=30 quiet"), None);
        let why = dead("BdsDxe: failed to load Boot0001 \"UEFI NVMe\": Access Denied").unwrap();
        assert!(why.contains("not signed"), "{why}");
        assert_eq!(dead("BdsDxe: failed to load Boot0001 \"UEFI NVMe\": Not Found"), None);
    }

    #[test]
    fn what_the_initrd_said_is_found_behind_the_time() {
        let mut console = Console::default();
        assert_eq!(console.init(), None);
        console.show(b"[    2.5] floodway-init: verity: no such disk; the machine powers off\n");
        assert_eq!(console.init(), Some("verity: no such disk; the machine powers off"));
    }

    #[test]
    fn however_much_it_shows_it_stays_within_bounds() {
        let mut console = Console::default();
        console.show(&vec![b'x'; (KEPT + 50) * LONGEST]);
        assert!(console.open.len() <= LONGEST);
        assert_eq!((console.lines.len(), console.end().len()), (KEPT, SHOWN));
    }

    proptest! {
        #[test]
        fn whatever_it_shows_its_lines_are_text(
            parts in proptest::collection::vec("(\\PC|\u{1b}\\[?|\r|\n){0,20}", 0..8),
        ) {
            let mut console = Console::default();
            for part in parts {
                console.show(part.as_bytes());
            }
            prop_assert!(console.open.len() <= LONGEST);
            prop_assert!(console.end().iter().all(|line| !line.contains(char::is_control)));
        }
    }
}
