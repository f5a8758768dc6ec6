//! Types that carry the same share a group, and part when they no longer do.

use super::world::{World, of};
use super::{active, place};
use crate::diag::Place;
use crate::observe::{Lookup, Unit};
use crate::plan::*;
use crate::spec::model::{BurstPool, Count};

const G6E: &str = "prod-g6e-od-g6e.12xlarge";
const G5: &str = "prod-g6e-od-g5.12xlarge";
const GROUP: &str = "AutoScalingGroup";

fn pool(world: &mut World) -> &mut BurstPool {
    world.environment.aws.as_mut().unwrap().pools.get_mut("g6e").unwrap()
}

/// What a replica on g5 carries; on g6e it is 9 req/s.
fn capacity(world: &mut World, of_g5: &str) {
    pool(world).capacity.insert("g5.12xlarge".into(), of_g5.parse().unwrap());
}

/// Everything applied, from a file whose lines are known.
fn apart() -> World {
    let mut world = World::applied();
    let place = Place { file: "environments/prod.toml".into(), line: 41, column: 1 };
    world.origins.insert("aws.pools.g6e".into(), place);
    world
}

/// The same with one group for both types in each market.
fn shared() -> World {
    let mut world = apart();
    capacity(&mut world, "9 req/s");
    world.apply();
    assert!(world.inventory.resources.keys().all(|id| id.name != G5));
    world
}

fn types(world: &mut World, name: &str) -> serde_json::Value {
    world.live(GROUP, name).fields.at("/instance_types").unwrap()
}

fn units(world: &mut World) -> &mut Vec<Unit> {
    &mut world.live(GROUP, G6E).workload.as_mut().unwrap().units
}

/// Makes the group's first `count` instances be of g5.
fn of_g5(world: &mut World, count: usize) {
    for unit in units(world).iter_mut().take(count) {
        unit.instance_type = Some("g5.12xlarge".into());
    }
}

#[test]
fn what_is_merged_is_drained_and_counts_as_destroyed() {
    let mut world = apart();
    world.scale(GROUP, G6E, 1, "floodway-run");
    world.scale(GROUP, G5, 2, "floodway-run");
    capacity(&mut world, "9 req/s");
    let plan = world.plan();
    let stays = of(&plan, GROUP, G6E);
    assert_eq!(stays.action, Action::Update);
    assert_eq!(stays.reason.text, "g5.12xlarge shares the group now: what a node carries is equal");
    let goes = of(&plan, GROUP, G5);
    assert_eq!(goes.action, Action::Delete);
    let [Step::AwaitReady { id, .. }, Step::Drain { .. }, Step::Delete { .. }] = &goes.steps[..]
    else {
        panic!("{:#?}", goes.steps)
    };
    assert_eq!(*id, stays.id, "what carries on serves first");
    assert_eq!(
        goes.reason.text,
        format!("g5.12xlarge shares {GROUP} us-east-1/{G6E} now: what a node carries is equal")
    );
    assert_eq!(goes.reason.key.as_deref(), Some("aws.pools.g6e.capacity"));
    world.environment.environment.max_destroy = 1;
    let refusals = world.plan().refusals;
    assert_eq!(refusals[0].message, "this plan destroys 2 workloads, and max_destroy is 1");

    world.environment.environment.max_destroy = 2;
    world.apply();
    assert!(!world.plan().has_work(), "{:?}", active(&world.plan()));
    assert_eq!(types(&mut world, G6E), serde_json::json!(["g6e.12xlarge", "g5.12xlarge"]));
    assert_eq!(ready(&mut world, G6E), 3);
}

fn ready(world: &mut World, name: &str) -> u32 {
    world.live(GROUP, name).workload.as_ref().unwrap().ready
}

/// Two of one type and three of the other, in groups that become one.
fn joined() -> World {
    let mut world = apart();
    world.scale(GROUP, G6E, 2, "floodway-run");
    world.scale(GROUP, G5, 3, "floodway-run");
    capacity(&mut world, "9 req/s");
    world
}

