//! Plans that go out in waves.

use super::super::waves::assign;
use super::world::{World, of};
use super::*;
use crate::desired::fixture;
use crate::observe::{Aborted, Hands, Lifted, Pause};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The fixture's five pools: edge 9, back 36, g6e 360 (or so), front and h100 360 req/s.
fn in_waves(mut world: World) -> World {
    world.environment.rollout.waves = Some(fixture::waves());
    world
}

fn wave_of_pool(plan: &Plan, pool: &str) -> u32 {
    let waves = plan.waves.as_ref().unwrap();
    let at = waves.pools.iter().position(|pools| pools.iter().any(|name| name == pool));
    u32::try_from(at.unwrap() + 1).unwrap()
}

fn waves(plan: &Plan) -> BTreeMap<String, Vec<u32>> {
    let mut all = BTreeMap::<String, Vec<u32>>::new();
    for change in plan.changes.iter().filter(|change| change.has_work()) {
        all.entry(change.id.to_string()).or_default().push(change.wave);
    }
    all
}

/// A new image for every stage.
fn with_new_images(world: &mut World) {
    for stage in world.environment.service.stages.values_mut() {
        stage.image = "registry.example/stage@sha256:fedcba9876543210".into();
    }
}

#[test]
fn pools_go_from_the_one_that_carries_least_to_the_one_that_carries_most() {
    let plan = in_waves(World::empty()).plan();
    let waves = plan.waves.clone().unwrap();
    assert_eq!((waves.count(), waves.wait), (3, "10m".parse().unwrap()));
    let sizes: Vec<usize> = waves.pools.iter().map(Vec::len).collect();
    assert_eq!(sizes, [1, 2, 2]);
    let decision = World::empty().decision();
    let carries = |pool: &String| {
        let pool = &decision.pools[pool.as_str()];
        pool.capacity_per_unit.times(pool.max)
    };
    let all: Vec<_> = waves.pools.concat().iter().map(carries).collect();
    assert!(all.is_sorted(), "{all:?}");
    assert_eq!((waves.of(0), waves.of(4)), (&[][..], &[][..]));
}

