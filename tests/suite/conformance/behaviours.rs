//! The behaviours. Each begins in an empty account.

use super::account::{Player, Special, apply, scope};
use floodway::decide::DesiredOwner;
use floodway::desired::Seed;
use floodway::observe::{Live, Ownership, ProblemKind, ResourceId};
use floodway::plan::{CheckRequest, FailureKind, PortError, Precondition, Rolling, Step, Takes};
use floodway::port::{Scope, Verdict};
use floodway::units::Span;
use serde_json::json;

/// Long enough for whatever begins to end.
const LONG: u64 = 1800;
const LIMIT: Span = Span::from_secs(LONG);

fn kind(done: Result<(), PortError>) -> FailureKind {
    done.unwrap_err().kind
}

fn desired(live: &Live) -> u64 {
    live.runtime.as_ref().and_then(|field| field.value.as_u64()).unwrap()
}

fn drain_units(live: &Live, units: &[&str]) -> Step {
    Step::DrainUnits {
        id: live.id.clone(),
        uid: live.uid.clone(),
        units: units.iter().map(|&name| name.to_owned()).collect(),
        limit: LIMIT,
    }
}

fn drain(live: &Live) -> Step {
    Step::Drain { id: live.id.clone(), uid: live.uid.clone(), limit: LIMIT }
}

fn delete(live: &Live) -> Step {
    Step::Delete { id: live.id.clone(), uid: live.uid.clone(), ends: 0 }
}

fn pass_on(live: &Live) -> Step {
    let (id, uid) = (live.id.clone(), live.uid.clone());
    Step::PassOn { id, uid, to: "another".into(), number: 3 }
}

fn raise(live: &Live, least: u32) -> Step {
    let (id, uid) = (live.id.clone(), live.uid.clone());
    Step::Raise { id, uid, path: "/desired".into(), least }
}

fn set_units(live: &Live, from: u32, to: u32) -> Step {
    let (id, uid) = (live.id.clone(), live.uid.clone());
    Step::SetUnits { id, uid, path: "/desired".into(), from, to }
}

fn refresh(live: &Live) -> Step {
    let how = Rolling {
        min_healthy: 100,
        warmup: 0,
        checkpoints: Vec::new(),
        checkpoint_delay: 0,
        alarms: Vec::new(),
    };
    let id = ResourceId::instance_refresh(super::account::REGION, &live.id.name);
    Step::Refresh { id, uid: live.uid.clone(), how, limit: LIMIT }
}

pub async fn a_group_is_made_with_its_template_and_starts_what_it_asks_for(player: Player) {
    let account = player.account().await;
    account.make(&account.template()).await.unwrap();
    account.make(&account.sized(2)).await.unwrap();
    let (id, body) = account.sized(2);
    let live = account.live(&id).await.unwrap();
    assert_eq!((live.ownership.clone(), desired(&live)), (Ownership::Ours, 2));
    assert_eq!(live.fields, body, "what was written is what is read");
    let starts = live.workload.unwrap();
    assert_eq!((starts.desired, starts.ready, starts.pending), (2, 0, 2));
    assert_eq!(
        starts.problems.first().map(|p| (p.kind, p.units)),
        Some((ProblemKind::Starting, 2))
    );
    assert!(!starts.is_settled());
    account.pass(LONG).await;
    assert!(account.workload(&id).await.unwrap().is_settled());
    let live = account.live(&id).await.unwrap();
    let template = account.live(&account.template().0).await.unwrap();
    assert_eq!(template.fields, account.template().1);
    assert_eq!(live.units().len(), 2);
    for unit in live.units() {
        assert!(unit.ready && !unit.ending && unit.version == template.version, "{unit:?}");
    }
}

pub async fn a_group_whose_template_is_not_there_is_not_made(player: Player) {
    let account = player.account().await;
    // It may be there and not to be seen yet.
    assert_eq!(kind(account.make(&account.sized(2)).await), FailureKind::Transient);
    assert!(account.live(&account.sized(2).0).await.is_none());
}

pub async fn a_name_that_somebody_else_has_is_not_taken(player: Player) {
    let account = player.account().await;
    account.make(&account.template()).await.unwrap();
    let (id, body) = account.sized(1);
    account.someone_makes(&id);
    let before = account.live(&id).await.unwrap();
    assert_eq!(before.ownership, Ownership::Unmarked);
    let request = CheckRequest {
        id: id.clone(),
        body: (&body).into(),
        exists: false,
        takes: Takes::Nothing,
        units: None,
    };
    let verdicts = account.backend.check.check(&[request]).await;
    assert!(matches!(&verdicts[..], [Verdict::Taken(live)] if live.id == id), "{verdicts:?}");
    assert_eq!(kind(account.make(&(id.clone(), body)).await), FailureKind::Stale);
    assert_eq!(account.live(&id).await.unwrap(), before);
}

