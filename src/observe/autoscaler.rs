//! What an autoscaler of the cluster says of itself.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A HorizontalPodAutoscaler, by its own conditions. It tells them anew every 15 s:
/// <https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale-walkthrough/#appendix-horizontal-pod-autoscaler-status-conditions>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Autoscaler {
    /// The name of the Deployment that it scales; none: it scales something else.
    pub target: Option<String>,
    /// Why it cannot act; none: it can, or has said nothing yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cannot: Option<String>,
    /// It would ask for more than its own max; in its words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_max: Option<String>,
}

impl Autoscaler {
    /// Of the whole object, with its status.
    pub fn of(object: &Value) -> Self {
        let target = object.pointer("/spec/scaleTargetRef");
        let is_deployment = target.is_some_and(|target| target["kind"] == "Deployment");
        let named = target.and_then(|target| target["name"].as_str()).filter(|_| is_deployment);
        let all = object.pointer("/status/conditions").and_then(Value::as_array);
        let said = |kind: &str, status: &str| {
            let mut all = all.into_iter().flatten();
            all.find(|condition| condition["type"] == kind && condition["status"] == status)
        };
        let cannot = said("AbleToScale", "False").or_else(|| said("ScalingActive", "False"));
        // At its min, or slowed down by its own rules, it acts.
        let limited = said("ScalingLimited", "True");
        let at_max = limited.filter(|condition| condition["reason"] == "TooManyReplicas");
        Self {
            target: named.map(str::to_owned),
            cannot: cannot.map(words),
            at_max: at_max.map(words),
        }
    }
}

/// `ScalingActive is False (FailedGetResourceMetric): the HPA was unable to …`
fn words(condition: &Value) -> String {
    let text = |key: &str| condition[key].as_str().unwrap_or_default();
    let reason = match text("reason") {
        "" => String::new(),
        reason => format!(" ({reason})"),
    };
    let message = match text("message") {
        "" => String::new(),
        message => format!(": {message}"),
    };
    format!("{} is {}{reason}{message}", text("type"), text("status"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(conditions: &Value) -> Autoscaler {
        Autoscaler::of(&json!({
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "llm"}},
            "status": {"conditions": conditions},
        }))
    }

    #[test]
    fn what_keeps_it_from_acting_is_told_in_its_own_words() {
        let able = json!({"type": "AbleToScale", "status": "True", "reason": "SucceededGetScale"});
        let inactive = json!({
            "type": "ScalingActive", "status": "False", "reason": "FailedGetExternalMetric",
            "message": "the HPA was unable to compute the replica count",
        });
        let told = said(&json!([able, inactive]));
        assert_eq!(told.target.as_deref(), Some("llm"));
        assert_eq!(
            told.cannot.as_deref(),
            Some(
                "ScalingActive is False (FailedGetExternalMetric): the HPA was unable to compute \
                 the replica count"
            )
        );
        let unable = json!({"type": "AbleToScale", "status": "False", "reason": "FailedGetScale"});
        let told = said(&json!([unable]));
        assert_eq!(told.cannot.as_deref(), Some("AbleToScale is False (FailedGetScale)"));
    }

    #[test]
    fn one_that_acts_has_said_nothing_or_is_at_its_min_can_act() {
        let limited = |reason: &str| {
            said(&json!([
                {"type": "ScalingActive", "status": "True"},
                {"type": "ScalingLimited", "status": "True", "reason": reason},
            ]))
        };
        for told in [
            said(&json!([])),
            Autoscaler::of(&json!({})),
            said(&json!([{"type": "ScalingActive", "status": "Unknown"}])),
            limited("TooFewReplicas"),
            limited("ScaleUpLimit"),
        ] {
            assert_eq!((told.cannot, told.at_max), (None, None));
        }
        let told = limited("TooManyReplicas");
        let at_max = "ScalingLimited is True (TooManyReplicas)".to_owned();
        assert_eq!((told.cannot, told.at_max), (None, Some(at_max)));
        let other = json!({"spec": {"scaleTargetRef": {"kind": "StatefulSet", "name": "llm"}}});
        assert_eq!(Autoscaler::of(&other).target, None);
    }
}
