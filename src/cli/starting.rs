//! What is to be known before a controller begins, and what keeps it from beginning.

use super::exit::{Exit, Failure};
use crate::controller::has_place_for_notes;
use crate::port::Backends;
use crate::spec::Environment;

/// What an operator is told at the start: the session's `limits`; and where nobody
/// fences this controller, that another would not be kept from leading too.
pub(super) fn warnings(limits: &[String], unfenced: bool) -> Vec<String> {
    let alone = unfenced.then(|| {
        "nothing keeps two controllers apart: there is no cluster for a lease, and no bucket \
         (aws.lock = { bucket = \"…\" }): run one and no more"
            .to_owned()
    });
    limits.iter().cloned().chain(alone).collect()
}

/// Whether what is spent is counted over restarts, where the environment has a budget
/// that asks for it.
///
/// # Errors
/// There is no place to note it: each start would begin the budget anew.
pub(super) fn can_count(environment: &Environment, backends: &Backends) -> Result<(), Failure> {
    let budget = environment.burst.budget.as_ref();
    let key = budget.and_then(|budget| match (&budget.usd_per_day, &budget.usd_per_month) {
        (Some(_), _) => Some("burst.budget.usd_per_day"),
        (None, Some(_)) => Some("burst.budget.usd_per_month"),
        (None, None) => None,
    });
    match key.filter(|_| !has_place_for_notes(backends)) {
        None => Ok(()),
        Some(key) => {
            let message = format!(
                "there is no place to note what was spent: {key} would begin anew with each start"
            );
            Err(Failure::new(Exit::Invalid, message).help(
                "name a bucket for it, aws.lock = { bucket = \"…\" }; or budget by usd_per_hour \
                 alone",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::sim::{Scenario, Simulator};
    use crate::observe::{Mark, Side};
    use crate::port::{Backend, Scope};
    use crate::spec::{self, OneFile};

    const FILE: &str = r#"
[environment]
name = "edge"
[slo]
availability = "99%"
[service]
name = "s"
namespace = "n"
model = "m"
[service.stages.i]
image = "i:1"
resources = { cpu = "1", memory = "1Gi" }
[aws]
provider = "sim"
region = "us-east-1"
"#;

    fn environment(budget: &str) -> Environment {
        let text = format!("{FILE}[burst]\n{budget}\n");
        let (resolved, found) =
            spec::resolve("environments/edge.toml", &OneFile("environments/edge.toml", text));
        resolved.unwrap_or_else(|| panic!("{found:?}")).environment
    }

    /// An account alone, with a place for notes or without.
    fn account(environment: &Environment, notes: bool) -> Backends {
        let file = "environments/edge.toml".to_owned();
        let mark = Mark { environment: "edge".into(), repository: "local".into(), file };
        let world = Simulator::in_memory(environment, Scope::of(mark, "n"), Scenario::default());
        let aws = world.backend(Side::Aws);
        let aws = Backend { notes: aws.notes.clone().filter(|_| notes), ..aws };
        Backends { kubernetes: None, aws: Some(aws) }
    }

    #[test]
    fn a_budget_that_each_start_would_begin_anew_is_refused_with_the_way_out() {
        for (budget, notes, refused) in [
            ("", false, None),
            ("budget = { usd_per_hour = 9 }", false, None),
            ("budget = { usd_per_day = 9 }", false, Some("burst.budget.usd_per_day")),
            ("budget = { usd_per_month = 9 }", false, Some("burst.budget.usd_per_month")),
            ("budget = { usd_per_day = 9, usd_per_month = 99 }", true, None),
        ] {
            let environment = environment(budget);
            let found = can_count(&environment, &account(&environment, notes)).err();
            let Some(key) = refused else {
                assert!(found.is_none(), "{budget}");
                continue;
            };
            let failure = found.unwrap();
            assert_eq!(failure.exit, Exit::Invalid);
            let view = failure.view.unwrap();
            assert!(view.message.contains(key), "{}", view.message);
            assert!(view.help.iter().any(|help| help.contains("aws.lock")), "{:?}", view.help);
        }
    }

    #[test]
    fn limits_are_told_at_the_start_and_that_nobody_keeps_two_controllers_apart() {
        let limits = ["the burst pools are not seen".to_owned()];
        assert_eq!(warnings(&limits, false), limits);
        let told = warnings(&limits, true);
        assert_eq!(told[0], limits[0]);
        assert!(told[1].contains("two controllers"), "{told:?}");
        assert_eq!(warnings(&[], false), [""; 0]);
    }
}