pub async fn a_desired_outside_its_bounds_is_refused(player: Player) {
    let account = player.account().await;
    account.make(&account.template()).await.unwrap();
    assert_eq!(kind(account.make(&account.sized(4)).await), FailureKind::Rejected);
    let id = account.sized(1).0;
    assert!(account.live(&id).await.is_none());
    account.make(&account.sized(1)).await.unwrap();
    let before = account.live(&id).await.unwrap();
    assert_eq!(kind(account.change(&account.sized(4)).await), FailureKind::Rejected);
    assert_eq!(kind(account.change(&account.group(3, 2)).await), FailureKind::Rejected);
    assert_eq!(account.live(&id).await.unwrap(), before);
}

pub async fn new_bounds_pull_desired_along(player: Player) {
    let account = player.account().await;
    let id = account.serving(1).await;
    for ((min, max), pulled) in [((2, 3), 2), ((0, 3), 2), ((0, 1), 1)] {
        account.change(&account.group(min, max)).await.unwrap();
        assert_eq!(desired(&account.live(&id).await.unwrap()), pulled, "{min} to {max}");
    }
}

pub async fn a_seed_counts_when_a_group_is_made_and_stays_in_its_bounds(player: Player) {
    let account = player.account().await;
    account.make(&account.template()).await.unwrap();
    let (id, body) = account.group(0, 3);
    for (number, stands) in [(9, 3), (1, 3)] {
        let seed =
            Seed { path: "/desired".into(), value: json!(number), owner: DesiredOwner::Controller };
        let mut step = apply(&id, &body, Precondition::Absent);
        if let Step::Apply { seed: none, .. } = &mut step {
            *none = Some(seed);
        }
        account.act(&step).await.unwrap();
        assert_eq!(desired(&account.live(&id).await.unwrap()), stands);
    }
}

pub async fn a_number_is_set_over_the_one_that_was_seen_and_over_no_other(player: Player) {
    let account = player.account().await;
    let id = account.serving(1).await;
    let live = account.live(&id).await.unwrap();
    for _ in 0..2 {
        account.act(&set_units(&live, 1, 2)).await.unwrap();
        assert_eq!(account.workload(&id).await.unwrap().desired, 2);
    }
    account.someone_scales(&id, 3);
    assert_eq!(kind(account.act(&set_units(&live, 2, 1)).await), FailureKind::Stale);
    assert_eq!(kind(account.act(&set_units(&live, 3, 4)).await), FailureKind::Rejected);
    let another = Live { uid: "another".into(), ..live };
    assert_eq!(kind(account.act(&set_units(&another, 3, 2)).await), FailureKind::Stale);
    assert_eq!(account.workload(&id).await.unwrap().desired, 3);
}

pub async fn protected_instances_do_not_end_by_a_smaller_number(player: Player) {
    let account = player.account().await;
    let id = account.serving(3).await;
    account.someone_scales(&id, 1);
    account.pass(LONG).await;
    let live = account.live(&id).await.unwrap();
    let runs = live.workload.as_ref().unwrap();
    assert_eq!((runs.desired, runs.existing, runs.ready, runs.surplus), (1, 3, 3, 2));
    assert!(runs.is_settled(), "nothing is to be waited for");
    assert!(live.units().iter().all(|unit| !unit.ending));
    // One that is too many already goes, and no fewer are asked for.
    account.act(&drain_units(&live, &[&live.units()[0].name])).await.unwrap();
    account.pass(LONG).await;
    let runs = account.workload(&id).await.unwrap();
    assert_eq!((runs.desired, runs.existing, runs.surplus), (1, 2, 1));
    account.change(&account.group(0, 0)).await.unwrap();
    account.pass(LONG).await;
    let runs = account.workload(&id).await.unwrap();
    assert_eq!((runs.desired, runs.existing, runs.surplus), (0, 2, 2));
}

