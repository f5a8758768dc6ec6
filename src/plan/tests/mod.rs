//! Whole plans over whole worlds, on the pure level.

mod burst;
mod destroy;
mod drift;
mod guards;
mod reservations;
mod room;
mod sharing;
mod spending;
mod stale;
mod waves;
pub(crate) mod world;

use super::*;
use crate::spec::model::{Count, Hpa};
use serde_json::json;
use world::{World, ids, of};

const FRONT: &str = "deepseek-preprocess-front";
const H100: &str = "deepseek-inference-h100";

fn active(plan: &Plan) -> Vec<String> {
    let changed = plan.changes.iter().filter(|change| change.action != Action::NoOp);
    changed.map(|change| format!("{:?} {}", change.action, change.id)).collect()
}

fn place(plan: &Plan, kind: &str, name: &str) -> usize {
    let id = &of(plan, kind, name).id;
    plan.changes.iter().position(|change| change.id == *id).unwrap()
}

#[test]
fn an_empty_world_gets_everything_and_then_nothing_more() {
    let mut world = World::empty();
    let plan = world.plan();
    assert_eq!(plan.refusals, []);
    let (first, last) = (&plan.changes[0], plan.changes.last().unwrap());
    assert_eq!(first.id.kind, "Namespace");
    assert_eq!((last.id.kind.as_str(), last.action), ("ConfigMap", Action::Update));
    assert_eq!(plan.totals.create, plan.changes.len() - 1, "the parent's count is no change");
    assert_eq!(plan.totals.update, 0);
    assert_eq!(first.checked, Checked::ByServer);
    let inside = Checked::Not("namespace inference does not exist yet".into());
    assert_eq!(of(&plan, "Deployment", H100).checked, inside);
    world.execute(&plan);

    let again = world.plan();
    assert!(again.is_empty(), "{:#?}", active(&again));
    assert_eq!(again.changes.len(), world.inventory.resources.len());
    assert_eq!(again.totals.create + again.totals.update, 0);
    let members = world.inventory.last_apply.as_ref().unwrap().members as usize;
    assert_eq!(members, world.inventory.resources.len() - 1);
}

#[test]
fn members_come_after_the_parent_and_its_count_after_all() {
    let plan = World::empty().plan();
    let parent = place(&plan, "ConfigMap", "floodway-prod");
    for (index, change) in plan.changes.iter().enumerate() {
        if change.id.kind != "Namespace" && index != parent {
            assert!(change.after.contains(&parent), "{}", change.id);
        }
    }
    let last = plan.changes.last().unwrap();
    assert_eq!(last.after.len(), plan.changes.len() - 1);
    let opening = plan.changes[parent].body.as_ref().unwrap();
    assert_eq!(opening.at("/metadata/annotations/floodway.dev~1members"), None);
}

#[test]
fn the_first_write_of_the_parent_names_old_kinds_and_new_ones() {
    let mut world = World::applied();
    world.environment.onprem.as_mut().unwrap().pools.get_mut("front").unwrap().hpa = None;
    let parent = world.live("ConfigMap", "floodway-prod");
    let kinds = "/metadata/annotations/applyset.kubernetes.io~1contains-group-kinds";
    parent.fields.edit(|fields| {
        fields["metadata"]["annotations"]["applyset.kubernetes.io/contains-group-kinds"] =
            json!("Deployment.apps,Job.batch");
    });
    let plan = world.plan();
    let writes: Vec<_> = plan
        .changes
        .iter()
        .filter(|c| c.id.name == "floodway-prod" && c.id.kind == "ConfigMap")
        .collect();
    let text = |change: &Change| change.body.as_ref().unwrap().at(kinds).unwrap().to_string();
    assert!(text(writes[0]).contains("Job.batch") && text(writes[0]).contains("Service"));
    assert!(!text(writes[1]).contains("Job.batch"));
    assert!(!text(writes[1]).contains("HorizontalPodAutoscaler"), "the last one is deleted");
}

#[test]
fn what_the_runtime_owner_set_is_shown_and_left_alone() {
    let mut world = World::applied();
    world.scale("Deployment", FRONT, 17, "kube-controller-manager");
    world.scale("AutoScalingGroup", "prod-g6e-od-g6e.12xlarge", 4, "floodway-run");
    let plan = world.plan();
    assert!(plan.is_empty(), "{:#?}", active(&plan));
    let owned = of(&plan, "Deployment", FRONT).owned_by.clone().unwrap();
    assert_eq!((owned.0.as_str(), owned.1), ("/spec/replicas", Some(json!(17))));
}

