//! What a controller has learned, noted on the live environment now and then: the
//! next one that leads goes on with it.

use super::bursts::Bursts;
use super::drains::Emptied;
use super::gauge::bases::Bases;
use super::gauge::known::Known;
use super::launches::Launches;
use super::spend::Spend;
use crate::clock::Timestamp;
use crate::decide::scaling::Memory;
use crate::forecast::RaceState;
use crate::id::Name;
use crate::pipeline::Session;
use crate::plan::{FailureKind, PortError};
use crate::port::{Backends, KeepNotes, MOST_NOTES};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// How often it is noted.
const EVERY: Duration = Duration::from_secs(120);
/// How often what the forecasters have learned is taken anew: it is nearly all that is
/// noted, and of what they have learned in weeks it changes little.
const RACES_EVERY: Duration = Duration::from_secs(15 * 60);

/// What is noted. What was added since the first version may be missing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Notes {
    /// When that was.
    pub(super) at: Option<Timestamp>,
    pub(super) spend: Spend,
    pub(super) launches: Launches,
    pub(super) bursts: Bursts,
    pub(super) memory: Memory,
    /// Instances that have joined the cluster.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) joined: BTreeSet<String>,
    /// For how long units on their way out have been emptied.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) emptied: BTreeMap<String, Emptied>,
    /// Signals of engines that were known; `known` were their names alone.
    #[serde(rename = "measured", skip_serializing_if = "Known::is_empty")]
    pub(super) known: Known,
    /// The load before events.
    #[serde(skip_serializing_if = "Bases::is_empty")]
    pub(super) bases: Bases,
    /// What the race of each stage has learned, as far as there is room.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) races: BTreeMap<Name, RaceState>,
}

/// For the races there is what the rest leaves, less this, for it grows.
const SPARE: usize = 8 * 1024;

/// A part of them: what people call it, and how it is left out.
type Part = (&'static str, fn(&mut Notes));

/// What may be left out. What was spent is not: budgets go by it.
const PARTS: [Part; 8] = [
    ("which instances have joined the cluster", |notes| notes.joined.clear()),
    ("what the forecasters have learned", |notes| notes.races.clear()),
    ("what the last decisions have seen and learned", |notes| notes.memory = <_>::default()),
    ("how long launches take", |notes| notes.launches = <_>::default()),
    ("what burst has been asked for", |notes| notes.bursts = <_>::default()),
    ("for how long instances have drained", |notes| notes.emptied.clear()),
    ("which signals of engines were measured", |notes| notes.known = <_>::default()),
    ("the load before events", |notes| notes.bases = <_>::default()),
];

/// What is noted of it, and what is left out for want of room.
pub(super) struct Fitted {
    text: String,
    left_out: Option<String>,
}

impl Notes {
    /// What has room of it in `most` bytes, the largest parts left out first; none: not
    /// even what was spent has.
    pub(super) fn fitted(&self, most: usize) -> Option<Fitted> {
        let mut notes = self.clone();
        let mut text = serde_json::to_string(&notes).ok()?;
        let mut left_out = Vec::new();
        while text.len() > most {
            let without = |(what, leave): &Part| {
                let mut less = notes.clone();
                leave(&mut less);
                Some((serde_json::to_string(&less).ok()?, *what, less))
            };
            let all = PARTS.iter().filter_map(without);
            let (shortest, what, less) = all.min_by_key(|(text, ..)| text.len())?;
            let bytes = text.len().checked_sub(shortest.len()).filter(|bytes| *bytes > 0)?;
            left_out.push(format!("{what} ({} KiB)", bytes.div_ceil(1024)));
            (notes, text) = (less, shortest);
        }
        let left_out = (!left_out.is_empty()).then(|| {
            format!(
                "the notes for the next leader hold {} KiB, and do not say {}: it learns that anew",
                most / 1024,
                left_out.join(", ")
            )
        });
        Some(Fitted { text, left_out })
    }

    /// With as much of the races as there is room for; and what of them there is not.
    pub(super) fn with_races(
        mut self,
        races: &BTreeMap<Name, RaceState>,
    ) -> (Self, Option<String>) {
        let most = MOST_NOTES - SPARE;
        let own = self.fitted(most).map_or(most, |fitted| fitted.text.len());
        let room = (most - own) / races.len().max(1);
        let mut left_out = Vec::new();
        for (stage, race) in races {
            match race.within(room) {
                Some(race) => {
                    self.races.insert(stage.clone(), race);
                }
                None => left_out.push(stage.as_str()),
            }
        }
        let why = (!left_out.is_empty()).then(|| {
            format!(
                "what the forecasters of {} have learned is not kept for the next leader: it takes \
                 more than {} KiB each, which is what the rest of the notes leaves, {} KiB",
                left_out.join(", "),
                room / 1024,
                own.div_ceil(1024)
            )
        });
        (self, why)
    }
}

/// When to note, and whether what was noted was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Noting {
    pub(super) led: bool,
    /// What was there when it began to lead is known, and may be written over.
    known: bool,
    /// Why it is not known.
    unread: Option<String>,
    /// When it led last: what was noted before is its own.
    led_at: Option<Timestamp>,
    /// What the forecasters had learned when that was taken last, and when.
    races: BTreeMap<Name, RaceState>,
    raced_at: Option<Timestamp>,
    /// What of the forecasters was not noted, and why.
    left_out: Option<String>,
    /// What else had no room.
    no_room: Option<String>,
    noted_at: Option<Timestamp>,
    /// See [`super::Settings::time_scale`]; none: nothing is divided.
    time_scale: Option<NonZeroU32>,
}

