//! A real hour played against an environment, and what came of it. One scale
//! divides every time: the hour's, those of `floodway run`, the launches, the
//! scrapes and the autoscaler's.

use super::autoscaler::{Autoscaler, Rules};
use super::controller::Controller;
use super::fleet::{Pace, Record};
use super::ground::{GROUPS, Ground, Places, groups};
use super::hour::{Hour, MEAN_PROMPT};
use floodway::spec::Catalog;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// By what every time is divided.
pub const SCALE: u32 = 20;
/// Requests that come for each one of the hour: five replicas on-prem carry 50
/// mean requests per second, and in the busiest minutes 64 to 75 come.
pub const FACTOR: f64 = 7.0;
/// The pool's max on-prem.
pub const ONPREM_MAX: u64 = 5;
/// Seconds that a request waits at most.
const PATIENCE: f64 = 30.0;
/// From the launch of an instance until it is in service: 3 minutes, with image and
/// weights baked in.
const LAUNCH: Duration = Duration::from_secs(180);
const SCRAPE: Duration = Duration::from_secs(15);
/// How long what was raised is not lowered, for Floodway and for the autoscaler.
pub const WINDOW: Duration = Duration::from_secs(300);

/// The environment, with nothing that scales it yet.
pub fn ground(prefix: &str) -> Ground {
    let fleet = Pace {
        // A second of the hour.
        step: Duration::from_secs(1) / SCALE,
        patience: PATIENCE / f64::from(SCALE),
    };
    let (launch, scrape) = (LAUNCH / SCALE, SCRAPE / SCALE);
    let places = Places { launch, scrape, fleet, autoscaler: Some(SCALE) };
    let window = format!("{}m", WINDOW.as_secs() / 60);
    Ground::at(prefix, places, |_, text| {
        let text = text
            .replace("max = 2 }", &format!("max = {ONPREM_MAX} }}"))
            .replace("quantile = 0.5", "quantile = 0.95")
            .replace("stabilization = \"3m\"", &format!("stabilization = \"{window}\""))
            .replace(", pause = \"20s\"", "")
            .replace("interval = \"20s\"", "interval = \"15s\"")
            .replace("max_age = \"80s\"", "max_age = \"2m\"")
            .replace("window = \"5s\"", &format!("window = \"{}\"", rate_window()));
        let demand = "sum(rate(http_requests_total[4s]))";
        assert!(text.contains(demand) && text.contains("max_age = \"2m\""), "{text}");
        text.replace(demand, &demand_query())
    })
}

/// A minute: four scrapes.
fn rate_window() -> String {
    format!("{}ms", 60_000 / SCALE)
}

/// The load in requests of a mean prompt, per second.
fn demand_query() -> String {
    format!("sum(rate(gateway_prompt_tokens_total[{}])) / {MEAN_PROMPT:.1}", rate_window())
}

/// What is asked for at one time, of each Deployment and group.
#[derive(Debug, Clone)]
pub struct Sample {
    at: SystemTime,
    asked: BTreeMap<String, u64>,
    /// Instances that are paid for, of each group.
    paid: BTreeMap<String, u64>,
}

/// Plays all of `hour`, and `more` of its seconds in which nothing comes.
pub fn play(ground: &Ground, hour: Hour, more: u32) -> Vec<Sample> {
    let end = hour.seconds() + more;
    ground.fleet.play(Arc::new(hour), FACTOR, f64::from(SCALE));
    let mut samples = Vec::new();
    while ground.fleet.played().0 < end {
        samples.push(sample(ground));
        std::thread::sleep(Duration::from_millis(100));
    }
    samples
}

/// What is asked for now.
pub fn sample(ground: &Ground) -> Sample {
    let (mut asked, mut paid) = (BTreeMap::new(), BTreeMap::new());
    asked.insert("h100".to_owned(), ground.replicas("h100").0);
    for group in groups(&ground.aws.world()) {
        let name = group["name"].as_str().unwrap().to_owned();
        asked.insert(name.clone(), group["desired"].as_u64().unwrap());
        paid.insert(name, group["instances"].as_array().map_or(0, Vec::len) as u64);
    }
    Sample { at: SystemTime::now(), asked, paid }
}

/// The autoscaler alone: it sizes what is on-prem by the load per replica, at the
/// same target as Floodway, and lowers nothing for as long.
pub fn autoscale(ground: &Ground) -> Autoscaler {
    let deployment = ground.deployment("h100");
    let rules = Rules {
        deployment: deployment["metadata"]["name"].as_str().unwrap(),
        max: ONPREM_MAX,
        target: "8",
        down: WINDOW / SCALE,
        period: Duration::from_secs(15) / SCALE,
        query: &demand_query(),
        every: SCRAPE / SCALE,
    };
    Autoscaler::start(ground, &rules)
}

/// What a run came to. Times are the hour's own.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub ttft_p50: f64,
    pub ttft_p99: f64,
    /// The share of requests that were refused.
    pub refused: f64,
    /// Waiting requests, as many as there would be in the hour itself.
    pub mean_waiting: f64,
    pub onprem_hours: f64,
    pub burst_hours: f64,
    pub usd: f64,
    /// Numbers that were written.
    pub writes: usize,
    /// How often a number went the other way than before.
    pub reversals: usize,
    /// How often it did so within the window.
    pub flaps: usize,
    /// The most that was asked for, of each.
    pub most: BTreeMap<String, u64>,
    /// What is asked for at the end, of each.
    pub last: BTreeMap<String, u64>,
}

