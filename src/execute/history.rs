//! A journal, read back: what an apply did, and what it was at when it was cut
//! off. Only for people; no plan looks at it.

use super::{Entry, Outcome, WaveState};
use crate::clock::Timestamp;
use crate::observe::ResourceId;
use crate::plan::Action;
use std::collections::BTreeMap;

/// One apply, as its journal tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Its beginning; none: that line is not there.
    pub begun: Option<Begun>,
    /// The changes, in the plan's order; of an old journal, those that were begun.
    pub changes: Vec<Told>,
    /// How far the last wave has come that was begun; none: there are no waves.
    pub wave: Option<LastWave>,
    /// When it ended and had reported; none: it was cut off, or it still runs.
    pub ended: Option<Timestamp>,
    /// Why it stopped early.
    pub stopped: Option<String>,
    /// Lines that cannot be read, counted from 1.
    pub damaged: Vec<usize>,
    /// The last line was not written whole: what it announces was not begun.
    pub half_written: bool,
}

/// The last wave that is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastWave {
    /// When this was so.
    pub at: Timestamp,
    /// Which, counted from 1.
    pub wave: u32,
    /// Of so many.
    pub of: u32,
    /// How far it has come.
    pub state: WaveState,
}

/// How an apply began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// When.
    pub at: Timestamp,
    /// Who applied.
    pub holder: Option<String>,
    /// The plan's digest.
    pub plan_digest: Option<String>,
    /// The environment's digest.
    pub environment_digest: String,
    /// How many changes it was to make.
    pub changes: usize,
}

/// One change, as far as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The thing; none: no line that could be read names it.
    pub id: Option<ResourceId>,
    /// What was to happen to it.
    pub action: Option<Action>,
    /// The writes that were announced, in their order.
    pub writes: Vec<Write>,
    /// How it ended.
    pub ended: Ended,
}

/// A write that was announced before it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// When.
    pub at: Timestamp,
    /// What it writes: of a replacement, the new thing or the old one.
    pub id: ResourceId,
    /// `apply`, `hold`, `catch_up`, `raise`, `drain`, `delete`.
    pub step: String,
}

/// How a change ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// So, and when, if that is told.
    As(Outcome, Option<Timestamp>),
    /// It had announced a write, and nothing more is told of it.
    InFlight,
    /// Nothing was written for it.
    NotBegun,
}

impl History {
    /// Reads a journal. What cannot be read is counted, and is no error.
    pub fn read(text: &str) -> Self {
        let mut history = Self::default();
        let mut told = BTreeMap::new();
        for (number, line) in text.split_inclusive('\n').enumerate() {
            match serde_json::from_str(line) {
                Ok(entry) => history.take(entry, &mut told),
                Err(_) if !line.ends_with('\n') => history.half_written = true,
                Err(_) if line.trim().is_empty() => {}
                Err(_) => history.damaged.push(number + 1),
            }
        }
        history.changes = told.into_values().collect();
        history
    }

    /// What was announced last of each change of which nothing more is told;
    /// nothing: the apply has ended.
    pub fn in_flight(&self) -> impl Iterator<Item = &Write> {
        let open = |told: &&Told| told.ended == Ended::InFlight;
        let running = self.changes.iter().filter(|_| self.ended.is_none());
        running.filter(open).filter_map(|told| told.writes.last())
    }

    fn take(&mut self, entry: Entry, told: &mut BTreeMap<usize, Told>) {
        match entry {
            Entry::Begin { at, holder, plan_digest, environment_digest, changes, planned } => {
                self.begun = Some(Begun { at, holder, plan_digest, environment_digest, changes });
                for planned in planned {
                    let told = told.entry(planned.change).or_insert_with(Told::nothing);
                    (told.id, told.action) = (Some(planned.id), Some(planned.action));
                }
            }
            Entry::Intent { at, change, id, step } => {
                let told = told.entry(change).or_insert_with(Told::nothing);
                told.id.get_or_insert_with(|| id.clone());
                told.writes.push(Write { at, id, step });
                told.ended = Ended::InFlight;
            }
            Entry::Outcome { at, change, outcome } => {
                let told = told.entry(change).or_insert_with(Told::nothing);
                told.ended = Ended::As(outcome, Some(at));
            }
            Entry::Wave { at, wave, of, state } => {
                self.wave = Some(LastWave { at, wave, of, state });
            }
            Entry::End { at, stopped, skipped } => {
                (self.ended, self.stopped) = (Some(at), stopped);
                for skipped in skipped {
                    let told = told.entry(skipped.change).or_insert_with(Told::nothing);
                    let because = skipped.because;
                    told.ended = Ended::As(Outcome::Skipped { because }, None);
                }
            }
        }
    }
}

impl Told {
    fn nothing() -> Self {
        Self { id: None, action: None, writes: Vec::new(), ended: Ended::NotBegun }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = r#"{"entry":"begin","at":"2026-03-02T10:00:00Z","environment_digest":"e","changes":3}
{"entry":"intent","at":"2026-03-02T10:00:01Z","change":0,"id":{"side":"kubernetes","api":"v1","kind":"Service","scope":"ns","name":"a"},"step":"apply"}
{"entry":"outcome","at":"2026-03-02T10:00:02Z","change":0,"outcome":{"state":"done"}}
"#;

    #[test]
    fn a_journal_of_the_first_version_is_still_read() {
        let ended = OLD.to_owned() + r#"{"entry":"end","at":"2026-03-02T10:00:03Z"}"# + "\n";
        let history = History::read(&ended);
        let begun = history.begun.as_ref().unwrap();
        assert_eq!((begun.changes, begun.holder.as_ref()), (3, None));
        assert!(history.damaged.is_empty() && history.ended.is_some());
        let told = &history.changes[0];
        assert!(matches!(told.ended, Ended::As(Outcome::Done, Some(_))));
        assert_eq!(told.id.as_ref().unwrap().to_string(), "Service ns/a");
    }

    #[test]
    fn what_is_in_flight_is_the_last_write_without_an_outcome() {
        let intent = |change: usize, step: &str| {
            format!(
                "{{\"entry\":\"intent\",\"at\":\"2026-03-02T10:00:04Z\",\"change\":{change},\"id\":{{\"side\":\"kubernetes\",\"api\":\"v1\",\"kind\":\"Service\",\"scope\":null,\"name\":\"x\"}},\"step\":\"{step}\"}}\n"
            )
        };
        // The outcome of the first comes last: it is not what was cut off.
        let text = intent(1, "hold") + &intent(1, "apply") + OLD;
        let history = History::read(&text);
        let steps: Vec<&str> = history.in_flight().map(|write| write.step.as_str()).collect();
        assert_eq!(steps, ["apply"]);
        let ended = text + "{\"entry\":\"end\",\"at\":\"2026-03-02T10:00:05Z\"}\n";
        assert_eq!(History::read(&ended).in_flight().count(), 0);
    }

    #[test]
    fn damaged_and_half_written_lines_are_told_apart() {
        let history = History::read(&format!("{OLD}\u{fffd}garbage\n\n{{\"entry\":\"inte"));
        assert_eq!((history.damaged.as_slice(), history.half_written), ([4].as_slice(), true));
        assert_eq!(history.changes.len(), 1);
        let whole = History::read(OLD);
        assert!(!whole.half_written && whole.damaged.is_empty());
    }
}
