//! AWS takes spot instances back, two minutes after it has given notice.

use super::ground::{Ground, groups, within};
use super::told::told;
use super::web::ask;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Instant;

/// The spot group that is preferred.
const GROUP: &str = "g6e-spot-g6e.12xlarge";
/// Seconds from a notice to the end: longer than 120 divided by the time scale, for a
/// busy machine.
const NOTICE: u64 = 25;

struct Fleet {
    ground: Ground,
}

impl Fleet {
    fn group(&self) -> Value {
        let name = format!("{}-{GROUP}", self.ground.name);
        let all = groups(&self.ground.aws.world());
        all.into_iter().find(|group| group["name"] == name.as_str()).unwrap()
    }

    /// What the pool's groups ask for together.
    fn asked(&self) -> u64 {
        let all = groups(&self.ground.aws.world());
        all.iter().map(|group| group["desired"].as_u64().unwrap()).sum()
    }

    /// Instances that are there, and not on their way out.
    fn there(&self) -> BTreeSet<String> {
        let group = self.group();
        let all = group["instances"].as_array().unwrap().iter();
        let stays = |one: &&Value| !one["state"].as_str().unwrap().contains("Terminating");
        all.filter(stays).map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }

    fn is_there(&self, instance: &str) -> bool {
        let group = self.group();
        group["instances"].as_array().unwrap().iter().any(|one| one["id"] == instance)
    }

    /// AWS gives notice of half of the group.
    fn notice(&self, rebalance: bool) -> Vec<String> {
        self.ground.aws.instances(&json!({
            "action": "spot-interrupt", "group": self.group()["name"], "state": "InService",
            "share": 0.5, "after": NOTICE, "rebalance": rebalance,
        }))
    }

    /// Instances that were ended by name, and whether their places went with them.
    fn ended(&self) -> Vec<(String, bool)> {
        let ends = |(action, with): (String, Value)| {
            let ends = action == "TerminateInstanceInAutoScalingGroup";
            let place = with["ShouldDecrementDesiredCapacity"].as_bool()?;
            Some((with["InstanceId"].as_str()?.to_owned(), place)).filter(|_| ends)
        };
        self.ground.writes().into_iter().filter_map(ends).collect()
    }
}

#[test]
fn half_the_fleet_with_notice_is_replaced_before_it_is_gone_and_nothing_is_doubled() {
    let ground = Ground::edited("notices", |_, text| {
        text.replace(
            "join = \"kubernetes\"\n",
            "join = \"kubernetes\"\nspot = { share = \"100%\" }\n",
        )
    });
    // A hook's time, as the rest of time here.
    ground.aws.settings(&json!({"heartbeat_scale": 0.25}));
    let run = ground.controller(&[]);
    let fleet = Fleet { ground };
    let ground = &fleet.ground;
    ground.settles(&run, 6.0);
    ground.fleet.offer(70.0);
    within("the fleet serves", 60, || {
        let state = ground.fleet.state();
        (state.capacity >= 100.0 && state.waiting < 1.0).then_some(())
    });
    within("all of it stands", 20, || (fleet.there().len() == 4).then_some(()));
    assert_eq!(fleet.asked(), 4);

    let mut all_noticed = Vec::new();
    for rebalance in [false, true] {
        let before = fleet.there();
        let refused = ground.fleet.state().refused;
        let arrived = ground.fleet.state().arrived;
        ground.aws.forget_calls();
        let noticed = fleet.notice(rebalance);
        assert_eq!(noticed.len(), 2);
        all_noticed.extend(noticed.clone());
        let since = Instant::now();
        within("others come in their place", 20, || {
            let there = fleet.there();
            let new = there.difference(&before).count();
            assert!(there.iter().filter(|id| !noticed.contains(*id)).count() <= 4, "{there:?}");
            (new == 2).then_some(())
        });
        assert!(noticed.iter().all(|id| fleet.is_there(id)), "after {:?}", since.elapsed());
        within("no new work comes to them", 20, || {
            let closed = |id: &String| {
                let node = ask(&ground.cluster, "GET", &format!("/api/v1/nodes/{id}"), None);
                node.is_some_and(|(_, node)| node["spec"]["unschedulable"] == true)
            };
            noticed.iter().all(closed).then_some(())
        });
        within("they are gone", 2 * NOTICE, || {
            assert!(fleet.asked() == 4, "{}", run.said());
            let stays = fleet.there().into_iter().filter(|id| !noticed.contains(id)).count();
            assert!(stays <= 4, "{}", run.said());
            noticed.iter().all(|id| !fleet.is_there(id)).then_some(())
        });
        within("the fleet serves again", 60, || {
            let state = ground.fleet.state();
            (state.capacity >= 100.0 && state.waiting < 1.0).then_some(())
        });
        let state = ground.fleet.state().clone();
        let share = (state.refused - refused) / (state.arrived - arrived);
        assert!(share < 0.05, "{share}: demand is served");
        // Each was ended, and its place stayed: what has notice is no scale-in. Where
        // Auto Scaling rebalances, it may itself have been first.
        let ended: BTreeSet<(String, bool)> = fleet.ended().into_iter().collect();
        let wanted: BTreeSet<_> = noticed.iter().map(|id| (id.clone(), false)).collect();
        let right = ended == wanted || rebalance && ended.is_subset(&wanted);
        assert!(right, "{ended:?} of {wanted:?}\n{}", run.said());
        let set = ground.writes().into_iter().filter(|(name, _)| name == "SetDesiredCapacity");
        assert_eq!(set.count(), 0, "{}", run.said());
        within("its pods serve", 60, || (ground.replicas("g6e") == (16, 16)).then_some(()));
    }
    let deployment = ground.deployment("g6e");
    let note = told(ground, ("SpotNotice", "Warning"), ("Deployment", &deployment));
    let named = all_noticed.iter().any(|id| note.contains(id.as_str()));
    assert!(note.starts_with("AWS takes ") && named, "{note} of {all_noticed:?}");
    assert!(ground.aws.violations().is_empty(), "{:?}", ground.aws.violations());
}
