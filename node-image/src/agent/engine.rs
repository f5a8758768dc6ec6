//! What the inference engine says: whether it is ready, and what it has in flight.

use super::clock;
use super::drain::Load;
use super::fetch::{Limits, Url, fetch};
use super::log::Failures;
use super::node::Node;
use http::{Method, StatusCode};
use std::convert::Infallible;
use std::time::Duration;

/// An engine that compiles or loads answers late; then it is not ready.
const TIME: Duration = Duration::from_secs(2);
/// Metrics of a busy engine are some 100 KiB.
const BYTES: usize = 4 * 1024 * 1024;
const LIMITS: Limits = Limits { time: TIME, bytes: BYTES };

/// Requests that run and requests that wait, by the names of each engine. Some
/// scrapers write `_` for the colon.
const NAMES: [(&str, &str); 4] = [
    ("vllm:num_requests_running", "vllm:num_requests_waiting"),
    ("vllm_num_requests_running", "vllm_num_requests_waiting"),
    ("sglang:num_running_reqs", "sglang:num_queue_reqs"),
    ("sglang_num_running_reqs", "sglang_num_queue_reqs"),
];

/// Where the engine says what.
#[derive(Debug, Clone)]
pub(super) struct Engine {
    /// Answers 200 when it takes requests.
    pub(super) ready: Option<Url>,
    /// Its metrics.
    pub(super) load: Option<Url>,
}

/// Asks every `pause`; never where nothing is declared.
pub(super) async fn run(engine: Engine, node: &Node, pause: Duration) -> Infallible {
    if engine.ready.is_none() && engine.load.is_none() {
        return std::future::pending().await;
    }
    let (mut readiness, mut metrics) = (Failures::default(), Failures::default());
    loop {
        let asked = clock::since_boot();
        let (ready, load) = tokio::join!(ask(engine.ready.as_ref()), ask(engine.load.as_ref()));
        let load = load.map(|read| read.and_then(|text| in_flight(&text)));
        if let Some(read) = &ready {
            readiness.note("the engine's readiness", read.clone().err());
        }
        if let Some(read) = &load {
            metrics.note("the engine's load", read.clone().err());
        }
        let load = load.and_then(Result::ok).map_or(Load::Unknown, Load::Known);
        let ready = ready.map(|read| read.is_ok());
        node.with(|standing, now| standing.heard(ready, load, asked, now));
        tokio::time::sleep(pause).await;
    }
}

/// The text that a 200 carries; else why there is none.
async fn ask(url: Option<&Url>) -> Option<Result<String, String>> {
    let url = url?;
    let answer = fetch(Method::GET, url, &[], LIMITS).await;
    Some(match answer {
        Ok(answer) if answer.status == StatusCode::OK => {
            Ok(String::from_utf8_lossy(&answer.body).into_owned())
        }
        Ok(answer) => Err(format!("{url} answers {}", answer.status)),
        Err(why) => Err(format!("{url}: {why}")),
    })
}

/// Requests that run or wait, in the text format of Prometheus:
/// <https://prometheus.io/docs/instrumenting/exposition_formats/>. One engine may
/// have several series, of models or of ranks: all of them count. `SGLang` repeats by
/// priority what it has told as a whole:
/// <https://github.com/sgl-project/sglang/blob/main/python/sglang/srt/observability/metrics_collector.py>
///
/// # Errors
/// No engine's two metrics are there whole, or a value is no count of requests.
fn in_flight(metrics: &str) -> Result<u64, String> {
    for (running, waiting) in NAMES {
        if let (Some(running), Some(waiting)) = (sum(metrics, running)?, sum(metrics, waiting)?) {
            return running.checked_add(waiting).ok_or_else(|| format!("{waiting} is no count"));
        }
    }
    Err("its metrics say neither vLLM's nor SGLang's requests in flight".to_owned())
}