/// Of the hour that was played last.
pub fn outcome(ground: &Ground, samples: &[Sample]) -> Outcome {
    let (_, record) = ground.fleet.played();
    let Record { arrived, refused, seconds, .. } = &record;
    let turns = moves(samples);
    let mut outcome = Outcome {
        ttft_p50: record.first_token_of(0.50),
        ttft_p99: record.first_token_of(0.99),
        refused: refused / arrived,
        mean_waiting: record.waiting_seconds / seconds * f64::from(SCALE),
        onprem_hours: record.onprem_seconds / 3600.0,
        burst_hours: record.burst_seconds / 3600.0,
        usd: cost(ground, samples),
        writes: turns.values().map(Vec::len).sum(),
        reversals: 0,
        flaps: 0,
        most: BTreeMap::new(),
        last: samples.last().map(|last| last.asked.clone()).unwrap_or_default(),
    };
    for (name, asked) in samples.iter().flat_map(|sample| &sample.asked) {
        let most = outcome.most.entry(name.clone()).or_default();
        *most = (*most).max(*asked);
    }
    for moves in turns.values() {
        for pair in moves.windows(2).filter(|pair| pair[0].up != pair[1].up) {
            outcome.reversals += 1;
            let apart = pair[1].at.duration_since(pair[0].at).unwrap_or_default();
            // The windows of both count from what was seen, a little before.
            outcome.flaps += usize::from(apart * SCALE < WINDOW * 9 / 10);
        }
    }
    outcome
}

#[derive(Debug)]
struct Move {
    at: SystemTime,
    up: bool,
    to: u64,
}

/// When each number moved.
fn moves(samples: &[Sample]) -> BTreeMap<String, Vec<Move>> {
    let mut moves: BTreeMap<String, Vec<Move>> = BTreeMap::new();
    for pair in samples.windows(2) {
        for (name, asked) in &pair[1].asked {
            let before = pair[0].asked.get(name).copied().unwrap_or(0);
            if before != *asked {
                let one = Move { at: pair[1].at, up: *asked > before, to: *asked };
                moves.entry(name.clone()).or_default().push(one);
            }
        }
    }
    moves
}

/// What the instances cost while they were there.
fn cost(ground: &Ground, samples: &[Sample]) -> f64 {
    let catalog = Catalog::shipped();
    let price = |instance_type: &str| {
        catalog.list_price(instance_type, "us-east-1").unwrap().usd_per_hour.as_f64()
    };
    let prices = [price("g6e.12xlarge"), price("g5.12xlarge")];
    let mut usd = 0.0;
    for pair in samples.windows(2) {
        let apart = pair[1].at.duration_since(pair[0].at).unwrap_or_default();
        let hours = (apart * SCALE).as_secs_f64() / 3600.0;
        for (index, price) in prices.iter().enumerate().take(GROUPS.len()) {
            let paid = pair[0].paid.get(&ground.group_name(index)).copied().unwrap_or(0);
            usd += paid as f64 * price * hours;
        }
    }
    usd
}

/// How many writes there were, of on-prem's numbers and of AWS; ends the test
/// where `floodway why` does not explain one of them.
#[track_caller]
pub fn explained(ground: &Ground, run: &Controller, samples: &[Sample]) -> (usize, usize) {
    let decisions = run.decisions();
    let onprem: Vec<Move> = moves(samples).remove("h100").unwrap_or_default();
    for one in &onprem {
        let why = format!("replicas to {}", one.to);
        let within = Duration::from_secs(10);
        let meant = |source: &Value| {
            let number = |key: &str| source[key].as_u64().unwrap();
            number("set") - number("shrink") == one.to
        };
        by(ground, &decisions, (one.at, within), ("h100", &why), meant);
    }
    let calls = ground.aws.calls();
    let mut writes = 0;
    for call in &calls {
        let at = UNIX_EPOCH + Duration::from_secs_f64(call["at"].as_f64().unwrap());
        let (with, group) = (&call["parameters"], &call["parameters"]["AutoScalingGroupName"]);
        let what = call["parameters"].to_string();
        match call["action"].as_str().unwrap() {
            "SetDesiredCapacity" => {
                let set = |source: &Value| {
                    source["group"] == *group && source["set"] == with["DesiredCapacity"]
                };
                by(ground, &decisions, (at, Duration::from_secs(10)), ("g6e", &what), set);
            }
            // It was chosen, and drained since.
            "TerminateInstanceInAutoScalingGroup" => {
                let drained = Duration::from_secs(60);
                let goes = |source: &Value| source["shrink"].as_u64() > Some(0);
                by(ground, &decisions, (at, drained), ("g6e", &what), goes);
            }
            _ => continue,
        }
        writes += 1;
    }
    (onprem.len(), writes)
}

/// The last decision before a write that meant it; `why` explains it.
#[track_caller]
fn by(
    ground: &Ground,
    decisions: &[Value],
    (at, within): (SystemTime, Duration),
    (pool, what): (&str, &str),
    meant: impl Fn(&Value) -> bool,
) {
    let decided = |one: &Value| -> SystemTime {
        let at = one["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        UNIX_EPOCH + Duration::from_millis(u64::try_from(at.as_millisecond()).unwrap())
    };
    let before = decisions.iter().rev().filter(|one| decided(one) <= at);
    let mut recent = before.take_while(|one| decided(one) + within >= at);
    let found = recent
        .find(|one| one["pools"][pool]["sources"].as_array().into_iter().flatten().any(&meant));
    let Some(found) = found else { panic!("nothing decided {what} at {at:?}") };
    let reason = found["pools"][pool]["reasons"][0]["text"].as_str();
    let reason = reason.unwrap_or_else(|| panic!("no reason for {what}: {found:#}"));
    ground.run("why", &["--at", found["at"].as_str().unwrap()]).exits(0).says(pool).says(reason);
}

/// Waits until `seconds` of the hour have passed.
pub fn pause(seconds: u32) {
    let until = Instant::now() + Duration::from_secs(u64::from(seconds)) / SCALE;
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
}
