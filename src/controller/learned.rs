//! What is learned while leading, and handed on.

use super::aside::bounded;
use super::lead::Standing;
use super::notes::{self, Notes};
use super::turn::Controller;
use crate::clock::Timestamp;
use futures::FutureExt;

impl Controller {
    /// Whoever begins to lead goes on with what the one before has learned, or with
    /// what it knows itself, if that is newer. Until that was read, nothing is noted.
    pub(super) async fn go_on_leading(&mut self, standing: &Standing) {
        let now = self.clock.now();
        if !self.noting.stands(*standing == Standing::Leads, now) {
            return;
        }
        let noted = bounded(self.settings.patience, notes::read(&self.session)).await;
        let noted = match noted {
            Ok(noted) => noted,
            Err(error) => return self.noting.failed(&error),
        };
        self.noting.read();
        let news = noted.filter(|notes| self.noting.are_news(notes));
        if let Some(Notes { spend, launches, bursts, memory, joined, races }) = news {
            // What it has asked for since it noted that is no other hand's doing.
            let memory = memory.without_numbers();
            (self.spend, self.launches, self.memory) = (spend, launches, memory);
            self.bursts = bursts;
            self.had_joined.extend(joined);
            self.gauge.resume(races);
        }
    }

    /// Notes what was learned, now and then.
    pub(super) async fn note(&mut self, standing: &Standing, now: Timestamp) -> Option<String> {
        if self.withheld(standing).is_none() && self.noting.is_due(now) {
            let memory = self.memory.clone();
            let (spend, launches) = (self.spend, self.launches.clone());
            let (bursts, joined) = (self.bursts.clone(), self.had_joined.clone());
            let notes = Notes { spend, launches, bursts, memory, joined, ..Notes::default() };
            let notes = self.noting.with_races(notes, || self.gauge.states(), now);
            let noted = notes::write(&self.session, notes);
            let _ = bounded(self.settings.patience, noted.map(Ok)).await;
            self.noting.done(now);
        }
        self.noting.missing()
    }
}
