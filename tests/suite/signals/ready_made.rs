//! Every ready-made query, answered by Prometheus itself from series that have the names
//! and labels which engines and exporters give them: those of `exposed/`.

use super::live::measured;
use crate::support::prometheus::Prometheus;
use floodway::clock::{Clock as _, SystemClock};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What is exposed. `[…]` are the labels that a scraper adds to the series below; a number
/// is what a gauge tells, and one with a `+` what a counter gains in a second.
const EXPOSED: [&str; 7] = [
    include_str!("exposed/vllm.txt"),
    include_str!("exposed/sglang.txt"),
    include_str!("exposed/tgi.txt"),
    include_str!("exposed/triton.txt"),
    include_str!("exposed/dcgm.txt"),
    include_str!("exposed/kube_state_metrics.txt"),
    include_str!("exposed/kafka.txt"),
];

/// What every counter had gained before.
const GAINED: f64 = 100_000.0;

/// All of it as OpenMetrics, scraped every two seconds from a minute ago until in five
/// minutes: the answer is the same whenever it is asked for.
fn held() -> String {
    let now = SystemClock.now().as_second();
    let mut text = String::new();
    for exposed in EXPOSED {
        let mut scraped = "";
        for line in exposed.lines().filter(|line| !line.starts_with('#')) {
            if let Some(labels) = line.strip_prefix('[') {
                scraped = labels.strip_suffix(']').unwrap();
                continue;
            }
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, own) = series.split_once('{').unwrap_or((series, "}"));
            let own = own.strip_suffix('}').unwrap();
            let between = if scraped.is_empty() || own.is_empty() { "" } else { "," };
            for (step, at) in (now - 60..now + 300).step_by(2).enumerate() {
                let value = match value.strip_prefix('+') {
                    Some(rate) => GAINED + rate.parse::<f64>().unwrap() * 2.0 * step as f64,
                    None => value.parse().unwrap(),
                };
                writeln!(text, "{name}{{{scraped}{between}{own}}} {value} {at}").unwrap();
            }
        }
    }
    text + "# EOF\n"
}

/// `floodway signals` shows of all ready-made queries these values, and of what has none
/// that there is nothing to measure.
#[track_caller]
fn shows(signals: &str, expected: &[(&str, Option<f64>)]) {
    let said = measured(signals).run(&["signals", "measured", "--json"]).exits(0);
    let document: Value = serde_json::from_str(&said.out).unwrap();
    let ready_made = ["engine/", "kafka/", "dcgm/", "kube_state_metrics/"];
    let shown: BTreeMap<&str, &Value> = document["signals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|signal| (signal["signal"].as_str().unwrap(), signal))
        .filter(|(name, _)| ready_made.iter().any(|set| name.starts_with(set)))
        .collect();
    let expected: BTreeMap<&str, Option<f64>> = expected.iter().copied().collect();
    assert!(shown.keys().eq(expected.keys()), "{:?}", shown.keys());
    for (name, value) in expected {
        let signal = shown[name];
        match (value, signal["value"].as_f64()) {
            (Some(value), Some(told)) => {
                assert!((told - value).abs() < 1e-6, "{name}: {told}, and {value} is right");
                // A window has not passed since the server was started.
                let believed = ["good", "settling"].map(Value::from);
                assert!(believed.contains(&signal["verdict"]), "{signal:#}");
            }
            (None, None) => assert_eq!(signal["why"], "nothing to measure", "{signal:#}"),
            _ => panic!("{name} is to be {value:?}: {signal:#}"),
        }
    }
}

#[test]
fn every_ready_made_query_finds_what_is_exposed_by_old_names_and_new() {
    let prometheus = Prometheus::holding(&held());
    let at = prometheus.url();
    let with =
        |sets: &str| format!("prometheus = \"{at}\"\nwindow = \"10s\"\ntimeout = \"30s\"\n{sets}");
    shows(
        &with(
            "engine = { preprocess = \"triton\", inference = \"sglang\", postprocess = \"tgi\" }\n\
             kafka = { preprocess = { group = \"prompts\", topic = \"requests\" }, \
             postprocess = { group = \"prompts\" } }",
        ),
        &[
            // Of a backend that adds nothing of its own.
            ("engine/preprocess/running", None),
            ("engine/preprocess/waiting", Some(3.0)),
            ("engine/preprocess/kv_cache", None),
            ("engine/preprocess/ttft_p99", None),
            ("engine/preprocess/tokens_in", None),
            ("engine/preprocess/tokens_out", None),
            ("engine/preprocess/finished", Some(9.0)),
            // Each of four replicas by other names, and each once.
            ("engine/inference/running", Some(16.0)),
            ("engine/inference/waiting", Some(13.0)),
            ("engine/inference/kv_cache", Some(0.65)),
            ("engine/inference/ttft_p99", Some(0.7)),
            ("engine/inference/inter_token_p99", Some(0.088)),
            ("engine/inference/tokens_in", Some(1800.0)),
            ("engine/inference/tokens_out", Some(400.0)),
            ("engine/inference/finished", Some(21.0)),
            ("engine/postprocess/running", Some(8.0)),
            ("engine/postprocess/waiting", Some(6.0)),
            // 0.3 in the queue, and 0.19 in the prefill.
            ("engine/postprocess/ttft_p99", Some(0.49)),
            ("engine/postprocess/inter_token_p99", Some(0.06)),
            ("engine/postprocess/tokens_in", Some(2000.0)),
            ("engine/postprocess/tokens_out", Some(400.0)),
            ("engine/postprocess/finished", Some(8.0)),
            ("kafka/preprocess", Some(150.0)),
            ("kafka/postprocess", Some(157.0)),
        ],
    );
    shows(
        &with(
            "engine = { preprocess = \"vllm\", inference = \"triton\" }\n\
             select = { inference = 'job=\"triton\",model=\"tensorrt_llm\"' }\n\
             dcgm = true\nkube_state_metrics = true",
        ),
        &[
            ("engine/preprocess/running", Some(21.0)),
            ("engine/preprocess/waiting", Some(4.0)),
            ("engine/preprocess/kv_cache", Some(0.44)),
            ("engine/preprocess/ttft_p99", Some(0.375)),
            ("engine/preprocess/inter_token_p99", Some(0.07)),
            ("engine/preprocess/tokens_in", Some(1050.0)),
            ("engine/preprocess/tokens_out", Some(200.0)),
            ("engine/preprocess/finished", Some(10.4)),
            // Of the model of an ensemble that generates.
            ("engine/inference/running", Some(9.0)),
            ("engine/inference/waiting", Some(4.0)),
            ("engine/inference/kv_cache", Some(0.37)),
            ("engine/inference/ttft_p99", Some(0.35)),
            ("engine/inference/tokens_in", Some(500.0)),
            ("engine/inference/tokens_out", Some(150.0)),
            ("engine/inference/finished", Some(8.0)),
            ("dcgm/gpu_use", Some(0.6)),
            ("dcgm/memory_use", Some(0.5)),
            ("dcgm/with_xid_errors", Some(1.0)),
            ("kube_state_metrics/pending_pods", Some(2.0)),
            ("kube_state_metrics/unschedulable_pods", Some(1.0)),
            ("kube_state_metrics/unavailable_replicas", Some(3.0)),
            ("kube_state_metrics/nodes_not_ready", Some(2.0)),
        ],
    );
}
