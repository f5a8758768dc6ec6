//! What a controller has learned, noted on the live environment now and then: the
//! next one that leads goes on with it.

use super::bursts::Bursts;
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
    pub(super) spend: Spend,
    pub(super) launches: Launches,
    pub(super) bursts: Bursts,
    pub(super) memory: Memory,
    /// Instances that have joined the cluster.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) joined: BTreeSet<String>,
    /// What the race of each stage has learned, as far as there is room.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) races: BTreeMap<Name, RaceState>,
}

/// For the races there is what the rest leaves, less this, for it grows.
const SPARE: usize = 8 * 1024;

impl Notes {
    /// With as much of the races as there is room for; and what of them there is not.
    pub(super) fn with_races(
        mut self,
        races: &BTreeMap<Name, RaceState>,
    ) -> (Self, Option<String>) {
        let own = serde_json::to_string(&self).map_or(MOST_NOTES, |text| text.len());
        let room = MOST_NOTES.saturating_sub(own + SPARE) / races.len().max(1);
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
                 more than {} KiB, which is what the notes have room for",
                left_out.join(", "),
                room / 1024
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
    /// What was not noted, and why.
    left_out: Option<String>,
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
        self.led_at.is_none_or(|at| notes.memory.at.is_some_and(|noted| noted > at))
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
        self.unread.clone().or_else(|| self.left_out.clone())
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

    pub(super) fn done(&mut self, now: Timestamp) {
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

/// Notes what is worth most of it, as far as there is room. What cannot be noted
/// now is noted next time.
pub(super) async fn write(session: &Session, notes: Notes) {
    let Some(keeper) = keeper(&session.backends) else { return };
    let whole = serde_json::to_string(&notes).ok();
    let spend_alone =
        || serde_json::to_string(&Notes { spend: notes.spend, ..<_>::default() }).ok();
    let fits = |text: &String| text.len() <= MOST_NOTES;
    if let Some(text) = whole.filter(fits).or_else(spend_alone) {
        let _ = keeper.note(&session.scope([]), &text).await;
    }
}