#[test]
fn replicas_are_held_before_git_gives_them_up() {
    let mut world = World::applied();
    let pools = &mut world.environment.onprem.as_mut().unwrap().pools;
    let back = pools.get_mut("back").unwrap();
    back.replicas = Count::Between { min: 1, max: 5 };
    back.hpa = Some(Hpa { cpu: Some("70%".parse().unwrap()), requests_per_second: None });
    let name = "deepseek-postprocess-back";
    world.scale("Deployment", name, 2, "floodway");
    let plan = world.plan();
    let change = of(&plan, "Deployment", name);
    assert!(matches!(&change.steps[0], Step::Hold { path, .. } if path == "/spec/replicas"));
    assert!(
        matches!(&change.steps[1], Step::Apply { body, .. } if body.at("/spec/replicas").is_none())
    );
    assert_eq!(change.notes, ["hands spec.replicas = 2 over to the HPA"]);
    assert!(place(&plan, "HorizontalPodAutoscaler", name) > place(&plan, "Deployment", name));
    world.execute(&plan);
    assert!(world.plan().is_empty(), "{:#?}", active(&world.plan()));
    assert_eq!(world.live("Deployment", name).runtime.as_ref().unwrap().value, json!(2));
}

#[test]
fn the_autoscaler_is_gone_before_git_takes_replicas_over() {
    let mut world = World::applied();
    world.scale("Deployment", FRONT, 12, "kube-controller-manager");
    let pools = &mut world.environment.onprem.as_mut().unwrap().pools;
    let front = pools.get_mut("front").unwrap();
    (front.replicas, front.hpa) = (Count::Fixed(12), None);
    let plan = world.plan();
    let change = of(&plan, "Deployment", FRONT);
    assert_eq!(change.action, Action::Update);
    assert_eq!(change.fields, [], "12 it is, and stays");
    assert_eq!(change.notes, ["takes spec.replicas over from kube-controller-manager"]);
    let only = Takes::Field("/spec/replicas".into());
    assert!(matches!(&change.steps[0], Step::Apply { takes, .. } if *takes == only));
    let autoscaler = place(&plan, "HorizontalPodAutoscaler", FRONT);
    assert_eq!(plan.changes[autoscaler].action, Action::Delete);
    assert!(change.after.contains(&autoscaler));
    world.execute(&plan);
    assert!(world.plan().is_empty());
}

#[test]
fn a_moved_pool_keeps_what_runs() {
    let mut world = World::applied();
    let pools = &mut world.environment.onprem.as_mut().unwrap().pools;
    let pool = pools.remove("h100").unwrap();
    pools.insert("h200".parse().unwrap(), pool);
    world.environment.moved =
        vec![crate::spec::model::Moved { from: "h100".into(), to: "h200".into() }];
    let plan = world.plan();
    let change = of(&plan, "Deployment", H100);
    assert_eq!(change.action, Action::Update);
    assert_eq!(change.notes, ["moved from h100"]);
    let paths: Vec<_> = change.fields.iter().map(|field| field.path.as_str()).collect();
    assert_eq!(paths, ["metadata.labels[\"floodway.dev/pool\"]"]);
    assert!(
        !change.steps.iter().any(|step| matches!(step, Step::AwaitReady { .. })),
        "nothing rolls"
    );
    assert_eq!(
        (plan.totals.create, plan.totals.replace, plan.totals.delete),
        (0, 0, 0),
        "{:?}",
        ids(&plan)
    );
    world.execute(&plan);
    assert!(world.plan().is_empty());
}

