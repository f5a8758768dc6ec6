//! The agent as a process, against a fake metadata service and a fake engine.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

#[path = "agent/world.rs"]
mod world;

use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use world::{Agent, Engine, INSTANCE, Imds, address, until};

#[test]
fn it_says_who_it_is_and_when_the_boot_phases_were_over() {
    let (imds, at) = Imds::start();
    let mut agent = Agent::start(at, &[]);
    agent.until_ready();
    let said = agent.status();
    assert_eq!(
        (said["instance"].as_str(), said["state"].as_str()),
        (Some(INSTANCE), Some("serving"))
    );
    assert_eq!((said["in_flight"].as_u64(), said.get("notice")), (Some(0), None));
    let identity = &said["identity"];
    assert_eq!(identity["type"], "g6e.12xlarge");
    assert_eq!(identity["zone"], "us-east-1a");
    assert_eq!(identity["lifecycle"], "spot");
    assert_eq!(identity["floodway"]["pool"], "g6e");
    assert_eq!(identity["floodway"]["drain_seconds"], 600);
    let of = |phase: &str| said["phases"][format!("{phase}_seconds")].as_f64().unwrap();
    let phases = ["agent", "network", "identity", "ready"].map(of);
    assert!(phases.is_sorted() && phases[0] > 0.0, "{phases:?}");
    assert_eq!(agent.event("phases")["phases"]["ready_seconds"], phases[3]);
    assert_eq!(imds.get().without_token, 0);

    // What is ready again is not booted again.
    assert_eq!(agent.ask("POST", "/v1/drain", INSTANCE).0, 200);
    assert_eq!(agent.ask("DELETE", "/v1/drain", INSTANCE).0, 200);
    agent.until_ready();
    agent.terminate();
    assert!(agent.ended().success());
    assert_eq!(agent.count("phases"), 1);
}

