//! A saved plan and a world that went on.

use super::world::World;
use super::{FRONT, H100};
use crate::observe::{Location, Side};
use crate::plan::*;
use serde_json::json;

/// A world in which the next plan updates the stage `inference`.
fn updated() -> (World, Plan) {
    let mut world = World::applied();
    world.scale("Deployment", H100, 3, "floodway-run");
    world.environment.service.stages.get_mut("inference").unwrap().image = "new".into();
    let plan = world.plan();
    (world, plan)
}

fn stale(plan: &Plan, world: &World) -> Vec<String> {
    let found = staleness(plan, &world.inventory, "digest", &plan.environment_text);
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn a_saved_plan_stays_good_while_autoscalers_work() {
    let (mut world, plan) = updated();
    assert_eq!(stale(&plan, &world), [""; 0]);
    world.scale("Deployment", H100, 11, "floodway-run");
    world.scale("Deployment", FRONT, 17, "kube-controller-manager");
    world.scale("AutoScalingGroup", "prod-g6e-od-g6e.12xlarge", 4, "floodway-run");
    assert_eq!(stale(&plan, &world), [""; 0]);
    let taken = json!("x");
    let taken = crate::observe::Taken { manager: "someone".into(), value: taken };
    world.live("Deployment", FRONT).taken.insert("metadata.annotations.note".into(), taken);
    assert_eq!(stale(&plan, &world), [""; 0], "what others own is theirs");
}

#[test]
fn a_moved_field_is_named_with_what_it_was_and_is() {
    let (mut world, plan) = updated();
    let live = world.live("Deployment", H100);
    live.fields.edit(|fields| {
        fields["spec"]["template"]["spec"]["containers"][0]["args"] = json!(["--debug"])
    });
    let expected = format!(
        "Deployment inference/{H100} spec.template.spec.containers[server].args was \
         [\"--log-level=info\"], is [\"--debug\"]"
    );
    assert_eq!(stale(&plan, &world), [expected]);

    let (mut world, plan) = updated();
    let front = world.live("Deployment", FRONT);
    front.fields.edit(|fields| {
        drop(fields["metadata"]["labels"].as_object_mut().unwrap().remove("floodway.dev/stage"))
    });
    assert_eq!(stale(&plan, &world).len(), 1, "what the plan leaves alone was read, too");
    let group = "prod-g6e-od-g6e.12xlarge";
    let (mut world, plan) = updated();
    world.live("AutoScalingGroup", group).fields.edit(|fields| fields["max"] = json!(11));
    assert_eq!(
        stale(&plan, &world),
        [format!("AutoScalingGroup us-east-1/{group} max was 10, is 11")]
    );
}

#[test]
fn another_object_of_the_same_name_is_another_object() {
    let (mut world, plan) = updated();
    world.live("Deployment", H100).uid = "another".into();
    let name = format!("Deployment inference/{H100}");
    assert_eq!(stale(&plan, &world), [format!("{name} was deleted, or deleted and made anew")]);
    let id = world.live("Deployment", H100).id.clone();
    let live = world.inventory.resources.remove(&id).unwrap();
    assert_eq!(stale(&plan, &world), [format!("{name} is gone")]);
    let changed = crate::observe::Live {
        uid: plan_uid(&plan),
        ownership: crate::observe::Ownership::Other("Argo CD".into()),
        ..live
    };
    world.inventory.resources.insert(id, changed);
    assert!(stale(&plan, &world)[0].contains("carries other marks"));
}

fn plan_uid(plan: &Plan) -> String {
    let change = super::of(plan, "Deployment", H100);
    let uid = change.steps.iter().find_map(|step| match step {
        Step::Apply { precondition: Precondition::Is(uid), .. } => Some(uid.clone()),
        _ => None,
    });
    uid.unwrap()
}

#[test]
fn what_appeared_since_makes_a_plan_stale_and_a_partial_one_not() {
    let mut world = World::empty();
    let plan = world.plan();
    world.options.targets = vec!["h100".parse().unwrap()];
    let partial = world.plan();
    world.options.targets.clear();
    let other = World::applied();
    let front = other.inventory.resources.values().find(|live| live.id.name == FRONT).unwrap();
    world.inventory.resources.insert(front.id.clone(), front.clone());
    assert_eq!(
        stale(&plan, &world),
        [format!("Deployment inference/{FRONT} was created since; the plan meant to create it")]
    );
    assert_eq!(stale(&partial, &world), [""; 0]);

    let (mut world, plan) = updated();
    let mut new = world.live("Service", "deepseek-inference").clone();
    new.id.name = "new".into();
    world.inventory.resources.insert(new.id.clone(), new);
    assert_eq!(stale(&plan, &world), ["Service inference/new appeared since"]);
}

#[test]
fn a_destroy_of_what_was_idle_is_stale_once_it_runs() {
    let mut world = World::applied();
    world.scale("Deployment", H100, 0, "floodway-run");
    world.environment.onprem.as_mut().unwrap().pools.remove("h100");
    let plan = world.plan();
    assert_eq!(stale(&plan, &world), [""; 0]);
    world.scale("Deployment", H100, 2, "floodway-run");
    assert_eq!(
        stale(&plan, &world),
        [format!("Deployment inference/{H100} was idle and runs 2 units now")]
    );
    let plan = world.plan();
    world.scale("Deployment", H100, 9, "floodway-run");
    assert_eq!(stale(&plan, &world), [""; 0], "it ran, and runs");
    world.scale("Deployment", H100, 0, "floodway-run");
    assert_eq!(stale(&plan, &world), [""; 0], "what was to be drained has ended by itself");
}

#[test]
fn a_replacement_reads_the_old_thing_and_wants_the_new_name_free() {
    let mut world = World::applied();
    let pools = &mut world.environment.onprem.as_mut().unwrap().pools;
    pools.get_mut("h100").unwrap().stage = "postprocess".parse().unwrap();
    let plan = world.plan();
    assert_eq!(stale(&plan, &world), [""; 0]);
    world
        .live("Deployment", H100)
        .fields
        .edit(|fields| fields["spec"]["revisionHistoryLimit"] = json!(1));
    let mut new = world.live("Deployment", H100).clone();
    new.id.name = "deepseek-postprocess-h100".into();
    world.inventory.resources.insert(new.id.clone(), new);
    let found = stale(&plan, &world);
    assert!(found[0].ends_with("spec.revisionHistoryLimit was 5, is 1"), "{found:?}");
    assert!(found[1].contains("postprocess-h100 was created since"), "{found:?}");
}

#[test]
fn a_changed_environment_names_its_keys() {
    let (world, mut plan) = updated();
    plan.environment_text =
        "[onprem.pools.h100]\nreplicas = { min = 3, max = 20 }\nextra = [1, \"a\"]\n".into();
    let text = "[onprem]\n[onprem.pools.h100]\nreplicas = { min = 3, max = 25 }\n";
    let found = staleness(&plan, &world.inventory, "other", text);
    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "environment onprem.pools.h100.extra was [1, \"a\"], is not set",
            "environment onprem.pools.h100.replicas.max was 20, is 25",
        ]
    );
    let same = staleness(&plan, &world.inventory, "other", &plan.environment_text);
    assert_eq!(same[0].to_string(), "environment is written differently");
}

#[test]
fn another_place_is_named() {
    let (mut world, mut plan) = updated();
    let place = |identity: &str| Location {
        side: Side::Kubernetes,
        identity: identity.into(),
        title: "context dc1".into(),
    };
    plan.locations = vec![place("uid-a")];
    world.inventory.locations = vec![place("uid-b")];
    assert_eq!(stale(&plan, &world), ["context dc1 was uid-a, is uid-b (context dc1)"]);
    world.inventory.locations.clear();
    assert_eq!(stale(&plan, &world), ["context dc1 was not seen"]);
}