/// The sum of a metric's series; none: it has none.
fn sum(metrics: &str, name: &str) -> Result<Option<u64>, String> {
    let mut sum = None;
    let series = metrics.lines().filter_map(|line| line.trim_start().strip_prefix(name));
    for rest in series {
        let value = match rest.strip_prefix('{') {
            // A label may hold anything, the brace and the space as well.
            Some(labels) => labels
                .rsplit_once('}')
                .and_then(|(labels, value)| (!of_one_priority(labels)).then_some(value)),
            None => rest.starts_with([' ', '\t']).then_some(rest),
        };
        let Some(value) = value else { continue };
        let text = value.split_whitespace().next().unwrap_or_default();
        let count = count(text).ok_or_else(|| format!("{name} is {text:?}, no count"))?;
        let more = sum.unwrap_or(0_u64).checked_add(count);
        sum = Some(more.ok_or_else(|| format!("{name} is no count"))?);
    }
    Ok(sum)
}

/// Whether a series with these labels is of one priority alone. In a label's value each
/// quote has a backslash before it.
fn of_one_priority(labels: &str) -> bool {
    let at = |found: &str| {
        labels.strip_prefix(found).or(labels.split_once(&format!(",{found}")).map(|(_, rest)| rest))
    };
    at("priority=\"").is_some_and(|value| !value.starts_with('"'))
}

/// A count that is written as a float; a part of a request is one.
fn count(text: &str) -> Option<u64> {
    let value: f64 = text.parse().ok()?;
    let is_count = value.is_finite() && (0.0..=9e15).contains(&value);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0..=9e15")]
    is_count.then(|| value.ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_runs_and_what_waits_is_in_flight() {
        let vllm = "# HELP vllm:num_requests_running Number of requests in model execution batches.\n\
            # TYPE vllm:num_requests_running gauge\n\
            vllm:num_requests_running{engine=\"0\",model_name=\"a} 9\"} 3.0\n\
            vllm:num_requests_running{engine=\"1\",model_name=\"a} 9\"} 2.0 1700000000000\n\
            vllm:num_requests_waiting{engine=\"0\"} 4.0\n\
            vllm:num_requests_waiting_by_reason{reason=\"capacity\"} 4.0\n";
        assert_eq!(in_flight(vllm), Ok(9));
        let sglang = "sglang:num_running_reqs 1\nsglang:num_queue_reqs{model=\"m\"} 2e0\n";
        assert_eq!(in_flight(sglang), Ok(3));
        assert_eq!(in_flight(&sglang.replace(':', "_")), Ok(3));
    }

    #[test]
    fn what_is_told_again_by_priority_counts_once() {
        let sglang = "sglang:num_running_reqs{model=\"m\",priority=\"\"} 3\n\
            sglang:num_running_reqs{model=\"m\",priority=\"1\"} 2\n\
            sglang:num_running_reqs{priority=\"2\",model=\"m\"} 1\n\
            sglang:num_queue_reqs{model=\"a,priority=\\\"1\"} 4\n";
        assert_eq!(in_flight(sglang), Ok(7));
    }

    #[test]
    fn metrics_that_do_not_say_it_are_not_nothing_in_flight() {
        for odd in [
            "",
            "up 1\n",
            "vllm:num_requests_running 0\n",
            "vllm:num_requests_running NaN\nvllm:num_requests_waiting 0\n",
            "vllm:num_requests_running -1\nvllm:num_requests_waiting 0\n",
            "vllm:num_requests_running +Inf\nvllm:num_requests_waiting 0\n",
            "vllm:num_requests_running{a=\"\"}\nvllm:num_requests_waiting 0\n",
        ] {
            assert!(in_flight(odd).is_err(), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn no_metrics_end_the_agent(text in "(vllm:num_requests_(running|waiting)[{} \n\\PC]{0,20}){0,4}") {
            let _ = in_flight(&text);
        }

        #[test]
        fn every_series_counts(counts in prop::collection::vec(0_u32..1000, 1..8)) {
            let series = |name: &str| {
                let lines = counts.iter().enumerate();
                lines.map(|(at, count)| format!("{name}{{engine=\"{at}\"}} {count}\n")).collect::<String>()
            };
            let text = series("vllm:num_requests_running") + &series("vllm:num_requests_waiting");
            prop_assert_eq!(in_flight(&text), Ok(2 * counts.iter().copied().map(u64::from).sum::<u64>()));
        }
    }
}