pub async fn named_instances_end_through_their_hook_with_one_fewer_asked_for(player: Player) {
    let account = player.account().await;
    let id = account.serving(3).await;
    let live = account.live(&id).await.unwrap();
    let named = live.units()[1].name.clone();
    let step = drain_units(&live, &[&named]);
    for _ in 0..2 {
        account.act(&step).await.unwrap();
        let live = account.live(&id).await.unwrap();
        let ending: Vec<_> = live.units().iter().filter(|unit| unit.ending).collect();
        assert_eq!((desired(&live), live.units().len()), (2, 3));
        assert_eq!(ending.iter().map(|unit| &unit.name).collect::<Vec<_>>(), [&named]);
        account.pass(20).await;
    }
    assert_eq!(account.workload(&id).await.unwrap().existing, 3, "its hook waits");
    account.pass(LONG).await;
    let live = account.live(&id).await.unwrap();
    assert!(live.units().len() == 2 && live.units().iter().all(|unit| unit.name != named));
    assert!(live.workload.unwrap().is_settled());
}

pub async fn instances_that_are_gone_are_drained_already(player: Player) {
    let account = player.account().await;
    let id = account.serving(2).await;
    let before = account.live(&id).await.unwrap();
    account.act(&drain_units(&before, &["i-00000000000000000"])).await.unwrap();
    assert_eq!(account.live(&id).await.unwrap(), before);
}

pub async fn a_drained_group_ends_all_its_instances_and_can_go_then(player: Player) {
    let account = player.account().await;
    let id = account.serving(2).await;
    let live = account.live(&id).await.unwrap();
    account.act(&drain(&live)).await.unwrap();
    let drains = account.live(&id).await.unwrap();
    assert!(desired(&drains) == 0 && drains.units().iter().all(|unit| unit.ending));
    assert_eq!(account.workload(&id).await.unwrap().existing, 2);
    account.pass(LONG).await;
    assert_eq!(account.workload(&id).await.unwrap().existing, 0);
    for _ in 0..2 {
        account.act(&delete(&live)).await.unwrap();
        account.pass(LONG).await;
        assert_eq!(account.workload(&id).await, None);
        // What is gone is drained.
        account.act(&drain(&live)).await.unwrap();
        account.act(&drain_units(&live, &[&live.units()[0].name])).await.unwrap();
    }
}

pub async fn a_group_in_which_instances_run_is_not_deleted(player: Player) {
    let account = player.account().await;
    let id = account.serving(1).await;
    let live = account.live(&id).await.unwrap();
    assert_eq!(kind(account.act(&delete(&live)).await), FailureKind::Transient);
    account.act(&drain(&live)).await.unwrap();
    assert_eq!(kind(account.act(&delete(&live)).await), FailureKind::Transient);
    assert_eq!(account.workload(&id).await.unwrap().existing, 1);
}

pub async fn what_is_another_thing_by_now_is_stale_and_not_written(player: Player) {
    let account = player.account().await;
    let id = account.serving(2).await;
    let (template, body) = account.template();
    let before = account.ours().await;
    let another = |id: &ResourceId| Live { uid: "another".into(), ..before_of(&before, id) };
    let (group, of_template) = (another(&id), another(&template));
    let unit = group.units()[0].name.clone();
    for step in [
        apply(&id, &account.group(0, 1).1, Precondition::Is("another".into())),
        apply(&template, &body, Precondition::Is("another".into())),
        drain_units(&group, &[&unit]),
        drain(&group),
        raise(&group, 3),
        refresh(&group),
        delete(&group),
        delete(&of_template),
    ] {
        let done = account.act(&step).await;
        assert_eq!(
            done.clone().err().map(|error| error.kind),
            Some(FailureKind::Stale),
            "{step:?}"
        );
    }
    assert_eq!(account.ours().await, before);
    // What is gone is not the one either, but for what shall go.
    let gone = ResourceId { name: "gone".into(), ..id.clone() };
    let gone = Live { id: gone, ..group };
    for step in [raise(&gone, 3), refresh(&gone)] {
        assert_eq!(kind(account.act(&step).await), FailureKind::Stale, "{step:?}");
    }
    for step in [drain_units(&gone, &[&unit]), drain(&gone), delete(&gone)] {
        account.act(&step).await.unwrap();
    }
}

fn before_of(all: &[Live], id: &ResourceId) -> Live {
    all.iter().find(|live| live.id == *id).unwrap().clone()
}

pub async fn a_lack_of_capacity_is_told_and_is_not_ready(player: Player) {
    let account = player.special(Special { has: Some(1), ..Special::default() }).await;
    account.make(&account.template()).await.unwrap();
    account.make(&account.sized(3)).await.unwrap();
    account.pass(LONG).await;
    let runs = account.workload(&account.sized(3).0).await.unwrap();
    assert_eq!((runs.desired, runs.existing, runs.ready, runs.pending), (3, 1, 1, 2));
    let told = runs.problems.first().map(|problem| (problem.kind, problem.units));
    assert_eq!(told, Some((ProblemKind::InsufficientCapacity, 2)));
    assert!(!runs.is_settled());
}

