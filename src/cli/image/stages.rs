//! Stages of a build, told as they run: a live line on a terminal, a plain line for each
//! that is over elsewhere.

use super::super::progress::live;
use super::super::terminal::Terminal;
use indicatif::ProgressBar;
use node_image::build::Progress;
use std::time::Duration;

/// Tells of stages, until it is dropped.
pub(super) struct Stages {
    terminal: Terminal,
    bar: Option<ProgressBar>,
}

impl Stages {
    pub(super) fn new(terminal: &Terminal) -> Self {
        Self { terminal: *terminal, bar: live(terminal, "{spinner} {wide_msg} {elapsed}") }
    }

    /// Tells what has become of one, after the words that are to stand `before` it.
    pub(super) fn tell(&self, before: &str, progress: &Progress) {
        match (progress, &self.bar) {
            (Progress::Began(stage), Some(bar)) => {
                bar.reset_elapsed();
                bar.set_message(format!("{before}{stage}"));
            }
            (Progress::Began(_), None) => {}
            (Progress::Ended { stage, took, unchanged }, bar) => {
                let line = format!("  {before}{}", over(stage, *took, *unchanged));
                match bar {
                    Some(bar) => bar.println(line),
                    None => self.terminal.note(&(line + "\n")),
                }
            }
        }
    }
}

impl Drop for Stages {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The line of what is not done again.
pub(super) fn as_before(what: &str) -> String {
    format!("  {}\n", over(what, Duration::ZERO, true))
}

/// `rootfs          12.3 s`, `erofs        as before`.
fn over(stage: &str, took: Duration, unchanged: bool) -> String {
    let time = format!("{:.1} s", took.as_secs_f64());
    let said = if unchanged { "as before".to_owned() } else { time };
    format!("{stage:<12}{said:>10}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_that_is_over_tells_its_time_or_that_it_is_as_before() {
        let took = Duration::from_millis(12_345);
        assert_eq!(over("rootfs", took, false), "rootfs          12.3 s");
        assert_eq!(over("erofs", took, true), "erofs        as before");
        assert_eq!(as_before("boot legacy-bios"), "  boot legacy-bios as before\n");
    }
}
