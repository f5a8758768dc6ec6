//! What forbids applying, and what is asked of the places.

use super::world::{World, accepted, of, settled};
use super::{H100, active, place};
use crate::observe::{Gap, Live, Location, Ownership, ResourceId, Side};
use crate::plan::kinds::GROUP;
use crate::plan::*;
use crate::spec::model::{Count, OnPremProvider};
use serde_json::json;
use std::collections::BTreeMap;

fn guards(plan: &Plan) -> Vec<&str> {
    plan.refusals.iter().map(|refusal| refusal.guard.as_str()).collect()
}

fn remove(world: &mut World, pool: &str) {
    world.environment.onprem.as_mut().unwrap().pools.remove(pool).unwrap();
}

fn h100() -> ResourceId {
    ResourceId::kubernetes("apps/v1", "Deployment", Some("inference"), H100)
}

/// The Deployment of the pool h100, made by somebody else.
fn foreign(world: &World, selector: &str) -> Live {
    let wanted = world.desired();
    let want = wanted.resources.iter().find(|want| want.id == h100()).unwrap();
    let mut fields = want.body.value();
    fields["spec"]["selector"]["matchLabels"] = json!({ "floodway.dev/workload": selector });
    fields["spec"]["template"]["spec"]["containers"][0]["image"] = json!("theirs:1");
    fields["metadata"]["labels"] = json!({ "app": "theirs" });
    Live {
        id: h100(),
        uid: "theirs".into(),
        ownership: Ownership::Unmarked,
        fields: fields.into(),
        taken: BTreeMap::new(),
        runtime: Some(crate::observe::RuntimeField {
            path: "/spec/replicas".into(),
            value: json!(12),
            managers: vec!["kubectl".into()],
        }),
        marks: BTreeMap::new(),
        workload: Some(settled(12)),
        applyset: None,
        version: None,
        autoscaler: None,
        deleting: false,
    }
}

#[test]
fn another_cluster_or_account_than_declared_is_refused() {
    let mut world = World::applied();
    world.environment.onprem.as_mut().unwrap().cluster_uid = Some("uid-a".into());
    world.environment.aws.as_mut().unwrap().account = Some("123456789012".into());
    let place = |side, identity: &str| Location {
        side,
        identity: identity.into(),
        title: format!("place of {identity}"),
    };
    world.inventory.locations =
        vec![place(Side::Kubernetes, "uid-a"), place(Side::Aws, "123456789012/us-east-1")];
    assert_eq!(world.plan().refusals, []);
    world.inventory.locations =
        vec![place(Side::Kubernetes, "uid-b"), place(Side::Aws, "1234567890123/us-east-1")];
    let plan = world.plan();
    assert_eq!(guards(&plan), ["location", "location"]);
    assert_eq!(plan.refusals[0].message, "place of uid-b is cluster uid-b, not uid-a as declared");
    world.inventory.locations.remove(1);
    assert_eq!(guards(&world.plan()), ["location", "location"], "an account that nobody asked");
    let mut desired = world.desired();
    desired.resources.retain(|want| want.id.side == Side::Kubernetes);
    world.inventory.resources.retain(|id, _| id.side == Side::Kubernetes);
    let alone = accepted(world.try_draft_of(&desired).unwrap());
    assert_eq!(guards(&alone), ["location"], "a side that is not connected is not planned for");
    let onprem = world.environment.onprem.as_mut().unwrap();
    (onprem.cluster_uid, onprem.provider) = (None, OnPremProvider::Kubernetes);
    let warning = &world.plan().warnings[0];
    assert!(warning.contains("add cluster_uid = \"uid-b\""), "{warning}");
}

#[test]
fn an_empty_place_where_something_was_is_refused() {
    let mut world = World::applied();
    let parent = world.live("ConfigMap", "floodway-prod").clone();
    world.inventory.resources = BTreeMap::from([(parent.id.clone(), parent)]);
    assert_eq!(guards(&world.plan()), ["location"]);
    world.inventory.last_apply.as_mut().unwrap().members = 0;
    assert_eq!(world.plan().refusals, [], "nothing was promised");
}

#[test]
fn members_without_their_parent_are_nobodys_until_it_is_adopted() {
    let mut world = World::applied();
    let parent = world.live("ConfigMap", "floodway-prod").id.clone();
    world.inventory.resources.remove(&parent);
    world.inventory.last_apply = None;
    let plan = world.plan();
    assert_eq!(guards(&plan), ["ownership"]);
    assert!(plan.refusals[0].message.contains("is gone"));
    world.options.adopt.insert(parent);
    let plan = world.plan();
    assert_eq!(plan.refusals, []);
    assert_eq!(of(&plan, "ConfigMap", "floodway-prod").action, Action::Create);
}

