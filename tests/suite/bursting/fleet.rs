//! A queueing model of the fleet: simulated pods serve nothing, so what serves is
//! what the cluster reports ready, by what each carries. It exposes what vLLM would.

use super::hour::{Hour, MEAN_PROMPT};
use super::web::ask;
use serde_json::Value;
use std::collections::VecDeque;
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

/// How fine the model is, and how long a request waits.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two steps of the model.
    pub step: Duration,
    /// Seconds that a request waits at most: what would wait for longer is refused.
    pub patience: f64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { step: Duration::from_millis(100), patience: 5.0 }
    }
}

/// Requests that came together.
#[derive(Debug, Clone)]
struct Cohort {
    came_at: f64,
    /// They came over so many seconds.
    over: f64,
    requests: f64,
    /// What is left to do for them, in requests of a mean prompt.
    work: f64,
    begun: bool,
}

/// An hour that is played.
#[derive(Debug, Clone)]
struct Play {
    hour: Arc<Hour>,
    /// How many requests come for one of the hour.
    factor: f64,
    /// By what its time is divided.
    scale: f64,
    /// The model's time at which it began.
    began: f64,
    /// Seconds of it that have come.
    come: u32,
}

/// What became of an hour that was played. Times are the hour's own.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// Seconds to the first token, and how many requests had to wait for it so long.
    pub first_token: Vec<(f64, f64)>,
    pub arrived: f64,
    pub refused: f64,
    pub seconds: f64,
    /// Waiting requests times the seconds for which they were so many.
    pub waiting_seconds: f64,
    /// Ready replicas times seconds, on-prem and burst.
    pub onprem_seconds: f64,
    pub burst_seconds: f64,
}

impl Record {
    /// Seconds within which this share of those that were answered had their first token.
    pub fn first_token_of(&self, share: f64) -> f64 {
        let mut all = self.first_token.clone();
        all.sort_by(|one, other| one.0.total_cmp(&other.0));
        let whole: f64 = all.iter().map(|(_, requests)| requests).sum();
        let mut so_far = 0.0;
        for (took, requests) in all {
            so_far += requests;
            if so_far >= share * whole {
                return took;
            }
        }
        f64::NAN
    }

    /// The share of all requests that had their first token within so many seconds.
    pub fn within(&self, seconds: f64) -> f64 {
        let in_time = self.first_token.iter().filter(|(took, _)| *took <= seconds);
        in_time.map(|(_, requests)| requests).sum::<f64>() / self.arrived
    }
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
    /// What came, in tokens of its prompts.
    tokens: f64,
    first_token: [f64; BOUNDS.len()],
    first_token_sum: f64,
    pub tells: Tells,
    over: bool,
    pace: Pace,
    /// Seconds since the model began.
    now: f64,
    /// What came first is served until then.
    free_at: f64,
    queue: VecDeque<Cohort>,
    /// Ready replicas on-prem and burst.
    ready: (f64, f64),
    play: Option<Play>,
    record: Record,
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
    pub fn start(cluster: &str, namespace: &str, pace: Pace) -> Self {
        let state = Arc::new(Mutex::new(State { pace, ..State::default() }));
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
        let mut state = self.state();
        (state.offered, state.play) = (rate, None);
    }

    /// Plays an hour from now on, `scale` times as fast as it was, with `factor`
    /// requests for each of it. What comes per second is as it was, so that the
    /// whole is `scale` times less.
    pub fn play(&self, hour: Arc<Hour>, factor: f64, scale: f64) {
        self.state().begin(hour, factor, scale);
    }

    /// How many seconds of what is played have come, and what became of them.
    pub fn played(&self) -> (u32, Record) {
        let state = self.state();
        (state.play.as_ref().map_or(0, |play| play.come), state.record.clone())
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
    let step = state.lock().unwrap().pace.step;
    let mut before = Instant::now();
    for round in 0u32.. {
        // When the cluster is away, things are as before.
        let ready = round.is_multiple_of(5).then(|| ready(cluster, slices)).flatten();
        let mut state = state.lock().unwrap();
        if state.over {
            return;
        }
        if let Some((onprem, burst)) = ready {
            state.serve_by(onprem, burst);
        }
        let now = Instant::now();
        state.pass((now - before).as_secs_f64());
        before = now;
        drop(state);
        std::thread::sleep(step);
    }
}

/// How many endpoints are ready, on-prem and burst.
fn ready(cluster: &str, slices: &str) -> Option<(f64, f64)> {
    let (200, answer) = ask(cluster, "GET", slices, None)? else { return None };
    let slices = answer["items"].as_array()?;
    let endpoints = slices.iter().filter_map(|slice| slice["endpoints"].as_array()).flatten();
    let ready = endpoints.filter(|endpoint| endpoint["conditions"]["ready"] == true);
    // The nodes that instances become are called as these are.
    let is_burst =
        |endpoint: &Value| endpoint["nodeName"].as_str().is_some_and(|node| node.starts_with("i-"));
    // An instance that stands alone runs four replicas.
    let is_alone =
        |endpoint: &Value| endpoint["hostname"].as_str().is_some_and(|host| host.starts_with("i-"));
    let (alone, ready): (Vec<_>, Vec<_>) = ready.partition(|endpoint| is_alone(endpoint));
    let (burst, onprem): (Vec<_>, Vec<_>) =
        ready.into_iter().partition(|endpoint| is_burst(endpoint));
    Some((onprem.len() as f64, (burst.len() + 4 * alone.len()) as f64))
}

impl State {
    /// One whose time the caller passes, and in which a request waits for so many seconds
    /// at most.
    pub fn with_patience(patience: f64) -> Self {
        Self { pace: Pace { patience, ..Pace::default() }, ..Self::default() }
    }

