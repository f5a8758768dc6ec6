//! The line that each value of an environment came from.

use crate::diag::Place;
use std::collections::BTreeMap;

/// Places by dotted key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    places: BTreeMap<String, Place>,
}

impl Origins {
    /// Remembers where `key` was written.
    pub fn insert(&mut self, key: String, place: Place) {
        self.places.insert(key, place);
    }

    /// Where `key` itself was written; none: it is a default.
    pub fn exact(&self, key: &str) -> Option<&Place> {
        self.places.get(key)
    }

    /// Where `key`, or the nearest table around it that has a line, was written.
    pub fn origin(&self, key: &str) -> Option<&Place> {
        let mut key = key;
        loop {
            if let Some(place) = self.places.get(key) {
                return Some(place);
            }
            key = key.rsplit_once('.')?.0;
        }
    }
}
