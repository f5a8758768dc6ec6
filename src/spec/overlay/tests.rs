//! What phases lay upon a file, for rollouts made by chance.

use crate::diag::{Diagnostics, Look};
use crate::id::Name;
use crate::spec::{Environment, OneFile, resolve, resolve_at, resolve_phases};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

const FILE: &str = "environments/a.toml";

const HEAD: &str = r#"
[environment]
name = "a"
PHASE

[slo]
availability = "99%"

[service]
name = "s"
namespace = "n"
model = "m"

[service.stages.i]
image = "i:1"
resources = { cpu = "1", memory = "1Gi" }
env = { A = "file", B = "file", C = "file" }

[onprem]
provider = "sim"

[onprem.pools.p]
stage = "i"
replicas = 1
capacity = "1 req/s"
"#;

/// What a step does to settings of the stage: gives them a value, or takes them away.
#[derive(Debug, Clone)]
struct Step {
    does: BTreeMap<char, Option<u8>>,
    /// Takes all of them away first.
    clears: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let does = proptest::collection::btree_map(
        proptest::char::range('A', 'F'),
        proptest::option::weighted(0.6, 0u8..3),
        0..4,
    );
    (does, proptest::bool::weighted(0.1)).prop_map(|(does, clears)| Step { does, clears })
}

/// Phases of steps, in their order.
fn rollout() -> impl Strategy<Value = Vec<Vec<Step>>> {
    proptest::collection::vec(proptest::collection::vec(step(), 0..4), 1..4)
}

/// `steps` as `[rollout.phases]`; the name of each step is `name` of its number.
fn written(
    phases: &[Vec<Step>],
    live: Option<usize>,
    chained: bool,
    name: impl Fn(usize) -> String,
) -> OneFile<String> {
    let live = live.map(|at| format!("phase = \"p{at}\"")).unwrap_or_default();
    let mut text = HEAD.replace("PHASE", &live);
    for (at, steps) in phases.iter().enumerate() {
        write!(text, "\n[rollout.phases.p{at}]\norder = {}\n", at * 10).unwrap();
        for (number, Step { does, clears }) in steps.iter().enumerate() {
            let key = "service.stages.i.env";
            let set = does.iter().filter_map(|(key, value)| Some((key, (*value)?)));
            let set: Vec<_> = set.map(|(key, value)| format!("{key} = \"{value}\"")).collect();
            let gone = does.iter().filter(|(_, value)| value.is_none());
            let gone = gone.map(|(name, _)| format!("\"{key}.{name}\""));
            let all = clears.then(|| format!("\"{key}\""));
            let gone: Vec<_> = all.into_iter().chain(gone).collect();
            let after = if chained && number > 0 {
                format!("\"{}\"", name(number - 1))
            } else {
                String::new()
            };
            write!(
                text,
                "[rollout.phases.p{at}.steps.{}]\nsummary = \"x\"\nafter = [{after}]\n\
                 unset = [{}]\nset.{key} = {{ {} }}\n",
                name(number),
                gone.join(", "),
                set.join(", ")
            )
            .unwrap();
        }
    }
    OneFile(FILE, text)
}

/// The settings after all steps of `phases`, one after the other.
fn laid(phases: &[Vec<Step>]) -> BTreeMap<String, String> {
    let mut laid: BTreeMap<_, _> =
        ["A", "B", "C"].map(|key| (key.to_owned(), "file".to_owned())).into();
    for Step { does, clears } in phases.iter().flatten() {
        if *clears {
            laid.clear();
        }
        laid.retain(|key, _| does.get(&key.chars().next().unwrap()) != Some(&None));
        for (key, value) in does {
            if let Some(value) = value {
                laid.insert(key.to_string(), value.to_string());
            }
        }
    }
    laid
}

fn settings(environment: &Environment) -> BTreeMap<String, String> {
    environment.service.stages["i"].env.clone()
}

fn said(diagnostics: &Diagnostics) -> String {
    diagnostics.render(Look::PLAIN)
}

