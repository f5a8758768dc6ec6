//! What happens in AWS while a command waits, told as it happens: a live line on a
//! terminal, plain lines elsewhere.

use super::super::progress::live;
use super::super::terminal::Terminal;
use indicatif::ProgressBar;
use node_image::publish::Progress;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Tells what happens.
pub(super) struct Watching {
    terminal: Terminal,
    bar: Option<ProgressBar>,
    /// What was said last of each thing: elsewhere than on a terminal nothing is said twice.
    said: Mutex<BTreeMap<String, String>>,
}

impl Watching {
    pub(super) fn new(terminal: &Terminal) -> Self {
        let bar = live(terminal, "{spinner} {elapsed} {wide_msg}");
        Self { terminal: *terminal, bar, said: Mutex::default() }
    }

    pub(super) fn tell(&self, progress: Progress) {
        let (about, text, lasts) = line(progress);
        if let Some(bar) = &self.bar {
            match lasts {
                true => bar.println(text),
                false => bar.set_message(text),
            }
            return;
        }
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.get(&about) != Some(&text) {
            self.terminal.note(&format!("{text}\n"));
            said.insert(about, text);
        }
    }

    /// Nothing happens any more.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// What it is about, what is said, and whether that stays on the screen.
fn line(progress: Progress) -> (String, String, bool) {
    let lasts = |region: String, text: String| (text.clone(), format!("{region}: {text}"), true);
    let passes = |region: String, about: String, text: String| {
        (format!("{region} {about}"), format!("{region}: {text}"), false)
    };
    match progress {
        Progress::Checking => {
            let text = "comparing the disk with its manifest".to_owned();
            (text.clone(), text, false)
        }
        Progress::Found { region, snapshot } => lasts(region, format!("{snapshot} is there")),
        Progress::Started { region, snapshot, continued, parent } => {
            let verb = if continued { "going on with" } else { "sending the disk as" };
            let on = parent.map(|parent| format!(", on {parent}")).unwrap_or_default();
            lasts(region, format!("{verb} {snapshot}{on}"))
        }
        Progress::Sent(sent) => {
            let text = match done(sent.done, sent.total) {
                100 => format!(
                    "sent {} blocks ({} MiB), the others are zeros or there",
                    sent.blocks,
                    sent.bytes >> 20
                ),
                percent => format!("sending, {percent}%"),
            };
            passes(sent.region, "sent".to_owned(), text)
        }
        Progress::Waiting { region, thing, progress } => {
            let state = if progress.is_empty() { String::new() } else { format!(" ({progress})") };
            let text = format!("waiting for {thing}{state}");
            passes(region, thing, text)
        }
        Progress::Compared { region, done: part, total } => {
            let text = format!("reading it back, {}%", done(part, total));
            passes(region, "compared".to_owned(), text)
        }
        Progress::Copying { region, snapshot } => lasts(region, format!("copying {snapshot}")),
        Progress::Image { region, mode, image, new } => {
            let verb = if new { "registered" } else { "is there" };
            lasts(region, format!("{image} that boots by {} {verb}", mode.as_str()))
        }
        Progress::Shared { region, thing, account } => {
            lasts(region, format!("{thing} is shared with {account}"))
        }
        Progress::Without { region, reason } => lasts(region, format!("without: {reason}")),
    }
}

/// In steps of ten percent, so that a log is not flooded.
fn done(part: u32, total: u32) -> u64 {
    let (part, total) = (u64::from(part), u64::from(total.max(1)));
    part * 10 / total * 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_gets_a_line_for_each_tenth() {
        let tenths: std::collections::BTreeSet<u64> = (0..=400).map(|at| done(at, 400)).collect();
        assert_eq!(
            tenths.into_iter().collect::<Vec<_>>(),
            (0..=10).map(|t| t * 10).collect::<Vec<_>>()
        );
        assert_eq!(done(0, 0), 0);
    }
}
