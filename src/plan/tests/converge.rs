//! Any history of edits, scaling and drift ends where the environment says.

use super::active;
use super::world::World;
use crate::observe::{Live, Ownership, Taken};
use crate::plan::*;
use crate::spec::model::{Count, Hpa, Moved};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Something that happens between two applies.
#[derive(Debug, Clone)]
enum Event {
    Fixed(usize, u32),
    Between(usize, u32, u32),
    Autoscaled(usize),
    Image(u8),
    Remove(usize),
    Rename(usize, u8),
    OtherStage(usize),
    OtherType(bool),
    Spot(bool),
    Scale(prop::sample::Index, u32),
    Delete(prop::sample::Index),
    Edit(prop::sample::Index),
}

fn event() -> impl Strategy<Value = Event> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        (0..4usize, 0..9u32).prop_map(|(pool, count)| Event::Fixed(pool, count)),
        (0..4usize, 0..5u32, 0..9u32).prop_map(|(pool, min, more)| Event::Between(pool, min, more)),
        (0..4usize).prop_map(Event::Autoscaled),
        (0..3u8).prop_map(Event::Image),
        (0..4usize).prop_map(Event::Remove),
        (0..4usize, 0..6u8).prop_map(|(pool, name)| Event::Rename(pool, name)),
        (0..4usize).prop_map(Event::OtherStage),
        any::<bool>().prop_map(Event::OtherType),
        any::<bool>().prop_map(Event::Spot),
        (index(), 0..12u32).prop_map(|(at, count)| Event::Scale(at, count)),
        index().prop_map(Event::Delete),
        index().prop_map(Event::Edit),
    ]
}

fn happen(world: &mut World, event: &Event) {
    let onprem = &mut world.environment.onprem.as_mut().unwrap().pools;
    let pool = |at: usize| onprem.keys().nth(at).cloned();
    match event {
        Event::Fixed(at, count) => {
            if let Some(pool) = pool(*at).and_then(|name| onprem.get_mut(&name)) {
                (pool.replicas, pool.hpa) = (Count::Fixed(*count), None);
            }
        }
        Event::Between(at, min, more) => {
            if let Some(pool) = pool(*at).and_then(|name| onprem.get_mut(&name)) {
                pool.replicas = Count::Between { min: *min, max: min + more };
            }
        }
        Event::Autoscaled(at) => {
            if let Some(pool) = pool(*at).and_then(|name| onprem.get_mut(&name)) {
                pool.replicas = Count::Between { min: 1, max: 9 };
                pool.hpa = match pool.hpa {
                    Some(_) => None,
                    None => {
                        Some(Hpa { cpu: Some("70%".parse().unwrap()), requests_per_second: None })
                    }
                };
            }
        }
        Event::Image(tag) => {
            for stage in world.environment.service.stages.values_mut() {
                stage.image = format!("image:{tag}");
            }
        }
        Event::Remove(at) => drop(pool(*at).and_then(|name| onprem.remove(&name))),
        Event::Rename(at, to) => {
            let to = format!("pool{to}");
            let free = !onprem.contains_key(to.as_str());
            if let Some(from) = pool(*at).filter(|_| free) {
                let pool = onprem.remove(&from).unwrap();
                onprem.insert(to.parse().unwrap(), pool);
                world.environment.moved = vec![Moved { from: from.to_string(), to }];
            }
        }
        Event::OtherStage(at) => {
            if let Some(pool) = pool(*at).and_then(|name| onprem.get_mut(&name)) {
                let to =
                    if pool.stage.as_str() == "inference" { "postprocess" } else { "inference" };
                pool.stage = to.parse().unwrap();
            }
        }
        Event::OtherType(first) => {
            let pool = world.environment.aws.as_mut().unwrap().pools.get_mut("g6e").unwrap();
            pool.instance_types =
                vec![if *first { "g6e.12xlarge" } else { "g5.12xlarge" }.to_owned()];
        }
        Event::Spot(on) => {
            let pool = world.environment.aws.as_mut().unwrap().pools.get_mut("g6e").unwrap();
            pool.spot =
                on.then(|| crate::spec::Spot { share: "50%".parse().unwrap(), base_on_demand: 0 });
        }
        Event::Scale(at, count) => scale(world, at, *count),
        Event::Delete(at) => {
            let id =
                at.get(&world.inventory.resources.keys().collect::<Vec<_>>()).to_owned().clone();
            world.inventory.resources.remove(&id);
        }
        Event::Edit(at) => {
            let id =
                at.get(&world.inventory.resources.keys().collect::<Vec<_>>()).to_owned().clone();
            let live = world.inventory.resources.get_mut(&id).unwrap();
            let Live { fields, taken, .. } = live;
            fields.edit(|fields| drift(fields, taken));
        }
    }
}