fn phase(at: usize) -> Name {
    format!("p{at}").parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_phase_is_the_file_with_the_steps_of_all_phases_up_to_it(phases in rollout(), live in 0usize..4) {
        let live = (live < phases.len()).then_some(live);
        // By name the last would come first.
        let loader = written(&phases, live, true, |number| format!("s{}", 9 - number));
        let (all, found) = resolve_phases(FILE, &loader);
        prop_assert!(all.is_some(), "{}\n{}", said(&found), loader.1);
        let all = all.unwrap();
        for (at, (name, resolved)) in all.phases.iter().enumerate() {
            prop_assert_eq!(name, &phase(at));
            let expected = laid(&phases[..=at]);
            prop_assert_eq!(&settings(&resolved.environment), &expected, "{}", loader.1);
            let (alone, found) = resolve_at(FILE, &loader, Some(name));
            prop_assert!(alone.is_some(), "{}", said(&found));
            let alone = alone.unwrap();
            prop_assert_eq!(&settings(&alone.environment), &expected);
            prop_assert_eq!(alone.environment.environment.phase.as_ref(), Some(name));
            prop_assert_eq!(&alone.digest, &resolved.digest);
            let written = written(&phases, Some(at), true, |number| format!("s{}", 9 - number));
            let (live, _) = resolve(FILE, &written);
            prop_assert_eq!(live.map(|live| live.digest), Some(alone.digest));
        }
        let (before, _) = resolve_at(FILE, &loader, None);
        let before = before.unwrap();
        prop_assert_eq!(settings(&before.environment), laid(&[]));
        prop_assert_eq!(before.environment.environment.phase, None);
        let expected = laid(&phases[..live.map_or(0, |at| at + 1)]);
        prop_assert_eq!(settings(&all.live.environment), expected);
    }

    #[test]
    fn steps_that_do_not_fight_may_be_taken_in_any_order(phases in rollout()) {
        let last = phases.len() - 1;
        let one = written(&phases, Some(last), false, |number| format!("s{number}"));
        let other = written(&phases, Some(last), false, |number| format!("s{}", 9 - number));
        let [one, other] = [one, other].map(|loader| resolve(FILE, &loader).0);
        let [one, other] =
            [one, other].map(|resolved| resolved.map(|resolved| settings(&resolved.environment)));
        prop_assert_eq!(one, other);
    }

    #[test]
    fn laying_what_is_laid_changes_nothing(phases in rollout()) {
        let loader = written(&phases, Some(phases.len() - 1), true, |number| format!("s{number}"));
        let resolved = resolve(FILE, &loader).0.unwrap();
        let again = resolve(FILE, &OneFile(FILE, resolved.to_toml())).0;
        prop_assert!(again.is_some(), "{}", resolved.to_toml());
        prop_assert_eq!(&again.as_ref().unwrap().environment, &resolved.environment);
        prop_assert_eq!(again.unwrap().digest, resolved.digest);
    }
}

#[test]
fn later_phases_and_the_history_are_no_part_of_what_a_plan_was_made_of() {
    let step = |value| Step { does: [('A', Some(value))].into(), clears: false };
    let digest = |phases: &[Vec<Step>], more: &str| {
        let OneFile(_, text) = written(phases, Some(0), false, |number| format!("s{number}"));
        resolve(FILE, &OneFile(FILE, text + more)).0.unwrap().digest
    };
    let now = digest(&[vec![step(1)], vec![step(2)]], "");
    let history = "[[rollout.history]]\nat = \"2026-12-01T08:00:00Z\"\nby = \"x\"\n";
    let criterion = "[rollout.phases.p1.exit.a]\nmeasure = \"availability\"\nat_least = \"99%\"\n";
    assert_eq!(now, digest(&[vec![step(1)], vec![step(0)]], history));
    assert_eq!(now, digest(&[vec![step(1)], vec![step(2)]], criterion));
    assert_ne!(now, digest(&[vec![step(0)], vec![step(2)]], ""));
    assert_ne!(now, digest(&[vec![step(1)], vec![step(2)]], "[rollout.waves]\nwait = \"1m\"\n"));
}

#[test]
fn a_value_has_the_line_of_the_step_that_sets_it_and_a_table_its_own() {
    let step = Step { does: [('A', Some(1))].into(), clears: false };
    let loader = written(&[vec![step]], Some(0), false, |_| "s".to_owned());
    let resolved = resolve(FILE, &loader).0.unwrap();
    let line = |key: &str| {
        let place = resolved.origins.exact(key).unwrap();
        loader.1.lines().nth(place.line - 1).unwrap().to_owned()
    };
    assert!(line("service.stages.i.env.A").starts_with("set.service"), "{}", loader.1);
    assert!(line("service.stages.i.env.B").starts_with("env = "));
    assert_eq!(line("service.stages.i"), "[service.stages.i]");
}

#[test]
fn every_step_is_taken_once() {
    let steps = |after: &[(&str, &[&str])]| {
        let loader = written(&[vec![]], None, false, |_| String::new());
        let mut text = loader.1;
        for (name, after) in after {
            write!(text, "[rollout.phases.p0.steps.{name}]\nsummary = \"x\"\nafter = {after:?}\n")
                .unwrap();
        }
        let (resolved, found) = resolve(FILE, &OneFile(FILE, text));
        let resolved = resolved.unwrap_or_else(|| panic!("{}", said(&found)));
        let phase = &resolved.environment.rollout.phases["p0"];
        let order: Vec<String> =
            phase.steps_in_order().iter().map(|(name, _)| name.to_string()).collect();
        assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), after.len());
        order
    };
    assert_eq!(steps(&[("a", &["c"]), ("b", &[]), ("c", &[])]), ["b", "c", "a"]);
    assert_eq!(
        steps(&[("a", &["b"]), ("b", &["c"]), ("c", &[]), ("d", &["a"])]),
        ["c", "b", "a", "d"]
    );
}