#[test]
fn a_group_that_stays_has_the_number_of_what_goes_before_that_drains() {
    let mut world = joined();
    let plan = world.plan();
    let stays = of(&plan, GROUP, G6E);
    assert!(stays.notes.contains(&"raised by 3 to 5, for what goes".to_owned()));
    let [Step::Apply { .. }, .., Step::PassOn { id, number: 5, .. }, raise, ready] =
        &stays.steps[..]
    else {
        panic!("{:#?}", stays.steps)
    };
    assert_eq!(id.name, G5);
    assert!(matches!(raise, Step::Raise { least: 5, .. }));
    assert!(matches!(ready, Step::AwaitReady { .. }));
    assert!(of(&plan, GROUP, G5).after.contains(&place(&plan, GROUP, G6E)));
    let pool = plan.pools.iter().find(|pool| pool.pool == "g6e").unwrap();
    assert_eq!((pool.units.before, pool.units.after), (5, 5));
    assert_eq!(pool.cost.after.to_string(), "$52.45/h", "5 × $10.49, the dearest");
    world.execute(&plan);
    assert_eq!(self::ready(&mut world, G6E), 5);
    assert!(!world.plan().has_work(), "{:?}", active(&world.plan()));
}

#[test]
fn what_goes_with_its_market_is_carried_on_too() {
    let mut world = apart();
    world.scale(GROUP, G6E, 1, "floodway-run");
    world.scale(GROUP, "prod-g6e-spot-g6e.12xlarge", 2, "floodway-run");
    pool(&mut world).spot = None;
    let plan = world.apply();
    assert_eq!(of(&plan, GROUP, G6E).action, Action::Update);
    assert_eq!(ready(&mut world, G6E), 3);
    assert!(!world.plan().has_work(), "{:?}", active(&world.plan()));
}

#[test]
fn a_group_never_gets_more_than_its_max_of_what_goes() {
    let mut world = joined();
    pool(&mut world).size = Count::Between { min: 0, max: 4 };
    let plan = world.apply();
    assert!(of(&plan, GROUP, G6E).notes.contains(&"raised by 2 to 4, for what goes".to_owned()));
    assert_eq!(ready(&mut world, G6E), 4);
}

#[test]
fn a_repeat_after_a_kill_passes_nothing_on_twice() {
    let steps = of(&joined().plan(), GROUP, G6E).steps.len();
    for done in 0..=steps {
        let mut world = joined();
        let mut plan = world.plan();
        let (stays, goes) = (place(&plan, GROUP, G6E), place(&plan, GROUP, G5));
        plan.changes[stays].steps.truncate(done);
        plan.changes[goes].steps.clear();
        world.execute(&plan);
        assert_eq!(ready(&mut world, G5), 3);
        world.apply();
        assert_eq!(ready(&mut world, G6E), 5, "after {done} of {steps} steps");
        assert!(!world.plan().has_work(), "{:?}", active(&world.plan()));
    }
}

#[test]
fn a_repeat_passes_nothing_on_twice_to_what_was_made_for_it() {
    let mut world = apart();
    world.scale(GROUP, G6E, 3, "floodway-run");
    world.origins = Default::default();
    by_requirements(&mut world, &["g6e.12xlarge"]);
    let mut plan = world.plan();
    let goes = place(&plan, GROUP, G6E);
    plan.changes[goes].steps.clear();
    world.execute(&plan);
    assert_eq!((ready(&mut world, G6E), ready(&mut world, "prod-g6e-od-any")), (3, 3));
    world.apply();
    assert_eq!(ready(&mut world, "prod-g6e-od-any"), 3);
    assert!(!world.plan().has_work(), "{:?}", active(&world.plan()));
}

#[test]
fn what_is_wanted_again_has_passed_nothing_on() {
    let mut world = joined();
    let mut plan = world.plan();
    let goes = place(&plan, GROUP, G5);
    plan.changes[goes].steps.clear();
    world.execute(&plan);
    capacity(&mut world, "6 req/s");
    world.apply();
    assert!(!world.plan().has_work(), "{:?}", active(&world.plan()));
    world.scale(GROUP, G6E, 2, "floodway-run");
    capacity(&mut world, "9 req/s");
    assert!(of(&world.plan(), GROUP, G6E).notes.concat().contains("raised by 3 to 5"));
}

