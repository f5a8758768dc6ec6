use super::super::fixture::{self, decision, environment, inventory, live, live_thing, unit};
use super::*;
use crate::spec::model::Moved;

fn named(environment: &Environment, inventory: &Inventory, pool: &str) -> String {
    let decision = decision(environment, inventory);
    workloads(environment, &decision, inventory, &inventory.by_pool())[pool].clone()
}

fn moved(from: &str, to: &str) -> Moved {
    Moved { from: from.into(), to: to.into() }
}

/// The fixture with its pool `h100` under another name.
fn renamed(to: &str) -> Environment {
    let mut environment = environment();
    let pools = &mut environment.onprem.as_mut().unwrap().pools;
    let pool = pools.remove("h100").unwrap();
    pools.insert(unit(to), pool);
    environment
}

#[test]
fn a_new_pool_is_named_after_service_stage_and_pool() {
    assert_eq!(named(&environment(), &fixture::empty(), "h100"), "deepseek-inference-h100");
}

#[test]
fn what_is_there_keeps_its_name_whatever_it_is() {
    let seen = inventory([live("some-older-name", "inference", "h100")]);
    assert_eq!(named(&environment(), &seen, "h100"), "some-older-name");
}

#[test]
fn a_renamed_pool_keeps_the_name_of_what_runs() {
    let mut environment = renamed("h200");
    environment.moved = vec![moved("h100", "h200")];
    let seen = inventory([live("deepseek-inference-h100", "inference", "h100")]);
    assert_eq!(named(&environment, &seen, "h200"), "deepseek-inference-h100");
}

#[test]
fn renames_in_a_row_are_followed() {
    let mut environment = renamed("b200");
    environment.moved = vec![moved("h100", "h200"), moved("h200", "b200"), moved("b200", "h100")];
    let seen = inventory([live("deepseek-inference-h100", "inference", "h100")]);
    assert_eq!(named(&environment, &seen, "b200"), "deepseek-inference-h100");
}

#[test]
fn a_pool_does_not_take_what_belongs_to_another_pool_of_today() {
    let mut environment = environment();
    environment.moved = vec![moved("h100", "front")];
    let seen = inventory([live("deepseek-inference-h100", "inference", "h100")]);
    assert_eq!(named(&environment, &seen, "h100"), "deepseek-inference-h100");
    assert_eq!(named(&environment, &seen, "front"), "deepseek-preprocess-front");
}

#[test]
fn a_pool_that_changes_its_stage_gets_a_new_name() {
    let seen = inventory([live("deepseek-inference-h100", "postprocess", "h100")]);
    assert_eq!(named(&environment(), &seen, "h100"), "deepseek-inference-h100-2");
}

#[test]
fn a_foreign_selector_cannot_be_kept() {
    let mut adopted = live("deepseek-inference-h100", "inference", "h100");
    adopted.fields =
        serde_json::json!({ "spec": { "selector": { "matchLabels": { "app": "x" } } } }).into();
    let seen = inventory([adopted]);
    assert_eq!(named(&environment(), &seen, "h100"), "deepseek-inference-h100-2");
}

#[test]
fn after_an_interrupted_replacement_the_new_one_is_kept() {
    let seen = inventory([
        live("deepseek-inference-h100", "postprocess", "h100"),
        live("deepseek-inference-h100-2", "inference", "h100"),
    ]);
    assert_eq!(named(&environment(), &seen, "h100"), "deepseek-inference-h100-2");
}

#[test]
fn the_lowest_free_number_is_taken_and_what_is_being_deleted_still_holds_its_name() {
    let mut going = live("deepseek-inference-h100", "inference", "h100");
    going.deleting = true;
    let seen = inventory([going, live("deepseek-inference-h100-3", "inference", "gone")]);
    assert_eq!(named(&environment(), &seen, "h100"), "deepseek-inference-h100-2");
}

#[test]
fn a_stranger_at_the_name_is_not_evaded_but_left_to_the_plan() {
    let mut stranger = live("deepseek-inference-h100", "", "");
    stranger.ownership = Ownership::Unmarked;
    let seen = inventory([stranger]);
    assert_eq!(named(&environment(), &seen, "h100"), "deepseek-inference-h100");
}

#[test]
fn two_pools_whose_parts_spell_the_same_do_not_share_a_name() {
    let mut environment = environment();
    let stage = environment.service.stages[&fixture::name("inference")].clone();
    environment.service.stages.insert(unit("a"), stage.clone());
    environment.service.stages.insert(unit("a-b"), stage);
    let pools = &mut environment.onprem.as_mut().unwrap().pools;
    let mut pool = pools["h100"].clone();
    pool.stage = unit("a");
    pools.insert(unit("b-c"), pool.clone());
    pool.stage = unit("a-b");
    pools.insert(unit("c"), pool);
    assert_eq!(named(&environment, &fixture::empty(), "b-c"), "deepseek-a-b-c");
    assert_eq!(named(&environment, &fixture::empty(), "c"), "deepseek-a-b-c-2");
}

#[test]
fn long_names_are_cut_to_a_label_and_stay_apart() {
    let long = |end: &str| join(&[&"s".repeat(40), &"t".repeat(40), end], LABEL_MAX);
    assert_eq!(long("a").len(), LABEL_MAX);
    assert_ne!(long("a"), long("b"));
    assert_eq!(long("a"), long("a"));
    let taken = BTreeSet::from([long("a")]);
    let next = lowest_free(&[&"s".repeat(40), &"t".repeat(40), "a"], &taken);
    assert!(next.len() <= LABEL_MAX && next.ends_with("-2"), "{next}");
}

