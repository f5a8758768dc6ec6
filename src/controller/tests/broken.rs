//! Units of which a part is broken.

use super::{Day, FILE};
use crate::backend::sim::{Actor, GpusUnhealthy};
use crate::controller::Turn;
use crate::pipeline;
use crate::plan::Step;

/// Instances that somebody asked the end of.
fn ended(turns: &[Turn]) -> Vec<String> {
    let all = turns.iter().flat_map(|turn| &turn.done);
    let units = all.filter_map(|done| match &done.step {
        Step::DrainUnits { units, .. } => Some(units.clone()),
        _ => None,
    });
    units.flatten().collect()
}

/// The instances of the pool that are nodes.
async fn nodes(day: &Day) -> Vec<String> {
    let seen = pipeline::look_closely(&day.controller.session).await.unwrap();
    seen.nodes().filter_map(|node| node.instance.clone()).collect()
}

#[tokio::test]
async fn a_node_that_serves_in_part_is_not_given_up_and_costs_no_other_one() {
    let mut day = Day::begin().await;
    let busy = day.passes(60, Some(130.0)).await;
    let before = Day::wanted(busy.last().unwrap(), "g6e");
    assert!(before >= 3, "{before}");
    let broken = nodes(&day).await[0].clone();
    day.simulator
        .disturb(Actor::GpusUnhealthy(GpusUnhealthy { node: broken.clone(), gpus: 1 }))
        .unwrap();
    let later = day.passes(300, Some(130.0)).await;
    assert_eq!(ended(&later), [""; 0]);
    assert!(nodes(&day).await.contains(&broken));
    let last = later.last().unwrap();
    assert!(
        Day::wanted(last, "g6e") >= before && last.scaling.pools["g6e"].sources[0].aside.is_none()
    );
}

#[tokio::test]
async fn groups_of_unlike_instances_serve_by_their_own_number_of_replicas() {
    let text = FILE.replace("[\"g6e.12xlarge\"]", "[\"g6e.12xlarge\", \"p5.48xlarge\"]").replace(
        "{ \"g6e.12xlarge\" = \"9 req/s\" }",
        "{ \"g6e.12xlarge\" = \"9 req/s\", \"p5.48xlarge\" = \"20 req/s\" }",
    );
    let mut day = Day::of(text).await;
    let busy = day.passes(240, Some(130.0)).await;
    assert_eq!(ended(&busy), [""; 0]);
    let pool = &busy.last().unwrap().scaling.pools["g6e"];
    assert!(pool.serving == pool.now && pool.sources[0].aside.is_none(), "{pool:?}");
}
