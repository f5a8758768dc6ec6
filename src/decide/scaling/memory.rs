//! What one decision leaves to the next.

use super::hold::HoldCause;
use super::input::Short;
use super::time::{between, earlier, later};
use crate::clock::Timestamp;
use crate::id::Name;
use crate::units::{Rate, Share, Span};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What one decision leaves to the next. Lost, it costs time and nothing else:
/// nothing is scaled in before a whole window was watched again, and what has no
/// capacity is found out anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// When it was left.
    pub at: Option<Timestamp>,
    /// By stage.
    pub stages: BTreeMap<Name, StageMemory>,
    /// By pool and group: `g6e.12xlarge/spot`, on-prem `replicas`.
    pub sources: BTreeMap<Name, BTreeMap<String, SourceMemory>>,
    /// What a replica carries of what is declared, by pool, where that was learned.
    pub worth: BTreeMap<Name, Share>,
    /// Pools of which a drain was given up.
    pub kept: BTreeMap<Name, Kept>,
}

impl Memory {
    /// Without what was last asked for: of who goes on with what another has noted a
    /// while ago.
    #[must_use]
    pub fn without_numbers(mut self) -> Self {
        for source in self.sources.values_mut().flat_map(BTreeMap::values_mut) {
            source.wanted = None;
        }
        self
    }

    /// As it is noted for whoever leads next, which may be the version before: that one
    /// knows of no number that is refused, and would understand nothing of all that is
    /// noted. To find it out anew costs one call.
    #[must_use]
    pub fn noted(mut self) -> Self {
        for source in self.sources.values_mut().flat_map(BTreeMap::values_mut) {
            source.aside.take_if(|aside| aside.cause == AsideCause::Refused);
        }
        self
    }

    /// As it can be at `now`: none of it is of later, for the clock was wrong that it was
    /// left by.
    #[must_use]
    pub(super) fn not_after(mut self, now: Timestamp, drain: Span) -> Self {
        let past = |at: &mut Option<Timestamp>| *at = at.map(|at| at.min(now));
        past(&mut self.at);
        for stage in self.stages.values_mut() {
            past(&mut stage.watched_since);
            past(&mut stage.known_at);
            past(&mut stage.stepped_at);
            past(&mut stage.panic_until);
            for ongoing in [&mut stage.unmet, &mut stage.shed].into_iter().flatten() {
                past(&mut ongoing.gone_since);
            }
            for gone_since in stage.capped.values_mut() {
                past(gone_since);
            }
            for back in stage.back.values_mut() {
                back.quiet_since = back.quiet_since.min(now);
            }
            stage.learn.not_after(now);
        }
        for source in self.sources.values_mut().flat_map(BTreeMap::values_mut) {
            past(&mut source.away_since);
            past(&mut source.asked_more_at);
            past(&mut source.raised_at);
            past(&mut source.unraised_since);
            if let Some(refused) = &mut source.refused {
                past(&mut refused.at);
            }
            if let Some(hindered) = &mut source.hindered {
                hindered.since = hindered.since.min(now);
                past(&mut hindered.gone_since);
            }
            if let Some(waiting) = &mut source.waiting {
                waiting.since = waiting.since.min(now);
            }
            if let Some((_, ended)) = &mut source.was_aside {
                *ended = (*ended).min(now);
            }
            if let Some(aside) = &mut source.aside {
                aside.since = aside.since.min(now);
                aside.until = aside.until.min(later(now, aside.step));
                if let Some((since, _)) = &mut aside.probe {
                    *since = (*since).min(now);
                }
            }
        }
        for kept in self.kept.values_mut() {
            kept.until = kept.until.min(later(now, drain));
        }
        self
    }
}

/// Nothing of a pool is scaled in for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Until when.
    pub until: Timestamp,
    /// What kept the unit that was to go.
    pub why: String,
}

/// A number at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// When.
    pub at: Timestamp,
    /// How much.
    pub value: Rate,
}

/// What is remembered of a stage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StageMemory {
    /// The capacity that was needed, over the stabilisation window, thinned.
    pub needs: Vec<Point>,
    /// Since when the load was known without a gap.
    pub watched_since: Option<Timestamp>,
    /// When it was known last.
    pub known_at: Option<Timestamp>,
    /// The load over the long window, thinned.
    pub loads: Vec<Point>,
    /// Until when nothing is scaled in for a sudden load.
    pub panic_until: Option<Timestamp>,
    /// When the last step in was made.
    pub stepped_at: Option<Timestamp>,
    /// What fits nowhere, in thousandths of a request per second.
    pub unmet: Option<Ongoing>,
    /// What is not served in time, in millionths of the requests.
    pub shed: Option<Ongoing>,
    /// The budgets that keep back what it needs, each with since when it has not.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub capped: BTreeMap<HoldCause, Option<Timestamp>>,
    /// What its replicas have shown.
    pub learn: Learning,
    /// Pools of which some run on demand in the place of spot, or did.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub back: BTreeMap<Name, Back>,
}

