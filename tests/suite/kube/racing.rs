//! Replicas change hands while the autoscaler, or a person, moves them.

use super::Ground;
use super::handover::{BETWEEN, HPA, Lowest, Watch, ground};
use super::lifecycle::SECOND;
use crate::support::bed::eventually;
use std::thread::{scope, sleep};
use std::time::Duration;

const NAME: &str = "llm-inference-gpu";

/// As many requests as this many replicas shall carry.
fn load(ground: &Ground, replicas: u64) {
    let sum = (8 * replicas).to_string();
    ground.bed.set_external_metric(&ground.name, "inference_requests_per_second", &sum);
}

/// Applies while the load grows for 20 replicas; the autoscaler of the test bed
/// looks at it every second, and moves when it is off by more than a tenth.
fn apply_under_growing_load(ground: &Ground) {
    scope(|threads| {
        let applying = threads.spawn(|| ground.apply());
        for replicas in [14, 16, 18, 20] {
            load(ground, replicas);
            sleep(Duration::from_millis(700));
        }
        applying.join().unwrap();
    });
}

/// A pool with an autoscaler, at 12 replicas and the load for them.
fn autoscaled(prefix: &str) -> (Ground, Watch) {
    let ground = ground(prefix);
    ground.declare(&(ground.pool("gpu", BETWEEN) + HPA));
    ground.apply();
    ground.kubectl(&["scale", "deployment", NAME, "--replicas=12"]);
    load(&ground, 12);
    let watch = Watch::new(&ground, 12);
    eventually("the autoscaler sees the load", || {
        let live = ground.get("hpa", NAME)?;
        (live["status"]["desiredReplicas"] == 12).then_some(())
    });
    (ground, watch)
}

#[track_caller]
fn never_fell(lowest: &Lowest) {
    assert!(lowest.asked_for >= 12 && lowest.asked.is_sorted(), "{:?}", lowest.asked);
}

#[test]
fn an_autoscaler_that_is_turned_on_under_growing_load_only_adds_replicas() {
    let ground = ground("on-loaded");
    ground.declare(&ground.pool("gpu", "12"));
    ground.apply();
    load(&ground, 12);
    let watch = Watch::new(&ground, 12);
    ground.declare(&(ground.pool("gpu", BETWEEN) + HPA));
    apply_under_growing_load(&ground);
    eventually("the autoscaler has followed", || (ground.replicas(NAME)? == 20).then_some(()));
    never_fell(&watch.lowest());
    ground.is_settled();
}

#[test]
fn git_takes_replicas_over_from_an_autoscaler_that_moves_them() {
    let (ground, watch) = autoscaled("off-loaded");
    ground.declare(&ground.pool("gpu", "20"));
    apply_under_growing_load(&ground);
    assert_eq!(ground.replicas(NAME), Some(20));
    assert!(ground.get("hpa", NAME).is_none());
    never_fell(&watch.lowest());
    ground.is_settled();
}

#[test]
fn the_controller_gets_the_replicas_that_an_autoscaler_has_just_set() {
    let (ground, watch) = autoscaled("to-controller");
    ground.declare(&ground.pool("gpu", BETWEEN));
    apply_under_growing_load(&ground);
    assert!(ground.get("hpa", NAME).is_none());
    let lowest = watch.lowest();
    never_fell(&lowest);
    assert_eq!(ground.replicas(NAME), lowest.asked.last().copied(), "nothing resets it afterwards");
    ground.is_settled();
}

#[test]
fn a_successor_catches_up_with_what_was_scaled_while_it_got_ready() {
    let ground = ground("catch-up");
    ground.declare(&(ground.pool("gpu", BETWEEN) + SECOND));
    ground.apply();
    let watch = Watch::new(&ground, 3);
    // No pod finds a node until the old Deployment has been scaled.
    let selector = format!("test={}", ground.name);
    ground.bed.kubectl(&["cordon", "-l", &selector], "");
    let second = ground.pool("gpu", BETWEEN).replace("\"inference\"", "\"second\"");
    ground.declare(&(second + SECOND));
    scope(|threads| {
        let applying = threads.spawn(|| ground.apply());
        eventually("the successor is there", || {
            (ground.replicas("llm-second-gpu")? == 3).then_some(())
        });
        ground.kubectl(&["scale", "deployment", NAME, "--replicas=6"]);
        ground.bed.kubectl(&["uncordon", "-l", &selector], "");
        applying.join().unwrap();
    });
    assert_eq!(ground.replicas("llm-second-gpu"), Some(6));
    assert!(ground.get("deployment", NAME).is_none());
    let lowest = watch.lowest();
    assert!(lowest.ready >= 3, "{lowest:?}");
    let scaled = lowest.asked.iter().skip_while(|asked| **asked < 9);
    assert!(scaled.clone().count() > 0 && scaled.min() >= Some(&6), "{:?}", lowest.asked);
    ground.is_settled();
}
