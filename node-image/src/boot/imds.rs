//! A metadata service as EC2's is with version 1 off: a token first, by PUT, then
//! each question with it. What it says can be set while a machine runs.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>

mod serve;

pub(super) use serve::serve;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The path of the instance's ID.
pub const INSTANCE_ID: &str = "/latest/meta-data/instance-id";
/// The path of the spot notice.
pub const SPOT_NOTICE: &str = "/latest/meta-data/spot/instance-action";
/// The path of the recommendation to rebalance.
pub const REBALANCE: &str = "/latest/meta-data/events/recommendations/rebalance";
/// The path of the state that the instance's group wants it in.
pub const LIFECYCLE_STATE: &str = "/latest/meta-data/autoscaling/target-lifecycle-state";
/// The path of the user data.
pub const USER_DATA: &str = "/latest/user-data";

const TOKEN_PATH: &str = "/latest/api/token";
/// The longest that a token may live.
const LONGEST_LIFE: Duration = Duration::from_secs(21_600);
/// Requests that are kept; those after them are counted alone.
const KEPT: usize = 10_000;

/// What an instance has, for a start.
const METADATA: [(&str, &str); 11] = [
    (INSTANCE_ID, "i-0b007b007b007b007"),
    ("/latest/meta-data/instance-type", "g6e.12xlarge"),
    ("/latest/meta-data/placement/availability-zone", "us-east-1a"),
    ("/latest/meta-data/placement/region", "us-east-1"),
    ("/latest/meta-data/instance-life-cycle", "spot"),
    ("/latest/meta-data/ami-id", "ami-0b007b007b007b007"),
    ("/latest/meta-data/local-ipv4", "172.31.0.10"),
    (SPOT_NOTICE, r#"{"action":"terminate","time":"2038-01-01T00:00:00Z"}"#),
    (LIFECYCLE_STATE, "InService"),
    (USER_DATA, include_str!("imds/user-data.yaml")),
    ("/latest/dynamic/instance-identity/document", include_str!("imds/document.json")),
];

/// The service, and all that it was asked. Copies are the same service.
#[derive(Debug, Clone)]
pub struct Imds(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    values: BTreeMap<String, String>,
    /// What was given last, by path.
    given: BTreeMap<String, String>,
    tokens: BTreeMap<String, Instant>,
    requests: Vec<Request>,
    count: usize,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// `GET`, `PUT`.
    pub method: String,
    /// What was asked for.
    pub path: String,
    /// With which token.
    pub token: Token,
    /// The status of the answer.
    pub status: u16,
}

/// The token that a question carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Token {
    /// None: it asked for one.
    Asked,
    /// One that was given and still lives.
    Valid,
    /// One that was never given, or has ended.
    Invalid,
    /// None: version 1.
    Missing,
}

impl Default for Imds {
    /// Of a spot instance that Floodway started and AWS takes back one day.
    fn default() -> Self {
        let values = METADATA.map(|(path, value)| (path.to_owned(), value.to_owned()));
        Self(Arc::new(Mutex::new(State {
            values: values.into(),
            given: BTreeMap::new(),
            tokens: BTreeMap::new(),
            requests: Vec::new(),
            count: 0,
        })))
    }
}

impl Imds {
    /// Puts a value at a path, [`SPOT_NOTICE`] say; none: it is gone, and a question
    /// for it is answered 404.
    pub fn set(&self, path: &str, value: Option<&str>) {
        let mut state = self.state();
        match value {
            Some(value) => state.values.insert(path.to_owned(), value.to_owned()),
            None => state.values.remove(path),
        };
    }

    /// No token that was given is valid any more, as after a restored snapshot.
    pub fn revoke(&self) {
        self.state().tokens.clear();
    }

    /// Forgets what it was asked and what it gave, and no value.
    pub(super) fn forget(&self) {
        let mut state = self.state();
        state.given.clear();
        state.tokens.clear();
        state.requests.clear();
        state.count = 0;
    }