    /// An hour is played from now on: see [`Fleet::play`].
    pub fn begin(&mut self, hour: Arc<Hour>, factor: f64, scale: f64) {
        self.play = Some(Play { hour, factor, scale, began: self.now, come: 0 });
        self.record = Record::default();
    }

    /// So many replicas are ready from now on.
    pub fn serve_by(&mut self, onprem: f64, burst: f64) {
        self.ready = (onprem, burst);
        self.capacity = onprem * ONPREM + burst * BURST;
    }

    /// What has come so far, in requests of a mean prompt.
    pub fn come_so_far(&self) -> f64 {
        self.tokens / MEAN_PROMPT
    }

    /// What became of what is played.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// So many seconds pass.
    pub fn pass(&mut self, seconds: f64) {
        let until = self.now + seconds;
        self.come(until, seconds);
        self.serve(until);
        self.refuse();
        self.now = until;
        let scale = self.play.as_ref().map_or(1.0, |play| play.scale);
        let record = &mut self.record;
        record.seconds += seconds * scale;
        record.waiting_seconds += self.waiting * seconds * scale;
        record.onprem_seconds += self.ready.0 * seconds * scale;
        record.burst_seconds += self.ready.1 * seconds * scale;
    }

    fn come(&mut self, until: f64, seconds: f64) {
        let mut cohorts = Vec::new();
        if let Some(play) = &mut self.play {
            let second = 1.0 / play.scale;
            let at = |nth: u32| play.began + f64::from(nth + 1) * second;
            while at(play.come) <= until {
                let (requests, prompt) = play.hour.second(play.come);
                let share = play.factor * second;
                cohorts.push(Cohort {
                    came_at: at(play.come) - second,
                    over: second,
                    requests: requests * share,
                    work: prompt / MEAN_PROMPT * share,
                    begun: false,
                });
                play.come += 1;
            }
            self.offered = cohorts.iter().map(|one| one.requests).sum::<f64>() / seconds;
        } else {
            let requests = self.offered * seconds;
            let came_at = until - seconds;
            cohorts.push(Cohort { came_at, over: seconds, requests, work: requests, begun: false });
        }
        for cohort in cohorts.into_iter().filter(|cohort| cohort.work > 0.0) {
            self.arrived += cohort.requests;
            self.record.arrived += cohort.requests;
            self.tokens += cohort.work * MEAN_PROMPT;
            self.waiting += cohort.work;
            self.queue.push_back(cohort);
        }
    }

    /// One after the other, as soon as there is capacity.
    fn serve(&mut self, until: f64) {
        let scale = self.play.as_ref().map_or(1.0, |play| play.scale);
        while self.capacity > 0.0
            && let Some(first) = self.queue.front_mut()
        {
            let begins = self.free_at.max(first.came_at);
            let can = self.capacity * (until - begins);
            if can <= 0.0 {
                return;
            }
            if !first.begun {
                first.begun = true;
                // The mean one comes half-way through the time, and is served
                // half-way through the work.
                let queued = (first.work / self.capacity - first.over).max(0.0) / 2.0;
                let waited = (begins - first.came_at + queued) * scale;
                let took = FIRST_TOKEN * first.work / first.requests + waited;
                let requests = first.requests;
                self.record.first_token.push((took, requests));
                self.first_token_sum += took * requests;
                for (counted, bound) in self.first_token.iter_mut().zip(BOUNDS) {
                    *counted += if took <= bound { requests } else { 0.0 };
                }
            }
            let served = first.work.min(can);
            let answered = first.requests * served / first.work;
            first.work -= served;
            first.requests -= answered;
            self.answered += answered;
            self.waiting -= served;
            self.free_at = begins + served / self.capacity;
            if first.work > 1e-9 {
                return;
            }
            self.waiting -= first.work;
            self.queue.pop_front();
        }
    }

    /// Those that came last, as far as they would wait for too long.
    fn refuse(&mut self) {
        let room = self.capacity * self.pace.patience;
        while self.waiting - room > 1e-9
            && let Some(last) = self.queue.back_mut()
        {
            let refused = last.work.min(self.waiting - room);
            let requests = last.requests * refused / last.work;
            last.work -= refused;
            last.requests -= requests;
            self.waiting -= refused;
            self.refused += requests;
            self.record.refused += requests;
            if last.work <= 1e-9 {
                self.waiting -= last.work;
                self.queue.pop_back();
            }
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
            ("gateway_prompt_tokens_total", "counter", labels, self.tokens),
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
