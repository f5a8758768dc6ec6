//! The operator is above what is under way: units that drain.

use super::{Day, FILE, failures};
use crate::controller::Turn;
use crate::observe::{HandHold, Hands, Override};
use crate::pipeline;
use crate::plan::Step;

impl Day {
    /// Until an instance is on its way out.
    async fn drains(&mut self) {
        self.passes(30, Some(60.0)).await;
        for _ in 0..90 {
            self.passes(1, Some(10.0)).await;
            if !self.controller.drains.names().is_empty() {
                return;
            }
        }
        panic!("nothing drains");
    }

    async fn say(&self, say: impl FnOnce(&mut Hands)) {
        pipeline::change_hands(&self.controller.session, say).await.unwrap();
    }

    /// How many instances are there, how many of them are closed, and how many pods of
    /// theirs are asked for.
    async fn stands(&self) -> (usize, usize, u32) {
        let seen = pipeline::look(&self.controller.session, []).await.unwrap().inventory;
        let groups = seen.resources.values().filter(|live| live.id.kind == "AutoScalingGroup");
        let instances = groups.flat_map(|live| live.units()).filter(|unit| !unit.ending).count();
        let closed = seen.nodes.iter().filter(|node| node.draining.is_some()).count();
        let own =
            |id: &&crate::observe::ResourceId| id.kind == "Deployment" && id.name.contains("g6e");
        let pods = seen.resources.iter().find(|(id, _)| own(id));
        let pods = pods.and_then(|(_, live)| live.workload.as_ref());
        (instances, closed, pods.map_or(0, |workload| workload.desired))
    }
}

fn hold(pool: Option<&str>, scale_in: bool) -> HandHold {
    let pool = pool.map(|name| name.parse().unwrap());
    let reason = "INC-7".to_owned();
    HandHold { pool, scale_in, scale_out: !scale_in, reason, ..HandHold::default() }
}

fn set(units: u32) -> Override {
    Override {
        pool: "g6e".parse().unwrap(),
        units,
        until: None,
        reason: "the bill".to_owned(),
        by: "ada".to_owned(),
        since: crate::clock::Timestamp::UNIX_EPOCH,
    }
}

fn ended(turns: &[Turn]) -> usize {
    let all = turns.iter().flat_map(|turn| &turn.done);
    all.filter(|done| matches!(done.step, Step::DrainUnits { .. })).count()
}

#[tokio::test]
async fn a_hold_takes_back_what_drains_and_it_serves_again() {
    for pool in [None, Some("g6e")] {
        let mut day = Day::begin().await;
        day.drains().await;
        assert_eq!(day.stands().await, (1, 1, 4));
        day.say(|hands| hands.holds.push(hold(pool, true))).await;
        let held = day.passes(10, Some(10.0)).await;
        assert!(held.iter().all(|turn| turn.done.is_empty()), "nothing is written");
        assert_eq!(day.stands().await, (1, 0, 4), "it is open, with all of its pods");
        assert!(day.controller.drains.names().is_empty());
        let pool = &held.last().unwrap().scaling.pools["g6e"];
        assert_eq!((pool.now, pool.wanted, pool.serving), (1, 1, 1));
        let told = &held[0].scaling.pools["g6e"].holds;
        assert!(told.iter().any(|hold| hold.why.text.contains("INC-7")), "{told:?}");
        day.say(|hands| hands.holds.clear()).await;
        let later = day.passes(10, Some(10.0)).await;
        assert_eq!((ended(&later), failures(&later)), (1, vec![]));
    }
}

#[tokio::test]
async fn one_that_stands_alone_is_given_work_again_under_a_hold() {
    let mut day = Day::of(FILE.replace("join = \"kubernetes\"", "join = \"standalone\"")).await;
    day.drains().await;
    day.say(|hands| hands.holds.push(hold(None, true))).await;
    let held = day.passes(10, Some(10.0)).await;
    assert_eq!(ended(&held), 0);
    assert_eq!(held.last().unwrap().scaling.pools["g6e"].serving, 1);
}

#[tokio::test]
async fn a_hold_that_leaves_scale_in_alone_or_another_pool_stops_no_drain() {
    for other in [hold(Some("g6e"), false), hold(Some("h100"), true)] {
        let mut day = Day::begin().await;
        day.drains().await;
        day.say(|hands| hands.holds.push(other)).await;
        assert_eq!(ended(&day.passes(10, Some(10.0)).await), 1);
    }
}

#[tokio::test]
async fn a_freeze_takes_back_what_another_controller_drains_but_not_what_an_operator_wants_less() {
    for (less, ends) in [(false, 0), (true, 1)] {
        let mut day = Day::begin().await;
        day.drains().await;
        let freeze = "[[freeze]]\nname = \"sale\"\nstart = \"2026-01-01T00:00:00Z\"\n";
        day.text = format!("{FILE}\n{freeze}");
        day.restart(false);
        if less {
            day.say(|hands| hands.overrides.push(set(0))).await;
        }
        let frozen = day.passes(10, Some(10.0)).await;
        assert_eq!((ended(&frozen), failures(&frozen)), (ends, vec![]), "less: {less}");
        assert_eq!(day.stands().await.1, 0);
    }
}

#[tokio::test]
async fn an_operators_number_goes_down_in_spite_of_nothing_but_a_hold() {
    let mut day = Day::begin().await;
    day.passes(30, Some(60.0)).await;
    day.say(|hands| hands.overrides.push(set(0))).await;
    day.passes(2, Some(60.0)).await;
    assert_eq!(day.controller.drains.names().len(), 1);
    day.say(|hands| hands.holds.push(hold(None, true))).await;
    let held = day.passes(10, Some(60.0)).await;
    assert_eq!((ended(&held), day.stands().await.0), (0, 1));
    day.say(|hands| hands.holds.clear()).await;
    assert_eq!(ended(&day.passes(10, Some(60.0)).await), 1);
}
