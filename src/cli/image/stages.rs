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

/// `rootfs          12.3 s`, `erofs       as before`.
fn over(stage: &str, took: Duration, unchanged: bool) -> String {
    let time = format!("{:.1} s", took.as_secs_f64());
    let said = if unchanged { "as before".to_owned() } else { time };
    format!("{stage:<12}{said:>10}")
}
