//! What is learned while leading, and handed on.

use super::aside::bounded;
use super::lead::Standing;
use super::notes::{self, Notes};
use super::turn::Controller;
use crate::clock::Timestamp;
use crate::port::MOST_NOTES;
use futures::FutureExt;
use std::collections::BTreeMap;

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
        if let Some(noted) = news {
            // It had no room in the notes: what is known of it here is all that there is.
            let own = std::mem::take(&mut self.memory);
            let memory = if noted.memory.at.is_some() { noted.memory } else { own };
            // What it has asked for since it noted that is no other hand's doing.
            self.memory = memory.without_numbers();
            (self.spend, self.launches) = (noted.spend, noted.launches);
            self.bursts = noted.bursts;
            self.had_joined.extend(noted.joined);
            self.drains.go_on_from(noted.emptied);
            self.gauge.go_on_from(noted.known, noted.bases);
            self.gauge.resume(noted.races);
        }
    }

    /// Notes what was learned, now and then.
    pub(super) async fn note(&mut self, standing: &Standing, now: Timestamp) -> Option<String> {
        if self.withheld(standing).is_none() && self.noting.is_due(now) {
            let (known, bases) = self.gauge.noted(now);
            let notes = Notes {
                at: Some(now),
                spend: self.spend,
                launches: self.launches.clone(),
                bursts: self.bursts.clone(),
                memory: self.memory.clone().noted(),
                joined: self.had_joined.iter().cloned().collect(),
                emptied: self.drains.emptied(),
                known,
                bases,
                races: BTreeMap::new(),
            };
            let notes = self.noting.with_races(notes, || self.gauge.states(), now);
            let fitted = notes.fitted(MOST_NOTES);
            if let Some(fitted) = &fitted {
                let noted = notes::write(&self.session, fitted);
                let _ = bounded(self.settings.patience, noted.map(Ok)).await;
            }
            self.noting.done(fitted, now);
        }
        self.noting.missing()
    }
}
