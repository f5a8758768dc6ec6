//! Spot notices, in a simulated world.

use super::{Day, FILE, failures};
use crate::backend::sim::Actor;
use crate::controller::Turn;
use crate::decide::scaling::EventKind;
use crate::observe::Unit;
use crate::pipeline;
use crate::plan::Step;

async fn begin(join: &str) -> Day {
    let spot = format!("join = \"{join}\"\nspot = {{ share = \"100%\" }}");
    Day::of(FILE.replace("join = \"kubernetes\"", &spot)).await
}

impl Day {
    async fn units(&self) -> Vec<Unit> {
        let seen = pipeline::look(&self.controller.session, []).await.unwrap();
        seen.inventory.resources.values().flat_map(|live| live.units().to_vec()).collect()
    }

    fn notice(&self, share: &str) {
        self.simulator.disturb(Actor::SpotNotice(share.parse().unwrap())).unwrap();
    }
}

fn replaced(turns: &[Turn]) -> Vec<String> {
    let steps = turns.iter().flat_map(|turn| &turn.done).map(|done| &done.step);
    let named = steps.filter_map(|step| match step {
        Step::ReplaceUnits { units, .. } => Some(units.clone()),
        _ => None,
    });
    named.flatten().collect()
}

#[tokio::test]
async fn what_is_taken_back_is_replaced_in_the_turn_that_sees_the_notice() {
    for join in ["kubernetes", "standalone"] {
        let mut day = begin(join).await;
        day.passes(60, Some(150.0)).await;
        let before: Vec<String> = day.units().await.into_iter().map(|unit| unit.name).collect();
        assert!(before.len() >= 4, "{join}: {before:?}");
        day.notice("50%");
        let turn = day.passes(1, Some(150.0)).await;
        let named = replaced(&turn);
        assert_eq!(named.len(), before.len() / 2, "{join}");
        let pool = &turn[0].scaling.pools["g6e"];
        assert_eq!(pool.serving as usize, before.len() - named.len(), "{join}");
        assert_eq!((pool.wanted, pool.now), (pool.now, before.len() as u32), "{join}");
        let there = day.units().await;
        let new = there.iter().filter(|unit| !before.contains(&unit.name)).count();
        assert_eq!(new, named.len(), "{join}: as many new ones, before the old are gone");
        let later = day.passes(60, Some(150.0)).await;
        assert_eq!(replaced(&later), [""; 0], "{join}: each once");
        let there = day.units().await;
        assert_eq!(there.len(), before.len(), "{join}");
        assert!(there.iter().all(|unit| unit.ready && !named.contains(&unit.name)), "{join}");
        let numbers = later.iter().flat_map(|turn| &turn.done).filter(|done| {
            matches!(&done.step, Step::SetUnits { id, .. } if id.kind == "AutoScalingGroup")
                || matches!(done.step, Step::DrainUnits { .. })
        });
        assert_eq!(numbers.count(), 0, "{join}: no number has moved");
        assert_eq!(failures(&later), [""; 0], "{join}");
    }
}

/// What is told of notices in the decisions of these turns.
fn told(turns: &[Turn]) -> Vec<String> {
    let all = turns.iter().flat_map(|turn| &turn.scaling.events);
    let notices = all.filter(|event| event.kind == EventKind::SpotNotice);
    notices.map(|event| event.text.clone()).collect()
}

#[tokio::test]
async fn a_notice_is_told_of_its_pool_once_whoever_leads() {
    for (join, kind, begins) in
        [("kubernetes", "Deployment", "AWS takes "), ("standalone", "ConfigMap", "g6e: AWS takes ")]
    {
        let mut day = begin(join).await;
        day.passes(60, Some(150.0)).await;
        day.notice("50%");
        let turn = day.passes(1, Some(150.0)).await;
        let texts = told(&turn);
        assert_eq!(texts.len(), 1, "{join}: {texts:?}");
        let named = replaced(&turn);
        assert!(named.len() > 1 && named.iter().all(|unit| texts[0].contains(unit)), "{texts:?}");
        let text = format!("AWS takes {} spot instances back", named.len());
        assert!(texts[0].starts_with(&text), "{texts:?}");
        let world = day.simulator.world().unwrap();
        let notice = world.told().iter().find(|told| told.reason == "SpotNotice").unwrap();
        assert!(notice.warning && notice.message.starts_with(begins), "{notice:?}");
        assert_eq!(notice.about.kind, kind, "{notice:?}");
        day.restart(false);
        assert_eq!(told(&day.passes(9, Some(150.0)).await), [""; 0], "{join}");
    }
}

#[tokio::test]
async fn a_notice_is_no_scale_in_and_another_leader_doubles_nothing() {
    let mut day = begin("kubernetes").await;
    day.passes(60, Some(150.0)).await;
    let before = day.units().await.len();
    for _ in 0..4 {
        day.notice("25%");
        day.passes(1, None).await;
        day.restart(false);
        day.passes(9, None).await;
        assert_eq!(day.units().await.len(), before);
    }
}

#[tokio::test]
async fn what_has_notice_is_the_first_to_go_and_its_place_with_it() {
    let mut day = begin("kubernetes").await;
    day.passes(60, Some(150.0)).await;
    let before = day.units().await;
    // Until the turn in which one would go.
    let mut calm = 0;
    while day.controller.drains.names().is_empty() {
        day.passes(1, Some(10.0)).await;
        calm += 1;
        assert!(calm < 60);
    }
    let going = day.controller.drains.names();
    day.notice("100%");
    day.passes(1, Some(10.0)).await;
    let named: Vec<&Unit> = before.iter().filter(|unit| !going.contains(&unit.name)).collect();
    day.passes(10, Some(10.0)).await;
    // The one that was on its way out already has left with its place.
    let there = day.units().await;
    assert!(there.len() <= named.len());
    assert!(there.iter().all(|unit| before.iter().all(|old| old.name != unit.name)));
}
