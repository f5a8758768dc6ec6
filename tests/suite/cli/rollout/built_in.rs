//! What Floodway measures by itself, evaluated by Prometheus' own tool on made series.

use crate::support::environment::environment;
use crate::support::programs::program;
use floodway::clock::Timestamp;
use floodway::rollout::{Criterion, Question, over_a_day};
use floodway::spec::model::{BuiltIn, Slo};
use floodway::units::Span;
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

const STAGES: [&str; 3] = ["preprocess", "inference", "postprocess"];

/// `measure` of an environment with three stages, one with GPUs, that promises 0.5% of
/// errors, and 500ms to the first token.
fn promql(measure: BuiltIn, window: Span) -> String {
    let mut environment = environment("prod", "inference");
    environment.slo = Slo { e2e_p99: None, tpot_p99: None, ..environment.slo };
    let name = "x".parse().unwrap();
    let all = over_a_day(&name);
    let (_, criterion) = all.iter().find(|(one, _)| *one == measure).unwrap();
    let criterion = Criterion { window, ..*criterion };
    Question::new(&environment, criterion, Timestamp::UNIX_EPOCH).promql.unwrap()
}

/// Series of one scrape a minute.
#[derive(Default)]
struct Made(Vec<Value>);

impl Made {
    fn with(mut self, series: &str, values: &str) -> Self {
        self.0.push(json!({ "series": series, "values": values }));
        self
    }

    fn requests(self, stage: &str, status: &str, values: &str) -> Self {
        let labels = format!("environment=\"prod\",stage=\"{stage}\",status=\"{status}\"");
        self.with(&format!("inference_requests_total{{{labels}}}"), values)
    }

    /// Of a hundred requests a minute, so many have their first token within 0.5 s.
    fn first_tokens(self, within: u32) -> Self {
        let bucket = |le: &str| {
            format!(
                "inference_time_to_first_token_seconds_bucket{{environment=\"prod\",\
                 stage=\"inference\",le=\"{le}\"}}"
            )
        };
        self.with(&bucket("0.5"), &format!("0+{within}x40"))
            .with(&bucket("1"), "0+100x40")
            .with(&bucket("+Inf"), "0+100x40")
    }

    /// Every stage answers, nothing fails, and nobody has to wait.
    fn well() -> Self {
        let all = STAGES
            .iter()
            .fold(Self::default(), |made, stage| made.requests(stage, "ok", "0+100x40"));
        all.first_tokens(100)
    }

    /// What `promql` is after so many minutes; none: nothing.
    #[track_caller]
    fn assert(&self, promql: &str, expected: &[(&str, Option<f64>)]) {
        let tests = expected.iter().map(|(at, value)| {
            // Rounded, for it compares every digit.
            let value = value.map(|value| (value * 1e4).round() / 1e4);
            let sample = value.map(|value| json!({ "labels": "{}", "value": value }));
            let samples: Vec<Value> = sample.into_iter().collect();
            let expr = format!("round({promql}, 0.0001)");
            json!({ "expr": expr, "eval_time": at, "exp_samples": samples })
        });
        let file = json!({
            "evaluation_interval": "1m",
            "tests": [{
                "interval": "1m",
                "input_series": self.0,
                "promql_expr_test": tests.collect::<Vec<_>>(),
            }],
        });
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.yaml");
        fs::write(&path, file.to_string()).unwrap();
        let out = Command::new(program("promtool")).args(["test", "rules"]).arg(&path).output();
        let out = out.unwrap();
        let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
        assert!(out.status.success(), "{promql}\n{said}");
    }
}

fn availability() -> String {
    promql(BuiltIn::Availability, Span::from_secs(600))
}

fn error_rate() -> String {
    promql(BuiltIn::ErrorRate, Span::from_secs(600))
}

#[test]
fn a_minute_is_good_where_no_stage_fails_and_nobody_waits_too_long() {
    Made::well().assert(&availability(), &[("20m", Some(1.0))]);
    // 1 in 101 fails in one stage.
    let failing = Made::well().requests("postprocess", "error", "0+1x40");
    failing.assert(&availability(), &[("20m", Some(0.0))]);
    failing.assert(&error_rate(), &[("20m", Some(1.0 / 101.0))]);
    // So few that it is promised.
    let few = Made::well().requests("postprocess", "error", "0+0.1x40");
    few.assert(&availability(), &[("20m", Some(1.0))]);
    let none = STAGES.iter().fold(Made::default(), |made, s| made.requests(s, "ok", "0+100x40"));
    let slow = none.first_tokens(90);
    slow.assert(&availability(), &[("20m", Some(0.0))]);
    // 99 of 100: nine tenths of the way from the 90th to the 100th.
    let ttft = promql(BuiltIn::TtftP99, Span::from_secs(600));
    slow.assert(&ttft, &[("20m", Some(0.95))]);
}

