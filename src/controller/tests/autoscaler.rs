//! Pools whose number an autoscaler owns, and what it says of itself.

use super::{Day, FILE};
use crate::backend::sim::{Actor, Delete, Set};
use crate::decide::scaling::{EventKind, HoldCause};
use crate::pipeline;
use serde_json::json;

fn scaled_by_another() -> String {
    let capacity = "capacity = \"18 req/s\"";
    // A sudden rise makes its upper quantiles more than on-prem could ever carry.
    let burst = "[burst]\nforecast = { horizon = \"15m\", quantile = 0.5 }\n";
    let hpa = format!("{capacity}\nhpa = {{ cpu = \"70%\" }}");
    format!("{}\n{burst}", FILE.replace(capacity, &hpa))
}

impl Day {
    async fn autoscaler(&self) -> String {
        let seen = pipeline::look(&self.controller.session, []).await.unwrap().inventory;
        let mut all = seen.resources.keys();
        all.find(|id| id.kind == "HorizontalPodAutoscaler").unwrap().name.clone()
    }
}

#[tokio::test]
async fn an_autoscaler_that_acts_is_given_its_time_before_anything_bursts() {
    let mut day = Day::of(scaled_by_another()).await;
    day.passes(5, Some(10.0)).await;
    let waits = day.passes(3, Some(30.0)).await;
    for turn in waits {
        assert_eq!(Day::wanted(&turn, "g6e"), 0, "{:#?}", turn.scaling.pools);
    }
}

#[tokio::test]
async fn burst_does_not_wait_for_an_autoscaler_that_says_that_it_cannot_act() {
    let mut day = Day::of(scaled_by_another()).await;
    day.passes(5, Some(10.0)).await;
    let condition = json!({
        "type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric",
        "message": "did not receive metrics",
    });
    let set = Set {
        kind: "HorizontalPodAutoscaler".to_owned(),
        name: day.autoscaler().await,
        path: "/status/conditions".to_owned(),
        value: json!([condition]),
        by: "kube-controller-manager".to_owned(),
    };
    day.simulator.disturb(Actor::Set(set)).unwrap();
    let turn = day.passes(1, Some(30.0)).await.remove(0);
    assert!(Day::wanted(&turn, "g6e") >= 1, "{:?}", turn.scaling.pools["g6e"]);
    let held = &turn.scaling.pools["h100"].holds;
    let told = |text: &str| held.iter().any(|hold| hold.why.text.contains(text));
    assert!(held.iter().all(|hold| hold.cause == HoldCause::Autoscaler), "{held:?}");
    assert!(told("ScalingActive is False (FailedGetResourceMetric): did not receive"), "{held:?}");
    let warned = |kind| turn.scaling.events.iter().any(|event| event.kind == kind);
    assert!(warned(EventKind::AutoscalerStuck), "{:?}", turn.scaling.events);
}

#[tokio::test]
async fn where_no_autoscaler_is_there_that_is_told_and_none_is_waited_for() {
    let mut day = Day::of(scaled_by_another()).await;
    day.passes(5, Some(10.0)).await;
    let (kind, name) = ("HorizontalPodAutoscaler".to_owned(), day.autoscaler().await);
    day.simulator.disturb(Actor::Delete(Delete { kind, name })).unwrap();
    let turn = day.passes(1, Some(30.0)).await.remove(0);
    assert!(Day::wanted(&turn, "g6e") >= 1, "{:?}", turn.scaling.pools["g6e"]);
    let held = &turn.scaling.pools["h100"].holds;
    assert!(held.iter().any(|hold| hold.why.text.contains("no HorizontalPodAutoscaler")));
}