pub async fn a_warm_pool_stands_beside_a_group_and_counts_for_nothing(player: Player) {
    let account = player.account().await;
    let id = account.serving(1).await;
    let (_, mut body) = account.sized(1);
    for warm in [2, 0] {
        body["warm_pool"] = json!(warm);
        account.change(&(id.clone(), body.clone())).await.unwrap();
        account.pass(LONG).await;
        let live = account.live(&id).await.unwrap();
        assert_eq!(live.fields.at("/warm_pool"), Some(json!(warm)));
        let runs = live.workload.as_ref().unwrap();
        assert_eq!((runs.existing, runs.ready, live.units().len()), (1, 1, 1));
        assert!(runs.is_settled());
    }
}

pub async fn a_warm_pool_beside_spot_is_refused(player: Player) {
    let account = player.account().await;
    account.make(&account.template()).await.unwrap();
    let (id, mut body) = account.group_of("-spot-", 0, 3);
    body["warm_pool"] = json!(1);
    assert_eq!(kind(account.make(&(id, body)).await), FailureKind::Rejected);
}

pub async fn every_step_can_be_repeated(player: Player) {
    let account = player.account().await;
    let template = account.template();
    account.make(&template).await.unwrap();
    account.make(&account.sized(2)).await.unwrap();
    account.pass(LONG).await;
    let id = account.sized(2).0;
    let live = account.live(&id).await.unwrap();
    let is = Precondition::Is(live.uid.clone());
    let of_template = account.live(&template.0).await.unwrap();
    for step in [
        apply(&template.0, &template.1, Precondition::Absent),
        apply(&template.0, &template.1, Precondition::Is(of_template.uid.clone())),
        apply(&id, &account.sized(2).1, Precondition::Absent),
        apply(&id, &account.sized(3).1, is),
        Step::Hold { id: id.clone(), path: "/desired".into(), uid: live.uid.clone() },
        Step::AwaitReady { id: id.clone(), limit: LIMIT },
        raise(&live, 3),
        Step::CatchUp { id: id.clone(), with: id.clone(), path: "/desired".into() },
        pass_on(&live),
        refresh(&live),
        drain_units(&live, &[&live.units()[0].name]),
        drain(&live),
    ] {
        account.act(&step).await.unwrap();
        account.pass(LONG).await;
        let once = account.ours().await;
        account.act(&step).await.unwrap();
        account.pass(LONG).await;
        assert_eq!(account.ours().await, once, "{step:?}");
    }
    for step in [delete(&live), delete(&of_template)] {
        account.act(&step).await.unwrap();
        account.pass(LONG).await;
        account.act(&step).await.unwrap();
    }
    assert_eq!(account.ours().await, []);
}

pub async fn another_content_is_another_version_and_the_default(player: Player) {
    let account = player.account().await;
    let id = account.serving(1).await;
    let (template, first) = account.template();
    let version = async || account.live(&template).await.unwrap().version.unwrap();
    let mut seen = vec![version().await];
    let mut second = first.clone();
    second["volume"]["size_gib"] = json!(321);
    for body in [&second, &first] {
        for _ in 0..2 {
            account.change(&(template.clone(), body.clone())).await.unwrap();
        }
        let now = version().await;
        assert!(!seen.contains(&now), "a version never comes back: {now} of {seen:?}");
        seen.push(now);
    }
    let mut tagged = first.clone();
    tagged["tags"]["floodway.dev/stage"] = json!("other");
    account.change(&(template.clone(), tagged)).await.unwrap();
    assert_eq!(Some(&version().await), seen.last(), "tags are none of its content");
    let runs = account.live(&id).await.unwrap().units().to_vec();
    assert_eq!(runs[0].version.as_ref(), seen.first(), "what runs stays what it was");
}

pub async fn a_refresh_replaces_what_runs_another_version(player: Player) {
    let account = player.account().await;
    let id = account.serving(2).await;
    let before = account.live(&id).await.unwrap();
    let (template, mut body) = account.template();
    body["volume"]["size_gib"] = json!(321);
    account.change(&(template.clone(), body)).await.unwrap();
    let step = refresh(&before);
    account.act(&step).await.unwrap();
    let begun = account.workload(step.id()).await.unwrap();
    assert!(!begun.observed && !begun.is_settled(), "{begun:?}");
    assert_eq!((begun.desired, begun.updated), (2, 0));
    for _ in 0..20 {
        account.pass(LONG).await;
        account.workload(step.id()).await.unwrap();
    }
    let ended = account.workload(step.id()).await.unwrap();
    assert!(ended.is_settled(), "{ended:?}");
    let after = account.live(&id).await.unwrap();
    let version = account.live(&template).await.unwrap().version;
    assert_eq!(after.units().len(), 2);
    for unit in after.units() {
        assert!(unit.ready && unit.version == version, "{unit:?} of {version:?}");
        assert!(before.units().iter().all(|old| old.name != unit.name));
    }
}

