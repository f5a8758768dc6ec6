//! Instance types that carry the same: one group in each market, in which AWS
//! chooses.

use super::account::{ACCOUNT, Account, GROUPS};
use serde_json::{Value, json};

/// The group of g5, where it has one of its own.
const OF_G5: &str = "edge-g6e-od-g5.12xlarge";

/// Three instances on demand, of these types, each with what a replica on it
/// carries.
fn pool(types: &[(&str, &str)]) -> String {
    let names: Vec<&str> = types.iter().map(|(name, _)| *name).collect();
    let capacity: Vec<String> =
        types.iter().map(|(name, carries)| format!("{name:?} = {carries:?}")).collect();
    format!(
        "[aws.pools.g6e]\nstage = \"inference\"\nsize = 3\njoin = \"standalone\"\n\
         instance_types = {names:?}\ncapacity = {{ {} }}\n\
         subnets = {{ tags = {{ tier = \"gpu\" }} }}\nimage = {{ name = \"gpu-inference\" }}\n",
        capacity.join(", ")
    )
}

/// How many instances there are of a type, over all groups.
fn running(account: &Account, name: &str) -> usize {
    let world = account.bed.world();
    let groups = world["accounts"][ACCOUNT]["us-east-1"]["groups"].as_array().unwrap();
    let instances = groups.iter().flat_map(|group| group["instances"].as_array().unwrap());
    instances.filter(|one| one["type"] == name).count()
}

/// The types that a group may start.
fn types(account: &Account, group: &str) -> Vec<Value> {
    let policy = account.group(group)["config"]["MixedInstancesPolicy"].clone();
    let overrides = policy["LaunchTemplate"]["Overrides"].as_array().unwrap().clone();
    overrides.iter().map(|one| one["InstanceType"].clone()).collect()
}

#[test]
fn where_the_first_type_is_used_up_aws_starts_the_next_and_what_runs_is_priced() {
    let account = Account::new();
    let both = [("g6e.12xlarge", "9 req/s"), ("g5.12xlarge", "9 req/s")];
    account.write(&pool(&both));
    account.bed.rule(&json!({"kind": "capacity", "instance_type": "g6e.12xlarge", "instances": 1}));
    account.run(&["plan", "edge"]).exits(0).says("g6e.12xlarge or g5.12xlarge on-demand");
    account.applied();
    assert_eq!(types(&account, GROUPS[0]), ["g6e.12xlarge", "g5.12xlarge"]);
    assert_eq!((running(&account, "g6e.12xlarge"), running(&account, "g5.12xlarge")), (1, 2));
    // $10.49264 and 2 × $5.672.
    account.run(&["plan", "edge"]).exits(0).says("21.84");
    account.run(&["status", "edge"]).exits(0).says("$21.84/h");
}

#[test]
fn a_further_type_comes_and_goes_in_place_and_what_runs_of_it_stays() {
    let account = Account::new();
    account.write(&pool(&[("g6e.12xlarge", "9 req/s")]));
    account.bed.rule(&json!({"kind": "capacity", "instance_type": "g6e.12xlarge", "instances": 1}));
    let both = [("g6e.12xlarge", "9 req/s"), ("g5.12xlarge", "9 req/s")];
    account.write(&pool(&both));
    account.applied();
    account.write(&pool(&both[..1]));
    let said = account.run(&["plan", "edge"]).exits(0);
    said.says("2 g5.12xlarge instances stay until they end").says("is not declared any more");
    account.applied();
    assert_eq!(types(&account, GROUPS[0]), ["g6e.12xlarge"]);
    assert_eq!(running(&account, "g5.12xlarge"), 2);
}

#[test]
fn a_capacity_that_is_edited_parts_groups_and_joins_them_again() {
    let account = Account::new();
    let with = |carries: &'static str| [("g6e.12xlarge", "9 req/s"), ("g5.12xlarge", carries)];
    account.write(&pool(&with("9 req/s")));
    account.applied();
    account.write(&pool(&with("6 req/s")));
    account.run(&["plan", "edge"]).exits(0).says("of its own now: what a node carries differs");
    account.applied();
    assert_eq!(types(&account, GROUPS[0]), ["g6e.12xlarge"]);
    assert_eq!(types(&account, OF_G5), ["g5.12xlarge"]);
    account.write(&pool(&with("9 req/s")));
    account.run(&["plan", "edge"]).exits(0).says("shares the group now: what a node carries is");
    account.applied();
    assert_eq!(types(&account, GROUPS[0]), ["g6e.12xlarge", "g5.12xlarge"]);
    assert_eq!(running(&account, "g6e.12xlarge"), 3);
    let groups = account.region("us-east-1")["groups"].as_array().map(Vec::len);
    assert_eq!(groups, Some(1));
}
