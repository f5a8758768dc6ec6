//! What others did to owned fields, and what a plan says it is worth.

use super::world::{World, of};
use super::{H100, active, place};
use crate::observe::Taken;
use crate::plan::*;
use crate::spec::model::Count;
use crate::units::{Rate, UsdPerHour};
use serde_json::json;

#[test]
fn a_taken_field_is_shown_with_its_value_and_who_took_it() {
    let mut world = World::applied();
    let container = "spec.template.spec.containers[server]";
    let live = world.live("Deployment", H100);
    live.fields.edit(|fields| {
        let server = &mut fields["spec"]["template"]["spec"]["containers"][0];
        server.as_object_mut().unwrap().remove("image");
    });
    let taken = |value| Taken { manager: "kubectl-edit".into(), value };
    live.taken.insert(format!("{container}.image"), taken(json!("hotfix:1")));
    let plan = world.plan();
    let change = of(&plan, "Deployment", H100);
    assert_eq!(change.fields[0].before, Some(json!("hotfix:1")));
    assert_eq!(change.notes, [format!("{container}.image was changed by kubectl-edit")]);
    assert_eq!((plan.totals.update, active(&plan).len()), (1, 1));
    assert!(matches!(
        change.steps[..],
        [Step::Apply { takes: Takes::Nothing, .. }, Step::AwaitReady { .. }]
    ));

    world.options.force_conflicts = true;
    let plan = world.plan();
    assert!(matches!(
        of(&plan, "Deployment", H100).steps[0],
        Step::Apply { takes: Takes::Conflicts(None), .. }
    ));
}

#[test]
fn a_taken_field_with_the_wanted_value_is_no_difference() {
    let mut world = World::applied();
    let leaves = of(&world.plan(), "Deployment", H100).unchanged;
    let live = world.live("Deployment", H100);
    live.fields.edit(|fields| {
        let server = &mut fields["spec"]["template"]["spec"]["containers"][0];
        let cpu = server["resources"]["limits"].as_object_mut().unwrap().remove("cpu").unwrap();
        assert_eq!(cpu, json!("8"));
    });
    live.taken.insert(
        "spec.template.spec.containers[server].resources.limits.cpu".into(),
        Taken { manager: "vpa".into(), value: json!("8000m") },
    );
    assert!(world.plan().is_empty(), "{:?}", active(&world.plan()));
    assert_eq!(of(&world.plan(), "Deployment", H100).unchanged, leaves);
}

#[test]
fn the_sums_say_what_an_apply_is_worth() {
    let mut world = World::empty();
    let totals = world.plan().totals;
    // h100: 3 × 1 GPU × 18 req/s; edge: one g6e.12xlarge with 4 GPUs × 9 req/s.
    assert_eq!((totals.gpus.before, totals.gpus.after), (0, 3 + 4));
    assert_eq!((totals.nodes.before, totals.nodes.after), (0, 1));
    assert_eq!(totals.capacity["inference"].after, Rate::from_millis(54_000 + 36_000));
    assert_eq!(totals.burst.after.exact(), Some(UsdPerHour::from_micros(10_490_000)));
    world.apply();
    world.scale("Deployment", H100, 10, "floodway-run");
    world.scale("AutoScalingGroup", "prod-g6e-spot-g5.12xlarge", 2, "floodway-run");
    world.environment.aws.as_mut().unwrap().pools.remove("edge");
    let plan = world.plan();
    let totals = &plan.totals;
    assert_eq!((totals.gpus.before, totals.gpus.after), (10 + 8 + 4, 10 + 8));
    assert_eq!((totals.nodes.before, totals.nodes.after), (3, 2));
    let usd = totals.burst;
    assert_eq!(usd.before.known.micros() - usd.after.known.micros(), 10_490_000);
    let edge = plan.pools.iter().find(|pool| pool.pool == "edge").unwrap();
    assert_eq!((edge.units.before, edge.units.after), (1, 0));
    assert!(
        plan.warnings.iter().any(|text| text.starts_with("pool edge is not declared any more"))
    );
}