pub async fn a_raise_and_a_catch_up_only_add_and_stay_in_bounds(player: Player) {
    let account = player.account().await;
    let id = account.serving(1).await;
    let live = account.live(&id).await.unwrap();
    for (least, stands) in [(0, 1), (2, 2), (1, 2), (9, 3)] {
        account.act(&raise(&live, least)).await.unwrap();
        assert_eq!(desired(&account.live(&id).await.unwrap()), stands, "at least {least}");
    }
    // Its successor takes over what it has, as far as it may.
    let spot = account.group_of("-spot-", 0, 2);
    let catch_up = |id: &ResourceId, with: &ResourceId| Step::CatchUp {
        id: id.clone(),
        with: with.clone(),
        path: "/desired".into(),
    };
    assert_eq!(kind(account.act(&catch_up(&spot.0, &id)).await), FailureKind::Stale);
    account.make(&spot).await.unwrap();
    account.act(&catch_up(&spot.0, &id)).await.unwrap();
    assert_eq!(desired(&account.live(&spot.0).await.unwrap()), 2);
    let gone = ResourceId { name: "gone".into(), ..id.clone() };
    account.act(&catch_up(&spot.0, &gone)).await.unwrap();
    assert_eq!(desired(&account.live(&spot.0).await.unwrap()), 2);
}

pub async fn a_group_that_goes_notes_who_carries_on(player: Player) {
    let account = player.account().await;
    let id = account.serving(1).await;
    let live = account.live(&id).await.unwrap();
    account.act(&pass_on(&live)).await.unwrap();
    let noted = account.live(&id).await.unwrap();
    let tag = noted.fields.at("/tags/floodway.dev~1passed-on");
    assert_eq!(tag, Some(json!("3 another")));
    // Another one of its name has passed nothing on, and none cannot.
    let other = Live { uid: "another".into(), ..live.clone() };
    assert_eq!(kind(account.act(&pass_on(&other)).await), FailureKind::Stale);
    let gone = ResourceId { name: "gone".into(), ..id.clone() };
    account.act(&pass_on(&Live { id: gone, ..live.clone() })).await.unwrap();
    account.change(&account.group(0, 2)).await.unwrap();
    let wanted = account.live(&id).await.unwrap();
    assert_eq!(wanted.fields.at("/tags/floodway.dev~1passed-on"), None, "it is wanted again");
}

pub async fn what_may_not_be_read_is_no_empty_account(player: Player) {
    let account = player.special(Special { denies: true, ..Special::default() }).await;
    let error = account.observe(&scope()).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Denied);
}

pub async fn tags_of_others_are_not_seen_and_stay(player: Player) {
    let account = player.account().await;
    let id = account.serving(1).await;
    account.someone_tags(&id, "cost-center", "42");
    let fields = account.live(&id).await.unwrap().fields;
    assert_eq!(fields, account.sized(1).1, "git has nothing to say of them");
    account.change(&account.group(0, 2)).await.unwrap();
    assert_eq!(account.tags(&id)["cost-center"], "42");
}

pub async fn only_what_carries_our_marks_is_seen_and_by_name_the_rest(player: Player) {
    let account = player.account().await;
    let id = account.serving(1).await;
    let ids = |all: Vec<Live>| -> Vec<ResourceId> { all.into_iter().map(|live| live.id).collect() };
    assert_eq!(ids(account.ours().await), [id.clone(), account.template().0]);
    account.someone_untags(&id, "floodway.dev/environment");
    assert_eq!(ids(account.ours().await), [account.template().0]);
    assert_eq!(account.live(&id).await.unwrap().ownership, Ownership::Unmarked);
    account.someone_tags(&id, "floodway.dev/environment", "another");
    let other = Ownership::Other("environment another".into());
    assert_eq!(account.live(&id).await.unwrap().ownership, other);
    let any = Scope { any_environment: true, ..scope() };
    assert_eq!(account.observe(&any).await.unwrap().resources.len(), 2);
}