#[test]
fn groups_are_named_by_environment_pool_market_and_type_and_keep_their_names() {
    let mut environment = environment();
    let pools = &mut environment.aws.as_mut().unwrap().pools;
    let pool = pools.remove("g6e").unwrap();
    pools.insert(unit("l40s"), pool);
    environment.moved = vec![moved("g6e", "l40s")];
    let fields = serde_json::json!({ "instance_types": ["g6e.12xlarge"], "capacity_type": "spot" });
    let id = ResourceId::group("us-east-1", "prod-g6e-spot-g6e.12xlarge");
    let seen = inventory([live_thing(id, "inference", "g6e", fields)]);
    let decision = decision(&environment, &seen);
    let crate::decide::PoolKind::Burst(groups) = &decision.pools["l40s"].kind else { panic!() };
    assert_eq!(
        super::groups(
            &environment,
            &decision,
            (&seen, &seen.by_pool()),
            &unit("l40s"),
            groups,
            "x"
        ),
        [
            "prod-l40s-od-g6e.12xlarge",
            "prod-g6e-spot-g6e.12xlarge",
            "prod-l40s-od-g5.12xlarge",
            "prod-l40s-spot-g5.12xlarge",
        ]
    );
}

#[test]
fn a_group_whose_instances_serve_another_workload_or_join_otherwise_is_not_kept() {
    let environment = environment();
    let name = "prod-g6e-od-g6e.12xlarge";
    let seen = |workload: &str, join: &str| {
        let fields = serde_json::json!({
            "instance_types": ["g6e.12xlarge"], "capacity_type": "on-demand",
        });
        let id = ResourceId::group("us-east-1", name);
        inventory([serving(live_thing(id, "postprocess", "g6e", fields), workload, join)])
    };
    for (workload, join, expected) in [
        ("deepseek-inference-g6e", "kubernetes", name.to_owned()),
        ("deepseek-postprocess-g6e", "kubernetes", format!("{name}-2")),
        ("deepseek-inference-g6e", "standalone", format!("{name}-2")),
    ] {
        let seen = seen(workload, join);
        let decision = decision(&environment, &seen);
        let crate::decide::PoolKind::Burst(groups) = &decision.pools["g6e"].kind else { panic!() };
        let served = workloads(&environment, &decision, &seen, &seen.by_pool())["g6e"].clone();
        let named = super::groups(
            &environment,
            &decision,
            (&seen, &seen.by_pool()),
            &unit("g6e"),
            groups,
            &served,
        );
        assert_eq!(named[0], expected);
    }
}

#[test]
fn a_group_keeps_its_name_while_it_shares_a_type_and_nothing_else_has_it() {
    let environment = environment();
    let there = |name: &str, types: &[&str]| {
        let fields = serde_json::json!({ "instance_types": types, "capacity_type": "on-demand" });
        live_thing(ResourceId::group("us-east-1", name), "inference", "g6e", fields)
    };
    let named = |there: &[Live]| {
        let seen = inventory(there.iter().cloned());
        let decision = decision(&environment, &seen);
        let crate::decide::PoolKind::Burst(groups) = &decision.pools["g6e"].kind else { panic!() };
        let names = super::groups(
            &environment,
            &decision,
            (&seen, &seen.by_pool()),
            &unit("g6e"),
            groups,
            "x",
        );
        let [g6e, _, g5, _] = &names[..] else { panic!("{names:?}") };
        (g6e.clone(), g5.clone())
    };
    let (g6e, g5) = ("prod-g6e-od-g6e.12xlarge", "prod-g6e-od-g5.12xlarge");
    let split = there(g6e, &["g6e.12xlarge", "g5.12xlarge"]);
    assert_eq!(named(&[split]), (g6e.into(), g5.into()));
    let reordered = there(g6e, &["g5.12xlarge", "g6e.12xlarge"]);
    assert_eq!(named(&[reordered]), (format!("{g6e}-2"), g6e.into()));
    let older = there("older", &["p4d.24xlarge", "g6e.12xlarge"]);
    assert_eq!(named(std::slice::from_ref(&older)), ("older".into(), g5.into()));
    assert_eq!(named(&[older, there(g6e, &["g6e.12xlarge"])]), (g6e.into(), g5.into()));
}

#[test]
fn a_workload_that_is_gone_is_made_anew_under_the_name_that_its_nodes_know() {
    let mut environment = environment();
    let pools = &mut environment.aws.as_mut().unwrap().pools;
    let pool = pools.remove("g6e").unwrap();
    pools.insert(unit("l40s"), pool);
    let workload = "deepseek-inference-g6e";
    let id = ResourceId::group("us-east-1", "prod-g6e-od-g6e.12xlarge");
    let group = live_thing(id, "inference", "l40s", serde_json::json!({}));
    let group = serving(group, workload, "kubernetes");
    assert_eq!(named(&environment, &inventory([group.clone()]), "l40s"), workload);
    let taken = live(workload, "inference", "other");
    assert_eq!(named(&environment, &inventory([group, taken]), "l40s"), "deepseek-inference-l40s");
}

/// A group whose instances run `workload` and join so.
fn serving(mut group: Live, workload: &str, join: &str) -> Live {
    group.marks.insert("workload".into(), workload.into());
    group.marks.insert("join".into(), join.into());
    group
}