#[test]
fn what_is_parted_ends_nothing_and_says_what_stays() {
    let mut world = shared();
    world.scale(GROUP, G6E, 3, "floodway-run");
    of_g5(&mut world, 2);
    capacity(&mut world, "6 req/s");
    let plan = world.plan();
    let stays = of(&plan, GROUP, G6E);
    assert_eq!(
        stays.reason.text,
        format!(
            "g5.12xlarge has {GROUP} us-east-1/{G5} of its own now: what a node carries differs"
        )
    );
    let note = stays.notes.iter().find(|note| note.contains("until they end")).unwrap();
    assert!(note.starts_with("2 g5.12xlarge instances stay until they end: i-"), "{note}");
    assert!(stays.steps.iter().all(|step| !matches!(step, Step::DrainUnits { .. })));
    let own = of(&plan, GROUP, G5);
    assert_eq!(own.action, Action::Create);
    assert!(own.reason.text.starts_with("g5.12xlarge shares AutoScalingGroup us-east-1/"));
    assert!(plan.changes.iter().all(|change| change.action != Action::Delete));
    world.execute(&plan);
    assert!(!world.plan().has_work(), "{:?}", active(&world.plan()));
    assert_eq!(world.live(GROUP, G6E).workload.as_ref().unwrap().ready, 3);
}

#[test]
fn types_that_come_go_or_change_places_are_an_update_in_place() {
    let mut world = shared();
    world.scale(GROUP, G6E, 2, "floodway-run");
    for (wanted, why) in [
        (vec!["g6e.12xlarge"], "g5.12xlarge is not declared any more"),
        (vec!["g6e.12xlarge", "g5.12xlarge"], "g5.12xlarge is new"),
        (vec!["g5.12xlarge", "g6e.12xlarge"], "in another order"),
        (vec!["g5.12xlarge"], "g6e.12xlarge is not declared any more"),
    ] {
        pool(&mut world).instance_types = wanted.iter().map(|name| (*name).to_owned()).collect();
        let plan = world.apply();
        let change = of(&plan, GROUP, G6E);
        assert_eq!((change.action, change.reason.text.as_str()), (Action::Update, why));
        assert_eq!(change.reason.key.as_deref(), Some("aws.pools.g6e.instance_types"));
        let others = plan.changes.iter().filter(|c| c.action != Action::NoOp && c.id.kind == GROUP);
        assert_eq!(others.count(), 2, "one in each market");
        assert_eq!(types(&mut world, G6E), serde_json::json!(wanted));
        assert_eq!(world.live(GROUP, G6E).workload.as_ref().unwrap().ready, 2);
        assert!(!world.plan().has_work());
    }
}

#[test]
fn a_group_of_none_of_the_declared_types_is_not_adopted() {
    let mut world = shared();
    let live = world.live(GROUP, G6E);
    live.ownership = crate::observe::Ownership::Unmarked;
    live.fields.edit(|fields| fields["instance_types"] = serde_json::json!(["m5.large"]));
    let id = live.id.clone();
    world.options.adopt = [id].into();
    let plan = world.plan();
    assert_eq!(plan.refusals[0].guard, "immutable", "{:?}", plan.refusals);
    let fields = &mut world.live(GROUP, G6E).fields;
    fields.edit(|fields| fields["instance_types"] = serde_json::json!(["m5.large", "g5.12xlarge"]));
    assert_eq!(world.plan().refusals, []);
}

