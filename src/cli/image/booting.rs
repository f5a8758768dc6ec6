//! A boot test, told as it runs: a live line on a terminal, as a build's stages have one.

use super::super::progress::live;
use super::super::terminal::Terminal;
use indicatif::ProgressBar;
use node_image::boot::{Accelerator, Progress};
use node_image::card::BootMode;
use std::cell::Cell;

/// Tells of the test by one firmware, until it is dropped.
pub(super) struct Booting {
    terminal: Terminal,
    bar: Option<ProgressBar>,
    mode: BootMode,
    kvm: Cell<bool>,
}

impl Booting {
    pub(super) fn new(mode: BootMode, terminal: &Terminal) -> Self {
        let bar = live(terminal, "{spinner} {wide_msg} {elapsed}");
        Self { terminal: *terminal, bar, mode, kvm: Cell::new(false) }
    }

    /// Tells what the machine does.
    pub(super) fn tell(&self, progress: &Progress) {
        if let Progress::Accelerator(chosen, why) = progress {
            self.kvm.set(*chosen == Accelerator::Kvm);
            if let (Accelerator::Emulated, Some(why)) = (chosen, why) {
                self.say(&format!("  emulated, which is slow: {why}\n"));
            }
        }
        let Some(bar) = &self.bar else { return };
        if matches!(progress, Progress::Started(_)) {
            bar.reset_elapsed();
        }
        if let Some(doing) = doing(self.mode, progress) {
            bar.set_message(doing);
        }
    }

    /// Says something that stays: whole lines.
    pub(super) fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text.trim_end()),
            None => self.terminal.note(text),
        }
    }

    /// Whether the processor itself runs it, once that is known.
    pub(super) fn is_by_kvm(&self) -> bool {
        self.kvm.get()
    }
}

impl Drop for Booting {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// What the live line says from now on; none: as before.
fn doing(mode: BootMode, progress: &Progress) -> Option<String> {
    let mode = mode.as_str();
    match progress {
        Progress::Started(_) => Some(format!("boots by {mode}")),
        Progress::Line(line) => Some(format!("boots by {mode}: {}", line.trim())),
        Progress::Told => Some(format!("boots by {mode}: the machine is up, and goes off")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_sees_that_it_boots_and_what_the_console_shows() {
        let doing = |progress: Progress| doing(BootMode::LegacyBios, &progress);
        assert_eq!(doing(Progress::Started(7)).as_deref(), Some("boots by legacy-bios"));
        let line = Progress::Line("[    1.5] EROFS mounted ".to_owned());
        assert_eq!(doing(line).as_deref(), Some("boots by legacy-bios: [    1.5] EROFS mounted"));
        assert!(doing(Progress::Told).is_some_and(|said| said.ends_with("goes off")));
        assert_eq!(doing(Progress::Accelerator(Accelerator::Kvm, None)), None);
    }
}
