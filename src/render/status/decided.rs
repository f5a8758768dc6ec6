//! What the controller decided last, as far as it is on record on this machine.

use super::view::{DecidedPool, DecisionView, StatusView};
use crate::decide::DesiredOwner;
use crate::decide::scaling::{DecisionRecord, Direction, Hold};
use crate::render::style::Ink;
use crate::render::text::{Line, Screen};

impl StatusView {
    /// With the last decision of the log at `looked_in`; none: there is none in it.
    #[must_use]
    pub fn with_decision(mut self, looked_in: &str, record: Option<&DecisionRecord>) -> Self {
        self.decision = Some(DecisionView {
            looked_in: looked_in.to_owned(),
            at: record.map(|record| record.scaling.at.to_string()),
            pools: record.map(pools).unwrap_or_default(),
        });
        self
    }
}

fn pools(record: &DecisionRecord) -> Vec<DecidedPool> {
    let scaling = &record.scaling;
    let own = scaling.pools.iter().filter(|(_, pool)| pool.owner == DesiredOwner::Controller);
    own.map(|(name, pool)| {
        let of_stage = scaling.stages.get(&pool.stage).into_iter().flat_map(|stage| &stage.holds);
        DecidedPool {
            pool: name.to_string(),
            now: pool.now,
            wanted: pool.wanted,
            why: pool.reasons.iter().map(|reason| reason.text.clone()).collect(),
            held: pool.holds.iter().chain(of_stage).map(held).collect(),
        }
    })
    .collect()
}

fn held(hold: &Hold) -> String {
    let what = match hold.direction {
        Direction::ScaleIn => "not less",
        Direction::ScaleOut => "no more",
    };
    format!("{what}, {}: {}", hold.cause, hold.why.text)
}

/// The lines of it.
pub(super) fn print(screen: &mut Screen<'_>, decision: &DecisionView) {
    screen.blank();
    let Some(at) = &decision.at else {
        let text = format!(
            "no decision is on record in {} here: the controller records them where it runs",
            decision.looked_in
        );
        screen.hanging(0, 2, &Line::of(Ink::Dim, text));
        return;
    };
    let head = Line::of(Ink::Strong, format!("Decision of {at}"));
    let from = format!("  the last in {} on this machine", decision.looked_in);
    screen.hanging(0, 2, &head.ink(Ink::Dim, from));
    for pool in &decision.pools {
        let why = pool.why.first().map_or_else(String::new, |why| format!(": {why}"));
        let line = Line::from("  ").ink(Ink::Strong, &pool.pool);
        let line = line.text(format!(" {} → {}", pool.now, pool.wanted)).prose(&why);
        screen.hanging(2, 2, &line);
        for why in pool.why.iter().skip(1) {
            screen.hanging(4, 2, &Line::new().prose(why));
        }
        for held in &pool.held {
            screen.hanging(4, 2, &Line::of(Ink::Warn, "held: ").prose(held));
        }
    }
}
