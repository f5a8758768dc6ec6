//! What an OpenTelemetry collector is sent by the real binary.

use crate::support::repository::{BUSY, Repository};
use crate::support::web::request;
use serde_json::Value;
use std::io::{BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

/// Takes what it is sent: its address, and the first lines and bodies.
fn collector() -> (String, Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while let Some((line, body)) = request(&mut reader) {
                let body = serde_json::from_slice(&body).unwrap();
                let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                              Content-Length: 2\r\n\r\n{}";
                stream.write_all(answer.as_bytes()).unwrap();
                if tell.send((line, body)).is_err() {
                    return;
                }
            }
        }
    });
    (url, told)
}

fn spans(body: &Value) -> Vec<Value> {
    body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone()
}

#[test]
fn each_turn_is_a_trace_of_its_parts_with_what_was_decided_and_written() {
    let (url, told) = collector();
    let repository = Repository::new(None);
    repository.write("busy", BUSY);
    // More than one replica carries.
    let load = "[[load]]\nstage = \"postprocess\"\nat = \"0s\"\nrate = \"900 req/s\"\n";
    std::fs::write(repository.path().join("busy.toml"), load).unwrap();
    repository.run(&["apply", "busy", "--yes", "--scenario", "busy.toml"]).exits(0);
    repository.run(&["run", "busy", "--once", "--otlp", &url]).exits(0);
    let (line, body) = told.recv_timeout(std::time::Duration::from_secs(20)).unwrap();
    assert_eq!(line, "POST /v1/traces HTTP/1.1");
    let resource = body["resourceSpans"][0]["resource"]["attributes"].to_string();
    assert!(resource.contains("service.name") && resource.contains("floodway"), "{resource}");
    let spans = spans(&body);
    let named = |name: &str| spans.iter().find(|span| span["name"] == name).unwrap();
    let turn = named("turn");
    let attributes = turn["attributes"].to_string();
    for key in ["floodway.environment", "floodway.standing", "floodway.pool.post.wanted"] {
        assert!(attributes.contains(key), "{attributes}");
    }
    for part in ["look", "measure", "decide", "act"].map(named) {
        assert_eq!(part["parentSpanId"], turn["spanId"]);
        assert_eq!(part["traceId"], turn["traceId"]);
    }
    let act = named("act")["events"].to_string();
    assert!(act.contains("write"), "{act}");
}

#[test]
fn a_collector_that_is_away_keeps_no_turn_waiting_and_fails_nothing() {
    let repository = Repository::new(None);
    repository.write("busy", BUSY);
    repository.run(&["apply", "busy", "--yes"]).exits(0);
    repository.run(&["run", "busy", "--once", "--otlp", "http://127.0.0.1:9"]).exits(0);
    repository.run(&["run", "busy", "--once", "--otlp", "not a url"]).exits(64).says("--otlp");
}
