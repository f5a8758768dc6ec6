//! A load of eight days, as Prometheus would tell of it: a wave a day.

use crate::support::web::request;
use serde_json::{Value, json};
use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{SystemTime, UNIX_EPOCH};

/// Answers on loopback for as long as the process runs; where: `http://127.0.0.1:PORT`.
pub fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    url
}

fn answer(stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    while let Some((line, body)) = request(&mut reader) {
        let asked = format!("{line}&{}", String::from_utf8_lossy(&body));
        let body = match asked.contains("query_range") {
            true => range(&asked),
            false if asked.contains("/api/v1/query") => instant(),
            false => json!({"status": "success", "data": {}}),
        };
        let body = body.to_string();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json";
        let whole = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(whole.as_bytes()).is_err() {
            return;
        }
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// Requests per second at a time.
fn load(at: f64) -> String {
    let day = (at / 86_400.0).fract() * std::f64::consts::TAU;
    format!("{:.3}", 9.0 + 3.0 * day.sin() + 0.3 * (at / 60.0).sin())
}

fn instant() -> Value {
    let at = now();
    json!({"status": "success", "data": {"resultType": "vector",
        "result": [{"metric": {}, "value": [at, load(at)]}]}})
}

fn range(asked: &str) -> Value {
    let of = |key: &str| {
        let part = asked.split(['&', '?', ' ']).find_map(|part| part.strip_prefix(key));
        part.and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0)
    };
    let (start, end, step) = (of("start="), of("end="), of("step=").max(1.0));
    let points = ((end - start) / step).clamp(0.0, 20_000.0) as u32;
    let values = (0..=points).map(|at| start + f64::from(at) * step);
    let values: Vec<Value> = values.map(|at| json!([at, load(at)])).collect();
    json!({"status": "success", "data": {"resultType": "matrix",
        "result": [{"metric": {}, "values": values}]}})
}
