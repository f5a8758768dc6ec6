//! What matters most about something that comes, in a few words.

use crate::observe::Requirements;
use crate::render::plan::view::OwnedView;
use crate::render::text::{count, plural};
use serde_json::Value;

/// A few words on a new object of `kind`; none where its kind says it all.
pub(super) fn highlights(kind: &str, body: &Value, owned: Option<&OwnedView>) -> Vec<String> {
    let mut words: Vec<String> = owned.map(starts_with).into_iter().collect();
    words.extend(match kind {
        "Deployment" => deployment(body),
        "AutoScalingGroup" => group(body),
        "LaunchTemplate" => template(body),
        "HorizontalPodAutoscaler" => {
            let bound = |key: &str| number(body, &format!("/spec/{key}"));
            bounds(bound("minReplicas"), bound("maxReplicas"), "replica").into_iter().collect()
        }
        "PodDisruptionBudget" => ["maxUnavailable", "minAvailable"]
            .iter()
            .filter_map(|key| Some(format!("{key} {}", plain(body.pointer("/spec")?.get(key)?))))
            .collect(),
        "Service" => service(body),
        "ConfigMap" => config_map(body),
        _ => Vec::new(),
    });
    words
}

/// `replicas 3, then owned by the HPA`.
fn starts_with(owned: &OwnedView) -> String {
    let field = owned.path.rsplit('.').next().unwrap_or_default();
    match owned.value.as_ref().filter(|value| value.is_number()) {
        Some(value) => format!("{field} {value}, then owned by {}", owned.owner.long()),
        None => format!("{field} owned by {}", owned.owner.long()),
    }
}

/// An image with no more of its digest than tells it from others.
fn image(value: &Value) -> String {
    let text = plain(value);
    match text.split_once("@sha256:") {
        Some((name, digest)) if digest.chars().count() > 12 => {
            format!("{name}@sha256:{}…", digest.chars().take(12).collect::<String>())
        }
        _ => text,
    }
}

fn deployment(body: &Value) -> Vec<String> {
    let mut words = Vec::new();
    words.extend(number(body, "/spec/replicas").map(|n| counted(n, "replica")));
    let containers = body.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    for container in containers.into_iter().flatten() {
        let gpus = container.pointer("/resources/limits/nvidia.com~1gpu").map(plain);
        if let Some(gpus) = gpus {
            let unit = if gpus == "1" { "GPU" } else { "GPUs" };
            words.push(format!("{gpus} {unit} each"));
        }
        words.extend(container.get("image").map(|value| format!("image {}", image(value))));
    }
    words
}

fn group(body: &Value) -> Vec<String> {
    let text = |key: &str| body.get(key).map(plain);
    let mut words = Vec::new();
    let types = body.get("instance_types").and_then(Value::as_array);
    let types = types.map(|types| types.iter().map(plain).collect::<Vec<_>>().join(" or "));
    let required = body.get("requirements").cloned().map(serde_json::from_value::<Requirements>);
    let types = match required {
        Some(Ok(required)) => Some(required.to_string()),
        _ => types,
    };
    let parts: Vec<String> = [types, text("capacity_type")].into_iter().flatten().collect();
    if !parts.is_empty() {
        words.push(parts.join(" "));
    }
    words.extend(bounds(number(body, "/min"), number(body, "/max"), "instance"));
    let gpus = body.pointer("/tags/floodway.dev~1gpus").map(plain);
    words.extend(gpus.filter(|gpus| gpus != "0").map(|gpus| match gpus.as_str() {
        "1" => "1 GPU each".to_owned(),
        gpus => format!("{gpus} GPUs each"),
    }));
    words.extend(number(body, "/warm_pool").filter(|n| *n > 0).map(|n| format!("{n} kept warm")));
    words
}

fn template(body: &Value) -> Vec<String> {
    let mut words: Vec<String> =
        body.get("image").map(|image| format!("image {}", plain(image))).into_iter().collect();
    words.extend(body.get("instance_profile").map(|name| format!("profile {}", plain(name))));
    words.extend(number(body, "/volume/size_gib").map(|size| format!("{size} GiB gp3, encrypted")));
    words
}

fn service(body: &Value) -> Vec<String> {
    let mut words = Vec::new();
    if body.pointer("/spec/clusterIP").and_then(Value::as_str) == Some("None") {
        words.push("headless".to_owned());
    }
    let ports = body.pointer("/spec/ports").and_then(Value::as_array);
    for port in ports.into_iter().flatten().filter_map(|port| port.get("port")) {
        words.push(format!("port {}", plain(port)));
    }
    words
}

fn config_map(body: &Value) -> Vec<String> {
    let data = body.get("data").and_then(Value::as_object);
    let lines = |value: &Value| value.as_str().map_or(0, |text| text.lines().count());
    data.into_iter()
        .flatten()
        .map(|(key, value)| format!("{key} ({})", count(lines(value), "line")))
        .collect()
}

fn bounds(min: Option<u64>, max: Option<u64>, noun: &str) -> Option<String> {
    match (min, max) {
        (Some(min), Some(max)) if min == max => Some(counted(max, noun)),
        (Some(min), Some(max)) => Some(format!("{min}–{max} {noun}s")),
        (None, Some(max)) => Some(format!("up to {}", counted(max, noun))),
        _ => None,
    }
}

fn counted(number: u64, noun: &str) -> String {
    format!("{number} {}", plural(usize::try_from(number).unwrap_or(usize::MAX), noun))
}

fn number(body: &Value, pointer: &str) -> Option<u64> {
    body.pointer(pointer).and_then(Value::as_u64)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