#[test]
fn a_copied_file_of_the_same_name_is_refused() {
    let mut world = World::applied();
    let theirs = &mut world.inventory.last_apply.as_mut().unwrap().mark;
    theirs.repository = "github.com/acme/fork".into();
    let plan = world.plan();
    assert_eq!(guards(&plan), ["ownership"]);
    assert!(plan.refusals[0].message.contains("github.com/acme/fork"));
}

#[test]
fn behind_a_gap_nothing_is_made_or_taken_away_and_what_is_seen_is_updated() {
    let gap = |hides_members| Gap {
        side: Side::Kubernetes,
        what: "services in inference".into(),
        why: "forbidden".into(),
        hides_members,
    };
    let mut world = World::applied();
    world.environment.service.stages.get_mut("inference").unwrap().image = "new".into();
    world.inventory.gaps = vec![gap(true)];
    let plan = world.plan();
    assert_eq!(plan.refusals, [], "only updates");
    assert!(active(&plan).iter().all(|change| change.starts_with("Update")));

    remove(&mut world, "h100");
    world.inventory.resources.retain(|id, _| id.kind != "Service");
    let plan = world.plan();
    assert_eq!(guards(&plan), ["gap"]);
    assert!(
        plan.refusals[0].message.contains("services in inference could not be seen (forbidden)")
    );
    assert!(active(&plan).iter().all(|change| change.starts_with("Update")), "{:?}", active(&plan));
    let count =
        |change: &&Change| change.id.kind == "ConfigMap" && change.id.name == "floodway-prod";
    assert_eq!(plan.changes.iter().find(count).unwrap().action, Action::NoOp, "the count is kept");
    let mut unseen = World::empty();
    unseen.inventory.gaps = vec![gap(true)];
    let plan = unseen.plan();
    assert!(plan.is_empty() && guards(&plan) == ["gap"], "not even the parent is made");
    world.inventory.gaps = vec![gap(false)];
    assert!(!guards(&world.plan()).contains(&"gap"), "a gap for people only");
}

#[test]
fn destroying_more_than_allowed_is_refused() {
    let mut world = World::applied();
    world.environment.environment.max_destroy = 1;
    remove(&mut world, "h100");
    assert_eq!(world.plan().refusals, []);
    remove(&mut world, "back");
    let plan = world.plan();
    assert_eq!(guards(&plan), ["max_destroy"]);
    assert!(plan.refusals[0].message.contains("destroys 2 workloads, and max_destroy is 1"));
    assert!(plan.changes.iter().any(|c| c.action == Action::Delete), "it is shown all the same");
}

#[test]
fn destroying_what_is_protected_asks_for_the_name() {
    let mut world = World::applied();
    world.environment.environment.protected = true;
    world.environment.service.stages.get_mut("inference").unwrap().image = "new".into();
    assert_eq!(world.plan().refusals, [], "nothing is destroyed");
    remove(&mut world, "h100");
    let mut plan = world.plan();
    assert_eq!(guards(&plan), ["protected"]);
    assert!(plan.refusals[0].help.contains("--confirm prod"));
    plan.confirm("staging");
    assert_eq!(guards(&plan), ["protected"]);
    plan.confirm("prod");
    assert_eq!(plan.refusals, []);
    world.options.confirm = Some("prod".into());
    assert_eq!(world.plan().refusals, []);
}

#[test]
fn a_replacement_is_a_destruction() {
    let mut world = World::applied();
    world.environment.environment.max_destroy = 0;
    let pools = &mut world.environment.onprem.as_mut().unwrap().pools;
    pools.get_mut("h100").unwrap().stage = "postprocess".parse().unwrap();
    assert_eq!(guards(&world.plan()), ["max_destroy"]);
}

