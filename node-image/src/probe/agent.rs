//! Asks the agent, over HTTP as its callers do.

use crate::facts::{Agent, Seen};
use serde_json::Value;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Where it answers.
const AT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9470);
/// How long it may take to know itself once this program runs: an emulated machine
/// is slow. Whether it is ready as well is its engine's matter, which finds no GPU.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long its first look at the notices may take after that.
const NOTICES: Duration = Duration::from_secs(5);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest wait for one answer.
const ANSWER: Duration = Duration::from_secs(5);
/// The longest answer, in bytes; the protocol allows 16 KiB.
const LONGEST: u64 = 64 * 1024;

/// Waits until it knows itself and has looked at the notices, and says what it
/// answered then, or at the last try.
pub(super) fn ask() -> Agent {
    // What it has not seen yet, it does not tell.
    let noticed = || status().is_ok_and(|said| said.get("lifecycle_state").is_some());
    if until(PATIENCE, || status().is_ok()) {
        until(NOTICES, noticed);
    }
    let code = |path| get(AT, path).map(|(status, _)| status);
    Agent { livez: code("/livez"), readyz: code("/readyz"), status: status() }
}

/// Tries until it is so; false: it has not become so.
fn until(patience: Duration, mut is: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        match is() {
            true => return true,
            false if start.elapsed() > patience => return false,
            false => sleep(PAUSE),
        }
    }
}

fn status() -> Seen<Value> {
    match get(AT, "/v1/status")? {
        (200, body) => serde_json::from_str(&body).map_err(|error| format!("{error}: {body}")),
        (status, body) => Err(format!("{status}: {}", body.trim())),
    }
}

/// The status and the body of the answer.
fn get(at: SocketAddr, path: &str) -> Seen<(u16, String)> {
    let answer = exchange(at, path).map_err(|error| format!("http://{at}{path}: {error}"))?;
    let parts = answer.split_once("\r\n\r\n");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    match (status, parts) {
        (Some(status), Some((_, body))) => Ok((status, body.to_owned())),
        _ => Err(format!("http://{at}{path}: the answer is not HTTP")),
    }
}

fn exchange(at: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&at, ANSWER)?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.set_write_timeout(Some(ANSWER))?;
    // At once: who answers and closes after a part of it would take its answer back.
    let request = format!("GET {path} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn answering(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(answer.as_bytes());
        });
        at
    }

    #[test]
    fn an_answer_is_its_status_and_its_body() {
        let at = answering("HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\r\n{}");
        assert_eq!(get(at, "/readyz"), Ok((503, "{}".to_owned())));
    }

    #[test]
    fn what_is_no_answer_says_where_it_was_asked() {
        let at = answering("SSH-2.0-x\r\n");
        let why = get(at, "/livez").unwrap_err();
        assert!(why.contains(&format!("http://{at}/livez")), "{why}");
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(get(nobody, "/livez").is_err());
    }
}