#[test]
fn a_pool_that_changes_its_stage_is_replaced_and_never_deleted_first() {
    let mut world = World::applied();
    world.scale("Deployment", H100, 9, "floodway-run");
    let pools = &mut world.environment.onprem.as_mut().unwrap().pools;
    pools.get_mut("h100").unwrap().stage = "postprocess".parse().unwrap();
    let plan = world.plan();
    let new = "deepseek-postprocess-h100";
    let change = of(&plan, "Deployment", new);
    assert_eq!(change.action, Action::Replace);
    assert_eq!(change.replaces.as_ref().unwrap().name, H100);
    let steps: Vec<_> = change
        .steps
        .iter()
        .map(|step| match step {
            Step::Apply { id, seed, .. } => {
                format!("apply {} with {}", id.name, seed.as_ref().unwrap().value)
            }
            Step::AwaitReady { id, .. } => format!("await {}", id.name),
            Step::Drain { id, .. } => format!("drain {}", id.name),
            Step::DrainUnits { id, units, .. } => format!("drain {} of {}", units.len(), id.name),
            Step::ReplaceUnits { id, .. } => format!("replace some of {}", id.name),
            Step::Delete { id, .. } => format!("delete {}", id.name),
            Step::Refresh { id, .. } => format!("refresh {}", id.name),
            Step::Hold { id, .. } => format!("hold {}", id.name),
            Step::Raise { id, .. } => format!("raise {}", id.name),
            Step::Proceed { id, .. } => format!("proceed {}", id.name),
            Step::SetEndpoints { id, .. } => format!("set endpoints of {}", id.name),
            Step::SetUnits { id, to, .. } => format!("set {} to {to}", id.name),
            Step::PassOn { id, to, .. } => format!("pass {} on to {to}", id.name),
            Step::CatchUp { id, .. } => format!("catch up {}", id.name),
        })
        .collect();
    assert_eq!(
        steps,
        [
            format!("apply {new} with 9"),
            format!("catch up {new}"),
            format!("await {new}"),
            format!("catch up {new}"),
            format!("await {new}"),
            format!("drain {H100}"),
            format!("delete {H100}"),
        ]
    );
    assert!(of(&plan, "PodDisruptionBudget", H100).after.contains(&place(
        &plan,
        "Deployment",
        new
    )));
    world.execute(&plan);
    assert!(world.plan().is_empty(), "{:#?}", active(&world.plan()));
}

#[test]
fn a_removed_pool_is_drained_after_what_carries_on_in_its_stage_is_ready() {
    let mut world = World::applied();
    world.scale("Deployment", H100, 3, "floodway-run");
    let pools = &mut world.environment.onprem.as_mut().unwrap().pools;
    let pool = pools.remove("h100").unwrap();
    pools.insert("b200".parse().unwrap(), pool);
    let plan = world.plan();
    let gone = of(&plan, "Deployment", H100);
    assert_eq!(gone.action, Action::Delete);
    assert_eq!(gone.reason.text, "pool h100 is not in environments/prod.toml any more");
    assert!(gone.after.contains(&place(&plan, "Deployment", "deepseek-inference-b200")));
    assert!(matches!(&gone.steps[..], [Step::Drain { .. }, Step::Delete { .. }]));
    world.execute(&plan);
    assert!(world.plan().is_empty());
}

#[test]
fn alert_rules_that_change_their_kind_are_there_all_the_time() {
    let mut world = World::applied();
    world.inventory.capabilities.prometheus_rules = true;
    let plan = world.plan();
    let name = "floodway-prod-alerts";
    let (new, old) = (place(&plan, "PrometheusRule", name), place(&plan, "ConfigMap", name));
    assert_eq!(
        (plan.changes[new].action, plan.changes[old].action),
        (Action::Create, Action::Delete)
    );
    assert!(plan.changes[old].after.contains(&new));
}

#[test]
fn a_pool_that_git_kept_at_nothing_is_handed_over_at_its_least() {
    let mut world = World::applied();
    let front = |world: &mut World, replicas, hpa| {
        let pools = &mut world.environment.onprem.as_mut().unwrap().pools;
        let front = pools.get_mut("front").unwrap();
        (front.replicas, front.hpa) = (replicas, hpa);
        world.apply();
    };
    let hpa = Hpa { cpu: Some("70%".parse().unwrap()), requests_per_second: None };
    front(&mut world, Count::Fixed(0), None);
    front(&mut world, Count::Between { min: 1, max: 9 }, Some(hpa));
    let again = world.plan();
    assert!(again.is_empty(), "{:#?}", active(&again));
    assert_eq!(world.live("Deployment", FRONT).runtime.as_ref().unwrap().value, 1);
}
