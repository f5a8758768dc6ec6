//! What is reserved for a pool.

use super::world::{World, of};
use crate::desired::reservation;
use crate::observe::Reserved;
use crate::plan::*;
use crate::spec::model::{BurstPool, Count, Reservation};

const ID: &str = "cr-0a1b2c3d4e5f67890";

fn block(world: &mut World) -> &mut BurstPool {
    let aws = world.environment.aws.as_mut().unwrap();
    let pool = aws.pools.get_mut("g6e").unwrap();
    pool.spot = None;
    pool.warm_pool = 0;
    pool.instance_types = vec!["g6e.12xlarge".into()];
    let id = Some(ID.to_owned());
    pool.reservation = Some(Reservation { id, group: None, block: true, usd_per_hour: None });
    pool
}

/// Two instances until the third hour.
fn held() -> Reserved {
    Reserved {
        instance_type: "g6e.12xlarge".into(),
        zone: "us-east-1b".into(),
        instances: 2,
        state: "active".into(),
        block: true,
        begins: None,
        ends: Some("1970-01-01T03:00:00Z".parse().unwrap()),
    }
}

/// The account says this of the reservation, and which zones the subnet is in.
fn tell(world: &mut World, reserved: Reserved, zone: &str) {
    let aws = world.environment.aws.as_ref().unwrap();
    let lookup = reservation(aws, &aws.pools["g6e"]).unwrap();
    let inventory = &mut world.inventory;
    inventory.taken_at = "1970-01-01T01:00:00Z".parse().unwrap();
    let subnets: Vec<String> = inventory
        .found
        .values()
        .flatten()
        .filter(|id| id.starts_with("subnet-"))
        .cloned()
        .collect();
    inventory.zones = subnets.into_iter().map(|id| (id, zone.to_owned())).collect();
    inventory.found.insert(lookup.clone(), vec![ID.into()]);
    inventory.reserved.insert(lookup, reserved);
}

fn refused(plan: &Plan) -> Vec<&str> {
    let unfit = plan.refusals.iter().filter(|refusal| refusal.guard == "reservation");
    unfit.map(|refusal| refusal.message.as_str()).collect()
}

fn warned<'p>(plan: &'p Plan, text: &str) -> Option<&'p str> {
    plan.warnings.iter().map(String::as_str).find(|warning| warning.contains(text))
}

#[test]
fn a_block_stands_in_a_group_of_its_own_that_tells_when_it_closes() {
    let mut world = World::empty();
    block(&mut world);
    tell(&mut world, held(), "us-east-1b");
    let plan = world.plan();
    assert_eq!(plan.refusals, []);
    let group = of(&plan, "AutoScalingGroup", "prod-g6e-block-g6e.12xlarge");
    let body = group.body.as_ref().unwrap();
    let text = |pointer: &str| body.text_at(pointer).unwrap();
    assert_eq!(text("/capacity_type"), "capacity-block");
    assert_eq!(text("/tags/floodway.dev~1block"), "g6e.12xlarge");
    assert_eq!(text("/tags/floodway.dev~1closes"), "1970-01-01T02:30:00Z");
    let template = of(&plan, "LaunchTemplate", "prod-g6e").body.as_ref().unwrap().value();
    assert_eq!(template["reservation"], serde_json::json!({ "id": ID, "block": true }));
    assert_eq!(template["instance_type"], "g6e.12xlarge");
    let groups = plan.changes.iter().filter(|change| change.pool.as_deref() == Some("g6e"));
    assert_eq!(groups.filter(|change| change.id.kind == "AutoScalingGroup").count(), 1);
}

#[test]
fn the_plan_says_what_a_block_holds_and_when_it_ends() {
    let mut world = World::empty();
    block(&mut world).size = Count::Fixed(2);
    tell(&mut world, held(), "us-east-1b");
    let plan = world.plan();
    assert_eq!(
        warned(&plan, "ends at"),
        Some(
            "capacity block cr-0a1b2c3d4e5f67890 of pool g6e, 2 × g6e.12xlarge in us-east-1b, \
             ends at 1970-01-01T03:00:00Z: from 1970-01-01T02:30:00Z on EC2 ends what still runs \
             in it"
        )
    );
    assert_eq!(warned(&plan, "never start"), None);
    block(&mut world).size = Count::Fixed(3);
    let plan = world.plan();
    assert!(warned(&plan, "may grow to 3 instances").is_some(), "{:?}", plan.warnings);
}

#[test]
fn a_reservation_that_does_not_fit_is_refused() {
    let closed = Reserved { state: "payment-failed".into(), ..held() };
    let other = Reserved { instance_type: "p5.48xlarge".into(), ..held() };
    let no_block = Reserved { block: false, ..held() };
    let ended = Reserved { ends: Some("1970-01-01T01:00:00Z".parse().unwrap()), ..held() };
    for (reserved, zone, said) in [
        (closed, "us-east-1b", "is payment-failed"),
        (other, "us-east-1b", "is of p5.48xlarge, and pool g6e starts g6e.12xlarge"),
        (no_block, "us-east-1b", "is no capacity block"),
        (ended, "us-east-1b", "has ended"),
        (held(), "us-east-1c", "is in us-east-1b, where pool g6e has no subnet"),
    ] {
        let mut world = World::empty();
        block(&mut world);
        tell(&mut world, reserved, zone);
        let plan = world.plan();
        let refused = refused(&plan);
        assert_eq!(refused.len(), 1, "{said}: {refused:?}");
        assert!(refused[0].contains(said), "{said}: {refused:?}");
    }
    let mut world = World::empty();
    block(&mut world);
    let plan = world.plan();
    let lookup = plan.refusals.iter().find(|refusal| refusal.guard == "lookup").unwrap();
    assert!(lookup.message.contains(ID), "nobody has looked: {}", lookup.message);
}

#[test]
fn a_block_that_has_ended_holds_up_nothing_else() {
    let mut world = World::empty();
    block(&mut world);
    tell(&mut world, held(), "us-east-1b");
    world.apply();
    let ended = Reserved { state: "expired".into(), ..held() };
    tell(&mut world, ended, "us-east-1b");
    let plan = world.plan();
    assert_eq!(plan.refusals, []);
    assert!(warned(&plan, "has ended; this plan changes nothing there").is_some());
}

#[test]
fn what_was_paid_in_advance_is_unknown_until_it_is_declared_and_never_free() {
    let mut world = World::empty();
    block(&mut world).size = Count::Fixed(2);
    tell(&mut world, held(), "us-east-1b");
    let cost = |plan: &Plan| plan.pools.iter().find(|pool| pool.pool == "g6e").unwrap().cost;
    let plan = world.plan();
    assert!(cost(&plan).after.is_unknown() && cost(&plan).at_max.is_unknown());
    assert!(warned(&plan, "a capacity block is paid in advance").is_some());
    let declared = "$30/h".parse().ok();
    block(&mut world).reservation.as_mut().unwrap().usd_per_hour = declared;
    world.environment.aws.as_mut().unwrap().pools.get_mut("g6e").unwrap().size = Count::Fixed(2);
    let plan = world.plan();
    assert_eq!(cost(&plan).after.exact().unwrap().to_string(), "$60/h");
    assert_eq!(warned(&plan, "is not known"), None);
}
