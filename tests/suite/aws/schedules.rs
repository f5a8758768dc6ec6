//! Numbers for certain times, as scheduled actions of groups.

use super::account::{Account, GROUPS, pool};
use serde_json::{Value, json};

/// The pool with a schedule of these lines.
fn scheduled(lines: &str) -> String {
    format!("{}\n[[schedule]]\nname = \"mornings\"\npool = \"g6e\"\n{lines}", pool(""))
}

/// The action of this name in a group.
fn action(account: &Account, group: &str, name: &str) -> Value {
    let group = account.group(group);
    let mut all = group["scheduled"].as_array().unwrap().iter();
    all.find(|action| action["ScheduledActionName"] == name).cloned().unwrap_or_default()
}

/// What the groups are asked for by the action of this name.
fn desired(account: &Account, name: &str) -> [Value; 2] {
    GROUPS.map(|group| action(account, group, name)["DesiredCapacity"].clone())
}

#[test]
fn a_schedule_is_an_action_of_each_group_with_its_part_of_the_number() {
    let account = Account::new();
    account.write(&scheduled(
        "cron = \"30 7 * * MON-FRI\"\ntime_zone = \"Europe/Berlin\"\ndesired = 4",
    ));
    account.applied();
    // One on demand; of the other three seven tenths are spot.
    assert_eq!(desired(&account, "floodway-mornings"), [json!(2), json!(2)]);
    let action = action(&account, GROUPS[0], "floodway-mornings");
    assert_eq!(action["Recurrence"], "30 7 * * MON-FRI");
    assert_eq!(action["TimeZone"], "Europe/Berlin");
    assert!(action["MinSize"].is_null() && action["MaxSize"].is_null());

    account.write(&scheduled("cron = \"0 8 * * *\"\ndesired = 1"));
    account
        .run(&["plan", "edge"])
        .exits(0)
        .says("schedules.mornings.cron: 30 7 * * MON-FRI → 0 8 * * *")
        .says("environments/edge.toml:");
    account.applied();
    assert_eq!(desired(&account, "floodway-mornings"), [json!(1), json!(0)]);

    account.write(&pool(""));
    account.applied();
    assert_eq!(desired(&account, "floodway-mornings"), [Value::Null, Value::Null]);
}

#[test]
fn what_others_changed_of_a_schedule_is_put_right_and_their_own_actions_stay() {
    let account = Account::new();
    account.write(&scheduled("cron = \"0 8 * * *\"\ndesired = 3"));
    account.applied();
    let put = |name: &str, desired: u32, max: Option<u32>| {
        let mut action = json!({"AutoScalingGroupName": GROUPS[0], "ScheduledActionName": name,
            "Recurrence": "0 9 * * *", "DesiredCapacity": desired});
        if let Some(max) = max {
            action["MaxSize"] = json!(max);
        }
        account.bed.someone_else("autoscaling", "PutScheduledUpdateGroupAction", &action).unwrap();
    };
    put("theirs", 4, None);
    account.run(&["plan", "edge", "--detailed-exitcode"]).exits(0);
    put("floodway-mornings", 2, Some(2));
    account
        .run(&["plan", "edge"])
        .exits(0)
        .says("schedules.mornings.cron: 0 9 * * * → 0 8 * * *")
        .says("schedules.mornings.max");
    account.applied();
    assert_eq!(desired(&account, "floodway-mornings")[0], 2);
    assert!(action(&account, GROUPS[0], "floodway-mornings")["MaxSize"].is_null());
    assert_eq!(desired(&account, "theirs")[0], 4);
}

#[test]
fn a_schedule_has_a_first_and_a_last_moment_and_nothing_is_left_to_do() {
    let account = Account::new();
    account.write(&scheduled(
        "cron = \"0 8 * * *\"\ndesired = 3\nstart = \"2199-12-01T00:00:00Z\"\n\
         end = \"2200-01-01T00:00:00Z\"",
    ));
    account.applied();
    let name = "floodway-mornings@2199-12-01T00:00:00Z";
    assert_eq!(desired(&account, name), [json!(2), json!(1)]);
    account.write(&scheduled("cron = \"0 8 * * *\"\ndesired = 3\nend = \"2001-01-01T00:00:00Z\""));
    account.applied();
    assert_eq!(desired(&account, "floodway-mornings"), [Value::Null, Value::Null]);
}

#[test]
fn schedules_are_listed_once_for_all_groups_of_a_region() {
    let account = Account::new();
    account.write(&scheduled("cron = \"0 8 * * *\"\ndesired = 3"));
    account.applied();
    account.bed.forget_calls();
    account.run(&["plan", "edge", "--detailed-exitcode"]).exits(0);
    assert_eq!(account.calls_of("DescribeScheduledActions").len(), 1);
}
