//! Others change what was applied in the simulated world.

use super::What;
use crate::backend::sim::{Actor, Create, Delete, Set, Unset};
use crate::observe::{Gap, ResourceId, Side};
use crate::plan::tests::world::World;
use crate::spec::model::Count;
use serde_json::{Value, json};

const BACK: &str = "deepseek-postprocess-back";
const H100: &str = "deepseek-inference-h100";
const GROUP: &str = "prod-g6e-od-g6e.12xlarge";
const IMAGE: &str = "/spec/template/spec/containers/\u{1}server/image";

fn set(kind: &str, name: &str, path: &str, value: Value, by: &str) -> Actor {
    let (kind, name, path, by) = (kind.into(), name.into(), path.into(), by.into());
    Actor::Set(Set { kind, name, path, value, by })
}

fn unset(kind: &str, name: &str, path: &str) -> Actor {
    Actor::Unset(Unset { kind: kind.into(), name: name.into(), path: path.into() })
}

fn delete(kind: &str, name: &str) -> Actor {
    Actor::Delete(Delete { kind: kind.into(), name: name.into() })
}

/// Each finding in a line: `?` before what is not certain.
fn told(world: &World) -> Vec<String> {
    let drift = world.drift();
    assert!(drift.refusals.is_empty(), "{:?}", drift.refusals);
    let line = |finding: &super::Finding| {
        let doubt = if finding.doubt.is_some() { "?" } else { "" };
        let what = match &finding.what {
            What::Field { path, wanted, is, by, edited } => {
                let text = |value: &Option<Value>| value.as_ref().map(Value::to_string);
                let (wanted, is) = (text(wanted).unwrap_or_default(), text(is).unwrap_or_default());
                let edited = if *edited { " edited" } else { "" };
                format!("{path} {wanted} -> {is} by {}{edited}", by.join(","))
            }
            What::Mixed { differences } => format!("mixed {}", differences.len()),
            other => format!("{other:?}"),
        };
        format!("{doubt}{}: {what}", finding.id.name)
    };
    drift.findings.iter().map(line).collect()
}

fn image(world: &World) -> String {
    json!(world.environment.service.stages["inference"].image).to_string()
}

#[test]
fn what_was_applied_and_left_alone_is_no_drift() {
    let mut world = World::applied();
    assert_eq!(told(&world), [""; 0]);
    assert!(world.drift().applied && !World::empty().drift().applied);
    world.scale("Deployment", H100, 7, "kube-controller-manager");
    world.scale("AutoScalingGroup", GROUP, 2, "floodway-run");
    assert_eq!(told(&world), [""; 0], "what the runtime owns is its own");
}

#[test]
fn a_field_that_somebody_took_is_drift_with_its_manager() {
    let mut world = World::applied();
    world.disturb(set("Deployment", H100, IMAGE, json!("edited"), "kubectl"), &[]);
    let was = image(&world);
    let path = "spec.template.spec.containers[server].image";
    assert_eq!(told(&world), [format!("{H100}: {path} {was} -> \"edited\" by kubectl")]);
    // The file changes elsewhere in the same thing: what it was is not certain any more.
    world.environment.service.stages.get_mut("inference").unwrap().args.push("--more".into());
    assert_eq!(told(&world), [format!("{H100}: {path} {was} -> \"edited\" by kubectl edited")]);
}

#[test]
fn the_same_value_under_another_owner_is_no_drift() {
    let mut world = World::applied();
    let image = world.environment.service.stages["inference"].image.clone();
    world.disturb(set("Deployment", H100, IMAGE, json!(image), "kubectl"), &[]);
    assert_eq!(told(&world), [""; 0]);
}

#[test]
fn what_only_the_file_changed_is_no_drift() {
    let mut world = World::applied();
    let stage = world.environment.service.stages.get_mut("inference").unwrap();
    stage.image = "new".into();
    stage.args.clear();
    let onprem = world.environment.onprem.as_mut().unwrap();
    let back = onprem.pools.get_mut("back").unwrap();
    back.replicas = Count::Fixed(5);
    let new = back.clone();
    onprem.pools.insert("new".parse().unwrap(), new);
    onprem.pools.remove("front");
    let aws = world.environment.aws.as_mut().unwrap();
    aws.pools.get_mut("g6e").unwrap().size = Count::Between { min: 0, max: 7 };
    aws.pools.remove("edge");
    assert!(!world.plan().is_empty());
    assert_eq!(told(&world), [""; 0]);
}

