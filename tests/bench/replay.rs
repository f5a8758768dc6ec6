//! A real hour of a conversation service, against three ways to scale for it:
//! `cargo bench --bench replay`. Without burst, on-prem stands at its max; with the
//! autoscaler alone, kube-controller-manager's own HPA moves what is on-prem; with
//! `floodway run`, on-prem and burst. Everything but AWS, the pods and the requests
//! is real; every time is divided by one scale. `-- bursting` plays to one of them.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs)]
#![allow(unreachable_pub, dead_code)]

#[path = "../suite/bursting/autoscaler.rs"]
mod autoscaler;
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
#[path = "../suite/bursting/replay.rs"]
mod replay;
#[path = "../suite/support/mod.rs"]
mod support;
#[path = "../suite/bursting/turns.rs"]
mod turns;
#[path = "../suite/bursting/web.rs"]
mod web;

use ground::{Ground, within};
use hour::Hour;
use replay::{FACTOR, ONPREM_MAX, Outcome, SCALE, WINDOW};

/// Seconds of the hour that pass before it begins, and after its end.
const BEFORE: u32 = 120;
const AFTER: u32 = 600;

fn main() {
    let hour = Hour::read();
    println!(
        "{} minutes, {SCALE} times as fast; {FACTOR} requests for each of the hour, \
         {:.1} mean requests per second; on-prem carries {} of them at most",
        hour.seconds().div_ceil(60),
        hour.mean() * FACTOR,
        ONPREM_MAX as f64 * fleet::ONPREM
    );
    let only: Vec<String> = std::env::args().skip(1).filter(|one| !one.starts_with('-')).collect();
    let plays = |way: &str| only.is_empty() || only.iter().any(|one| one == way);
    if plays("fixed") {
        fixed(&hour);
    }
    if plays("autoscaled") {
        autoscaled(&hour);
    }
    if plays("bursting") {
        bursting(&hour);
    }
}

/// What comes before the hour begins.
fn first(hour: &Hour) -> f64 {
    hour.minutes(0, 5).mean() * FACTOR
}

fn fixed(hour: &Hour) {
    let ground = replay::ground("fixed");
    let name = ground.deployment("h100")["metadata"]["name"].as_str().unwrap().to_owned();
    let deployment = format!("deployment/{name}");
    let replicas = format!("--replicas={ONPREM_MAX}");
    ground.bed.kubectl(&["scale", &deployment, &replicas, "-n", &ground.name], "");
    within("on-prem is full", 30, || (ground.replicas("h100").1 == ONPREM_MAX).then_some(()));
    ground.fleet.offer(first(hour));
    replay::pause(BEFORE);
    let samples = replay::play(&ground, hour.clone(), AFTER);
    print("without burst, on-prem at its max", &replay::outcome(&ground, &samples));
}

fn autoscaled(hour: &Hour) {
    let ground = replay::ground("alone");
    ground.fleet.offer(first(hour));
    let autoscaler = replay::autoscale(&ground);
    within("it scales", 30, || (ground.replicas("h100").1 > 1).then_some(()));
    replay::pause(BEFORE);
    let samples = replay::play(&ground, hour.clone(), AFTER);
    drop(autoscaler);
    print("the HPA alone", &replay::outcome(&ground, &samples));
}

fn bursting(hour: &Hour) {
    let ground: Ground = replay::ground("replay");
    let run = ground.controller(&[]);
    ground.settles(&run, first(hour));
    replay::pause(BEFORE);
    ground.aws.forget_calls();
    let samples = replay::play(&ground, hour.clone(), AFTER);
    print("floodway run", &replay::outcome(&ground, &samples));
    let (onprem, aws) = replay::explained(&ground, &run, &samples);
    println!("`floodway why` explains every write: {onprem} on-prem, {aws} of AWS");
}

fn print(what: &str, one: &Outcome) {
    println!(
        "{what}: TTFT p50 {:.2} s, p99 {:.2} s; refused {:.2} %; waiting {:.0} in the mean; \
         replica-hours {:.2} on-prem, {:.2} burst, ${:.2}; {} numbers written, \
         {} reversals, {} of them within {} minutes; most {:?}, at the end {:?}",
        one.ttft_p50,
        one.ttft_p99,
        one.refused * 100.0,
        one.mean_waiting,
        one.onprem_hours,
        one.burst_hours,
        one.usd,
        one.writes,
        one.reversals,
        one.flaps,
        WINDOW.as_secs() / 60,
        one.most,
        one.last,
    );
}