#[test]
fn a_group_that_shall_run_fewer_drains_instances_by_name_before() {
    let group = "prod-g6e-od-g6e.12xlarge";
    let mut world = World::applied();
    world.environment.environment.max_destroy = 2;
    world.scale("AutoScalingGroup", group, 6, "floodway-run");
    let size = |world: &mut World, pool: &str, size| {
        world.environment.aws.as_mut().unwrap().pools.get_mut(pool).unwrap().size = size;
    };
    size(&mut world, "g6e", Count::Between { min: 0, max: 6 });
    assert_eq!(world.plan().refusals, []);
    size(&mut world, "g6e", Count::Between { min: 0, max: 4 });
    let plan = world.plan();
    assert_eq!(plan.refusals, []);
    let [Step::Apply { body, .. }, Step::DrainUnits { units, .. }, Step::Apply { .. }, ..] =
        &of(&plan, GROUP, group).steps[..]
    else {
        panic!("{:?}", of(&plan, GROUP, group).steps)
    };
    assert_eq!(body.at("/max"), Some(json!(6)), "no number falls before its instances have ended");
    let there: Vec<_> = world.live(GROUP, group).units().to_vec();
    assert_eq!(units.len(), 2);
    assert_eq!((plan.totals.nodes.before, plan.totals.nodes.after), (7, 5), "they end");
    assert!(units.iter().all(|name| there.iter().any(|unit| unit.name == *name)));

    world.execute(&plan);
    let left: Vec<_> = world.live(GROUP, group).units().iter().map(|unit| &unit.name).collect();
    assert_eq!(left.len(), 4);
    assert!(left.iter().all(|name| !units.contains(*name)), "those that were named, no others");
    assert!(world.plan().is_empty());
}

#[test]
fn a_region_that_holds_something_and_is_not_looked_in_any_more_is_a_refusal() {
    let mut world = World::applied();
    let aws = world.environment.aws.as_mut().unwrap();
    aws.region = "eu-west-1".into();
    let plan = world.plan();
    assert_eq!(guards(&plan)[0], "location");
    assert!(plan.refusals[0].help.contains("aws.regions = [\"us-east-1\"]"));
    world.environment.aws.as_mut().unwrap().regions = vec!["us-east-1".into()];
    assert!(!guards(&world.plan()).contains(&"location"));
    world.environment.aws = None;
    world.environment.environment.max_destroy = 99;
    assert_eq!(guards(&world.plan()), ["location"]);
}

#[test]
fn instances_that_end_for_a_lower_max_count_as_destroyed() {
    let mut world = World::applied();
    world.environment.environment.max_destroy = 2;
    world.scale("AutoScalingGroup", "prod-g6e-od-g6e.12xlarge", 6, "floodway-run");
    let pools = &mut world.environment.aws.as_mut().unwrap().pools;
    pools.get_mut("g6e").unwrap().size = Count::Between { min: 0, max: 3 };
    let plan = world.plan();
    assert_eq!(guards(&plan), ["max_destroy"]);
    assert!(plan.refusals[0].message.contains("destroys 3 instances"));
    world.environment.environment.max_destroy = 9;
    world.environment.environment.protected = true;
    assert_eq!(guards(&world.plan()), ["protected"]);
}

#[test]
fn a_thing_of_somebody_elses_is_never_touched() {
    let mut world = World::empty();
    let theirs = Live { ownership: Ownership::Other("Argo CD".into()), ..foreign(&world, H100) };
    world.inventory.resources.insert(h100(), theirs);
    world.options.adopt.insert(h100());
    let plan = world.plan();
    assert_eq!(guards(&plan), ["ownership"]);
    assert!(plan.refusals[0].message.ends_with("belongs to Argo CD"));
    assert_eq!(of(&plan, "Deployment", H100).steps, []);
}

#[test]
fn what_nobody_marked_is_adopted_only_when_asked_and_held_while_it_is() {
    let mut world = World::empty();
    world.somebody_makes(&foreign(&world, H100));
    let theirs = world.live("Deployment", H100).uid.clone();
    let plan = world.plan();
    assert_eq!(guards(&plan), ["ownership"]);
    assert!(plan.refusals[0].help.contains(&format!("--adopt Deployment/{H100}")));

    let asked = resource_named(&format!("deployment/{H100}"), "inference").unwrap();
    assert_eq!(asked, h100());
    world.options.adopt.insert(asked);
    let plan = world.plan();
    assert_eq!(plan.refusals, []);
    let change = of(&plan, "Deployment", H100);
    assert_eq!(change.action, Action::Update);
    assert!(
        matches!(&change.steps[0], Step::Hold { path, uid, .. } if path == "/spec/replicas" && *uid == theirs)
    );
    assert!(matches!(
        &change.steps[1],
        Step::Apply { takes: Takes::Everything, precondition: Precondition::Is(_), .. }
    ));
    let image = |field: &&FieldChange| field.path.ends_with("containers[server].image");
    let image = change.fields.iter().find(image).unwrap();
    assert_eq!(image.before, Some(json!("theirs:1")));
    assert!(!change.fields.iter().any(|field| field.after.is_none()), "nothing of theirs goes");
    assert_eq!(change.owned_by.as_ref().unwrap().1, Some(json!(12)));
    world.execute(&plan);
    world.options.adopt.clear();
    assert!(world.plan().is_empty(), "{:?}", active(&world.plan()));
    assert_eq!(world.live("Deployment", H100).runtime.as_ref().unwrap().value, json!(12));
}

