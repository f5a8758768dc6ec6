//! How soon `floodway run` asks AWS for more: from the timestamp of the scrape that
//! first shows the load beyond what is counted on, to the SetDesiredCapacity that
//! answers it on the wire, at an interval of a second: `cargo bench --bench burst`.
//! A real Prometheus scrapes once a second, the API server is real, AWS is the
//! stand-in. Each burst is a step of the load that one more instance carries. Beside
//! it stands kube-controller-manager's own HPA with its default times on the same
//! cluster: from the scrape to the change of `spec.replicas`.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs)]
#![allow(unreachable_pub, dead_code)]

#[path = "../suite/bursting/autoscaler.rs"]
mod autoscaler;
#[path = "../suite/bursting/cable.rs"]
mod cable;
#[path = "../suite/bursting/controller.rs"]
mod controller;
#[path = "../suite/bursting/fleet.rs"]
mod fleet;
#[path = "../suite/bursting/ground.rs"]
mod ground;
#[path = "../suite/bursting/hour.rs"]
mod hour;
#[path = "../suite/bursting/joining.rs"]
mod joining;
mod limit;
#[path = "../suite/support/mod.rs"]
mod support;
#[path = "../suite/bursting/turns.rs"]
mod turns;
#[path = "../suite/bursting/web.rs"]
mod web;

use autoscaler::{Autoscaler, Rules};
use cable::Cable;
use controller::Controller;
use ground::{Ground, Places, decisions, within};
use serde_json::{Value, json};
use std::cell::Cell;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An instance's and on-prem's capacity, in requests per second.
const UNIT: f64 = 20.0;
const BURSTS: u32 = 100;
/// Of the autoscaler, which takes its time.
const OTHERS: u32 = 20;
/// From the scrape to the request: the median and the p99, in seconds.
const REQUESTED: [f64; 2] = [0.7, 1.5];
/// From the answer to the request: the p99, in seconds.
const ANSWERED: f64 = 0.1;

/// Seconds of one burst.
#[derive(Debug, Clone, Copy)]
struct Burst {
    scrape_to_request: f64,
    answer_to_request: f64,
    /// From the turn's first call of AWS to the last answer of Prometheus.
    look: f64,
    /// Between the two calls that the write is made of.
    read_before_write: f64,
}

fn main() -> ExitCode {
    let bursts = std::env::var("BURSTS").ok().and_then(|text| text.parse().ok());
    let bursts: u32 = bursts.unwrap_or(BURSTS);
    let cable = Cell::new(None);
    let places = Places { autoscaler: Some(1), ..Places::default() };
    let ground = Ground::at("bench", places, |ground, text| {
        let way = Cable::to(&format!("127.0.0.1:{}", ground.prometheus.port));
        let text = text
            .replace(&ground.prometheus.url(), &format!("http://{}", way.address))
            .replace("replicas = { min = 1, max = 2 }", "replicas = 2")
            .replace("max = 4 }", "max = 120 }")
            .replace("[\"g6e.12xlarge\", \"g5.12xlarge\"]", "[\"g6e.12xlarge\"]")
            .replace(", \"g5.12xlarge\" = \"4.9 req/s\"", "")
            .replace("sum(rate(http_requests_total[4s]))", "sum(offered_requests_per_second)");
        let engine = |line: &&str| !line.starts_with("engine") && !line.starts_with("select");
        cable.set(Some(way));
        text.lines().filter(engine).fold(String::new(), |all, line| all + line + "\n")
    });
    let cable = cable.take().unwrap();
    ground.joining.may_join(false);
    ground.fleet.offer(load(0));
    let command = ground.command_in(&ground.repository, &["run", &ground.name, "--interval", "1s"]);
    let run = Controller::start(command, decisions(ground.repository.path(), &ground.name));
    run.decides("the load is known", 60, |one| one["stages"]["inference"]["doubt"].is_null());
    let mut all = Vec::new();
    for nth in 1..=bursts {
        // Scrapes and turns both come once a second, so how far apart they are would
        // stay as it is: the controller is stopped for a part of a second, and goes
        // on with its next turn then.
        run.signal("STOP");
        std::thread::sleep(Duration::from_millis(u64::from(nth * 7919 % 1000)));
        run.signal("CONT");
        let pause = 1500 + u64::from(nth * 6007 % 1000);
        std::thread::sleep(Duration::from_millis(pause));
        all.push(burst(&ground, &cable, nth));
    }
    let turns = turns(&run);
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    println!("{bursts} bursts; turns begin {turns:.3} s apart (median); {build} build");
    let what = format!("scrape → request (limit: median {}, p99 {})", REQUESTED[0], REQUESTED[1]);
    let [median, p99] = print(&what, &all, |one| one.scrape_to_request);
    limit::hold("scrape → request, median in seconds", median, REQUESTED[0]);
    limit::hold("scrape → request, p99 in seconds", p99, REQUESTED[1]);
    let what = format!("answer → request (limit: p99 {ANSWERED})");
    let [_, p99] = print(&what, &all, |one| one.answer_to_request);
    limit::hold("answer → request, p99 in seconds", p99, ANSWERED);
    print("first look → answer", &all, |one| one.look);
    print("read before the write → write", &all, |one| one.read_before_write);
    drop(run);
    let others = autoscaled(&ground, OTHERS.min(bursts));
    let [median, p99, most] = [50, 99, 100].map(|percent| percentile(others.clone(), percent));
    println!(
        "the HPA, {} bursts, scrape → spec.replicas: median {median:.3} s, p99 {p99:.3} s, \
         most {most:.3} s",
        others.len()
    );
    limit::outcome()
}

