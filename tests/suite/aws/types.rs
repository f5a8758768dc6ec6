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

#[test]
fn a_pool_by_requirements_takes_the_cheapest_that_meets_them_and_aws_may_take_others_later() {
    let account = Account::new();
    account.write(
        "[aws.pools.g6e]\nstage = \"inference\"\nsize = 3\njoin = \"standalone\"\n\
         requirements = { gpus = 4, allowed = [\"g6e.*\", \"g5.*\"], \
         vcpus = { min = 32, max = 48 }, memory = { min = \"128Gi\" } }\n\
         capacity = { any = \"6 req/s\" }\n\
         subnets = { tags = { tier = \"gpu\" } }\nimage = { name = \"gpu-inference\" }\n",
    );
    assert!(
        account.printed("plan").to_string().contains("GetInstanceTypesFromInstanceRequirements")
    );
    let said = account.run(&["plan", "edge"]).exits(0);
    said.says("4 GPUs, g5.* or g6e.*, 32 to 48 vCPUs, 131072 or more MiB of memory")
        .says("g5.12xlarge or g6e.12xlarge on demand for pool g6e")
        .says("g5.12xlarge in us-east-1: $5.67");
    account.applied();
    assert_eq!(running(&account, "g5.12xlarge"), 3);
    let group = account.group("edge-g6e-od-any");
    let policy = &group["config"]["MixedInstancesPolicy"];
    assert_eq!(policy["InstancesDistribution"]["OnDemandAllocationStrategy"], "lowest-price");
    let asked = &policy["LaunchTemplate"]["Overrides"][0]["InstanceRequirements"];
    assert_eq!(asked["AcceleratorCount"], json!({"Min": 4, "Max": 4}));

    // Another type meets them from now on: what is there stays as it is.
    account.bed.seed(&json!({"instance_types": {
        "g5.12xlarge": {"vcpus": 48, "memory_mib": 196_608, "gpus": 4, "gpu": "a10g"},
        "g6e.new": {"vcpus": 48, "memory_mib": 393_216, "gpus": 4, "gpu": "l40s"}}}));
    let said = account.run(&["plan", "edge", "--detailed-exitcode"]).exits(0);
    said.says("no price of g6e.new in us-east-1");
    account.bed.seed(&json!({"instance_types": {
        "g5.12xlarge": {"vcpus": 8, "memory_mib": 1, "gpus": 1},
        "g6e.new": {"vcpus": 8, "memory_mib": 1, "gpus": 1}}}));
    account.run(&["plan", "edge"]).exits(12).says("there is no instance type with 4 GPUs");
}

#[test]
fn what_runs_in_groups_that_are_joined_or_lose_their_market_is_carried_on() {
    let account = Account::new();
    let with = |carries: &'static str, more: &str| {
        let types = [("g6e.12xlarge", "9 req/s"), ("g5.12xlarge", carries)];
        pool(&types).replace("size = 3", &format!("size = {{ min = 0, max = 9 }}{more}"))
    };
    let asked = |group: &str, number: u32| {
        let wanted = json!({"AutoScalingGroupName": group, "DesiredCapacity": number});
        account.bed.someone_else("autoscaling", "SetDesiredCapacity", &wanted).unwrap();
    };
    account.bed.settings(&json!({"heartbeat_scale": 0.001}));
    account.write(&with("6 req/s", ""));
    account.applied();
    asked(GROUPS[0], 2);
    asked(OF_G5, 3);
    account.write(&with("9 req/s", ""));
    account.run(&["plan", "edge"]).exits(0).says("raised by 3 to 5, for what goes");
    account.applied();
    assert_eq!(running(&account, "g6e.12xlarge"), 5);

    account.write(&with("9 req/s", "\nspot = { share = \"50%\" }"));
    account.applied();
    asked("edge-g6e-spot-g6e.12xlarge", 2);
    account.write(&with("9 req/s", ""));
    account.applied();
    assert_eq!(account.group(GROUPS[0])["desired"], 7);
    let groups = account.region("us-east-1")["groups"].as_array().map(Vec::len);
    assert_eq!(groups, Some(1));
}

#[test]
fn what_runs_beyond_what_is_asked_for_is_told_and_priced() {
    let account = Account::new();
    let types = [("g6e.12xlarge", "9 req/s")];
    account.write(&pool(&types).replace("size = 3", "size = { min = 3, max = 9 }"));
    account.applied();
    let lowered = json!({"AutoScalingGroupName": GROUPS[0], "MinSize": 0, "MaxSize": 1});
    account.bed.someone_else("autoscaling", "UpdateAutoScalingGroup", &lowered).unwrap();
    let said = account.run(&["plan", "edge"]).exits(0);
    said.says("3 run, 1 asked for").says("31.48");
    account.run(&["status", "edge"]).exits(0).says("3 ready, 1 asked for").says("$31.48/h");
}