    /// What it was asked, the first [`KEPT`].
    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// How often it was asked.
    pub fn count(&self) -> usize {
        self.state().count
    }

    /// What it gave last at a path; none: nothing.
    pub fn given(&self, path: &str) -> Option<String> {
        self.state().given.get(path).cloned()
    }

    /// Questions that carried no token. One that has ended is no offence: who asks
    /// cannot know it before.
    pub fn without_token(&self) -> Vec<Request> {
        let missing = |request: &&Request| request.token == Token::Missing;
        self.state().requests.iter().filter(missing).cloned().collect()
    }

    /// Asks for all of these with a token.
    #[cfg(test)]
    pub(super) fn ask(&self, paths: &[&str]) {
        let now = Instant::now();
        let put = Asked { method: "PUT", path: TOKEN_PATH, ttl: Some("60"), ..Asked::default() };
        let token = self.state().answer(&put, now).body;
        for path in paths {
            let asked = Asked { method: "GET", path, token: Some(&token), ..Asked::default() };
            self.state().answer(&asked, now);
        }
    }

    /// Asks without one.
    #[cfg(test)]
    pub(super) fn ask_without_token(&self, path: &str) {
        self.state().answer(&Asked { method: "GET", path, ..Asked::default() }, Instant::now());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked has left what can be read: each change is one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a question carries, as far as it matters.
#[derive(Debug, Clone, Default)]
struct Asked<'a> {
    method: &'a str,
    path: &'a str,
    token: Option<&'a str>,
    ttl: Option<&'a str>,
    /// It came by a proxy.
    forwarded: bool,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    status: u16,
    body: String,
    /// How long the token lives that is the body.
    ttl: Option<u64>,
}

impl Answer {
    fn of(status: u16) -> Self {
        Self { status, body: String::new(), ttl: None }
    }
}

impl State {
    /// Answers, and keeps what was asked.
    fn answer(&mut self, asked: &Asked<'_>, now: Instant) -> Answer {
        let (token, answer) = match (asked.method, asked.path) {
            ("PUT", TOKEN_PATH) => (Token::Asked, self.give_token(asked, now)),
            _ => self.look(asked, now),
        };
        self.count += 1;
        if self.requests.len() < KEPT {
            self.requests.push(Request {
                method: asked.method.to_owned(),
                path: asked.path.to_owned(),
                token,
                status: answer.status,
            });
        }
        answer
    }

    fn give_token(&mut self, asked: &Asked<'_>, now: Instant) -> Answer {
        // A token never goes through a proxy.
        if asked.forwarded {
            return Answer::of(403);
        }
        let ttl = asked.ttl.and_then(|ttl| ttl.parse().ok());
        let Some(ttl) = ttl.filter(|ttl| (1..=LONGEST_LIFE.as_secs()).contains(ttl)) else {
            return Answer::of(400);
        };
        let token = format!("AQAE-boot-test-{}==", self.count);
        self.tokens.insert(token.clone(), now + Duration::from_secs(ttl));
        Answer { status: 200, body: token, ttl: Some(ttl) }
    }

    fn look(&mut self, asked: &Asked<'_>, now: Instant) -> (Token, Answer) {
        let token = match asked.token {
            None => Token::Missing,
            Some(token) if self.tokens.get(token).is_some_and(|ends| now < *ends) => Token::Valid,
            Some(_) => Token::Invalid,
        };
        let answer = match (token, self.values.get(asked.path)) {
            (Token::Missing | Token::Invalid | Token::Asked, _) => Answer::of(401),
            _ if !matches!(asked.method, "GET" | "HEAD") => Answer::of(405),
            (_, None) => {
                self.given.remove(asked.path);
                Answer::of(404)
            }
            (_, Some(value)) => {
                self.given.insert(asked.path.to_owned(), value.clone());
                Answer { status: 200, body: value.clone(), ttl: None }
            }
        };
        (token, answer)
    }
}

#[cfg(test)]
mod tests;
