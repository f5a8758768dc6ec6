//! From phase to phase: whether it may be, and what stands against it.

use super::{Finding, Kind, Verdict};
use crate::id::Name;
use crate::spec::Environment;

/// A step from one phase to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passing {
    /// The phase that is live; none: the file without any.
    pub from: Option<Name>,
    /// The phase that will be; none: the file without any.
    pub to: Option<Name>,
    /// What stands against it.
    pub against: Vec<Against>,
}

/// What stands against a promotion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Against {
    /// An abort criterion is met.
    Abort(Name),
    /// An exit criterion is not met: it does not hold, or nothing is known of it, and why.
    Exit(Name, Option<String>),
    /// The live phase names no exit criteria, so that nothing tells when it is done.
    NothingTells(Name),
    /// A phase between the two is left out.
    Skips(Name),
}

/// Why there is no such step at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cannot {
    /// No phase is declared.
    #[error("no phase is declared in [rollout.phases]")]
    NoPhases,
    /// There is no phase of this name.
    #[error("no phase is called {0}")]
    Unknown(String),
    /// The last one is live.
    #[error("{0} is the last phase, and it is live")]
    Last(Name),
    /// It does not come after the live one.
    #[error("{to} does not come after {live}, which is live")]
    NotLater {
        /// The phase that was asked for.
        to: Name,
        /// The phase that is live.
        live: Name,
    },
    /// No phase is live.
    #[error("no phase is live: there is nothing to go back from")]
    NothingLive,
}

/// The step to `to`, or else to the next phase. `findings` are those of the live phase.
///
/// # Errors
/// There is no such step.
pub fn promotion(
    environment: &Environment,
    to: Option<&Name>,
    findings: &[Finding],
) -> Result<Passing, Cannot> {
    let rollout = &environment.rollout;
    let live = environment.environment.phase.as_ref();
    let next = rollout
        .after(live)
        .ok_or_else(|| live.map_or(Cannot::NoPhases, |live| Cannot::Last(live.clone())));
    let to = match to {
        None => next?,
        Some(to) if !rollout.phases.contains_key(to) => {
            return Err(Cannot::Unknown(to.to_string()));
        }
        Some(to) => to,
    };
    let order = |name: &Name| rollout.phases.get(name).map(|phase| phase.order);
    if let Some(live) = live.filter(|live| order(to) <= order(live)) {
        return Err(Cannot::NotLater { to: to.clone(), live: live.clone() });
    }
    let between = rollout.in_order().into_iter().map(|(name, _)| name);
    let between =
        between.filter(|name| order(name) > live.and_then(order) && order(name) < order(to));
    let mut against = live.map_or_else(Vec::new, |live| unmet(environment, live, findings));
    against.extend(between.cloned().map(Against::Skips));
    Ok(Passing { from: live.cloned(), to: Some(to.clone()), against })
}

/// The step to the phase before the live one; nothing stands against it.
///
/// # Errors
/// No phase is live.
pub fn rollback(environment: &Environment) -> Result<Passing, Cannot> {
    let live = environment.environment.phase.as_ref().ok_or(Cannot::NothingLive)?;
    let to = environment.rollout.before(live).cloned();
    Ok(Passing { from: Some(live.clone()), to, against: Vec::new() })
}

/// What of `phase` is not as it must be, abort criteria first.
fn unmet(environment: &Environment, phase: &Name, findings: &[Finding]) -> Vec<Against> {
    let Some(declared) = environment.rollout.phases.get(phase) else { return Vec::new() };
    let of = |name: &Name, kind: Kind| {
        findings
            .iter()
            .find(|found| found.phase == *phase && found.name == *name && found.kind == kind)
    };
    let mut against = Vec::new();
    for name in declared.abort.keys() {
        if of(name, Kind::Abort).is_some_and(|found| found.verdict == Verdict::Abort) {
            against.push(Against::Abort(name.clone()));
        }
    }
    for name in declared.exit.keys() {
        match of(name, Kind::Exit).map(|found| &found.verdict) {
            Some(Verdict::Met) => {}
            Some(Verdict::NoData(why)) => {
                against.push(Against::Exit(name.clone(), Some(why.clone())));
            }
            Some(_) => against.push(Against::Exit(name.clone(), None)),
            None => against.push(Against::Exit(name.clone(), Some("it was not measured".into()))),
        }
    }
    if declared.exit.is_empty() {
        against.push(Against::NothingTells(phase.clone()));
    }
    against
}

