//! A queueing model of the fleet: simulated pods serve nothing, so what serves is
//! what the cluster reports ready, by what each carries. It exposes what vLLM would.

use super::web::ask;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What a replica carries, in requests per second.
pub const ONPREM: f64 = 10.0;
/// See [`ONPREM`].
pub const BURST: f64 = 5.0;
/// Seconds that a request waits at most before it is refused.
const PATIENCE: f64 = 5.0;
/// Seconds to the first token of a request that does not wait.
const FIRST_TOKEN: f64 = 0.15;
/// Seconds that a request is answered for.
const ANSWER: f64 = 1.0;
/// Bounds of the histogram of the time to first token.
const BOUNDS: [f64; 7] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What the exporter answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tells {
    /// What is so.
    #[default]
    Truth,
    /// Nothing: it has ended.
    Nothing,
    /// No numbers.
    NotANumber,
}

/// The load and the queue, and what became of the requests so far.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Requests that come per second.
    pub offered: f64,
    /// What is ready carries so many per second.
    pub capacity: f64,
    pub waiting: f64,
    pub arrived: f64,
    pub answered: f64,
    pub refused: f64,
    first_token: [f64; BOUNDS.len()],
    first_token_sum: f64,
    pub tells: Tells,
    over: bool,
}

/// The model, at work until it is dropped.
pub struct Fleet {
    pub port: u16,
    state: Arc<Mutex<State>>,
    threads: Vec<JoinHandle<()>>,
}

impl Fleet {
    /// Of the ready endpoints in `namespace`, which `cluster` (`127.0.0.1:PORT`)
    /// tells.
    pub fn start(cluster: &str, namespace: &str) -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let exposed = Arc::clone(&state);
        let exporter = std::thread::spawn(move || expose(&listener, &exposed));
        let moved = Arc::clone(&state);
        let slices = format!("/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices");
        let cluster = cluster.to_owned();
        let model = std::thread::spawn(move || go_on(&moved, &cluster, &slices));
        Self { port, state, threads: vec![exporter, model] }
    }

    /// Changes what comes, or what is told.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// So many requests per second come from now on.
    pub fn offer(&self, rate: f64) {
        self.state().offered = rate;
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.state().over = true;
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn go_on(state: &Mutex<State>, cluster: &str, slices: &str) {
    let mut before = Instant::now();
    for round in 0u32.. {
        // The cluster is asked twice a second; when it is away, things are as before.
        let capacity = round.is_multiple_of(5).then(|| ready(cluster, slices)).flatten();
        let mut state = state.lock().unwrap();
        if state.over {
            return;
        }
        if let Some(capacity) = capacity {
            state.capacity = capacity;
        }
        state.pass(before.elapsed().as_secs_f64());
        before = Instant::now();
        drop(state);
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What the ready endpoints carry together.
fn ready(cluster: &str, slices: &str) -> Option<f64> {
    let (200, answer) = ask(cluster, "GET", slices, None)? else { return None };
    let slices = answer["items"].as_array()?;
    let endpoints = slices.iter().filter_map(|slice| slice["endpoints"].as_array()).flatten();
    let ready = endpoints.filter(|endpoint| endpoint["conditions"]["ready"] == true);
    Some(ready.map(carries).sum())
}

fn carries(endpoint: &Value) -> f64 {
    // An instance that stands alone runs four replicas.
    if endpoint["hostname"].as_str().is_some_and(|host| host.starts_with("i-")) {
        return 4.0 * BURST;
    }
    // The nodes that instances become are called as these are.
    let burst = endpoint["nodeName"].as_str().is_some_and(|node| node.starts_with("i-"));
    if burst { BURST } else { ONPREM }
}

impl State {
    fn pass(&mut self, seconds: f64) {
        let came = self.offered * seconds;
        self.arrived += came;
        self.waiting += came;
        let answered = self.waiting.min(self.capacity * seconds);
        let waited = if self.capacity > 0.0 { self.waiting / self.capacity } else { PATIENCE };
        self.waiting -= answered;
        self.answered += answered;
        let room = self.capacity * PATIENCE;
        let refused = (self.waiting - room).max(0.0);
        self.waiting -= refused;
        self.refused += refused;
        let took = FIRST_TOKEN + waited;
        self.first_token_sum += took * answered;
        for (counted, bound) in self.first_token.iter_mut().zip(BOUNDS) {
            *counted += if took <= bound { answered } else { 0.0 };
        }
    }

    /// As an engine that vLLM's own server stands before exposes it.
    fn text(&self) -> String {
        let labels = "model_name=\"m\"";
        let running = (self.capacity * ANSWER).min(self.offered * ANSWER);
        let tell = |value: f64| if self.tells == Tells::NotANumber { f64::NAN } else { value };
        let mut text = String::new();
        for (name, kind, labels, value) in [
            ("vllm:num_requests_running", "gauge", labels, running),
            ("vllm:num_requests_waiting", "gauge", labels, self.waiting),
            ("vllm:request_success_total", "counter", labels, self.answered),
            ("offered_requests_per_second", "gauge", labels, self.offered),
            ("http_requests_total", "counter", "status=\"2xx\"", self.arrived - self.refused),
            ("http_requests_total", "counter", "status=\"5xx\"", self.refused),
        ] {
            if !text.contains(&format!("# TYPE {name} ")) {
                let _ = writeln!(text, "# TYPE {name} {kind}");
            }
            let _ = writeln!(text, "{name}{{{labels}}} {}", tell(value));
        }
        let name = "vllm:time_to_first_token_seconds";
        let _ = writeln!(text, "# TYPE {name} histogram");
        for (bound, counted) in BOUNDS.iter().zip(self.first_token) {
            let _ = writeln!(text, "{name}_bucket{{{labels},le=\"{bound}\"}} {}", tell(counted));
        }
        let all = tell(self.answered);
        let _ = writeln!(text, "{name}_bucket{{{labels},le=\"+Inf\"}} {all}");
        let _ = writeln!(text, "{name}_sum{{{labels}}} {}", tell(self.first_token_sum));
        let _ = writeln!(text, "{name}_count{{{labels}}} {all}");
        text
    }
}

fn expose(listener: &TcpListener, state: &Mutex<State>) {
    for client in listener.incoming() {
        let Ok(mut client) = client else { continue };
        let _ = client.set_read_timeout(Some(Duration::from_secs(2)));
        let _ = client.read(&mut [0; 4096]);
        let state = state.lock().unwrap();
        if state.over {
            return;
        }
        if state.tells == Tells::Nothing {
            continue;
        }
        let body = state.text();
        drop(state);
        let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\n";
        let _ = write!(client, "{head}Content-Length: {}\r\n\r\n{body}", body.len());
    }
}