#[test]
fn without_failures_or_traffic_nothing_fails() {
    Made::well().assert(&error_rate(), &[("20m", Some(0.0))]);
    let idle = STAGES.iter().fold(Made::default(), |made, s| made.requests(s, "ok", "7x40"));
    let tokens = "inference_time_to_first_token_seconds_bucket{environment=\"prod\",\
                  stage=\"inference\",le=\"+Inf\"}";
    let idle = idle.with(tokens, "7x40");
    idle.assert(&availability(), &[("20m", Some(1.0))]);
    // Nobody knows which share of nothing it is.
    idle.assert(&format!("({}) >= 0", error_rate()), &[("20m", None)]);
}

#[test]
fn where_a_stage_tells_nothing_nothing_is_known() {
    let two = ["preprocess", "inference"];
    let two = || two.iter().fold(Made::default(), |made, s| made.requests(s, "ok", "0+100x40"));
    two().first_tokens(100).assert(&availability(), &[("20m", None)]);
    two().first_tokens(100).assert(&error_rate(), &[("20m", None)]);
    // It told something for ten minutes; rates are over five.
    let ended = two().first_tokens(100).requests("postprocess", "ok", "0+100x10 stale");
    ended.assert(&availability(), &[("9m", Some(1.0)), ("20m", None)]);
    let none = STAGES.iter().fold(Made::default(), |made, s| made.requests(s, "ok", "0+100x40"));
    none.assert(&availability(), &[("20m", None)]);
    none.assert(&promql(BuiltIn::TtftP99, Span::from_secs(600)), &[("20m", None)]);
    // Another environment's are not this one's.
    let other = "inference_requests_total{environment=\"dev\",stage=\"postprocess\",status=\"ok\"}";
    two().first_tokens(100).with(other, "0+100x40").assert(&error_rate(), &[("20m", None)]);
}

#[test]
fn a_counter_that_begins_anew_is_no_failure() {
    let anew = "0+100x10 0+100x20";
    let made = STAGES.iter().fold(Made::default(), |made, s| made.requests(s, "ok", anew));
    let made = made.first_tokens(100);
    let good = ["9m", "11m", "12m", "20m"].map(|at| (at, Some(1.0)));
    made.assert(&availability(), &good);
    made.assert(&error_rate(), &[("12m", Some(0.0))]);
}

#[test]
fn what_the_controller_tells_is_read_of_this_environment_alone() {
    let cost = |labels: &str| format!("floodway_cost_usd_per_hour{{{labels}}}");
    let made = Made::default()
        .with(&cost("environment=\"prod\",when=\"now\",pod=\"a\""), "12x20")
        .with(&cost("environment=\"prod\",when=\"now\",pod=\"b\""), "11x20")
        .with(&cost("environment=\"prod\",when=\"after\",pod=\"a\""), "40x20")
        .with(&cost("environment=\"dev\",when=\"now\",pod=\"a\""), "90x20");
    let query = promql(BuiltIn::UsdPerHour, Span::from_secs(600));
    made.assert(&query, &[("10m", Some(12.0))]);
}

#[test]
fn a_burst_answers_as_slowly_as_the_slowest_launches_of_the_window() {
    let bucket = |le: &str| {
        format!(
            "floodway_burst_response_seconds_bucket{{environment=\"prod\",pool=\"g6e\",le=\"{le}\"}}"
        )
    };
    // One launch after five minutes, between 180 and 240 seconds.
    let made = Made::default()
        .with(&bucket("180"), "0x60")
        .with(&bucket("240"), "0x4 1x55")
        .with(&bucket("+Inf"), "0x4 1x55");
    let query = promql(BuiltIn::BurstResponse, Span::from_secs(1800));
    made.assert(&query, &[("10m", Some(239.4)), ("30m", Some(239.4))]);
    // No launch in the window.
    made.assert(&format!("({query}) >= 0"), &[("50m", None)]);
}