#[test]
fn what_belongs_to_a_pool_goes_in_its_wave_and_what_it_needs_no_later() {
    let plan = in_waves(World::empty()).plan();
    for change in plan.changes.iter().filter(|change| change.has_work()) {
        let parent = change.id.name == "floodway-prod";
        match &change.pool {
            Some(pool) => assert_eq!(change.wave, wave_of_pool(&plan, pool), "{}", change.id),
            None if parent => {}
            None => assert!((1..=3).contains(&change.wave), "{}", change.id),
        }
        for &first in &change.after {
            assert!(plan.changes[first].wave <= change.wave, "{}", change.id);
        }
    }
    assert_eq!(of(&plan, "Namespace", "inference").wave, 1);
    assert_eq!(waves(&plan)["ConfigMap inference/floodway-prod"], [1, 3]);
    // They stand in the order of applying.
    let order: Vec<u32> = plan.changes.iter().map(|change| change.wave).collect();
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn without_waves_nothing_of_them_is_in_a_plan() {
    let plan = World::empty().plan();
    assert!(plan.waves.is_none() && plan.changes.iter().all(|change| change.wave == 0));
    let text = serde_json::to_string(&plan).unwrap();
    assert!(!text.contains("\"wave"));
    let destroyed = destroy_plan_of(&in_waves(World::applied()));
    assert!(destroyed.waves.is_none() && destroyed.destroys());
    assert!(!in_waves(World::empty()).plan().destroys());
}

fn destroy_plan_of(world: &World) -> Plan {
    destroy_plan(
        &PlanInput {
            mark: &fixture::mark(),
            environment: &world.environment,
            origins: &world.origins,
            environment_digest: "digest",
            environment_text: "",
            catalog: &World::catalog(),
            decision: &world.decision(),
            supply: &crate::decide::Supply::from_inventory(&world.environment, &world.inventory),
            desired: &crate::desired::DesiredWorld::default(),
            inventory: &world.inventory,
            options: &world.options,
        },
        false,
    )
    .unwrap()
}

#[test]
fn what_goes_away_goes_in_the_last_wave_when_the_others_carry_on() {
    let mut world = in_waves(World::applied());
    with_new_images(&mut world);
    let pools = &mut world.environment.onprem.as_mut().unwrap().pools;
    pools.remove("front");
    pools.insert(
        "another".parse().unwrap(),
        fixture::on_prem_pool("preprocess", Count::Fixed(1), None),
    );
    let plan = world.plan();
    let last = plan.waves.as_ref().unwrap().count();
    for change in plan.changes.iter().filter(|change| change.action == Action::Delete) {
        assert_eq!(change.wave, last, "{}", change.id);
    }
    assert!(wave_of_pool(&plan, "another") < last);
}

#[test]
fn an_autoscaler_that_must_be_gone_first_goes_in_the_wave_of_its_pool() {
    let mut world = in_waves(World::applied());
    let pools = &mut world.environment.onprem.as_mut().unwrap().pools;
    let front = pools.get_mut("front").unwrap();
    (front.hpa, front.replicas) = (None, Count::Fixed(1));
    let plan = world.plan();
    let wave = wave_of_pool(&plan, "front");
    assert!(wave < plan.waves.as_ref().unwrap().count());
    assert_eq!(of(&plan, "HorizontalPodAutoscaler", FRONT).wave, wave);
    assert_eq!(of(&plan, "Deployment", FRONT).wave, wave);
}

#[test]
fn a_saved_plan_keeps_its_waves_and_one_that_misplaces_a_change_is_refused() {
    let plan = in_waves(World::empty()).plan();
    let digest = saved::digest(&plan);
    assert_eq!(saved::decode(&saved::encode(&plan)), Ok(plan.clone()));
    assert!(saved::encode(&plan).starts_with(b"floodway-plan 2."));
    let mut later = plan.clone();
    let at = later.changes.iter().position(|change| change.wave == 3).unwrap();
    for wave in [0, 4] {
        later.changes[at].wave = wave;
        assert_ne!(saved::digest(&later), digest);
        assert!(saved::decode(&saved::encode(&later)).is_err(), "{wave}");
    }
    let mut early = plan;
    early.changes.last_mut().unwrap().wave = 1;
    assert!(saved::decode(&saved::encode(&early)).is_err());
}

#[test]
fn a_pause_and_a_phase_that_was_given_up_forbid_applying_and_going_back_is_let() {
    let mut environment = fixture::environment();
    let phases = ["short", "medium", "long"].into_iter().zip(1..);
    for (name, order) in phases {
        let phase = crate::spec::model::Phase { order, ..phase() };
        environment.rollout.phases.insert(name.parse().unwrap(), phase);
    }
    let aborted = |phase: &str| Aborted {
        phase: phase.parse().unwrap(),
        criterion: "errors".into(),
        value: "7%".into(),
        target: "above 5%".into(),
        by: "ada".into(),
        since: crate::clock::Timestamp::UNIX_EPOCH,
        lifted: None,
    };
    let mut guards = |live: Option<&str>, hands: &Hands| {
        environment.environment.phase = live.map(|name| name.parse().unwrap());
        let refusals = halted("prod", &environment, hands);
        refusals.into_iter().map(|refusal| refusal.guard).collect::<Vec<_>>()
    };
    let given_up = Hands { aborted: Some(aborted("medium")), ..Hands::default() };
    for (live, says) in [
        (Some("long"), &["aborted"][..]),
        (Some("medium"), &["aborted"]),
        (Some("short"), &[]),
        (None, &[]),
    ] {
        assert_eq!(guards(live, &given_up), says, "{live:?}");
    }
    // Where it stood in the order is not known any more.
    let unknown = Hands { aborted: Some(aborted("gone")), ..Hands::default() };
    assert_eq!(guards(Some("short"), &unknown), ["aborted"]);
    let mut lifted = given_up;
    lifted.go_on(Some(Lifted { reason: "seen".into(), by: "eve".into(), at: <_>::default() }));
    assert_eq!(guards(Some("medium"), &lifted), [""; 0]);
    let pause = Pause { reason: "a look".into(), by: "ada".into(), since: <_>::default() };
    let paused = Hands { pause: Some(pause), ..Hands::default() };
    assert_eq!(guards(Some("short"), &paused), ["paused"]);
}

fn phase() -> crate::spec::model::Phase {
    crate::spec::model::Phase {
        order: 1,
        window: None,
        start: None,
        owner: None,
        summary: None,
        goals: <_>::default(),
        steps: <_>::default(),
        exit: <_>::default(),
        abort: <_>::default(),
        risks: Vec::new(),
        undo: None,
    }
}

/// What is done of a plan when an apply is cut off: each with all that it needs, and
/// wave after wave.
fn cut_off(plan: &Plan, picked: &[bool]) -> Vec<bool> {
    let mut done = vec![false; plan.changes.len()];
    let mut stopped_in = u32::MAX;
    for (index, change) in plan.changes.iter().enumerate() {
        if !change.has_work() {
            continue;
        }
        let ready =
            change.after.iter().all(|&first| done[first] || !plan.changes[first].has_work());
        done[index] = ready && picked[index % picked.len()] && change.wave <= stopped_in;
        if !done[index] {
            stopped_in = stopped_in.min(change.wave);
        }
    }
    done
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_left_after_a_cut_stays_in_its_waves(
        picked in prop::collection::vec(any::<bool>(), 1..40),
        fresh in any::<bool>(),
        without_hpa in any::<bool>(),
        without_pool in any::<bool>(),
    ) {
        let mut world = if fresh { World::empty() } else { World::applied() };
        with_new_images(&mut world);
        let pools = &mut world.environment.onprem.as_mut().unwrap().pools;
        if without_hpa {
            let front = pools.get_mut("front").unwrap();
            (front.hpa, front.replicas) = (None, Count::Fixed(1));
        }
        if without_pool {
            pools.remove("back");
        }
        let plan = in_waves(world).plan();
        let declared = plan.waves.clone().unwrap();
        for change in plan.changes.iter().filter(|change| change.has_work()) {
            prop_assert!((1..=declared.count()).contains(&change.wave));
        }
        let done = cut_off(&plan, &picked);
        let mut rest = plan.changes.clone();
        for (change, _) in rest.iter_mut().zip(&done).filter(|(_, done)| **done) {
            change.steps.clear();
        }
        // What is done is nothing to wait for, as the next plan has it.
        let after: Vec<Vec<usize>> = plan
            .changes
            .iter()
            .map(|change| change.after.iter().copied().filter(|&first| !done[first]).collect())
            .collect();
        let last_written = |change: &Change| {
            change.notes.iter().any(|note| note.starts_with("written last"))
        };
        let closing = plan.changes.iter().position(last_written);
        let again = assign(&declared, &rest, &after, closing);
        for (index, change) in rest.iter().enumerate().filter(|(_, change)| change.has_work()) {
            prop_assert_eq!(again[index], change.wave, "{}", change.id);
        }
    }
}