impl Against {
    /// As the file's history keeps it.
    pub fn short(&self) -> String {
        match self {
            Self::Abort(name) => format!("abort {name}: met"),
            Self::Exit(name, None) => format!("exit {name}: not met"),
            Self::Exit(name, Some(_)) => format!("exit {name}: no data"),
            Self::NothingTells(phase) => format!("phase {phase}: no exit criteria"),
            Self::Skips(phase) => format!("phase {phase}: left out"),
        }
    }

    /// In a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::Abort(name) => format!("the abort criterion {name} is met"),
            Self::Exit(name, None) => format!("the exit criterion {name} is not met"),
            Self::Exit(name, Some(why)) => {
                format!("of the exit criterion {name} there is too little data: {why}")
            }
            Self::NothingTells(phase) => {
                format!("the phase {phase} has no exit criteria, so nothing tells when it is done")
            }
            Self::Skips(phase) => format!("the phase {phase} would be left out"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::environment;
    use super::*;
    use crate::spec::model::LimitUnit;

    const EXIT: &str = "[rollout.phases.short.exit.slo]\nmeasure = \"availability\"\n\
                        at_least = \"99%\"\n[rollout.phases.short.abort.slo]\n\
                        measure = \"error_rate\"\nabove = \"5%\"\n";

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn found(kind: Kind, verdict: Verdict) -> Finding {
        Finding {
            phase: name("short"),
            name: name("slo"),
            kind,
            summary: None,
            measured: String::new(),
            target: String::new(),
            unit: LimitUnit::Share,
            value: None,
            since: None,
            verdict,
        }
    }

    #[test]
    fn only_what_is_known_to_be_met_lets_the_next_phase_begin() {
        let environment = environment("short", EXIT);
        let against =
            |findings: &[Finding]| promotion(&environment, None, findings).unwrap().against;
        assert_eq!(against(&[found(Kind::Exit, Verdict::Met)]), []);
        assert_eq!(
            against(&[found(Kind::Exit, Verdict::NotYet)]),
            [Against::Exit(name("slo"), None)]
        );
        let why = Some("silence".to_owned());
        let no_data = [found(Kind::Exit, Verdict::NoData("silence".into()))];
        assert_eq!(against(&no_data), [Against::Exit(name("slo"), why)]);
        assert_eq!(against(&[]).len(), 1, "what was not measured is not met");
        let abort = [found(Kind::Exit, Verdict::Met), found(Kind::Abort, Verdict::Abort)];
        assert_eq!(against(&abort), [Against::Abort(name("slo"))]);
        let silent = [
            found(Kind::Exit, Verdict::Met),
            found(Kind::Abort, Verdict::NoData("silence".into())),
        ];
        assert_eq!(against(&silent), [], "and no reason to abort");
    }

    #[test]
    fn a_phase_that_nothing_tells_the_end_of_and_one_that_is_left_out_stand_against_it() {
        let environment = environment("short", "");
        let passing = promotion(&environment, Some(&name("long")), &[]).unwrap();
        let short = passing.against.iter().map(Against::short).collect::<Vec<_>>();
        assert_eq!(short, ["phase short: no exit criteria", "phase medium: left out"]);
    }

    #[test]
    fn a_promotion_leads_onward_and_a_rollback_one_back() {
        let environment = |live| environment(live, "");
        let next = promotion(&environment("medium"), None, &[]).unwrap();
        assert_eq!((next.from, next.to), (Some(name("medium")), Some(name("long"))));
        let to = |live, to: &str| promotion(&environment(live), Some(&name(to)), &[]).unwrap_err();
        assert!(matches!(to("medium", "medium"), Cannot::NotLater { .. }));
        assert!(matches!(to("medium", "short"), Cannot::NotLater { .. }));
        assert_eq!(to("medium", "nothing"), Cannot::Unknown("nothing".into()));
        assert_eq!(promotion(&environment("long"), None, &[]), Err(Cannot::Last(name("long"))));
        let back = rollback(&environment("medium")).unwrap();
        assert_eq!(back.to, Some(name("short")));
        assert_eq!(rollback(&environment("short")).unwrap().to, None);
        let mut before = environment("short");
        before.environment.phase = None;
        assert_eq!(rollback(&before), Err(Cannot::NothingLive));
        let first = promotion(&before, None, &[]).unwrap();
        assert_eq!((first.to, first.against), (Some(name("short")), vec![]));
    }
}
