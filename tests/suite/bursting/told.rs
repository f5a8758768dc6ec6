//! Kubernetes Events that a controller has told.

use super::ground::{Ground, within};
use super::web::ask;
use serde_json::Value;

/// Waits until an Event of this reason is told; what it says. It must be of this type, and
/// stand beside this live object, which is of this kind.
#[track_caller]
pub fn told(
    ground: &Ground,
    (reason, of_type): (&str, &str),
    (kind, live): (&str, &Value),
) -> String {
    let path = format!("/apis/events.k8s.io/v1/namespaces/{}/events", ground.name);
    let event = within(&format!("{reason} is told"), 20, || {
        let (_, all) = ask(&ground.cluster, "GET", &path, None)?;
        let own = |event: &&Value| {
            event["reportingController"] == "floodway.dev/floodway" && event["reason"] == reason
        };
        all["items"].as_array()?.iter().find(own).cloned()
    });
    let beside = &event["regarding"];
    assert!(event["type"] == of_type && beside["kind"] == kind, "{event:#}");
    for key in ["name", "namespace", "uid"] {
        assert_eq!(beside[key], live["metadata"][key], "{event:#}");
    }
    event["note"].as_str().unwrap().to_owned()
}