#[test]
fn a_number_that_git_sets_and_somebody_moved_is_drift() {
    let mut world = World::applied();
    world.scale("Deployment", BACK, 5, "kubectl-scale");
    assert_eq!(told(&world), [format!("{BACK}: spec.replicas 2 -> 5 by kubectl-scale")]);
}

#[test]
fn a_number_that_git_takes_over_from_its_owner_is_no_drift() {
    let mut world = World::applied();
    world.scale("Deployment", H100, 7, "floodway-run");
    world.scale("Deployment", "deepseek-preprocess-front", 9, "kube-controller-manager");
    let pools = &mut world.environment.onprem.as_mut().unwrap().pools;
    pools.get_mut("h100").unwrap().replicas = Count::Fixed(4);
    let front = pools.get_mut("front").unwrap();
    (front.replicas, front.hpa) = (Count::Fixed(4), None);
    assert_eq!(told(&world), [""; 0]);
}

#[test]
fn what_nobody_owns_any_more_may_have_been_taken_away() {
    let mut world = World::applied();
    world.disturb(unset("Deployment", H100, IMAGE), &[]);
    let told = told(&world);
    let was = image(&world);
    assert_eq!(
        told,
        [format!("?{H100}: spec.template.spec.containers[server].image {was} ->  by ")]
    );
}

#[test]
fn a_deleted_thing_is_told_from_one_that_is_new_in_the_file_by_the_count() {
    let mut world = World::applied();
    world.disturb(delete("Service", "deepseek-inference"), &[]);
    assert_eq!(told(&world), ["deepseek-inference: Deleted"]);
    let pools = &mut world.environment.onprem.as_mut().unwrap().pools;
    let mut new = pools["back"].clone();
    new.replicas = Count::Fixed(1);
    pools.insert("new".parse().unwrap(), new);
    let told = told(&world);
    assert!(told.len() > 1 && told.iter().all(|told| told.starts_with('?')), "{told:?}");
    assert!(world.drift().findings[0].doubt.as_ref().unwrap().starts_with("1 of these"));
}

#[test]
fn a_deleted_thing_that_the_file_does_not_ask_for_any_more_is_counted() {
    let mut world = World::applied();
    world.disturb(delete("Deployment", BACK), &[]);
    world.environment.onprem.as_mut().unwrap().pools.remove("back");
    let drift = world.drift();
    assert_eq!((told(&world).len(), drift.more_deleted), (0, 1));
    assert!(drift.is_some());
}

#[test]
fn what_cannot_be_seen_is_neither_deleted_nor_without_drift() {
    let mut world = World::applied();
    world.inventory.resources.retain(|id, _| id.kind != "Service");
    world.inventory.gaps.push(Gap {
        side: Side::Kubernetes,
        what: "services".into(),
        why: "forbidden".into(),
        hides_members: true,
    });
    let drift = world.drift();
    assert_eq!((drift.is_some(), drift.unseen.len()), (false, 1));
}

#[test]
fn a_thing_with_our_marks_that_floodway_did_not_make_has_appeared() {
    let mut world = World::applied();
    let labels = world.live("Service", "deepseek-inference").fields.at("/metadata/labels").unwrap();
    let make = |name: &str| {
        let content = json!({"metadata": {"labels": labels}});
        let (kind, namespace, by) = ("Service".into(), "inference".into(), "kubectl".into());
        Actor::Create(Create { kind, name: name.into(), namespace, content, by })
    };
    world.disturb(make("other"), &[]);
    assert_eq!(told(&world), ["other: Appeared { by: [\"kubectl\"] }"]);
    world.disturb(delete("Service", "other"), &[]);
    world.disturb(delete("Service", "deepseek-inference"), &[]);
    world.disturb(make("deepseek-inference"), &[]);
    assert_eq!(told(&world), ["deepseek-inference: MadeAnew { by: [\"kubectl\"] }"]);
}

