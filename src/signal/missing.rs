//! Targets that cannot be scraped, and what stands for them.

use super::Facts;

/// Of so many targets one may be missing, and the others stand for it.
const FEW: u64 = 10;
/// What adds up over targets; a share or a latency does not.
const SUMS: [&str; 4] = ["req/s", "requests", "messages", "tokens/s"];

/// Targets that a number is measured from and that cannot be scraped now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Missing {
    down: u64,
    /// With those that are down; nothing: it is not known.
    all: u64,
}

impl Missing {
    /// What `facts` tell; none where every target is scraped.
    pub(super) fn of(facts: &Facts) -> Option<Self> {
        (facts.unscraped > 0).then_some(Self { down: facts.unscraped, all: facts.targets })
    }

    /// Whether the others can stand for them: a tenth of all is down at most.
    pub(super) fn are_few(self) -> bool {
        self.down.saturating_mul(FEW) <= self.all
    }

    /// `value` with each that is missing counted as the mean of the others.
    pub(super) fn made_up(self, value: f64, unit: &str) -> f64 {
        if !self.adds_up(unit) {
            return value;
        }
        value * self.all as f64 / (self.all - self.down) as f64
    }

    fn adds_up(self, unit: &str) -> bool {
        self.all > self.down && SUMS.contains(&unit)
    }

    /// What is wrong.
    pub(super) fn told(self, server: &str) -> String {
        let Self { down, all } = self;
        let targets = if down == 1 { "target" } else { "targets" };
        let of = if all == 0 { String::new() } else { format!(" of the {all}") };
        format!("{server} cannot scrape {down} {targets}{of} that it was measured from (up == 0)")
    }

    /// The same, with what stands for them.
    pub(super) fn noted(self, server: &str, unit: &str) -> String {
        let stands = match self.adds_up(unit) {
            true => "each is counted as the mean of the others",
            false => "the others stand for them",
        };
        format!("{}: {stands}", self.told(server))
    }
}