/// What of a pool runs on demand in the place of spot, on its way back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Back {
    /// Since when there has been no trouble with its spot instances: all offerings left
    /// alone, or instances that are taken back.
    pub quiet_since: Timestamp,
    /// There was trouble in the last decision.
    pub troubled: bool,
    /// For how long there must be none before one more is asked of spot: each trouble
    /// doubles it.
    pub wait: Span,
    /// The spot instance that comes in the place of one on demand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comes: Option<Comes>,
}

/// A spot instance that comes in the place of one on demand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comes {
    /// Of which group: `g6e.12xlarge/spot`.
    pub key: String,
    /// How many that has with it.
    pub units: u32,
}

/// What the replicas of a stage have shown of what they carry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Learning {
    /// When it was looked at last.
    pub at: Option<Timestamp>,
    /// How many serve, and since when it is so many.
    pub replicas: Option<(u32, Timestamp)>,
    /// Over a window, thinned.
    pub shown: Vec<Shown>,
    /// The least of each latency, and the least of an idle fleet.
    pub least: BTreeMap<String, Least>,
    /// See `least`.
    pub idle: BTreeMap<String, Least>,
}

impl Learning {
    fn not_after(&mut self, now: Timestamp) {
        if let Some((_, since)) = &mut self.replicas {
            *since = (*since).min(now);
        }
        let least = self.least.values_mut().chain(self.idle.values_mut());
        least.for_each(|least| least.at = least.at.min(now));
    }
}

/// What was shown at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// When.
    pub at: Timestamp,
    /// Of what is declared.
    pub share: Share,
}

/// The least latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Least {
    /// When it was measured.
    pub at: Timestamp,
    /// How long.
    pub span: Span,
}

/// Something that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ongoing {
    /// How much of it there was when it was told last.
    pub told: u64,
    /// Since when there has been none of it.
    pub gone_since: Option<Timestamp>,
}

/// What is remembered of a Deployment or a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceMemory {
    /// Units that do not serve yet.
    pub waiting: Option<Waiting>,
    /// Since when units are away.
    #[serde(default)]
    pub away_since: Option<Timestamp>,
    /// Replicas that were given up while others serve: nothing is counted on them.
    pub stuck: u32,
    /// It is left alone for a while.
    pub aside: Option<Aside>,
    /// The last time for which it was left alone, and when that ended.
    pub was_aside: Option<(Span, Timestamp)>,
    /// What was last asked of it.
    pub wanted: Option<u32>,
    /// What was asked of it when it was last seen, without those on their way out.
    pub asked: Option<u32>,
    /// When more was last asked of it than before.
    pub asked_more_at: Option<Timestamp>,
    /// When another hand than the controller's raised its number last.
    pub raised_at: Option<Timestamp>,
    /// Since when the load has asked for more than there is, and the autoscaler that
    /// owns the number has not.
    pub unraised_since: Option<Timestamp>,
    /// The autoscaler that owns the number cannot act.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hindered: Option<Hindered>,
    /// Its place has refused the number that was asked of it last; no decision has gone by
    /// that yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Short>,
}

/// An autoscaler that cannot act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hindered {
    /// Since when.
    pub since: Timestamp,
    /// Since when it can again.
    pub gone_since: Option<Timestamp>,
}

/// Units that do not serve yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Since when, without one more that has joined or serves.
    pub since: Timestamp,
    /// How many served then.
    pub serving: u32,
    /// The most that had joined at once.
    #[serde(default)]
    pub joined: u32,
}

/// Why an offering is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AsideCause {
    /// The place has no capacity of it.
    NoCapacity,
    /// Its units do not become ready.
    NeverReady,
    /// The place does not take a larger number: what was asked for before stands.
    Refused,
}

/// An offering that is left alone for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aside {
    /// Why.
    pub cause: AsideCause,
    /// Since when.
    pub since: Timestamp,
    /// For how long, before one unit is tried again.
    pub step: Span,
    /// Until when.
    pub until: Timestamp,
    /// The unit that is being tried: since when, and how many there are with it.
    pub probe: Option<(Timestamp, u32)>,
    /// What the place said.
    pub message: String,
}

/// Adds a point and drops those that are older than `window`. Points closer than
/// a sixtieth of it become one, which has the first one's time and the largest
/// value: a maximum over the window is never too low.
pub(super) fn push(points: &mut Vec<Point>, point: Point, window: Span) {
    let apart = Span::from_millis(window.millis() / 60);
    let from = earlier(earlier(point.at, window), apart);
    points.retain(|old| old.at >= from && old.at <= point.at);
    match points.last_mut() {
        Some(last) if between(last.at, point.at) < apart => {
            last.value = last.value.max(point.value)
        }
        _ => points.push(point),
    }
}

/// The largest of them.
pub(super) fn largest(points: &[Point]) -> Option<Rate> {
    points.iter().map(|point| point.value).max()
}
