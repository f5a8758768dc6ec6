//! kube-controller-manager's own HPA, by a metric that Prometheus knows.

use super::ground::Ground;
use super::web::ask;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// What is scaled, by what, and how.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    pub deployment: &'a str,
    pub max: u64,
    /// What each replica is meant to carry of the metric.
    pub target: &'a str,
    /// How long what was wanted is not lowered.
    pub down: Duration,
    /// In which it at most doubles, or adds four: by default 15 s. The least that it
    /// takes is a second.
    pub period: Duration,
    /// What is handed on to it, and how often.
    pub query: &'a str,
    pub every: Duration,
}

/// An HPA, and the adapter that hands the metric on; the adapter ends when this is
/// dropped.
pub struct Autoscaler {
    over: Arc<AtomicBool>,
    adapter: Option<JoinHandle<()>>,
}

impl Autoscaler {
    pub fn start(ground: &Ground, rules: &Rules<'_>) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (ends, bed, name) = (Arc::clone(&over), ground.bed, ground.name.clone());
        let host = format!("127.0.0.1:{}", ground.prometheus.port);
        let query: String = rules.query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let (path, every) = (format!("/api/v1/query?query={query}"), rules.every);
        let adapter = std::thread::spawn(move || {
            while !ends.load(Ordering::SeqCst) {
                let answer = ask(&host, "GET", &path, None).map(|(_, answer)| answer);
                let value = answer.as_ref().and_then(|answer| {
                    answer["data"]["result"][0]["value"][1].as_str()?.parse::<f64>().ok()
                });
                if let Some(value) = value.filter(|value| value.is_finite()) {
                    bed.set_external_metric(&name, "load", &format!("{:.0}m", value * 1000.0));
                }
                std::thread::sleep(every);
            }
        });
        ground.bed.apply(&[object(&ground.name, rules)]);
        Self { over, adapter: Some(adapter) }
    }
}

fn object(namespace: &str, rules: &Rules<'_>) -> serde_json::Value {
    let period = rules.period.as_secs().max(1);
    let rule =
        |kind: &str, value: u32| json!({"type": kind, "value": value, "periodSeconds": period});
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "alone", "namespace": namespace},
        "spec": {
            "scaleTargetRef": {
                "apiVersion": "apps/v1", "kind": "Deployment", "name": rules.deployment,
            },
            "minReplicas": 1, "maxReplicas": rules.max,
            "metrics": [{"type": "External", "external": {
                "metric": {"name": "load"},
                "target": {"type": "AverageValue", "averageValue": rules.target},
            }}],
            "behavior": {
                "scaleUp": {
                    "stabilizationWindowSeconds": 0,
                    "policies": [rule("Percent", 100), rule("Pods", 4)],
                },
                "scaleDown": {
                    "stabilizationWindowSeconds": rules.down.as_secs(),
                    "policies": [rule("Percent", 100)],
                },
            },
        },
    })
}

impl Drop for Autoscaler {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        if let Some(adapter) = self.adapter.take() {
            let _ = adapter.join();
        }
    }
}