#[test]
fn the_phases_of_the_initrd_come_before_its_own() {
    let (_imds, at) = Imds::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("boot.json");
    std::fs::write(&file, r#"{"phases":[{"name":"modules","seconds":0.41}]}"#).unwrap();
    let mut agent = Agent::start(at, &["--boot-phases", file.to_str().unwrap()]);
    agent.until_ready();
    let init = serde_json::json!([{ "name": "modules", "seconds": 0.41 }]);
    assert_eq!(agent.status()["phases"]["init"], init);
    assert_eq!(agent.event("phases")["phases"]["init"], init);
}

#[test]
fn phases_of_the_initrd_that_cannot_be_read_are_told_and_left_out() {
    let (_imds, at) = Imds::start();
    let folder = tempfile::tempdir().unwrap();
    let mut agent = Agent::start(at, &["--boot-phases", folder.path().to_str().unwrap()]);
    assert!(
        agent.event("failed")["what"].as_str().unwrap().contains(folder.path().to_str().unwrap())
    );
    agent.until_ready();
    assert_eq!(agent.status()["phases"].get("init"), None);
}

#[test]
fn a_token_that_is_no_longer_valid_is_renewed() {
    let (imds, at) = Imds::start();
    let agent = Agent::start(at, &[]);
    agent.until_ready();
    assert_eq!(imds.get().puts, 1, "one token serves all questions");
    imds.revoke();
    imds.set("meta-data/autoscaling/target-lifecycle-state", Some("InService"));
    agent.until_status("the state", |said| said["lifecycle_state"] == "InService");
    let metadata = imds.get();
    assert!(metadata.puts >= 2 && metadata.refused >= 1);
    assert_eq!(metadata.without_token, 0);
}

#[test]
fn a_token_is_renewed_before_it_ends() {
    let imds = Imds::new();
    imds.get().ttl = 1;
    let at = address();
    imds.answer_at(at);
    let agent = Agent::start(at, &[]);
    agent.until_ready();
    until("a third token", || (imds.get().puts >= 3).then_some(()));
    assert_eq!(imds.get().refused, 0);
}

#[test]
fn a_service_that_gives_no_token_is_never_asked_without_one() {
    let imds = Imds::new();
    imds.get().disabled = true;
    let at = address();
    imds.answer_at(at);
    let mut agent = Agent::start(at, &[]);
    let why = agent.event("failed")["why"].to_string();
    assert!(why.contains("403") && why.contains("version 2"), "{why}");
    until("a second try", || (imds.get().puts >= 2).then_some(()));
    assert_eq!((agent.code("/livez"), agent.code("/readyz")), (200, 503));
    let asked = {
        let mut metadata = imds.get();
        metadata.disabled = false;
        (metadata.without_token, metadata.refused)
    };
    assert_eq!(asked, (0, 0));
    agent.until_ready();
}

#[test]
fn a_service_that_comes_late_is_waited_for() {
    let (imds, at) = (Imds::new(), address());
    let mut agent = Agent::start(at, &[]);
    agent.event("failed");
    assert_eq!((agent.code("/livez"), agent.code("/readyz")), (200, 503));
    imds.answer_at(at);
    agent.event("recovered");
    agent.until_ready();
    let said = agent.status();
    assert!(said["phases"]["network_seconds"].as_f64() > said["phases"]["agent_seconds"].as_f64());
}

#[test]
fn a_service_that_never_comes_leaves_it_alive_and_not_ready() {
    let mut agent = Agent::start(address(), &[]);
    agent.event("failed");
    assert_eq!((agent.code("/livez"), agent.code("/readyz")), (200, 503));
    assert_eq!((agent.code("/v1/status"), agent.ask("POST", "/v1/drain", INSTANCE).0), (503, 503));
    agent.terminate();
    assert!(agent.ended().success());
    assert_eq!(agent.count("phases"), 0);
}

#[test]
fn no_user_data_makes_a_status_longer_than_the_protocol_allows() {
    let imds = Imds::new();
    let long = format!("\"{}\"", "\\\"".repeat(256));
    let words = ["environment", "stage", "pool", "workload", "join", "namespace", "model", "image"];
    let words = words.map(|word| format!("  {word}: {long}\n")).concat();
    let numbers = "  port: 65535\n  gpus_per_replica: 4294967295\n  startup_seconds: 1\n  \
        drain_seconds: 18446744073709551615\n";
    imds.set("user-data", Some(&format!("#cloud-config\nfloodway:\n{words}{numbers}")));
    let at = address();
    imds.answer_at(at);
    let agent = Agent::start(at, &[]);
    agent.until_ready();
    let said = agent.status();
    assert_eq!(said["identity"]["floodway"]["port"], 65535);
    assert!(said.to_string().len() < 16 * 1024);
}

#[test]
fn user_data_that_cannot_be_read_is_told_and_left_out() {
    let (imds, at) = (Imds::new(), address());
    imds.set("user-data", Some("#cloud-config\nfloodway: {pool: hunter2}\n"));
    imds.answer_at(at);
    let mut agent = Agent::start(at, &[]);
    let why = agent.event("failed").to_string();
    assert!(why.contains("user data") && !why.contains("hunter2"), "{why}");
    agent.until_ready();
    assert_eq!(agent.status()["identity"].get("floodway"), None);
}

#[test]
fn notices_come_and_go() {
    let (imds, at) = Imds::start();
    let agent = Agent::start(at, &[]);
    agent.until_ready();
    let action = "meta-data/spot/instance-action";
    imds.set(action, Some(r#"{"action":"terminate","time":"2026-03-02T10:02:00Z"}"#));
    let rebalance = r#"{"noticeTime":"2026-03-02T10:00:00Z"}"#;
    imds.set("meta-data/events/recommendations/rebalance", Some(rebalance));
    imds.set("meta-data/autoscaling/target-lifecycle-state", Some("Terminated"));
    let said = agent.until_status("all three", |said| {
        ["notice", "rebalance", "lifecycle_state"].iter().all(|key| said.get(key).is_some())
    });
    assert_eq!(said["notice"], "2026-03-02T10:02:00Z");
    assert_eq!(said["rebalance"], "2026-03-02T10:00:00Z");
    assert_eq!(said["lifecycle_state"], "Terminated");
    assert_eq!(said["state"], "serving", "to drain is for the controller to say");
    imds.set(action, None);
    agent.until_status("no notice", |said| said.get("notice").is_none());
}

#[test]
fn a_drain_waits_for_what_is_in_flight_and_can_be_taken_back() {
    let (_imds, at) = Imds::start();
    let engine = Engine::start(true, Some(3));
    let agent = Agent::with_engine(at, &engine, &[]);
    agent.until_ready();
    agent.until_status("the load", |said| said["in_flight"] == 3);

    let (status, said) = agent.ask("POST", "/v1/drain", "i-0another");
    assert_eq!((status, said["instance"].as_str()), (409, Some(INSTANCE)));
    assert_eq!((agent.status()["state"].as_str(), agent.code("/readyz")), (Some("serving"), 200));

    let (status, begun) = agent.ask("POST", "/v1/drain", INSTANCE);
    assert_eq!(
        (status, begun["state"].as_str(), begun["in_flight"].as_u64()),
        (200, Some("draining"), Some(3))
    );
    assert_eq!(agent.code("/readyz"), 503);
    assert_eq!(agent.ask("POST", "/v1/drain", INSTANCE).1["since"], begun["since"]);

    engine.set(true, None);
    let silent = agent.until_status("silence", |said| said["engine"]["load_known"] == false);
    assert_eq!(
        (silent["state"].as_str(), silent["in_flight"].as_u64()),
        (Some("draining"), Some(3))
    );

    engine.set(true, Some(0));
    let done = agent.until_status("the end of the drain", |said| said["state"] == "drained");
    assert_eq!(done["in_flight"], 0);

    let (status, back) = agent.ask("DELETE", "/v1/drain", INSTANCE);
    assert_eq!((status, back["state"].as_str(), back.get("since")), (200, Some("serving"), None));
    agent.until_ready();
}

#[test]
fn it_is_ready_when_its_engine_is() {
    let (_imds, at) = Imds::start();
    let engine = Engine::start(false, Some(0));
    let mut agent = Agent::with_engine(at, &engine, &[]);
    agent.event("identity");
    let (status, said) = agent.ask("GET", "/readyz", "");
    assert_eq!((status, said["why"].as_str()), (503, Some("the engine is not ready")));
    assert_eq!(agent.code("/livez"), 200);
    engine.set(true, Some(0));
    agent.until_ready();
    engine.set(false, Some(0));
    until("unreadiness", || (agent.code("/readyz") == 503).then_some(()));
}

#[test]
fn sigterm_waits_for_what_is_in_flight() {
    let (_imds, at) = Imds::start();
    let engine = Engine::start(true, Some(2));
    let mut agent = Agent::with_engine(at, &engine, &["--grace", "1h"]);
    agent.until_ready();
    agent.until_status("the load", |said| said["in_flight"] == 2);
    agent.terminate();
    agent.event("stopping");
    let said = agent.until_status("the drain", |said| said["state"] == "draining");
    assert_eq!((said["in_flight"].as_u64(), agent.code("/readyz")), (Some(2), 503));
    let (_, kept) = agent.ask("DELETE", "/v1/drain", INSTANCE);
    assert_eq!(kept["state"], "draining", "an agent that ends takes no work again");
    assert!(agent.runs());
    engine.set(true, Some(0));
    assert_eq!(agent.event("stopped")["why"], "drained");
    assert!(agent.ended().success());
}

#[test]
fn sigterm_waits_no_longer_than_its_grace() {
    let (_imds, at) = Imds::start();
    let engine = Engine::start(true, Some(2));
    let mut agent = Agent::with_engine(at, &engine, &["--grace", "200ms"]);
    agent.until_ready();
    agent.until_status("the load", |said| said["in_flight"] == 2);
    agent.terminate();
    let stopped = agent.event("stopped");
    assert_eq!(
        (stopped["why"].as_str(), stopped["in_flight"].as_u64()),
        (Some("the grace is over"), Some(2))
    );
    assert!(agent.ended().success());
}

#[test]
fn nonsense_does_not_end_it() {
    let (_imds, at) = Imds::start();
    let mut agent = Agent::start(at, &[]);
    agent.until_ready();
    let long_head = format!("GET /livez HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(64 * 1024));
    let long_body = format!(
        "POST /v1/drain HTTP/1.1\r\nhost: a\r\ncontent-length: 99999\r\n\r\n{}",
        "x".repeat(99_999)
    );
    for bytes in [
        &b"\0\xff\xfe\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"POST /v1/drain HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v1/drain HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n\r\n",
        long_head.as_bytes(),
        long_body.as_bytes(),
    ] {
        let answer = agent.raw(bytes);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(agent.status()["state"], "serving");
    assert!(agent.runs());
}

#[test]
fn callers_that_say_nothing_are_sent_away() {
    let (_imds, at) = Imds::start();
    let agent = Agent::start(at, &[]);
    agent.until_ready();
    let idle: Vec<TcpStream> = (0..65)
        .map(|_| {
            let mut stream = TcpStream::connect(agent.address).unwrap();
            stream.write_all(b"GET /li").unwrap();
            stream
        })
        .collect();
    assert_eq!(agent.code("/livez"), 200);
    drop(idle);
}

#[test]
fn what_it_cannot_do_it_says_at_its_start() {
    let agent = |options: &[&str]| {
        let run = Command::new(env!("CARGO_BIN_EXE_floodway-node")).args(options).output().unwrap();
        let said = [run.stdout, run.stderr].concat();
        (run.status.code(), String::from_utf8(said).unwrap())
    };
    let (code, said) = agent(&["--engine-load", "https://engine/metrics"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("--engine-load") && said.contains("http://host[:port][/path]"), "{said}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (code, said) = agent(&["--listen", &taken.local_addr().unwrap().to_string()]);
    assert_eq!(code, Some(1));
    assert!(said.contains("--listen"), "{said}");
}
