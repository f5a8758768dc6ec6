//! The phases of a rollout, and pools that were renamed.

use super::{Limit, Overrides, PlannedWindow};
use crate::id::Name;
use crate::units::{Share, Span, UsdPerHour};
use common::shape::{Dollars, choice, table};
use std::collections::BTreeMap;

table! {
    /// The phases in which the service is rolled out.
    #[derive(Default)]
    pub struct Rollout {
        /// How the changes of an apply go out over pools; without it, all at once.
        pub waves: Option<Waves>,
        /// The phases, by name.
        pub phases: BTreeMap<Name, Phase>,
        /// Every promotion and rollback, oldest first; `floodway rollout` writes it.
        pub history: Vec<Passage>,
    }
}

table! {
    /// Waves over pools: the canaries first, then share by share of the rest.
    pub struct Waves {
        /// The share of the pools that go first, one at least.
        pub canary: Share = Share::percent(10),
        /// The share of the pools in each wave after them, one at least.
        pub share: Share = Share::percent(50),
        /// How long to wait after a wave, looking at the abort criteria, before the next.
        pub wait: Span = Span::from_secs(600),
    }
}

table! {
    /// A phase of the rollout.
    pub struct Phase {
        /// Its place among the phases: lower is earlier.
        pub order: u32,
        /// How long it is meant to take: `1-2 weeks`.
        pub window: Option<PlannedWindow>,
        /// The day on which it is meant to begin, like `2026-12-01`.
        pub start: Option<String>,
        /// Who answers for it.
        pub owner: Option<String>,
        /// What it is for.
        pub summary: Option<String>,
        /// What it is to reach.
        pub goals: Goals,
        /// What is done in it, by name.
        pub steps: BTreeMap<Name, PhaseStep>,
        /// By what it is known to be done, by name: all of it, measured.
        pub exit: BTreeMap<Name, Exit>,
        /// By what it is given up, by name: any of it, measured.
        pub abort: BTreeMap<Name, Abort>,
        /// What may go wrong, and what stands against it.
        pub risks: Vec<Risk>,
        /// What undoing it means.
        pub undo: Option<String>,
    }
}

table! {
    /// What a phase is to reach.
    #[derive(Default)]
    pub struct Goals {
        /// Share of good minutes.
        pub availability: Option<Share>,
        /// Time to first token, 99th percentile.
        pub ttft_p99: Option<Span>,
        /// Time from request to last token, 99th percentile.
        pub e2e_p99: Option<Span>,
        /// Share of requests that may fail.
        pub error_rate: Option<Share>,
        /// What an hour of burst may cost.
        pub usd_per_hour: Option<UsdPerHour> as Option<Dollars>,
    }
}

table! {
    /// What is done in a phase. Floodway does a step by what it sets; a step that sets
    /// nothing is done by hand, and never shown as done.
    pub struct PhaseStep {
        /// What it is.
        pub summary: String,
        /// Who does it, if not the phase's owner.
        pub owner: Option<String>,
        /// Steps that come before it: `hpa` of this phase, `short.hpa` of an earlier one.
        pub after: Vec<String>,
        /// Keys of the environment as they are from this step on, laid upon the file.
        pub set: Overrides,
        /// Dotted keys of the environment that it does without from this step on.
        pub unset: Vec<String>,
    }
}

choice! {
    /// What Floodway can measure by itself.
    pub enum BuiltIn {
        /// Share of good minutes: promised latency and error rate kept.
        Availability = "availability",
        /// Seconds to the first token, 99th percentile.
        TtftP99 = "ttft_p99",
        /// Seconds from request to last token, 99th percentile.
        E2eP99 = "e2e_p99",
        /// Share of requests that failed.
        ErrorRate = "error_rate",
        /// Seconds from the decision to burst until the capacity serves, 99th percentile.
        BurstResponse = "burst_response",
        /// What the last backtest expects of the SLO, as a share of good minutes.
        Backtest = "backtest",
        /// What an hour of burst costs, in dollars.
        UsdPerHour = "usd_per_hour",
    }
}

choice! {
    /// How a window's values become one.
    pub enum Over {
        /// Their mean.
        Mean = "mean",
        /// The lowest.
        Min = "min",
        /// The highest.
        Max = "max",
        /// The newest.
        Last = "last",
    }
}