#[test]
fn what_cannot_be_adopted_in_place_says_so() {
    let mut world = World::empty();
    let mut live = World::applied().live("Service", "deepseek-inference").clone();
    live.ownership = Ownership::Unmarked;
    live.fields.edit(|fields| fields["spec"]["clusterIP"] = json!("10.96.0.7"));
    world.options.adopt.insert(live.id.clone());
    world.inventory.resources.insert(live.id.clone(), live);
    let plan = world.plan();
    assert_eq!(guards(&plan), ["immutable"]);
    assert!(plan.refusals[0].message.starts_with("spec.clusterIP of Service"));
}

#[test]
fn an_adopted_deployment_with_a_selector_of_its_own_is_replaced_under_a_new_name() {
    let mut world = World::empty();
    world.inventory.resources.insert(h100(), foreign(&world, "other"));
    world.options.adopt.insert(h100());
    let plan = world.plan();
    assert_eq!(plan.refusals, []);
    let change = of(&plan, "Deployment", &format!("{H100}-2"));
    assert_eq!((change.action, change.replaces.as_ref()), (Action::Replace, Some(&h100())));
    assert!(
        matches!(&change.steps[0], Step::Apply { seed: Some(seed), .. } if seed.value == json!(12))
    );
    assert!(matches!(change.steps.last(), Some(Step::Delete { uid, .. }) if uid == "theirs"));
}

#[test]
fn what_is_being_deleted_waits() {
    let mut world = World::applied();
    world.live("Deployment", H100).deleting = true;
    world.live("PodDisruptionBudget", H100).deleting = true;
    let desired = {
        let mut before = World::applied();
        before.live("Deployment", H100);
        before.desired()
    };
    let plan = accepted(world.try_draft_of(&desired).unwrap());
    assert!(plan.is_empty());
    assert_eq!(plan.warnings.iter().filter(|w| w.contains("is being deleted")).count(), 2);
}

#[test]
fn a_target_brings_what_it_needs_and_nothing_else() {
    let mut world = World::empty();
    world.options.targets = vec!["h100".parse().unwrap()];
    let plan = world.plan();
    let kinds: Vec<_> = active(&plan);
    assert!(kinds.contains(&format!("Create Deployment inference/{H100}")), "{kinds:?}");
    assert!(kinds.contains(&"Create Service inference/deepseek-inference".to_owned()));
    assert!(!kinds.iter().any(|text| text.contains("preprocess") || text.contains("AutoScaling")));
    assert!(plan.warnings.iter().any(|text| text.starts_with("this plan is partial: only h100")));
    assert_eq!(plan.targets, ["h100"]);
    world.execute(&plan);
    let members = world.inventory.last_apply.as_ref().unwrap().members as usize;
    assert_eq!(members, world.inventory.resources.len() - 1);

    world.options.targets = vec!["deployment/deepseek-preprocess-front".parse().unwrap()];
    assert_eq!(world.plan().totals.delete, 0);
    assert!(active(&world.plan()).iter().any(|text| text.ends_with("preprocess-front")));
    world.options.targets = vec!["h10".parse().unwrap()];
    let error = world.try_draft().unwrap_err();
    assert!(error.to_string().ends_with("did you mean `h100`?"), "{error}");
}

#[test]
fn a_target_that_loses_its_autoscaler_takes_it_along() {
    let mut world = World::applied();
    let pools = &mut world.environment.onprem.as_mut().unwrap().pools;
    let front = pools.get_mut("front").unwrap();
    (front.replicas, front.hpa) = (Count::Fixed(3), None);
    world.options.targets = vec![format!("Deployment/{}", super::FRONT).parse().unwrap()];
    let plan = world.plan();
    let autoscaler = place(&plan, "HorizontalPodAutoscaler", super::FRONT);
    assert!(of(&plan, "Deployment", super::FRONT).after.contains(&autoscaler));
}

#[test]
fn a_circle_in_what_should_exist_is_an_error_that_names_it() {
    let world = World::empty();
    let mut desired = world.desired();
    let service = desired.resources.iter().position(|want| want.id.kind == "Service").unwrap();
    desired.resources[service].after.push(h100());
    let error = world.try_draft_of(&desired).unwrap_err().to_string();
    assert!(error.contains(H100), "{error}");
}