#[test]
fn marks_that_were_taken_off_are_no_deletion() {
    let mut world = World::applied();
    let label = "/metadata/labels/applyset.kubernetes.io~1part-of";
    let id = ResourceId::kubernetes("v1", "Service", Some("inference"), "deepseek-inference");
    world.disturb(unset("Service", "deepseek-inference", label), &[id]);
    assert_eq!(told(&world), ["deepseek-inference: Unmarked"]);
}

#[test]
fn a_group_says_by_its_digest_whether_somebody_changed_it() {
    let mut world = World::applied();
    assert!(world.live("AutoScalingGroup", GROUP).marks.contains_key("applied"));
    world.disturb(set("AutoScalingGroup", GROUP, "/max", json!(50), "console"), &[]);
    assert_eq!(told(&world), [format!("{GROUP}: max 10 -> 50 by ")]);
    world.disturb(set("AutoScalingGroup", GROUP, "/warm_pool", json!(9), "console"), &[]);
    // The file asks for another size too: whose is what, nothing tells.
    let pools = &mut world.environment.aws.as_mut().unwrap().pools;
    pools.get_mut("g6e").unwrap().size = Count::Between { min: 0, max: 8 };
    assert_eq!(told(&world), [format!("{GROUP}: mixed 2")]);
    // The next apply leaves its own record.
    world.apply();
    assert_eq!(told(&world), [""; 0]);
    assert!(world.plan().is_empty(), "the record is no field that a plan would take away");
}

#[test]
fn a_group_that_cannot_be_changed_back_in_place_is_told_by_its_own_fields() {
    let mut world = World::applied();
    world.inventory.last_apply = None;
    let spot = json!("spot");
    world.disturb(set("AutoScalingGroup", GROUP, "/capacity_type", spot, "console"), &[]);
    assert!(world.plan().changes.iter().any(|change| change.replaces.is_some()));
    assert_eq!(told(&world), [format!("{GROUP}: capacity_type \"on-demand\" -> \"spot\" by ")]);
}

#[test]
fn a_launch_template_says_so_too() {
    let mut world = World::applied();
    let kind = "LaunchTemplate";
    let template = world.inventory.resources.keys().find(|id| id.kind == kind).unwrap().clone();
    let pools = &mut world.environment.aws.as_mut().unwrap().pools;
    pools.values_mut().for_each(|pool| pool.image.channel = "beta".into());
    assert_eq!(told(&world), [""; 0], "the file asks for another image");
    let set = set(kind, &template.name, "/volume/size_gib", json!(999), "console");
    world.disturb(set, &[]);
    assert!(told(&world)[0].starts_with(&format!("{}: mixed", template.name)));
}

#[test]
fn a_group_without_a_record_is_not_certain() {
    let mut world = World::applied();
    let tag = "/tags/floodway.dev~1applied";
    world.disturb(unset("AutoScalingGroup", GROUP, tag), &[]);
    assert_eq!(told(&world), [""; 0], "it is as the file says");
    world.disturb(set("AutoScalingGroup", GROUP, "/max", json!(50), "console"), &[]);
    assert_eq!(told(&world), [format!("?{GROUP}: max 10 -> 50 by ")]);
}

#[test]
fn the_number_of_a_group_that_git_sets_has_no_owner_to_tell_it_by() {
    let mut world = World::applied();
    let pools = &mut world.environment.aws.as_mut().unwrap().pools;
    pools.get_mut("edge").unwrap().size = Count::Fixed(2);
    world.apply();
    world.scale("AutoScalingGroup", "prod-edge-od-g6e.12xlarge", 1, "console");
    assert_eq!(told(&world), ["?prod-edge-od-g6e.12xlarge: desired 2 -> 1 by "]);
}

#[test]
fn a_copy_of_the_file_is_refused() {
    let mut world = World::applied();
    world.inventory.last_apply.as_mut().unwrap().mark.file = "environments/copy.toml".into();
    let drift = world.drift();
    assert_eq!((drift.findings.len(), drift.refusals.len()), (0, 1));
}
