//! The controller's own HTTP: what a scrape and a probe get from the real binary.

use crate::support::programs::program;
use crate::support::repository::{BUSY, Repository};
use crate::support::running::Running;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

/// A controller of a simulated world, and where it answers.
fn controller(repository: &Repository) -> (Running, String) {
    repository.write("busy", BUSY);
    let load = "[[load]]\nstage = \"postprocess\"\nat = \"0s\"\nrate = \"500 req/s\"\n";
    std::fs::write(repository.path().join("busy.toml"), load).unwrap();
    let arguments = ["run", "busy", "--scenario", "busy.toml", "--listen", "127.0.0.1:0"];
    let fast = ["--interval", "5s", "--time-scale", "50"];
    let mut running = Running::start(repository.command(&[&arguments[..], &fast].concat()));
    assert!(running.says("answering /metrics"), "{}", running.said());
    let said = running.said().trim().rsplit("http://").next().unwrap().to_owned();
    (running, said)
}

/// The status and the body.
fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// The metrics, once `turns` have been decided.
fn after(address: &str, turns: f64) -> String {
    loop {
        let (status, text) = get(address, "/metrics");
        assert_eq!(status, 200);
        if value(&text, "floodway_turns_total").is_some_and(|ended| ended >= turns) {
            return text;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// The first value of a metric.
fn value(text: &str, metric: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.split('{').next() == Some(metric))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn what_is_scraped_is_what_prometheus_reads_and_tells_of_every_part() {
    let repository = Repository::new(None);
    let (running, address) = controller(&repository);
    let text = after(&address, 3.0);

    let mut promtool = Command::new(program("promtool"))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let out = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    assert!(out.status.success(), "{said}\n{text}");

    let told: BTreeSet<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    for metric in [
        "floodway_build_info",
        "floodway_leads",
        "floodway_standing",
        "floodway_decision_timestamp_seconds",
        "floodway_decision_age_seconds",
        "floodway_turn_duration_seconds",
        "floodway_side_visible",
        "floodway_cost_usd_per_hour",
        "floodway_spent_usd",
        "floodway_demand_requests_per_second",
        "floodway_pool_units",
        "floodway_signal_good",
    ] {
        assert!(told.contains(metric), "{metric} is missing in {told:?}");
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        assert!(line.contains("{environment=\"busy\""), "{line}");
    }
    assert_eq!(value(&text, "floodway_leads"), Some(1.0));
    let later = after(&address, 6.0);
    let seconds = |text: &str| value(text, "floodway_turn_seconds_total").unwrap();
    assert!(seconds(&later) >= seconds(&text), "a counter never falls");

    running.signal("TERM");
    running.end().exits(0);
}

#[test]
fn probes_hear_that_it_lives_and_when_it_is_ready() {
    let repository = Repository::new(None);
    let (running, address) = controller(&repository);
    assert_eq!(get(&address, "/livez"), (200, "ok\n".to_owned()), "from the beginning");
    after(&address, 1.0);
    assert_eq!(get(&address, "/readyz"), (200, "ok\n".to_owned()));
    assert_eq!(get(&address, "/").0, 404);
    running.signal("TERM");
    running.end().exits(0);
    assert!(TcpStream::connect(&address).is_err(), "nothing answers when it has ended");
}

#[test]
fn an_address_that_is_taken_is_told_before_anything_is_decided() {
    let repository = Repository::new(None);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = repository.run(&["run", "demo", "--once", "--listen", &address]);
    assert!(said.out.is_empty(), "{said:?}");
    said.exits(1).says("nobody can listen").says("choose another --listen");
}

#[test]
fn a_log_of_json_has_one_object_a_line_with_the_same_words_as_the_text() {
    let of = |form: &str| {
        let repository = Repository::new(None);
        repository.run(&["run", "demo", "--once", "--dry-run", "--log", form]).exits(0).out
    };
    let (text, json) = (of("text"), of("json"));
    let entries: Vec<serde_json::Value> =
        json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!entries.is_empty() && text.lines().count() == entries.len(), "{text}\n{json}");
    for entry in &entries {
        assert_eq!(entry["environment"], "demo");
        for key in ["timestamp", "at", "level", "event", "message"] {
            assert!(entry[key].is_string(), "{key}: {entry}");
        }
        assert!(text.contains(entry["message"].as_str().unwrap()), "{entry}\n{text}");
    }
}

#[test]
fn a_log_of_json_is_nothing_else_however_long_it_runs_and_libraries_are_heard_when_asked() {
    let repository = Repository::new(None);
    let run = ["run", "demo", "--dry-run", "--log", "json", "--interval", "100ms", "--for", "1s"];
    let said = repository.run(&run).exits(0);
    let is_object = |line: &str| serde_json::from_str::<serde_json::Value>(line).is_ok();
    assert!(said.out.lines().all(is_object), "{}", said.out);
    assert!(!said.err.contains("tokio"), "{}", said.err);
    let said = repository.run(&["run", "demo", "--once", "--log-libraries", "what=ever"]);
    said.exits(64).says("--log-libraries");
}
