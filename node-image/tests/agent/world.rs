//! What an agent meets: a fake instance metadata service, a fake engine, callers,
//! and the agent itself, a real process.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// How long a test waits for what must come, before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// An address that no other test of this process uses: where nobody listens, until
/// somebody does.
pub(crate) fn address() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let of_process = std::process::id().to_be_bytes();
    let own = NEXT.fetch_add(1, Ordering::Relaxed);
    SocketAddr::from((Ipv4Addr::new(127, of_process[2], of_process[3].max(1), own), 8169))
}

/// Tries until there is a result.
pub(crate) fn until<T>(what: &str, mut step: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(result) = step() {
            return result;
        }
        assert!(start.elapsed() < PATIENCE, "{what} has not come");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The head of a request.
struct Asked {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
}

type Said = (u16, Vec<(&'static str, String)>, String);

/// Answers at `address`, one connection after the other, until the process ends.
fn serve(address: SocketAddr, mut respond: impl FnMut(Asked) -> Said + Send + 'static) {
    let listener = TcpListener::bind(address).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Some(asked) = read_head(&stream) else { continue };
            let (status, headers, body) = respond(asked);
            let mut text = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                text += &format!("{name}: {value}\r\n");
            }
            let _ =
                (&stream).write_all(format!("{text}connection: close\r\n\r\n{body}").as_bytes());
        }
    });
}

fn read_head(stream: &TcpStream) -> Option<Asked> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let headers = lines.map_while(Result::ok).take_while(|line| !line.is_empty());
    let header = |line: String| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    Some(Asked { method, path, headers: headers.filter_map(header).collect() })
}

/// The instance metadata service, as AWS documents version 2, with version 1 off:
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>
#[derive(Clone)]
pub(crate) struct Imds(Arc<Mutex<Metadata>>);

pub(crate) struct Metadata {
    values: BTreeMap<String, String>,
    tokens: BTreeSet<String>,
    /// Tokens that were asked for.
    pub(crate) puts: usize,
    /// Questions that carried no token.
    pub(crate) without_token: usize,
    /// Questions with a token that is not valid.
    pub(crate) refused: usize,
    /// How long a token lives, in seconds, as its answer says.
    pub(crate) ttl: u64,
    /// Version 2 is off as well.
    pub(crate) disabled: bool,
}

pub(crate) const INSTANCE: &str = "i-0123456789abcdef0";

impl Imds {
    /// Of a spot instance that Floodway started; it answers nowhere yet.
    pub(crate) fn new() -> Self {
        let user_data = "#cloud-config\nfloodway:\n  environment: prod\n  stage: inference\n  \
            pool: g6e\n  workload: prod-g6e\n  join: standalone\n  namespace: inference\n  \
            model: deepseek-ai/R1\n  image: registry/x@sha256:0\n  port: 8000\n  \
            gpus_per_replica: 2\n  startup_seconds: 300\n  drain_seconds: 600\n";
        let values = [
            ("meta-data/instance-id", INSTANCE),
            ("meta-data/instance-type", "g6e.12xlarge"),
            ("meta-data/placement/availability-zone", "us-east-1a"),
            ("meta-data/instance-life-cycle", "spot"),
            ("meta-data/ami-id", "ami-0123456789abcdef0"),
            ("user-data", user_data),
        ];
        let values = values.map(|(path, value)| (format!("/latest/{path}"), value.to_owned()));
        Self(Arc::new(Mutex::new(Metadata {
            values: values.into(),
            tokens: BTreeSet::new(),
            puts: 0,
            without_token: 0,
            refused: 0,
            ttl: 21_600,
            disabled: false,
        })))
    }

    /// As [`Self::new`], and answers.
    pub(crate) fn start() -> (Self, SocketAddr) {
        let (imds, address) = (Self::new(), address());
        imds.answer_at(address);
        (imds, address)
    }

    pub(crate) fn answer_at(&self, address: SocketAddr) {
        let imds = self.clone();
        serve(address, move |asked| imds.get().respond(&asked));
    }

    pub(crate) fn get(&self) -> MutexGuard<'_, Metadata> {
        self.0.lock().unwrap()
    }

    /// Puts a value below `/latest/`; none: it is gone.
    pub(crate) fn set(&self, path: &str, value: Option<&str>) {
        let path = format!("/latest/{path}");
        let mut metadata = self.get();
        match value {
            Some(value) => metadata.values.insert(path, value.to_owned()),
            None => metadata.values.remove(&path),
        };
    }

    /// No token that was given is valid any more.
    pub(crate) fn revoke(&self) {
        self.get().tokens.clear();
    }
}

