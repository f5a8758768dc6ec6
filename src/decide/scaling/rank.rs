//! Which named units go first.

use crate::units::UsdPerHour;

/// Whether anything is lost with a unit; the less, the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnitStanding {
    /// It does not serve, nor has it.
    Idle,
    /// It has served, and cannot be seen: it may well be at work.
    Away,
    /// It serves, if only in part.
    Serving,
}

/// A unit that may go.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitLoad {
    /// Its name: an instance's ID.
    pub name: String,
    /// Whether it serves.
    pub standing: UnitStanding,
    /// Its place takes it back anyway: a spot notice.
    pub noticed: bool,
    /// What it has to do now, in one measure for all: requests that it answers, or GPUs
    /// that serve. None: that is not known.
    pub work: Option<f64>,
    /// What it costs, if that is known.
    pub usd_per_hour: Option<UsdPerHour>,
}

/// The places of `units`, the cheapest to lose first: what is taken anyway, what
/// does not serve, what cannot be seen to, what has the least to finish, what costs the most. What is not
/// known counts as the most to finish and the least to save; equals by name.
pub fn cheapest_to_lose(units: &[UnitLoad]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..units.len()).collect();
    let work = |unit: &UnitLoad| match unit.work {
        Some(work) if work.is_finite() => work.max(0.0),
        _ => f64::INFINITY,
    };
    order.sort_by(|&a, &b| {
        let (a, b) = (&units[a], &units[b]);
        let first = (!a.noticed, a.standing).cmp(&(!b.noticed, b.standing));
        let load = work(a).total_cmp(&work(b));
        let price = b.usd_per_hour.cmp(&a.usd_per_hour);
        first.then(load).then(price).then_with(|| a.name.cmp(&b.name))
    });
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_costs_least_to_lose_goes_first() {
        let unit = |name: &str, work: Option<f64>, usd: u64| UnitLoad {
            name: name.to_owned(),
            standing: UnitStanding::Serving,
            noticed: false,
            work,
            usd_per_hour: Some(UsdPerHour::from_micros(usd)),
        };
        let units = [
            unit("unknown", None, 9),
            unit("busy", Some(9.0), 9),
            unit("cheap", Some(1.0), 1),
            unit("dear", Some(1.0), 9),
            UnitLoad { standing: UnitStanding::Idle, ..unit("boots", Some(0.0), 1) },
            UnitLoad { standing: UnitStanding::Away, ..unit("away", None, 1) },
            UnitLoad { noticed: true, ..unit("noticed", Some(50.0), 1) },
            unit("broken", Some(f64::NAN), 9),
        ];
        let order = cheapest_to_lose(&units);
        let names: Vec<&str> = order.iter().map(|&at| units[at].name.as_str()).collect();
        assert_eq!(
            names,
            ["noticed", "boots", "away", "dear", "cheap", "busy", "broken", "unknown"]
        );
    }
}