impl Noting {
    /// With every time divided by `scale`.
    pub(super) fn faster(scale: u32) -> Self {
        Self { time_scale: NonZeroU32::new(scale), ..Self::default() }
    }

    fn scaled(&self, time: Duration) -> Duration {
        time / self.time_scale.map_or(1, NonZeroU32::get)
    }

    /// Notes how it stands; whether what another may have noted is to be read first.
    pub(super) fn stands(&mut self, leads: bool, now: Timestamp) -> bool {
        self.known &= leads;
        self.led = leads;
        if !self.known {
            self.raced_at = None;
        }
        if leads && self.known {
            self.led_at = Some(now);
        }
        leads && !self.known
    }

    /// Whether these are of another leader, since this one led.
    pub(super) fn are_news(&self, notes: &Notes) -> bool {
        let noted = notes.at.or(notes.memory.at);
        self.led_at.is_none_or(|at| noted.is_some_and(|noted| noted > at))
    }

    /// What was noted is known.
    pub(super) fn read(&mut self) {
        (self.known, self.unread) = (true, None);
    }

    /// What was noted cannot be read now.
    pub(super) fn failed(&mut self, why: &PortError) {
        self.unread = Some(why.to_string());
    }

    /// What is not handed on, or was not, and why.
    pub(super) fn missing(&self) -> Option<String> {
        let left_out = || {
            let all = self.left_out.iter().chain(&self.no_room).map(String::as_str);
            let all: Vec<&str> = all.collect();
            (!all.is_empty()).then(|| all.join("; "))
        };
        self.unread.clone().or_else(left_out)
    }

    /// Why it is not known what was noted.
    pub(super) fn unread(&self) -> Option<&str> {
        self.unread.as_deref()
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.led && self.known && is_older(self.noted_at, self.scaled(EVERY), now)
    }

    /// `notes` with what the forecasters have learned: anew from `states` now and then.
    pub(super) fn with_races(
        &mut self,
        mut notes: Notes,
        states: impl FnOnce() -> BTreeMap<Name, RaceState>,
        now: Timestamp,
    ) -> Notes {
        if !is_older(self.raced_at, self.scaled(RACES_EVERY), now) {
            notes.races.clone_from(&self.races);
            return notes;
        }
        let (notes, left_out) = notes.with_races(&states());
        self.races.clone_from(&notes.races);
        (self.raced_at, self.left_out) = (Some(now), left_out);
        notes
    }

    /// It was noted at `now`, as far as there was room.
    pub(super) fn done(&mut self, fitted: Option<Fitted>, now: Timestamp) {
        self.no_room = fitted.and_then(|fitted| fitted.left_out);
        self.noted_at = Some(now);
    }
}

/// Whether so long has passed since then, or there was no such moment.
fn is_older(at: Option<Timestamp>, than: Duration, now: Timestamp) -> bool {
    // One of a time to come is of a clock that was ahead.
    at.is_none_or(|at| now.duration_since(at).unsigned_abs() >= than)
}

/// Whether there is a place for what is learned. Where there is none, each start
/// begins anew with it: also with what was spent.
pub fn has_place_for_notes(backends: &Backends) -> bool {
    keeper(backends).is_some()
}

fn keeper(backends: &Backends) -> Option<&Arc<dyn KeepNotes>> {
    let sides = [&backends.kubernetes, &backends.aws];
    sides.into_iter().flatten().find_map(|side| side.notes.as_ref())
}

/// What was noted, if anything was.
///
/// # Errors
/// It cannot be read, or not be understood: what is there must not be written over.
pub(super) async fn read(session: &Session) -> Result<Option<Notes>, PortError> {
    let Some(keeper) = keeper(&session.backends) else { return Ok(None) };
    let Some(text) = keeper.read_notes(&session.scope([])).await? else { return Ok(None) };
    let notes = serde_json::from_str(&text).map_err(|error| PortError {
        kind: FailureKind::Rejected,
        message: format!("what the last leader has noted cannot be understood: {error}"),
        help: Some("use the Floodway that wrote it; or take the notes away".to_owned()),
    })?;
    Ok(Some(notes))
}

/// Notes it. What cannot be noted now is noted next time.
pub(super) async fn write(session: &Session, notes: &Fitted) {
    if let Some(keeper) = keeper(&session.backends) {
        let _ = keeper.note(&session.scope([]), &notes.text).await;
    }
}

#[cfg(test)]
mod tests;