mod answers {
    use super::*;

    fn update() -> (World, Draft, usize) {
        let mut world = World::applied();
        world.environment.service.stages.get_mut("inference").unwrap().image = "new".into();
        let draft = world.draft();
        let index = place(draft.plan(), "Deployment", H100);
        (world, draft, index)
    }

    #[test]
    fn each_change_is_asked_with_its_bounds_and_a_no_op_is_not() {
        let (_, draft, index) = update();
        let asked: Vec<usize> = draft.check_requests().iter().map(|(index, _)| *index).collect();
        let changed: Vec<usize> = draft
            .plan()
            .changes
            .iter()
            .enumerate()
            .filter(|(_, change)| change.action != Action::NoOp)
            .map(|(index, _)| index)
            .collect();
        assert_eq!(asked, changed);
        let (_, request) =
            draft.check_requests().iter().find(|(asked, _)| *asked == index).unwrap();
        assert!(request.exists && request.takes == Takes::Nothing);
        assert_eq!(request.units, Some((3, 20)));
    }

    #[test]
    fn what_the_server_sees_no_difference_in_is_no_change() {
        let (_, draft, _) = update();
        let verdicts: Vec<_> =
            draft.check_requests().iter().map(|(index, _)| (*index, Verdict::Unchanged)).collect();
        let plan = finish(draft, verdicts).unwrap();
        assert!(plan.is_empty());
        assert_eq!((plan.totals.update, plan.totals.create), (0, 0));
    }

    #[test]
    fn a_hand_over_stays_though_no_value_differs() {
        let mut world = World::applied();
        let pools = &mut world.environment.onprem.as_mut().unwrap().pools;
        pools.get_mut("back").unwrap().replicas = Count::Between { min: 1, max: 5 };
        let draft = world.draft();
        let verdicts: Vec<_> =
            draft.check_requests().iter().map(|(index, _)| (*index, Verdict::Unchanged)).collect();
        let plan = finish(draft, verdicts).unwrap();
        assert!(
            active(&plan)
                .contains(&"Update Deployment inference/deepseek-postprocess-back".to_owned())
        );
    }

    #[test]
    fn what_was_not_asked_or_not_answered_is_not_checked() {
        let (_, draft, index) = update();
        let why = Verdict::NotChecked("needs patch on deployments".into());
        let plan = finish(draft.clone(), [(index, why), (9999, Verdict::Accepted)]).unwrap();
        assert_eq!(plan.changes[index].checked, Checked::Not("needs patch on deployments".into()));
        let plan = finish(draft, []).unwrap();
        assert_eq!(plan.changes[index].checked, Checked::Not("the server was not asked".into()));
    }

    #[test]
    fn a_conflict_is_refused_with_the_plan_in_sight() {
        let (_, draft, index) = update();
        let error = PortError {
            kind: FailureKind::Conflict,
            message: "spec.paused is owned by kubectl".into(),
            help: None,
        };
        let plan = finish(draft, [(index, Verdict::Rejected(error))]).unwrap();
        assert_eq!(guards(&plan), ["conflict"]);
        assert!(plan.refusals[0].message.ends_with("spec.paused is owned by kubectl"));
        assert!(plan.refusals[0].help.contains("--force-conflicts"));
        assert!(plan.totals.update > 0);
    }

    #[test]
    fn all_that_is_rejected_is_listed() {
        let (_, draft, _) = update();
        let error =
            PortError { kind: FailureKind::Rejected, message: "no such field".into(), help: None };
        let verdicts: Vec<_> = draft
            .check_requests()
            .iter()
            .rev()
            .map(|(index, _)| (*index, Verdict::Rejected(error.clone())))
            .collect();
        let count = verdicts.len();
        let failure = finish(draft, verdicts).unwrap_err();
        assert_eq!(failure.rejected.len(), count);
    }

    #[test]
    fn a_name_that_is_taken_by_something_unmarked_is_a_refusal_with_the_flag() {
        let mut world = World::empty();
        world.inventory.capabilities.namespace_exists = true;
        let draft = world.draft();
        let index = place(draft.plan(), "Deployment", H100);
        let taken = Verdict::Taken(Box::new(foreign(&world, "x")));
        let plan = finish(draft, [(index, taken)]).unwrap();
        assert_eq!(guards(&plan), ["ownership"]);
        assert!(plan.refusals[0].help.contains("--adopt"));
        assert_eq!(plan.changes[index].steps, []);
    }
}