/// How long after the scrape that shows the load of three replicas, where there is
/// one, the autoscaler asks for them.
fn autoscaled(ground: &Ground, bursts: u32) -> Vec<f64> {
    let labels = json!({"app": "peer"});
    ground.bed.apply(&[json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "peer", "namespace": ground.name, "labels": labels},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "peer", "image": "registry.example/peer"}]},
        }},
    })]);
    let path = format!("/apis/apps/v1/namespaces/{}/deployments/peer", ground.name);
    let replicas = || web::ask(&ground.cluster, "GET", &path, None)?.1["spec"]["replicas"].as_u64();
    let (one, three) = (UNIT * 0.8 * 0.9, UNIT * 0.8 * 2.9);
    ground.fleet.offer(one);
    let rules = Rules {
        deployment: "peer",
        max: 9,
        target: "16",
        // It is back at one for the next burst at once.
        down: Duration::ZERO,
        period: Duration::from_secs(15),
        query: "sum(offered_requests_per_second)",
        // What stands between it and Prometheus costs nothing.
        every: Duration::from_millis(100),
    };
    let _autoscaler = Autoscaler::start(ground, &rules);
    let mut all = Vec::new();
    for nth in 1..=bursts {
        within("there is one", 60, || (replicas() == Some(1)).then_some(()));
        std::thread::sleep(Duration::from_millis(u64::from(2000 + nth * 7919 % 15_000)));
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        let offered = now();
        ground.fleet.offer(three);
        let changed = within("it asks for three", 60, || (replicas()? == 3).then(now));
        all.push(changed - scraped(ground, three, offered - 0.05));
        ground.fleet.offer(one);
    }
    all
}

/// What `instances` carry, and one more would not be needed for.
fn load(instances: u32) -> f64 {
    (f64::from(instances + 1) * UNIT) * 0.8 - 2.0
}

fn burst(ground: &Ground, cable: &Cable, nth: u32) -> Burst {
    ground.aws.forget_calls();
    ground.fleet.offer(load(nth));
    let calls = within("it is answered", 20, || {
        let calls = ground.aws.calls();
        calls.iter().any(|call| call["action"] == "SetDesiredCapacity").then_some(calls)
    });
    let at = |call: &Value| call["at"].as_f64().unwrap();
    let sent = calls.iter().position(|call| call["action"] == "SetDesiredCapacity").unwrap();
    assert_eq!(calls[sent]["parameters"]["DesiredCapacity"], nth, "one instance for each step");
    let (request, before) = (at(&calls[sent]), at(&calls[sent - 1]));
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let answers = cable.answered().into_iter().map(seconds);
    let answer = answers.filter(|answer| *answer <= request).fold(0.0, f64::max);
    // The turn's own calls follow each other; the turn before ended long before.
    let turn = calls[..sent].iter().map(at).filter(|call| answer - call < 0.9);
    let first = turn.fold(answer, f64::min);
    Burst {
        scrape_to_request: request - scraped(ground, load(nth), 0.0),
        answer_to_request: request - answer,
        look: answer - first,
        read_before_write: request - before,
    }
}

/// The timestamp of the first scrape that shows so much load, of those since then.
fn scraped(ground: &Ground, load: f64, since: f64) -> f64 {
    let host = format!("127.0.0.1:{}", ground.prometheus.port);
    let path = "/api/v1/query?query=offered_requests_per_second%5B60s%5D";
    let (_, answer) = web::ask(&host, "GET", path, None).unwrap();
    let values = answer["data"]["result"][0]["values"].as_array().unwrap();
    let shows = |value: &&Value| value[1].as_str().unwrap().parse::<f64>().unwrap() >= load - 0.01;
    let times = values.iter().filter(shows).map(|value| value[0].as_f64().unwrap());
    times.into_iter().find(|at| *at >= since).unwrap()
}

/// The median time from one decision to the next.
fn turns(run: &Controller) -> f64 {
    let at = |one: &Value| one["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let all: Vec<_> = run.decisions().iter().map(at).collect();
    let between = all.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_secs_f64());
    percentile(between.collect(), 50)
}

fn percentile(mut all: Vec<f64>, percent: usize) -> f64 {
    all.sort_by(f64::total_cmp);
    all[(all.len() * percent).div_ceil(100).max(1) - 1]
}

/// Prints the median, the p99 and the most of a part of all bursts; the first two.
fn print(what: &str, all: &[Burst], of: fn(&Burst) -> f64) -> [f64; 2] {
    let all: Vec<f64> = all.iter().map(of).collect();
    let [median, p99, most] = [50, 99, 100].map(|percent| percentile(all.clone(), percent));
    println!("{what}: median {median:.3} s, p99 {p99:.3} s, most {most:.3} s");
    [median, p99]
}
