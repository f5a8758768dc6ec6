//! Capacity reservations and Capacity Blocks for ML.

use super::account::{Account, pool};
use serde_json::{Value, json};

const ID: &str = "cr-0a1b2c3d4e5f67890";
const BLOCK: &str = "edge-g6e-block-p5.48xlarge";

/// A pool of two instances in the reservation.
fn reserved(reservation: &str) -> String {
    pool(&format!("reservation = {reservation}\n"))
        .replace("g6e.12xlarge", "p5.48xlarge")
        .replace("spot = { share = \"70%\", base_on_demand = 1 }\n", "")
        .replace("{ min = 0, max = 4 }", "2")
}

/// An account that holds so many p5.48xlarge in the second of its two zones.
fn holding(instances: u32, more: Value) -> Account {
    let account = Account::new();
    let mut reservation = json!({"id": ID, "instance_type": "p5.48xlarge",
        "zone": "us-east-1b", "instances": instances});
    reservation.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    account.bed.seed(&json!({ "capacity_reservations": [reservation] }));
    account
}

fn block() -> Value {
    json!({"block": true, "ends": "2999-12-04T11:30:00Z"})
}

fn data(account: &Account) -> Value {
    let template = account.region("us-east-1")["templates"][0].clone();
    template["versions"][template["default"].to_string()]["data"].clone()
}

fn running(account: &Account, group: &str) -> Option<usize> {
    account.group(group)["instances"].as_array().map(Vec::len)
}

#[test]
fn a_block_starts_in_its_zone_from_a_template_that_stands_alone() {
    let account = holding(2, block());
    account.write(&reserved(&format!("{{ id = \"{ID}\", block = true }}")));
    account
        .run(&["plan", "edge"])
        .exits(0)
        .says("ends at 2999-12-04T11:30:00Z")
        .says("a capacity block is paid in advance");
    account.applied();
    let group = account.group(BLOCK);
    assert_eq!(running(&account, BLOCK), Some(2), "{group}");
    assert!(group["config"]["MixedInstancesPolicy"].is_null());
    assert_eq!(group["config"]["VPCZoneIdentifier"], "subnet-0b");
    assert_eq!(group["tags"]["floodway.dev/closes"]["value"], "2999-12-04T11:00:00Z");
    let data = data(&account);
    assert_eq!(data["InstanceMarketOptions"]["MarketType"], "capacity-block");
    assert_eq!(data["InstanceType"], "p5.48xlarge");
    let target = &data["CapacityReservationSpecification"]["CapacityReservationTarget"];
    assert_eq!(target["CapacityReservationId"], ID);
    account.run(&["drift", "edge", "--detailed-exitcode"]).exits(0);
    account.bed.settings(&json!({"heartbeat_scale": 0.001}));
    account.run(&["destroy", "edge", "--confirm", "edge"]).exits(0);
    assert_eq!(account.region("us-east-1")["groups"], json!([]));
}

#[test]
fn a_pool_that_moves_into_a_block_drains_what_ran_on_demand() {
    let account = holding(2, block());
    account.bed.settings(&json!({"heartbeat_scale": 0.001}));
    account.write(&reserved("{}").replace("reservation = {}\n", ""));
    account.applied();
    assert_eq!(running(&account, "edge-g6e-od-p5.48xlarge"), Some(2));
    account.write(&reserved(&format!("{{ id = \"{ID}\", block = true }}")));
    account.applied();
    let groups = account.region("us-east-1")["groups"].clone();
    let names: Vec<&Value> = groups.as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, [BLOCK]);
    assert_eq!(running(&account, BLOCK), Some(2));
}

#[test]
fn subnets_that_are_named_by_id_are_those_of_the_zone_too() {
    let account = holding(2, block());
    let pool = reserved(&format!("{{ id = \"{ID}\", block = true }}"));
    let tags = "subnets = { tags = { tier = \"gpu\" } }";
    account.write(&pool.replace(tags, "subnets = { ids = [\"subnet-0a\", \"subnet-0b\"] }"));
    account.applied();
    assert_eq!(account.group(BLOCK)["config"]["VPCZoneIdentifier"], "subnet-0b");
    account.write(&pool.replace(tags, "subnets = { ids = [\"subnet-0a\"] }"));
    account.run(&["plan", "edge"]).exits(12).says("is in us-east-1b, where pool g6e has no subnet");
}

#[test]
fn what_is_reserved_on_demand_keeps_its_policy_and_its_price() {
    let account = holding(2, json!({}));
    account.write(&reserved(&format!("{{ id = \"{ID}\" }}")));
    account.applied();
    let name = "edge-g6e-od-p5.48xlarge";
    assert_eq!(running(&account, name), Some(2));
    assert!(account.group(name)["config"]["MixedInstancesPolicy"].is_object());
    let data = data(&account);
    assert_eq!(data.get("InstanceMarketOptions"), None);
    let target = &data["CapacityReservationSpecification"]["CapacityReservationTarget"];
    assert_eq!(target["CapacityReservationId"], ID);
}

#[test]
fn a_group_of_reservations_is_taken_as_it_is_named() {
    let account = Account::new();
    let arn = "arn:aws:resource-groups:us-east-1:123456789012:group/gpus";
    account.write(&reserved(&format!("{{ group = \"{arn}\" }}")));
    account.applied();
    let target =
        data(&account)["CapacityReservationSpecification"]["CapacityReservationTarget"].clone();
    assert_eq!(target, json!({ "CapacityReservationResourceGroupArn": arn }));
    assert_eq!(account.calls_of("DescribeCapacityReservations"), Vec::<Value>::new());
}

#[test]
fn what_is_not_reserved_or_does_not_fit_is_refused_with_its_line() {
    let account = Account::new();
    account.write(&reserved(&format!("{{ id = \"{ID}\", block = true }}")));
    account
        .run(&["plan", "edge"])
        .exits(12)
        .says(&format!("there is no capacity reservation {ID} in us-east-1"));
    let account = holding(1, json!({}));
    account.write(&reserved(&format!("{{ id = \"{ID}\", block = true }}")));
    account
        .run(&["plan", "edge"])
        .exits(12)
        .says("is no capacity block")
        .says("environments/edge.toml:")
        .says("may grow to 2 instances");
}
