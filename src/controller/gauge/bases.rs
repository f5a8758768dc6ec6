//! The load before an event: its factor is of that.

use crate::clock::Timestamp;
use crate::forecast::EventWindow;
use crate::id::Name;
use crate::units::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The load of each stage before an event, by the event's start.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Listed", into = "Listed")]
pub(in crate::controller) struct Bases(BTreeMap<Timestamp, BTreeMap<Name, f64>>);

/// As it is noted.
type Listed = Vec<(Timestamp, BTreeMap<Name, f64>)>;

impl From<Listed> for Bases {
    fn from(listed: Listed) -> Self {
        Self(listed.into_iter().collect())
    }
}

impl From<Bases> for Listed {
    fn from(bases: Bases) -> Self {
        bases.0.into_iter().collect()
    }
}

impl Bases {
    pub(in crate::controller) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Of the events that have begun, or begin within `ahead`: the next leader measures
    /// those of later ones itself.
    pub(super) fn of_now(&self, now: Timestamp, ahead: Span) -> Self {
        let until = now.saturating_add(ahead.duration()).unwrap_or(now);
        let near = self.0.iter().filter(|(start, base)| **start <= until && !base.is_empty());
        Self(near.map(|(start, base)| (*start, base.clone())).collect())
    }

    /// With what another has noted, where it is not known here.
    pub(super) fn fill(&mut self, noted: Self) {
        for (start, loads) in noted.0 {
            let own = self.0.entry(start).or_default();
            for (stage, load) in loads {
                own.entry(stage).or_insert(load);
            }
        }
    }

    /// By how much the load of an event that is on is expected to be over what it is
    /// now: its factor is of the load before it began. That holds while it begins; then
    /// the load is seen, and forecasters know the factor.
    pub(super) fn planned(
        &mut self,
        events: &[EventWindow],
        (stage, measured): (&Name, Option<f64>),
        (now, sudden): (Timestamp, Span),
    ) -> f64 {
        let mut planned: f64 = 0.0;
        let sudden = sudden.duration();
        for event in events {
            let base = self.0.entry(event.start).or_default();
            if now < event.start {
                base.extend(measured.map(|measured| (stage.clone(), measured)));
            } else if now < event.end && now < event.start.saturating_add(sudden).unwrap_or(now) {
                planned = planned.max(base.get(stage).map_or(0.0, |base| base * event.factor));
            }
        }
        let on =
            |start: &Timestamp| events.iter().any(|event| event.start == *start && now < event.end);
        self.0.retain(|start, _| on(start));
        match measured {
            Some(measured) if measured > 0.0 => (planned / measured).max(1.0),
            _ => 1.0,
        }
    }
}
