//! Where something cannot be seen, nothing is scaled in and nothing goes.

use super::declared::declared;
use super::heal::World;
use super::history::{edit, scale};
use super::place::{Place, shown};
use floodway::backend::sim::{Fault, FaultKind};
use floodway::pipeline::Error;
use floodway::plan::{Action, Plan, PlanOptions, Step};
use proptest::prelude::*;
use std::collections::BTreeMap;

const LISTS: [&str; 8] = [
    "Deployment",
    "AutoScalingGroup",
    "ConfigMap",
    "Service",
    "HorizontalPodAutoscaler",
    "EndpointSlice",
    "PodDisruptionBudget",
    "Node",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn missing_data_never_scales_in_and_never_destroys(
        declared in declared(),
        edits in prop::collection::vec(edit(), 0..4),
        scales in prop::collection::vec(scale(), 0..3),
        list in prop::sample::select(&LISTS[..]),
        kind in prop_oneof![Just(FaultKind::Denied), Just(FaultKind::Throttled)],
    ) {
        let mut place = Place::new(declared);
        place.converge(World::Undisturbed);
        scales.iter().for_each(|scale| place.drift(scale));
        place.pass(30);
        let before = place.fork();
        place.edit(&edits);
        let sighted = place.plan();
        let fault = Fault { kind, name: String::new(), list: Some(list.to_owned()), calls: 99 };
        let blind = place.with_fault(fault);
        match blind.try_plan(&PlanOptions::default()) {
            Err(error) => prop_assert!(matches!(error, Error::Place(_)), "{error}"),
            Ok(plan) => assert_takes_nothing_away(&plan, &sighted, list),
        }
        // Whatever was planned, and even where it may be applied.
        if let Ok(plan) = blind.try_plan(&PlanOptions::default())
            && plan.refusals.is_empty()
        {
            let _ = blind.apply(&plan);
        }
        let kept = before.ours();
        let there = blind.everything();
        for id in kept.iter().filter(|id| list != "Node" && !there.contains(id)) {
            prop_assert!(false, "{id} was destroyed");
        }
    }
}

/// No step destroys; and no number falls that would not fall in full sight.
fn assert_takes_nothing_away(plan: &Plan, sighted: &Plan, list: &str) {
    if list == "Node" {
        return;
    }
    let falls = |plan: &Plan| -> BTreeMap<String, u64> { lowered(plan) };
    let (blind, full) = (falls(plan), falls(sighted));
    for change in &plan.changes {
        assert!(!matches!(change.action, Action::Delete | Action::Replace), "{}", shown(plan));
        for step in &change.steps {
            let takes =
                matches!(step, Step::Drain { .. } | Step::DrainUnits { .. } | Step::Delete { .. });
            assert!(!takes, "{step:?}");
        }
    }
    for (id, to) in blind {
        assert!(
            full.get(&id).is_some_and(|full| *full <= to),
            "{id} falls to {to}: {}",
            shown(plan)
        );
    }
}

/// Numbers of units that fall, by thing, with what they fall to.
fn lowered(plan: &Plan) -> BTreeMap<String, u64> {
    let number = |value: &Option<serde_json::Value>| value.as_ref().and_then(|v| v.as_u64());
    let fields = plan.changes.iter().flat_map(|c| c.fields.iter().map(move |field| (c, field)));
    fields
        .filter(|(_, field)| matches!(field.path.as_str(), "desired" | "spec.replicas"))
        .filter_map(|(c, field)| Some((c, number(&field.before)?, number(&field.after)?)))
        .filter(|(_, before, after)| after < before)
        .map(|(change, _, after)| (change.id.to_string(), after))
        .collect()
}
