//! Elastic Fabric Adapters of instances that have them.

use super::account::{Account, pool};
use serde_json::{Value, json};

/// The pool `g6e` of another type, with more lines.
fn of_type(name: &str, more: &str) -> String {
    pool(more).replace("g6e.12xlarge", name)
}

/// What the default version of the only template holds.
fn data(account: &Account) -> Value {
    let template = account.region("us-east-1")["templates"][0].clone();
    template["versions"][template["default"].to_string()]["data"].clone()
}

/// Network card, kind and number of security groups of each interface.
fn interfaces(data: &Value) -> Vec<(u64, String, usize)> {
    let one = |interface: &Value| {
        let groups = interface["Groups"].as_array().map_or(0, Vec::len);
        let kind = interface["InterfaceType"].as_str().unwrap().to_owned();
        (interface["NetworkCardIndex"].as_u64().unwrap(), kind, groups)
    };
    data["NetworkInterfaces"]
        .as_array()
        .map(|all| all.iter().map(one).collect())
        .unwrap_or_default()
}

#[test]
fn every_card_that_has_efa_gets_it_with_the_security_groups_and_no_public_address() {
    let account = Account::new();
    account.write(&of_type("g6e.48xlarge", ""));
    account.applied();
    let data = data(&account);
    let kind = |kind: &str| kind.to_owned();
    let wanted = [
        (0, kind("efa"), 1),
        (1, kind("efa-only"), 1),
        (2, kind("efa-only"), 1),
        (3, kind("efa-only"), 1),
    ];
    assert_eq!(interfaces(&data), wanted);
    assert_eq!(data.get("SecurityGroupIds"), None);
    assert!(!data.to_string().contains("AssociatePublicIpAddress"), "{data}");
}

#[test]
fn instances_with_efa_start() {
    for name in ["g6e.48xlarge", "p6-b300.48xlarge"] {
        let account = Account::new();
        account.write(&of_type(name, "").replace("{ min = 0, max = 4 }", "1"));
        account.applied();
        let group = account.group(&format!("edge-g6e-od-{name}"));
        assert_eq!(group["instances"].as_array().map(Vec::len), Some(1), "{group}");
    }
}

#[test]
fn without_efa_the_security_groups_are_the_instances_own() {
    let account = Account::new();
    account.write(&of_type("g6e.xlarge", ""));
    account.applied();
    let has_none = data(&account);
    assert_eq!(interfaces(&has_none), []);
    assert_eq!(has_none["SecurityGroupIds"].as_array().map(Vec::len), Some(1));

    account.write(&of_type("g6e.48xlarge", ""));
    account.applied();
    account.write(&of_type("g6e.48xlarge", "launch = { efa = false }\n"));
    account.run(&["plan", "edge"]).exits(0).says("efa_cards: 0-3");
    account.applied();
    let refused = data(&account);
    assert_eq!(interfaces(&refused), []);
    assert_eq!(refused["SecurityGroupIds"].as_array().map(Vec::len), Some(1));
}

#[test]
fn interfaces_that_somebody_else_changed_are_drift_and_put_right() {
    let account = Account::new();
    account.write(&of_type("g6e.24xlarge", ""));
    account.applied();
    let mut changed = data(&account);
    changed["NetworkInterfaces"][0]["AssociatePublicIpAddress"] = json!(true);
    let name = account.region("us-east-1")["templates"][0]["name"].clone();
    let version = json!({"LaunchTemplateName": name, "LaunchTemplateData": changed});
    account.bed.someone_else("ec2", "CreateLaunchTemplateVersion", &version).unwrap();
    let default = json!({"LaunchTemplateName": name, "DefaultVersion": "2"});
    account.bed.someone_else("ec2", "ModifyLaunchTemplate", &default).unwrap();
    account.run(&["drift", "edge", "--detailed-exitcode"]).exits(2).says("NetworkInterfaces");
    account.applied();
    assert!(!data(&account).to_string().contains("AssociatePublicIpAddress"));
}