#[test]
fn a_new_instance_type_takes_over_what_the_old_one_ran() {
    let mut world = World::applied();
    let pool = world.environment.aws.as_mut().unwrap().pools.get_mut("g6e").unwrap();
    pool.instance_types = vec!["g6e.12xlarge".into()];
    world.apply();
    world.scale("AutoScalingGroup", "prod-g6e-od-g6e.12xlarge", 4, "floodway-run");
    let pool = world.environment.aws.as_mut().unwrap().pools.get_mut("g6e").unwrap();
    pool.instance_types = vec!["g5.12xlarge".into()];
    let plan = world.plan();
    let (old, new) = ("prod-g6e-od-g6e.12xlarge", "prod-g6e-od-g5.12xlarge");
    let steps = &of(&plan, "AutoScalingGroup", new).steps;
    assert!(matches!(&steps[0], Step::PassOn { number: 4, .. }));
    assert!(matches!(&steps[1], Step::Apply { seed: Some(seed), .. } if seed.value == json!(4)));
    assert!(matches!(&steps[2], Step::AwaitReady { .. }));
    let at = super::place(&plan, "AutoScalingGroup", new);
    assert!(of(&plan, "AutoScalingGroup", old).after.contains(&at));
    assert_eq!(plan.totals.nodes, Flow { before: 4 + 1, after: 4 + 1 });
}

#[test]
fn a_replacement_that_was_cut_off_goes_on_where_it_stopped() {
    let mut world = World::applied();
    world.scale("Deployment", H100, 5, "floodway-run");
    let pools = &mut world.environment.onprem.as_mut().unwrap().pools;
    pools.get_mut("h100").unwrap().stage = "postprocess".parse().unwrap();
    let mut plan = world.plan();
    for change in &mut plan.changes {
        change.steps.truncate(1);
    }
    plan.changes.retain(|change| change.action != Action::Delete);
    world.execute(&plan);
    let plan = world.plan();
    let old = of(&plan, "Deployment", H100);
    assert_eq!(old.action, Action::Delete);
    let new = "deepseek-postprocess-h100";
    assert!(matches!(&old.steps[0], Step::AwaitReady { id, .. } if id.name == new));
    assert!(matches!(&old.steps[1..], [Step::Drain { .. }, Step::Delete { .. }]));
    world.execute(&plan);
    assert!(world.plan().is_empty(), "{:?}", active(&world.plan()));
    assert_eq!(world.live("Deployment", new).runtime.as_ref().unwrap().value, json!(5));
}

#[test]
fn nodes_of_a_removed_burst_pool_go_after_the_pods_on_them() {
    let mut world = World::applied();
    world.scale("AutoScalingGroup", "prod-g6e-od-g6e.12xlarge", 2, "floodway-run");
    world.environment.aws.as_mut().unwrap().pools.remove("g6e");
    let plan = world.plan();
    let pods = super::place(&plan, "Deployment", "deepseek-inference-g6e");
    assert!(of(&plan, "AutoScalingGroup", "prod-g6e-od-g6e.12xlarge").after.contains(&pods));
    world.execute(&plan);
    assert!(world.plan().is_empty());
}

#[test]
fn the_parents_count_alone_is_a_change_that_counts() {
    let mut world = World::applied();
    let parent = world.live("ConfigMap", "floodway-prod");
    parent
        .fields
        .edit(|fields| fields["metadata"]["annotations"]["floodway.dev/members"] = json!("3"));
    let plan = world.plan();
    assert_eq!(active(&plan), ["Update ConfigMap inference/floodway-prod"]);
    assert_eq!(plan.totals.update, 1);
    let change = of(&plan, "ConfigMap", "floodway-prod");
    assert_eq!(change.fields[0].path, "metadata.annotations[\"floodway.dev/members\"]");
    assert_eq!(change.before.as_ref().unwrap().value()["kind"], "ConfigMap");
}

#[test]
fn a_group_is_handed_to_the_controller_without_a_hold() {
    let mut world = World::applied();
    let pool = world.environment.aws.as_mut().unwrap().pools.get_mut("edge").unwrap();
    pool.size = Count::Between { min: 0, max: 5 };
    let plan = world.plan();
    let change = of(&plan, "AutoScalingGroup", "prod-edge-od-g6e.12xlarge");
    assert!(!change.steps.iter().any(|step| matches!(step, Step::Hold { .. })));
    assert_eq!(change.fields.len(), 1, "max, and not desired: {:?}", change.fields);
    world.execute(&plan);
    assert!(world.plan().is_empty());
}

