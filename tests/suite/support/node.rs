//! An instance that stands alone, on loopback: it answers the node protocol, and
//! `GET /work?ms=N` as its engine would, in so many milliseconds.

use super::gate::read;
use floodway::port::Leaving;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How it answers the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As it is written.
    Right,
    /// With this status and body, whatever is asked.
    Says(u16, &'static str),
    /// With a body that does not end.
    Floods,
    /// Never.
    Silent,
}

#[derive(Debug)]
struct Engine {
    instance: String,
    manner: Manner,
    in_flight: AtomicU64,
    /// Since when it takes no work.
    closed: Mutex<Option<String>>,
    drains: AtomicU64,
    ended: AtomicBool,
}

/// A node; it ends with this value.
pub struct Node {
    address: SocketAddr,
    engine: Arc<Engine>,
}

impl Node {
    pub fn start(instance: &str, manner: Manner) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), instance, manner)
    }

    /// At an address that is given.
    pub fn on(listener: TcpListener, instance: &str, manner: Manner) -> Self {
        let address = listener.local_addr().unwrap();
        let engine = Arc::new(Engine {
            instance: instance.to_owned(),
            manner,
            in_flight: AtomicU64::new(0),
            closed: Mutex::new(None),
            drains: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        });
        let shared = Arc::clone(&engine);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if shared.ended.load(Ordering::SeqCst) {
                    break;
                }
                let engine = Arc::clone(&shared);
                std::thread::spawn(move || client.ok().and_then(|client| engine.answer(client)));
            }
        });
        Self { address, engine }
    }

    /// As a drain is told of it.
    pub fn unit(&self) -> Leaving {
        Leaving { instance: self.engine.instance.clone(), agent: Some(self.address) }
    }

    /// How many calls have drained it.
    pub fn drains(&self) -> u64 {
        self.engine.drains.load(Ordering::SeqCst)
    }

    pub fn in_flight(&self) -> u64 {
        self.engine.in_flight.load(Ordering::SeqCst)
    }

    /// Sends it work; the status, when it has answered.
    pub fn work(&self, takes: Duration) -> std::thread::JoinHandle<u16> {
        let address = self.address;
        std::thread::spawn(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            let path = format!("/work?ms={}", takes.as_millis());
            write!(stream, "GET {path} HTTP/1.1\r\nHost: node\r\n\r\n").unwrap();
            let (head, _) = read(&mut stream).unwrap();
            head.split(' ').nth(1).unwrap().parse().unwrap()
        })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.engine.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

impl Engine {
    fn answer(&self, mut client: TcpStream) -> Option<()> {
        let (head, body) = read(&mut client)?;
        let line = head.lines().next()?;
        let (status, text) = match self.manner {
            _ if line.starts_with("GET /work?ms=") => self.work(line),
            Manner::Right => self.protocol(line, &body),
            Manner::Says(status, text) => (status, text.to_owned()),
            Manner::Floods => {
                client.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").ok()?;
                let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
                while client.write_all(chunk.as_bytes()).is_ok() {}
                return None;
            }
            Manner::Silent => {
                std::thread::sleep(Duration::from_secs(30));
                return None;
            }
        };
        let length = text.len();
        write!(
            client,
            "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
        )
        .ok()
    }

    fn work(&self, line: &str) -> (u16, String) {
        let closed = self.closed.lock().unwrap();
        if closed.is_some() {
            return (503, String::new());
        }
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        drop(closed);
        let takes = line.split(['=', ' ']).nth(2).unwrap().parse().unwrap();
        std::thread::sleep(Duration::from_millis(takes));
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        (200, String::new())
    }

    fn protocol(&self, line: &str, body: &[u8]) -> (u16, String) {
        let mut closed = self.closed.lock().unwrap();
        if !line.starts_with("GET ") {
            let asked: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
            if asked["instance"] != self.instance.as_str() {
                return (409, String::new());
            }
        }
        if line.starts_with("POST /v1/drain ") {
            self.drains.fetch_add(1, Ordering::SeqCst);
            closed.get_or_insert_with(|| jiff::Timestamp::now().to_string());
        } else if line.starts_with("DELETE /v1/drain ") {
            *closed = None;
        } else if !line.starts_with("GET /v1/status ") {
            return (404, String::new());
        }
        let in_flight = self.in_flight.load(Ordering::SeqCst);
        let state = match (&*closed, in_flight) {
            (None, _) => "serving",
            (Some(_), 0) => "drained",
            (Some(_), _) => "draining",
        };
        let said = serde_json::json!({
            "instance": self.instance, "state": state, "in_flight": in_flight, "since": *closed,
            "of_a_newer_agent": {"ignored": true},
        });
        (200, said.to_string())
    }
}