table! {
    /// What must hold for a phase to be done.
    pub struct Exit {
        /// What it means, in words.
        pub summary: Option<String>,
        /// What is measured: one that Floodway knows, or else `query`.
        pub measure: Option<BuiltIn>,
        /// A PromQL query that answers one number.
        pub query: Option<String>,
        /// Not below this: `99.9%`, `500ms`, `$120`, `4`.
        pub at_least: Option<Limit>,
        /// Not above this.
        pub at_most: Option<Limit>,
        /// Over how long it is measured.
        pub window: Span = Span::from_secs(24 * 3600),
        /// How much of the window must have data.
        pub minimum: Share = Share::percent(90),
        /// How the window's values become one.
        pub over: Over = Over::Mean,
    }
}

table! {
    /// What ends a phase, and the waves of an apply, at once.
    pub struct Abort {
        /// What it means, in words.
        pub summary: Option<String>,
        /// What is measured: one that Floodway knows, or else `query`.
        pub measure: Option<BuiltIn>,
        /// A PromQL query that answers one number.
        pub query: Option<String>,
        /// Above this: `5%`, `2s`, `$300`, `4`.
        pub above: Option<Limit>,
        /// Below this.
        pub below: Option<Limit>,
        /// Over how long it is measured.
        pub window: Span = Span::from_secs(300),
        /// How much of the window must have data before it counts.
        pub minimum: Share = Share::percent(50),
        /// How the window's values become one.
        pub over: Over = Over::Mean,
    }
}

table! {
    /// What may go wrong.
    pub struct Risk {
        /// What.
        pub risk: String,
        /// What stands against it.
        pub guard: String,
    }
}

table! {
    /// A promotion, or a rollback.
    pub struct Passage {
        /// When, like `2026-12-01T08:00:00Z`.
        pub at: String,
        /// The phase before; none: the file without any.
        pub from: Option<Name>,
        /// The phase since; none: the file without any.
        pub to: Option<Name>,
        /// Who, as they named themselves.
        pub by: String,
        /// Why; needed where criteria were not met, and to go back.
        pub reason: Option<String>,
        /// Exit criteria that were not met, and abort criteria that were.
        pub overridden: Vec<String>,
    }
}

table! {
    /// A pool that was renamed: its instances stay.
    pub struct Moved {
        /// The pool's former name.
        pub from: String,
        /// The pool's name now.
        pub to: String,
    }
}

impl Rollout {
    /// Whether there is anything that could be paused, or given up.
    pub fn is_declared(&self) -> bool {
        self.waves.is_some() || !self.phases.is_empty()
    }

    /// The phases, earliest first.
    pub fn in_order(&self) -> Vec<(&Name, &Phase)> {
        let mut phases: Vec<_> = self.phases.iter().collect();
        phases.sort_by_key(|(_, phase)| phase.order);
        phases
    }

    /// The phase before `name`; none: it is the first, or none of them.
    pub fn before(&self, name: &Name) -> Option<&Name> {
        let order = self.phases.get(name)?.order;
        let earlier = self.phases.iter().filter(|(_, phase)| phase.order < order);
        earlier.max_by_key(|(_, phase)| phase.order).map(|(name, _)| name)
    }

    /// The phase after `name`, or the first one; none: it is the last.
    pub fn after(&self, name: Option<&Name>) -> Option<&Name> {
        let order = name.and_then(|name| self.phases.get(name)).map(|phase| phase.order);
        let later = self.phases.iter().filter(|(_, phase)| Some(phase.order) > order);
        later.min_by_key(|(_, phase)| phase.order).map(|(name, _)| name)
    }
}

impl Phase {
    /// The steps as they are taken: each after those of this phase that it names, and of
    /// those that may come next the first by name. By name alone where they go in a
    /// circle.
    pub fn steps_in_order(&self) -> Vec<(&Name, &PhaseStep)> {
        let mut left: BTreeMap<&str, (&Name, &PhaseStep)> =
            self.steps.iter().map(|(name, step)| (name.as_str(), (name, step))).collect();
        let mut order = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let waits = |step: &PhaseStep| {
                step.after.iter().any(|before| left.contains_key(before.as_str()))
            };
            let next = left.values().find(|(_, step)| !waits(step)).copied();
            let Some((name, step)) = next else { return self.steps.iter().collect() };
            left.remove(name.as_str());
            order.push((name, step));
        }
        order
    }
}

impl PhaseStep {
    /// Whether Floodway does not do it.
    pub fn is_manual(&self) -> bool {
        self.set.is_empty() && self.unset.is_empty()
    }
}