#[test]
fn waits_are_as_long_as_the_environment_allows() {
    let mut world = World::applied();
    world.scale("Deployment", H100, 4, "floodway-run");
    world.scale("AutoScalingGroup", "prod-g6e-od-g6e.12xlarge", 2, "floodway-run");
    world.environment.service.stages.get_mut("inference").unwrap().image = "new".into();
    world.environment.aws.as_mut().unwrap().pools.remove("g6e");
    let plan = world.plan();
    let change = of(&plan, "Deployment", H100);
    let deadline =
        change.body.as_ref().unwrap().value()["spec"]["progressDeadlineSeconds"].as_u64();
    let Step::AwaitReady { limit, .. } = &change.steps[1] else { panic!("{:?}", change.steps) };
    assert_eq!(limit.secs_ceil(), 4 * deadline.unwrap() + 60, "one replica after the other");
    let drained = |kind, name| {
        let steps = &of(&plan, kind, name).steps;
        let Step::Drain { limit, .. } = &steps[0] else { panic!("{steps:?}") };
        limit.secs_ceil()
    };
    assert_eq!(drained("Deployment", "deepseek-inference-g6e"), 2 * 60 + 300);
    assert_eq!(drained("AutoScalingGroup", "prod-g6e-od-g6e.12xlarge"), 10 * 60 + 300);
}

#[test]
fn a_rollout_that_was_cut_off_is_waited_for_and_what_an_autoscaler_asked_for_is_not() {
    let mut world = World::applied();
    let workload = world.live("Deployment", H100).workload.as_mut().unwrap();
    let desired = workload.desired;
    workload.ready = 1;
    assert!(!world.plan().has_work(), "some serve, the rest is on its way");
    let workload = world.live("Deployment", H100).workload.as_mut().unwrap();
    workload.ready = 0;
    let plan = world.plan();
    assert!(plan.is_empty() && plan.has_work());
    let waits = &of(&plan, "Deployment", H100).steps;
    assert!(matches!(waits[..], [Step::AwaitReady { .. }]));
    let said = format!("is not rolled out yet: 0 of {desired} ready");
    assert!(plan.warnings.iter().any(|text| text.contains(&said)), "{:?}", plan.warnings);
}

#[test]
fn a_group_gives_nodes_back_after_the_pods_on_them_are_gone() {
    let mut world = World::applied();
    let mut resize = |count| {
        let pools = &mut world.environment.aws.as_mut().unwrap().pools;
        pools.get_mut("g6e").unwrap().size = Count::Fixed(count);
        let plan = world.plan();
        let pods = place(&plan, "Deployment", "deepseek-inference-g6e");
        let moved = |c: &Change| {
            c.id.kind == "AutoScalingGroup" && c.fields.iter().any(|f| f.path == "desired")
        };
        let group = plan.changes.iter().position(moved).unwrap();
        let order =
            (plan.changes[pods].after.contains(&group), plan.changes[group].after.contains(&pods));
        world.execute(&plan);
        order
    };
    assert_eq!(resize(3), (true, false), "nodes before the pods that need them");
    assert_eq!(resize(1), (false, true), "pods before the nodes that they leave");
}

#[test]
fn what_a_drain_left_at_nothing_is_raised_when_it_is_wanted_again() {
    let mut world = World::applied();
    world.scale("Deployment", H100, 0, "floodway-handover");
    let plan = world.plan();
    let change = of(&plan, "Deployment", H100);
    assert_eq!(change.action, Action::Update);
    assert_eq!(change.notes, ["stands at 0, from where no autoscaler scales"]);
    assert!(change.steps.iter().any(|step| matches!(step, Step::Raise { least: 3, .. })));
    // The server sees no difference: what git owns of it is as it was.
    let draft = world.draft();
    let unchanged: Vec<_> =
        draft.check_requests().iter().map(|(index, _)| (*index, Verdict::Unchanged)).collect();
    let checked = finish(draft, unchanged).unwrap();
    assert_eq!(of(&checked, "Deployment", H100).steps, change.steps);
    world.execute(&plan);
    assert!(!world.plan().has_work());
    world.scale("Deployment", H100, 0, "floodway-run");
    assert!(world.plan().is_empty(), "a runtime owner may scale to nothing");
}
