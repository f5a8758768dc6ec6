//! Why pods are not ready.

use crate::observe::{Problem, ProblemKind};
use serde_json::Value;
use std::collections::BTreeMap;

/// What matters of a pod: its trouble, if any.
pub(super) type State = Option<(ProblemKind, String)>;

/// Reduces a pod to its trouble.
pub(super) fn state(pod: &Value) -> State {
    if pod.pointer("/metadata/deletionTimestamp").is_some() || is_finished(pod) {
        return None;
    }
    let condition = |kind: &str| {
        let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
        conditions.into_iter().flatten().find(|condition| condition["type"] == kind)
    };
    if condition("Ready").is_some_and(|ready| ready["status"] == "True") {
        return None;
    }
    if let Some(scheduled) = condition("PodScheduled").filter(|c| c["status"] == "False") {
        let message = scheduled["message"].as_str().unwrap_or("no node has room").to_owned();
        return Some((ProblemKind::Unschedulable, message));
    }
    Some(waiting(pod).unwrap_or((ProblemKind::Starting, "starting".to_owned())))
}

/// Whether it has ended and only its record is left: evicted, failed, done.
pub(super) fn is_finished(pod: &Value) -> bool {
    matches!(pod.pointer("/status/phase").and_then(Value::as_str), Some("Failed" | "Succeeded"))
}

/// The first container that waits for something that may never come.
fn waiting(pod: &Value) -> Option<(ProblemKind, String)> {
    let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let statuses = lists.iter().filter_map(|list| pod.pointer(list)?.as_array()).flatten();
    for status in statuses {
        let waiting = &status["state"]["waiting"];
        let Some(reason) = waiting["reason"].as_str() else { continue };
        let kind = match reason {
            "ImagePullBackOff" | "ErrImagePull" | "InvalidImageName" | "ErrImageNeverPull" => {
                ProblemKind::ImagePull
            }
            "CrashLoopBackOff" => ProblemKind::CrashLoop,
            "ContainerCreating" | "PodInitializing" => continue,
            _ => ProblemKind::Other,
        };
        let image = status["image"].as_str().unwrap_or_default();
        let message = waiting["message"].as_str().map(|m| format!(": {m}")).unwrap_or_default();
        return Some((kind, format!("{reason} ({image}){message}")));
    }
    None
}

/// Counts equal troubles.
pub(super) fn problems(states: &[State]) -> Vec<Problem> {
    let mut found: BTreeMap<&(ProblemKind, String), u32> = BTreeMap::new();
    for state in states.iter().flatten() {
        *found.entry(state).or_default() += 1;
    }
    let problem = |((kind, message), units): (&(ProblemKind, String), u32)| Problem {
        kind: *kind,
        units,
        message: message.clone(),
    };
    found.into_iter().map(problem).collect()
}
