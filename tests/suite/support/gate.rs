//! A gate between a command and a server: it lets every request through until
//! the one that it waits for, and ends the command before, during or after it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

/// When the command dies, told from the request's effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Before it: the request never arrives.
    Before,
    /// During it: the effect is there, and nobody hears the answer.
    During,
    /// After it: the answer is sent, and the command dies at once.
    After,
}

/// What a command may do before it dies; shared by all its gates.
#[derive(Default)]
pub struct Fate {
    writes: AtomicUsize,
    /// The write that it dies at, and how; none: it lives.
    at: Option<(usize, Cut)>,
    victim: Mutex<Option<u32>>,
    known: Condvar,
    struck: AtomicBool,
}

impl Fate {
    /// It lives, and its writes are counted.
    pub fn spared() -> Arc<Self> {
        Arc::default()
    }

    /// It dies at its write number `nth`, counted from 0 over all gates.
    pub fn sealed(nth: usize, cut: Cut) -> Arc<Self> {
        Arc::new(Self { at: Some((nth, cut)), ..Self::default() })
    }

    /// How many writes there were.
    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }

    /// Whether it has died.
    pub fn has_struck(&self) -> bool {
        self.struck.load(Ordering::SeqCst)
    }

    /// Whom it is about.
    pub fn awaits(&self, process: u32) {
        *self.victim.lock().unwrap() = Some(process);
        self.known.notify_all();
    }

    fn strike(&self) {
        let mut victim = self.victim.lock().unwrap();
        while victim.is_none() {
            victim = self.known.wait(victim).unwrap();
        }
        let process = victim.unwrap().to_string();
        // Before it dies: who waits for its end asks at once.
        self.struck.store(true, Ordering::SeqCst);
        assert!(Command::new("kill").args(["-9", &process]).status().unwrap().success());
    }
}

/// One server's gate.
pub struct Gate {
    address: String,
    ended: Arc<AtomicBool>,
}

/// What is asked: `PATCH /api/v1/…?…`, and the body.
pub struct Request {
    pub line: String,
    pub body: String,
}

impl Gate {
    /// Opens a gate before `upstream` (`127.0.0.1:PORT`, plain HTTP).
    pub fn open(upstream: &str, fate: &Arc<Fate>, is_write: fn(&Request) -> bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let ended = Arc::new(AtomicBool::new(false));
        let (upstream, fate, over) = (upstream.to_owned(), Arc::clone(fate), Arc::clone(&ended));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                let (upstream, fate) = (upstream.clone(), Arc::clone(&fate));
                std::thread::spawn(move || {
                    // A command that has died leaves its connections broken.
                    let _ = client.ok().and_then(|client| pass(client, &upstream, &fate, is_write));
                });
            }
        });
        Self { address, ended }
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(&self.address);
    }
}

/// One request on a connection of its own, there and back.
fn pass(
    mut client: TcpStream,
    upstream: &str,
    fate: &Fate,
    is_write: fn(&Request) -> bool,
) -> Option<()> {
    let (head, body) = read(&mut client)?;
    let line = head.lines().next()?.to_owned();
    let request = Request { line, body: String::from_utf8_lossy(&body).into_owned() };
    let mut cut = None;
    if is_write(&request) {
        let number = fate.writes.fetch_add(1, Ordering::SeqCst);
        cut = fate.at.filter(|(nth, _)| *nth == number).map(|(_, cut)| cut);
    }
    if cut == Some(Cut::Before) {
        fate.strike();
        return None;
    }
    let mut server = TcpStream::connect(upstream).ok()?;
    let kept = head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let mut sent: String =
        kept.filter(|line| !line.is_empty()).map(|l| format!("{l}\r\n")).collect();
    sent.push_str("Connection: close\r\n\r\n");
    server.write_all(sent.as_bytes()).ok()?;
    server.write_all(&body).ok()?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).ok()?;
    if cut == Some(Cut::During) {
        fate.strike();
        return None;
    }
    client.write_all(&answer).ok()?;
    client.flush().ok()?;
    if cut == Some(Cut::After) {
        fate.strike();
    }
    Some(())
}

/// The head of a request, and as much body as it announces.
pub fn read(client: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let (mut bytes, mut part) = (Vec::new(), [0; 16 * 1024]);
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        match client.read(&mut part).ok()? {
            0 => return None,
            read => bytes.extend_from_slice(&part[..read]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let announced = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = bytes.split_off(end + 4);
    while body.len() < announced.unwrap_or(0) {
        match client.read(&mut part).ok()? {
            0 => return None,
            read => body.extend_from_slice(&part[..read]),
        }
    }
    Some((head, body))
}