impl Metadata {
    fn respond(&mut self, asked: &Asked) -> Said {
        let plain = |status, text: &str| (status, Vec::new(), text.to_owned());
        let of = |name: &str| asked.headers.get(name);
        if (asked.method.as_str(), asked.path.as_str()) == ("PUT", "/latest/api/token") {
            self.puts += 1;
            let ttl = of("x-aws-ec2-metadata-token-ttl-seconds").and_then(|ttl| ttl.parse().ok());
            return match ttl {
                _ if self.disabled => plain(403, ""),
                Some(1..=21_600_u64) => {
                    let token = format!("token-{}==", self.puts);
                    self.tokens.insert(token.clone());
                    let ttl = ("x-aws-ec2-metadata-token-ttl-seconds", self.ttl.to_string());
                    (200, vec![ttl], token)
                }
                _ => plain(400, ""),
            };
        }
        match of("x-aws-ec2-metadata-token") {
            None => {
                self.without_token += 1;
                plain(401, "")
            }
            Some(token) if !self.tokens.contains(token) => {
                self.refused += 1;
                plain(401, "")
            }
            Some(_) if asked.method != "GET" => plain(405, ""),
            Some(_) => match self.values.get(&asked.path) {
                Some(value) => plain(200, value),
                None => plain(404, ""),
            },
        }
    }
}

/// An inference engine.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<(bool, Option<u32>)>>,
}

impl Engine {
    /// One that is ready or not, with so many requests in flight; none: its metrics
    /// do not answer.
    pub(crate) fn start(ready: bool, in_flight: Option<u32>) -> Self {
        let engine = Self { address: address(), state: Arc::new(Mutex::new((ready, in_flight))) };
        let state = Arc::clone(&engine.state);
        serve(engine.address, move |asked| {
            let (ready, in_flight) = *state.lock().unwrap();
            match (asked.path.as_str(), in_flight) {
                ("/health", _) => (if ready { 200 } else { 503 }, vec![], String::new()),
                ("/metrics", Some(count)) => {
                    let (running, waiting) = (count.min(2), count.saturating_sub(2));
                    let text = format!(
                        "vllm:num_requests_running{{engine=\"0\"}} {running}.0\n\
                         vllm:num_requests_waiting{{engine=\"0\"}} {waiting}.0\n"
                    );
                    (200, vec![], text)
                }
                _ => (500, vec![], String::new()),
            }
        });
        engine
    }

    pub(crate) fn set(&self, ready: bool, in_flight: Option<u32>) {
        *self.state.lock().unwrap() = (ready, in_flight);
    }
}

/// The agent's process; it ends with the test.
pub(crate) struct Agent {
    child: Child,
    pub(crate) address: SocketAddr,
    lines: Receiver<Value>,
    seen: Vec<Value>,
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Agent {
    /// Starts one that asks `imds`, with more options, and waits until it listens.
    pub(crate) fn start(imds: SocketAddr, options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_floodway-node"))
            .args(["--listen", "127.0.0.1:0", "--poll", "20ms", "--engine-poll", "20ms"])
            .args(["--settle", "100ms", "--imds", &format!("http://{imds}")])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (say, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let said = serde_json::from_str(&line).expect("each line is JSON");
                if say.send(said).is_err() {
                    break;
                }
            }
        });
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut agent = Self { child, address: nowhere, lines, seen: Vec::new() };
        agent.address = agent.event("listening")["address"].as_str().unwrap().parse().unwrap();
        agent
    }

    /// As [`Self::start`], with an engine.
    pub(crate) fn with_engine(imds: SocketAddr, engine: &Engine, options: &[&str]) -> Self {
        let (ready, load) = (
            format!("http://{}/health", engine.address),
            format!("http://{}/metrics", engine.address),
        );
        let all = [&["--engine-ready", &ready, "--engine-load", &load], options].concat();
        Self::start(imds, &all)
    }

    /// The next line of this event.
    pub(crate) fn event(&mut self, name: &str) -> Value {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("no {name} in {:#?}", self.seen));
            self.seen.push(line.clone());
            if line["event"] == name {
                return line;
            }
        }
    }

    /// How many lines of this event there have been, once it has ended.
    pub(crate) fn count(&mut self, name: &str) -> usize {
        self.seen.extend(self.lines.iter());
        self.seen.iter().filter(|line| line["event"] == name).count()
    }

    /// Asks once.
    pub(crate) fn ask(&self, method: &str, path: &str, instance: &str) -> (u16, Value) {
        let body = match method {
            "GET" => String::new(),
            _ => format!(r#"{{"instance":"{instance}"}}"#),
        };
        let text = format!(
            "{method} {path} HTTP/1.1\r\nhost: agent\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = self.raw(text.as_bytes());
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no answer for {method} {path}"));
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    pub(crate) fn code(&self, path: &str) -> u16 {
        self.ask("GET", path, "").0
    }

    /// What it says of itself.
    pub(crate) fn status(&self) -> Value {
        let (status, said) = self.ask("GET", "/v1/status", "");
        assert_eq!(status, 200, "{said}");
        said
    }

    pub(crate) fn until_status(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        until(what, || Some(self.status()).filter(&is))
    }

    pub(crate) fn until_ready(&self) {
        until("readiness", || (self.code("/readyz") == 200).then_some(()));
    }

    /// Sends these bytes and returns all that comes back.
    pub(crate) fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answer = Vec::new();
        // It may hang up in the middle of nonsense.
        let _ = stream.write_all(bytes).and_then(|()| stream.read_to_end(&mut answer));
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(crate) fn terminate(&self) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    }

    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// How it ended.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        until("the end", || self.child.try_wait().unwrap())
    }
}