#[test]
fn a_group_costs_what_runs_and_at_most_its_dearest_type() {
    let mut world = shared();
    world.scale(GROUP, G6E, 3, "floodway-run");
    of_g5(&mut world, 2);
    let cost = |plan: &Plan| plan.pools.iter().find(|pool| pool.pool == "g6e").unwrap().cost;
    let now = cost(&world.plan());
    assert_eq!(now.before.to_string(), "$21.83/h", "2 × $5.67 and $10.49");
    assert_eq!(now.after, now.before);
    assert_eq!(now.at_max.to_string(), "$104.9/h");

    pool(&mut world).size = Count::Fixed(4);
    pool(&mut world).spot = None;
    let more = cost(&world.plan());
    assert_eq!(more.after.to_string(), "$32.32/h", "one more, at most the dearest");

    for unit in units(&mut world) {
        unit.instance_type = None;
    }
    assert_eq!(cost(&world.plan()).before.to_string(), "$31.47/h", "of unknown types");
}

#[test]
fn at_max_what_stays_of_a_type_that_is_not_declared_any_more_is_no_bound_for_the_rest() {
    let mut world = shared();
    world.scale(GROUP, G6E, 3, "floodway-run");
    of_g5(&mut world, 1);
    pool(&mut world).instance_types = vec!["g5.12xlarge".into()];
    let cost = |world: &World| {
        let plan = world.plan();
        plan.pools.into_iter().find(|pool| pool.pool == "g6e").unwrap().cost.at_max.to_string()
    };
    assert_eq!(cost(&world), "$66.34/h", "2 × $10.49 and 8 × $5.67");
    let budget = |usd: &str| crate::spec::model::Budget {
        usd_per_hour: Some(usd.parse().unwrap()),
        usd_per_day: None,
        usd_per_month: None,
    };
    // Another pool is beside it.
    world.environment.burst.budget = Some(budget("$77/h"));
    assert!(world.plan().warnings.iter().all(|warning| !warning.contains("usd_per_hour")));
    world.environment.burst.budget = Some(budget("$76/h"));
    let told = world.plan().warnings.concat();
    assert!(told.contains("(edge 1 × $10.49/h, g6e $66.34/h)"), "{told}");
}

#[test]
fn what_runs_beyond_what_is_asked_for_is_in_the_sums_until_it_is_named() {
    let mut world = shared();
    world.scale(GROUP, G6E, 3, "floodway-run");
    world.scale(GROUP, G6E, 1, "somebody");
    assert_eq!(ready(&mut world, G6E), 3, "they are protected");
    let plan = world.plan();
    assert!(!plan.has_work(), "{:?}", active(&plan));
    let of_pool = plan.pools.iter().find(|pool| pool.pool == "g6e").unwrap();
    assert_eq!((of_pool.units.before, of_pool.units.after), (3, 3));
    assert_eq!(of_pool.cost.before.to_string(), "$31.47/h");
    assert_eq!(of_pool.cost.after, of_pool.cost.before);
    let told = plan.warnings.iter().find(|warning| warning.contains(G6E)).unwrap();
    assert!(told.contains("3 run, 1 asked for"), "{told}");
    assert!(units(&mut world).iter().all(|unit| told.contains(&unit.name)), "{told}");

    // A lower max ends them by name.
    pool(&mut world).size = Count::Between { min: 0, max: 2 };
    let plan = world.plan();
    let of_pool = plan.pools.iter().find(|pool| pool.pool == "g6e").unwrap();
    assert_eq!((of_pool.units.before, of_pool.units.after), (3, 2));
    pool(&mut world).size = Count::Fixed(1);
    pool(&mut world).spot = None;
    let plan = world.plan();
    let of_pool = plan.pools.iter().find(|pool| pool.pool == "g6e").unwrap();
    assert_eq!((of_pool.units.before, of_pool.units.after), (3, 1));
    assert!(plan.warnings.iter().all(|warning| !warning.contains("asked for")));
    world.execute(&plan);
    assert_eq!(ready(&mut world, G6E), 1);
}