/// Whoever may moves the number of a workload that git does not own.
fn scale(world: &mut World, at: &prop::sample::Index, count: u32) {
    let world_before = world.plan();
    let runtime: Vec<_> = world_before
        .changes
        .iter()
        .filter(|change| change.owned_by.is_some() && change.action == Action::NoOp)
        .map(|change| (change.id.kind.clone(), change.id.name.clone()))
        .filter(|(kind, _)| kind == "Deployment" || kind == "AutoScalingGroup")
        .collect();
    if !runtime.is_empty() {
        let (kind, name) = at.get(&runtime).clone();
        let most = world.live(&kind, &name).fields.at("/max").and_then(|max| max.as_u64());
        let count = most.map_or(count, |most| count.min(u32::try_from(most).unwrap()));
        world.scale(&kind, &name, count, "runtime");
    }
}

/// Somebody else takes a label.
fn drift(fields: &mut Value, taken: &mut std::collections::BTreeMap<String, Taken>) {
    let Some(labels) = fields.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) else {
        return;
    };
    if labels.remove("app.kubernetes.io/managed-by").is_some() {
        let path = "metadata.labels[\"app.kubernetes.io/managed-by\"]".to_owned();
        taken.insert(path, Taken { manager: "somebody".into(), value: json!("me") });
    }
}

#[test]
fn a_pool_that_git_kept_at_nothing_is_handed_over_at_its_least() {
    let mut world = World::applied();
    for event in [Event::Fixed(1, 0), Event::Autoscaled(1)] {
        happen(&mut world, &event);
        let plan = world.plan();
        world.execute(&plan);
    }
    let again = world.plan();
    assert!(again.is_empty(), "{:#?}", active(&again));
    let front = world.live("Deployment", "deepseek-preprocess-front");
    assert_eq!(front.runtime.as_ref().unwrap().value, 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn apply_then_plan_is_empty_whatever_happened(history in prop::collection::vec(
        prop::collection::vec(event(), 1..4), 1..5)) {
        let mut world = World::applied();
        for events in &history {
            world.environment.moved.clear();
            for event in events {
                happen(&mut world, event);
            }
            let running: Vec<_> = world.inventory.resources.values()
                .filter_map(|live| Some((live.id.clone(), live.pool()?.to_owned(), live.runtime.clone()?)))
                .collect();
            let plan = world.plan();
            let refused: Vec<_> = plan.refusals.iter().filter(|r| r.guard != "lowered_max").collect();
            prop_assert!(refused.is_empty(), "{refused:?}");
            let found = staleness(&plan, &world.inventory, "digest", &plan.environment_text);
            prop_assert!(found.is_empty(), "{found:?}");
            let read = saved::decode(&saved::encode(&plan));
            prop_assert_eq!(read.as_ref(), Ok(&plan));

            world.execute(&plan);
            let again = world.plan();
            prop_assert!(again.is_empty(), "{:#?}", active(&again));
            let members = world.inventory.last_apply.as_ref().unwrap().members as usize;
            prop_assert_eq!(members, world.inventory.resources.len() - 1);
            // What stands at nothing is brought to its least: no autoscaler would.
            for (id, _, runtime) in running.into_iter().filter(|(.., field)| field.value != 0) {
                let owned = again.changes.iter().any(|c| c.id == id && c.owned_by.is_some());
                if let Some(live) = world.inventory.resources.get(&id).filter(|_| owned) {
                    prop_assert_eq!(&live.runtime.as_ref().unwrap().value, &runtime.value,
                        "{} was scaled by an apply", id);
                }
            }
            for live in world.inventory.resources.values() {
                prop_assert_eq!(&live.ownership, &Ownership::Ours);
            }
        }
    }
}
