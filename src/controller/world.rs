//! What was seen last of each side.

use crate::clock::Timestamp;
use crate::decide::scaling::Seen;
use crate::observe::{Inventory, Side};
use crate::pipeline::{self, Session};
use crate::port::Backend;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How often what changes rarely is asked for: images, subnets, prices, quotas.
const FACTS: Duration = Duration::from_secs(600);

/// What was seen last of each side.
#[derive(Default)]
pub(super) struct World {
    pub(super) sides: BTreeMap<Side, Inventory>,
    pub(super) at: BTreeMap<Side, Timestamp>,
    /// When what changes rarely was asked for last.
    pub(super) facts_at: Option<Timestamp>,
    pub(super) seen: Seen,
    /// The sides of which something may be there that was not seen just now.
    pub(super) hidden: BTreeSet<Side>,
}

impl World {
    /// Whether it is time to ask for what changes rarely.
    pub(super) fn asks(&self, now: Timestamp) -> bool {
        let old =
            |at: Timestamp| now.duration_since(at).as_millis() >= FACTS.as_millis().cast_signed();
        self.facts_at.is_none_or(old)
    }

    pub(super) fn note(
        &mut self,
        side: Side,
        mut inventory: Inventory,
        (now, asked): (Timestamp, bool),
    ) {
        match self.sides.get(&side) {
            Some(before) if !asked => inventory.keep_facts(before),
            _ => self.facts_at = asked.then_some(now),
        }
        self.sides.insert(side, inventory);
        self.at.insert(side, now);
    }

    /// Both sides as they were seen last.
    pub(super) fn whole(&self, now: Timestamp) -> Inventory {
        let mut whole = Inventory::empty(now);
        for inventory in self.sides.values() {
            whole.merge(inventory.clone());
        }
        whole
    }
}

pub(super) fn backend(session: &Session, side: Side) -> Option<&Backend> {
    match side {
        Side::Kubernetes => session.backends.kubernetes.as_ref(),
        Side::Aws => session.backends.aws.as_ref(),
    }
}

/// What is there on one side; none: the environment has no such side.
pub(super) async fn look(
    session: &Session,
    side: Side,
    asked: bool,
) -> Option<(Side, Result<Inventory, String>)> {
    let seen = pipeline::look_at(session, backend(session, side)?, asked).await;
    Some((side, seen.map_err(|error| error.to_string())))
}