#[test]
fn a_dearer_type_that_joins_is_held_by_the_budget_though_no_number_grows() {
    let mut world = shared();
    pool(&mut world).instance_types = vec!["g5.12xlarge".into()];
    world.apply();
    let budget = crate::spec::model::Budget {
        usd_per_hour: Some("$70/h".parse().unwrap()),
        usd_per_day: None,
        usd_per_month: None,
    };
    world.environment.burst.budget = Some(budget);
    assert_eq!(world.plan().refusals, [], "10 × $5.67 and $10.49");
    pool(&mut world).instance_types.push("g6e.12xlarge".into());
    let plan = world.plan();
    assert_eq!(plan.refusals[0].guard, "budget", "{:?}", plan.refusals);
}

/// The pool g6e by what its instances have, whatever that finds.
fn by_requirements(world: &mut World, found: &[&str]) {
    let pool = pool(world);
    pool.instance_types.clear();
    pool.capacity = [("any".to_owned(), "9 req/s".parse().unwrap())].into();
    pool.requirements = Some(crate::spec::Requirements {
        gpus: 4,
        gpu_names: Vec::new(),
        allowed: vec!["g*.12xlarge".into()],
        vcpus: crate::spec::model::Vcpus { min: 32, max: None },
        memory: crate::spec::model::MemoryWithin { min: None, max: None },
        excluded: Vec::new(),
    });
    let aws = world.environment.aws.as_ref().unwrap();
    let lookup = Lookup::types_of(aws, &aws.pools["g6e"]).unwrap();
    let found = found.iter().map(|name| (*name).to_owned()).collect();
    world.inventory.found.insert(lookup, found);
}

#[test]
fn what_meets_requirements_is_priced_and_held_by_its_dearest_and_no_field_of_the_group() {
    let mut world = apart();
    by_requirements(&mut world, &["g6e.12xlarge", "g5.12xlarge"]);
    let plan = world.plan();
    let any = of(&plan, GROUP, "prod-g6e-od-any");
    assert_eq!(any.action, Action::Create);
    assert_eq!(
        any.reason.text,
        "g5.12xlarge or g6e.12xlarge on demand for pool g6e: what has 4 GPUs, g*.12xlarge, 32 \
         or more vCPUs now"
    );
    let body = any.body.as_ref().unwrap();
    assert_eq!(body.at("/instance_types"), Some(serde_json::json!([])));
    assert_eq!(body.text_at("/allocation").as_deref(), Some("lowest-price"));
    let cost = |plan: &Plan| plan.pools.iter().find(|pool| pool.pool == "g6e").unwrap().cost;
    assert_eq!(cost(&plan).at_max.to_string(), "$104.9/h");
    world.execute(&plan);

    by_requirements(&mut world, &["g5.12xlarge"]);
    let plan = world.plan();
    assert!(!plan.has_work(), "{:?}", active(&plan));
    assert_eq!(cost(&plan).at_max.to_string(), "$56.7/h");
    by_requirements(&mut world, &["g5.12xlarge", "g7.new"]);
    assert_eq!(cost(&world.plan()).at_max.to_string(), "at least $56.7/h");

    by_requirements(&mut world, &["g5.12xlarge"]);
    pool(&mut world).requirements.as_mut().unwrap().allowed = vec!["g5.*".into()];
    let aws = world.environment.aws.as_ref().unwrap();
    let lookup = Lookup::types_of(aws, &aws.pools["g6e"]).unwrap();
    world.inventory.found.insert(lookup, vec!["g5.12xlarge".into()]);
    let change = world.plan();
    let change = of(&change, GROUP, "prod-g6e-od-any");
    assert_eq!((change.action, change.reason.text.as_str()), (Action::Update, "requirements"));
}

#[test]
fn where_nothing_meets_the_requirements_the_plan_is_refused() {
    let mut world = apart();
    by_requirements(&mut world, &[]);
    let plan = world.plan();
    assert_eq!(
        plan.refusals[0].message,
        "there is no instance type with 4 GPUs, g*.12xlarge, 32 or more vCPUs in us-east-1 for pool \
         g6e"
    );
    assert_eq!(plan.refusals[0].help, "ask for less in `requirements`, or name `instance_types`");
    let cost = plan.pools.iter().find(|pool| pool.pool == "g6e").unwrap().cost;
    assert!(cost.at_max.is_unknown(), "and never free");
}
