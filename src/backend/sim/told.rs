//! What was told of the things of a world.

use super::world::{Moment, World};
use crate::observe::ResourceId;
use crate::port::Notice;
use serde::{Deserialize, Serialize};

/// As many are kept: the oldest go first.
const MOST: usize = 200;

/// Something that was told, and how often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// In one word.
    pub reason: String,
    /// What happened.
    pub message: String,
    /// To what.
    pub about: ResourceId,
    /// It may need somebody.
    pub warning: bool,
    /// How often.
    pub count: u32,
    /// The last time, in milliseconds since the world began.
    pub(super) last: Moment,
}

impl World {
    /// What was told, the oldest first.
    pub fn told(&self) -> &[Told] {
        &self.told
    }

    /// Whether it is new.
    pub(super) fn tell(&mut self, notice: &Notice) -> bool {
        let same = |told: &Told| {
            told.reason == notice.reason
                && told.message == notice.message
                && told.about == notice.about
                && told.warning == notice.warning
        };
        let known = self.told.iter().position(same).map(|at| self.told.remove(at));
        let count = known.as_ref().map_or(0, |told| told.count);
        if self.told.len() >= MOST {
            self.told.remove(0);
        }
        self.told.push(Told {
            reason: notice.reason.to_owned(),
            message: notice.message.clone(),
            about: notice.about.clone(),
            warning: notice.warning,
            count: count.saturating_add(1),
            last: self.now,
        });
        known.is_none()
    }
}
