//! What `floodway run` takes of memory and time in a large cluster: 10,000 Node
//! objects and 30,000 pods with GPUs on a real API server, which change all the
//! while; eight days of load behind its forecasters, and weights that were trained on
//! them: `cargo bench --bench watching`.
//! `LASTS=3600` watches for an hour, `NODES` and `PODS` make it smaller.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, unreachable_pub, dead_code)]

#[path = "watching/crowd.rs"]
mod crowd;
mod limit;
#[path = "watching/load.rs"]
mod load;
#[path = "../suite/support/mod.rs"]
mod support;

use crowd::Crowd;
use serde_json::json;
use std::fs;
use std::process::{Child, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::aws::{AwsBed, channel};
use support::bed::Bed;
use support::repository::Repository;

const NAME: &str = "crowd";
/// Beside the environment's file.
const WEIGHTS: &str = "load.safetensors";
/// Changes of nodes and pods in a second.
const CHURN: u32 = 100;
/// At its peak.
const MIB: u64 = 64;

fn number(name: &str, otherwise: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn main() -> ExitCode {
    let (nodes, pods) = (number("NODES", 10_000), number("PODS", 30_000));
    let seconds = u64::from(number("LASTS", 3_600));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let bed = Bed::fresh();
    let aws = Arc::new(AwsBed::start_with(&["--launch-seconds", "0"]));
    aws.seed(&json!({
        "images": [{"name": "gpu-1", "id": "ami-0a"}],
        "parameters": {
            "/floodway/images/gpu-inference/channels/stable": channel('a', "ami-0a"),
        },
        "subnets": [{"zone": "us-east-1a", "id": "subnet-0a", "tags": {"tier": "gpu"}}],
        "security_groups": [{"name": "nodes", "id": "sg-0a", "tags": {"tier": "gpu"}}],
    }));
    let prometheus = load::serve();
    let repository = Repository::new(Some(bed.kubeconfig()));
    let text = include_str!("../suite/bursting/environment.toml");
    let text = text.replace("NAME", NAME).replace("PROMETHEUS", &prometheus);
    // No replica is waited for: nobody runs pods here.
    let text =
        text.replace("interval = \"20s\"", "interval = \"1s\"").replace("min = 1", "min = 0");
    repository.write(NAME, &text);
    let weights = format!("weights = \"{WEIGHTS}\", horizon");
    let with_weights = text.replace("horizon", &weights);
    let command = |arguments: &[&str]| {
        let mut command = repository.command(arguments);
        aws.command_env(&mut command);
        command
    };
    let file = format!("environments/{WEIGHTS}");
    let train = ["forecast", "train", NAME, "--history", "8d", "--step", "1m", "--out", &file];
    let trained = command(&[&train[..], &["--epochs", "1"]].concat()).output().unwrap();
    assert!(trained.status.success(), "{}", String::from_utf8_lossy(&trained.stderr));
    repository.write(NAME, &with_weights);
    let applied = command(&["apply", NAME, "--yes"]).output().unwrap();
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));

    let began = Instant::now();
    let crowd = runtime.block_on(Crowd::gather(&bed, nodes, pods));
    println!("{nodes} nodes and {pods} pods made in {:.0?}", began.elapsed());
    let run = ["run", NAME, "--json"];
    let decisions = repository.path().join("decisions.txt");
    let out = fs::File::create(&decisions).unwrap();
    let mut run = command(&run).stdout(out).stderr(Stdio::null()).spawn().unwrap();
    let churn = runtime.spawn(crowd.churn(CHURN));
    watch(&mut run, seconds);
    churn.abort();
    let turns = fs::read_to_string(&decisions).unwrap().lines().count();
    let (rss, own, peak) = memory(&run);
    println!(
        "turns {turns} in {seconds} s; at the end {rss} MiB, of it {own} its own and the rest"
    );
    println!("the program's file; peak {peak} MiB (limit {MIB})");
    limit::hold("peak memory in MiB", peak, MIB);
    println!("processor {:.1} ms a turn", cpu_seconds(&run) * 1000.0 / turns.max(1) as f64);
    let _ = run.kill();
    let _ = run.wait();
    limit::outcome()
}

/// Tells every so often how it goes.
fn watch(run: &mut Child, seconds: u64) {
    let began = Instant::now();
    let every = Duration::from_secs((seconds / 12).max(5));
    while began.elapsed() < Duration::from_secs(seconds) {
        std::thread::sleep(every);
        assert!(run.try_wait().unwrap().is_none(), "the controller ended");
        let (rss, own, peak) = memory(run);
        let at = began.elapsed().as_secs();
        let cpu = cpu_seconds(run);
        println!("after {at} s: {rss} MiB, {own} its own, peak {peak}; processor {cpu:.1} s");
    }
}

/// What it holds now, with its file's pages and without, and held at most, in MiB.
fn memory(run: &Child) -> (u64, u64, u64) {
    let text = fs::read_to_string(format!("/proc/{}/status", run.id())).unwrap();
    let of = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    };
    (of("VmRSS:"), of("RssAnon:"), of("VmHWM:"))
}

/// Processor time, its own and the system's for it, at 100 ticks a second.
fn cpu_seconds(run: &Child) -> f64 {
    let text = fs::read_to_string(format!("/proc/{}/stat", run.id())).unwrap();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}
