//! What goes wrong on the way, and what becomes of it.

use super::account::{Account, GROUPS, differences, pool_of};
use serde_json::json;

#[test]
fn answers_that_are_lost_double_nothing() {
    let undisturbed = Account::new();
    undisturbed.applied();
    for action in ["CreateLaunchTemplate", "CreateAutoScalingGroup", "CreateOrUpdateTags"] {
        let account = Account::new();
        account.bed.rule(&json!({"kind": "lose", "action": action, "times": 1}));
        account.applied();
        let differ = differences(&account.region("us-east-1"), &undisturbed.region("us-east-1"));
        assert_eq!(differ, [""; 0], "{action}");
    }
}

#[test]
fn throttling_and_failures_of_the_server_are_waited_out() {
    let undisturbed = Account::new();
    undisturbed.applied();
    let account = Account::new();
    account.bed.rule(&json!({"kind": "error", "code": "InternalFailure", "message": "try again",
        "status": 500, "probability": 0.3, "seed": 7}));
    account.applied();
    account.bed.clear_rules();
    let differ = differences(&account.region("us-east-1"), &undisturbed.region("us-east-1"));
    assert_eq!(differ, [""; 0]);
}

#[test]
fn a_lack_of_capacity_is_reported_for_its_offering_and_is_no_success() {
    let account = Account::new();
    account.write(&pool_of("4", ""));
    account.bed.rule(&json!({"kind": "capacity", "instance_type": "g6e.12xlarge",
        "market": "spot", "instances": 0}));
    let apply = account.command(&["apply", "edge", "--yes"]);
    let mut running = crate::support::running::Running::start(apply);
    assert!(running.says("Spot capacity"), "it is told while it waits");
    running.signal("INT");
    running.end().exits(13).says(GROUPS[1]);
}

#[test]
fn what_cannot_be_read_creates_and_destroys_nothing() {
    let account = Account::new();
    account.applied();
    let before = account.region("us-east-1");
    account.bed.rule(&json!({"kind": "error", "action": "DescribeLaunchTemplates",
        "code": "UnauthorizedOperation", "message": "no", "status": 403}));
    account.run(&["apply", "edge", "--yes"]).exits(1);
    account.bed.clear_rules();
    assert_eq!(account.region("us-east-1"), before);
}
