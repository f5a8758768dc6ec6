//! Windows and factors that no team needs to set.

use crate::units::{Share, Span};
use serde::{Deserialize, Serialize};

/// Windows and factors. All times can be divided by one number, for a replay that
/// runs faster than life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tuning {
    /// The first time that an offering without capacity is left alone.
    pub probe_first: Span,
    /// The longest: each probe that fails doubles the time up to this.
    pub probe_most: Span,
    /// After how long a refusal that says no time is one of what was asked last.
    pub refused_after: Span,
    /// After how long units whose nodes do not answer carry nothing, for scale-out.
    pub away_after: Span,
    /// For how long at least an autoscaler is expected to act before what it can still
    /// add counts no more.
    pub autoscaler_after: Span,
    /// After how many times its p95 launch delay a unit is given up.
    pub give_up_after: u32,
    /// The short window of sudden load.
    pub panic_short: Span,
    /// The long window that it is compared with, and for how long a panic lasts
    /// after its last sign.
    pub panic_long: Span,
    /// How many times the load of the long window is a panic.
    pub panic_ratio: u32,
    /// The shortest time in which what waits is meant to be answered, however fast
    /// units come to serve.
    pub backlog: Span,
    /// Over so long it is watched what replicas carry, before that counts.
    pub learn: Span,
    /// By how much more than what is needed must stay when a unit goes.
    pub hysteresis: Share,
    /// How long before the end of a capacity block AWS begins to take its
    /// instances.
    pub block_ends_before: Span,
}

impl Default for Tuning {
    /// A minute for what waits: the load is known as a mean of about a minute
    /// (`signals.window`), so capacity for less than that would answer what has come
    /// and is gone. As long for an autoscaler, which looks at metrics every 15 s that
    /// are up to a minute old. Windows and ratio of a panic as in AIBrix' KPA (180 s, 60 s, 2); 30 minutes
    /// before its end AWS begins to end a capacity block's instances:
    /// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-blocks-how.html>
    fn default() -> Self {
        Self {
            probe_first: Span::from_secs(60),
            probe_most: Span::from_secs(30 * 60),
            refused_after: Span::from_secs(30),
            away_after: Span::from_secs(120),
            autoscaler_after: Span::from_secs(60),
            give_up_after: 3,
            panic_short: Span::from_secs(60),
            panic_long: Span::from_secs(180),
            panic_ratio: 2,
            backlog: Span::from_secs(60),
            learn: Span::from_secs(30 * 60),
            hysteresis: Share::percent(5),
            block_ends_before: Span::from_secs(30 * 60),
        }
    }
}

impl Tuning {
    /// With every time divided by `scale`; one below 1 counts as 1.
    #[must_use]
    pub fn faster(self, scale: u32) -> Self {
        let faster =
            |span: Span| Span::from_millis((span.millis() / u64::from(scale.max(1))).max(1));
        Self {
            probe_first: faster(self.probe_first),
            probe_most: faster(self.probe_most),
            refused_after: faster(self.refused_after),
            away_after: faster(self.away_after),
            autoscaler_after: faster(self.autoscaler_after),
            panic_short: faster(self.panic_short),
            panic_long: faster(self.panic_long),
            backlog: faster(self.backlog),
            learn: faster(self.learn),
            block_ends_before: faster(self.block_ends_before),
            ..self
        }
    }
}
