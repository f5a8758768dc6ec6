//! A burst from its first request to its last.

use super::ground::{Ground, within};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[test]
fn load_beyond_on_prem_bursts_out_and_comes_back_in_without_flapping() {
    let ground = Ground::new("burst");
    let run = ground.controller(&[]);
    ground.settles(&run, 6.0);
    assert_eq!(ground.asked(), [0, 0], "{}", run.said());

    ground.fleet.offer(40.0);
    within("on-prem is full", 20, || (ground.replicas("h100").0 == 2).then_some(()));
    within("instances are asked for", 20, || (ground.asked()[0] >= 2).then_some(()));
    within("its pods serve", 40, || (ground.replicas("g6e").1 >= 8).then_some(()));
    within("the queue is gone", 40, || {
        let state = ground.fleet.state();
        (state.capacity >= 50.0 && state.waiting < 1.0).then_some(())
    });
    let most = ground.asked()[0];

    ground.fleet.offer(6.0);
    within("all is back in", 120, || {
        let back = ground.asked() == [0, 0] && ground.replicas("g6e") == (0, 0);
        (back && ground.replicas("h100").0 == 1).then_some(())
    });
    let writes = ground.writes();
    let (_, said) = run.end();
    let named = |action: &str| -> Vec<&Value> {
        writes.iter().filter(|(name, _)| name == action).map(|(_, with)| with).collect()
    };
    // What has risen never rises again on the way down, and each goes by name.
    let raised: Vec<u64> = named("SetDesiredCapacity")
        .iter()
        .map(|with| with["DesiredCapacity"].as_u64().unwrap())
        .collect();
    assert!(raised.is_sorted(), "{raised:?}\n{said}");
    let ended = named("TerminateInstanceInAutoScalingGroup");
    assert_eq!(ended.len() as u64, most, "{said}");
    assert!(ended.iter().all(|with| with["ShouldDecrementDesiredCapacity"] == true));
    assert!(ground.aws.violations().is_empty(), "{:?}", ground.aws.violations());
    explained(&ground);
}

/// Every number that moved has a reason, and `floodway why` tells it.
fn explained(ground: &Ground) {
    let path = ground.repository.path().join(format!(".floodway/decisions/{}.ndjson", ground.name));
    let text = std::fs::read_to_string(path).unwrap();
    let mut moved: BTreeMap<String, u32> = BTreeMap::new();
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        for (pool, scaling) in record["pools"].as_object().unwrap() {
            if scaling["wanted"] == scaling["now"] {
                continue;
            }
            *moved.entry(pool.clone()).or_default() += 1;
            let at = record["at"].as_str().unwrap();
            let reason = &scaling["reasons"][0]["text"];
            assert!(reason.is_string(), "{pool} at {at}: {record:#}");
        }
    }
    assert!(moved.keys().eq(["g6e", "h100"]), "{moved:?}");
    let first: Value = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .find(|one: &Value| one["pools"]["g6e"]["wanted"] != json!(0))
        .unwrap();
    let at = first["at"].as_str().unwrap();
    let why = ground.run("why", &["--at", at]).exits(0);
    why.says("g6e").says("more, ").says(&format!("environments/{}.toml:", ground.name));
}
