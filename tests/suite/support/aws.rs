//! A stand-in for AWS on loopback, one process per test, so no test shares its world,
//! its rules or its calls. Each is a copy of one that has read everything already.

use super::programs::program;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

/// The access key of the commands that are led here.
pub const ACCESS_KEY: &str = "AKIAFLOODWAYTESTBED0";

/// What a channel holds: the build with this digit's digest, and its image for UEFI.
pub fn channel(build: char, image: &str) -> String {
    let value = json!({"manifest": digest(build), "images": {"uefi": image},
        "by": "arn:aws:iam::123456789012:user/ci", "at": "2026-01-01T00:00:00Z"});
    value.to_string()
}

/// A manifest's digest.
pub fn digest(build: char) -> String {
    build.to_string().repeat(64)
}

/// The tags of a build's image.
pub fn image_tags(recipe: &str, build: char) -> Value {
    json!({"floodway.dev/image": recipe, "floodway.dev/manifest": digest(build)})
}

/// What starts stand-ins. It ends when its standard input does, with all of them.
struct Nursery {
    _child: Child,
    asked: ChildStdin,
    said: BufReader<ChildStdout>,
}

static NURSERY: LazyLock<Mutex<Nursery>> = LazyLock::new(|| {
    let mut child = Command::new(program("aws-standin"))
        .arg("--nursery")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (asked, said) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    Mutex::new(Nursery { _child: child, asked, said: BufReader::new(said) })
});

/// A running stand-in. It ends with this value, and with the process that holds it.
pub struct AwsBed {
    process: OwnedFd,
    endpoint: String,
}

impl AwsBed {
    /// Starts one whose hooks' seconds pass as AWS's do.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with options, `--launch-seconds 1` say.
    pub fn start_with(options: &[&str]) -> Self {
        let mut nursery = NURSERY.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(nursery.asked, "{}", json!(options)).unwrap();
        let mut line = String::new();
        nursery.said.read_line(&mut line).unwrap();
        let said: Vec<&str> = line.split_whitespace().collect();
        let ["ready", endpoint, process] = said[..] else {
            panic!("the AWS stand-in said {line:?}")
        };
        let process = Pid::from_raw(process.parse().unwrap()).unwrap();
        // Once it is gone, its number may be another's.
        let process = pidfd_open(process, PidfdFlags::empty()).unwrap();
        Self { process, endpoint: endpoint.to_owned() }
    }

    /// `http://127.0.0.1:PORT`
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Leads a command's SDK here, as the only credentials it has.
    pub fn command_env(&self, command: &mut Command) {
        // Nothing here speaks TLS, and each of the machine's 150 trusted roots is read once
        // for each client: in an unoptimised build, over a third of a command's time.
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/some-root.pem");
        command
            .env("SSL_CERT_FILE", root)
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
            .env("AWS_EC2_METADATA_DISABLED", "true");
    }

    /// The real backend, led here, which tries nothing twice by itself.
    #[cfg(feature = "aws")]
    pub fn backend(&self, region: &str) -> floodway::port::Backend {
        use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
        use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
        let keys = Credentials::new(ACCESS_KEY, "not-a-secret", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .region(Region::new(region.to_owned()))
            .endpoint_url(&self.endpoint)
            .retry_config(RetryConfig::disabled())
            .build();
        let way = floodway::backend::aws::Way {
            profile: None,
            role: None,
            region,
            regions: [region].into(),
            alone: false,
            bucket: None,
        };
        floodway::backend::aws::connect_by(&config, &way)
    }

    /// Adds a rule, or a list of them; their ids.
    pub fn rule(&self, rule: &Value) -> Vec<u64> {
        let answer = self.ask("POST", "rules", Some(rule));
        answer["ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect()
    }

    /// The rules, with how often each was seen and has struck.
    pub fn rules(&self) -> Vec<Value> {
        list(self.ask("GET", "rules", None))
    }

    /// Takes all rules away.
    pub fn clear_rules(&self) {
        self.ask("DELETE", "rules", None);
    }

    /// Takes one rule away, if it is there.
    pub fn drop_rule(&self, id: u64) {
        self.ask("DELETE", &format!("rules?id={id}"), None);
    }

    /// Every SDK call so far, in the order of arrival.
    pub fn calls(&self) -> Vec<Value> {
        list(self.ask("GET", "calls", None))
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        self.ask("DELETE", "calls", None);
    }

    /// What in the calls so far AWS's service models do not have so.
    pub fn violations(&self) -> Vec<Value> {
        list(self.ask("GET", "violations", None))
    }

    /// All that is there: `accounts.ACCOUNT.REGION.{groups,templates,…}`.
    pub fn world(&self) -> Value {
        self.ask("GET", "world", None)
    }

    /// What two runs to the same end have in common: no ids and no times that AWS makes.
    pub fn end_state(&self) -> Value {
        self.ask("GET", "world?stable=1", None)
    }

    /// Adds what a test begins with; what was made, ids and all.
    pub fn seed(&self, seed: &Value) -> Value {
        self.ask("POST", "world", Some(seed))
    }

    /// Back to an empty world without rules or calls.
    pub fn reset(&self) {
        self.ask("POST", "reset", None);
    }

    /// The calls that are being held back.
    pub fn withheld(&self) -> Vec<Value> {
        list(self.ask("GET", "withheld", None))
    }

    /// Lets what is held back go on.
    pub fn release(&self) {
        self.ask("POST", "release", None);
    }

    /// Acts on instances from outside; those it concerned.
    pub fn instances(&self, action: &Value) -> Vec<String> {
        let answer = self.ask("POST", "instances", Some(action));
        answer["instances"]
            .as_array()
            .unwrap()
            .iter()
            .map(|id| id.as_str().unwrap().to_owned())
            .collect()
    }

    /// Makes a bucket, as someone else does.
    pub fn make_bucket(&self, name: &str) {
        let authorization =
            "AWS4-HMAC-SHA256 Credential=AKIASOMEONEELSE/20260101/us-east-1/s3/aws4_request, x";
        let header = format!("Authorization: {authorization}\r\n");
        self.send("PUT", &format!("/{name}"), &header, "");
    }

    /// Does an action as someone else, unseen by rules, policies and recorder;
    /// the answer, or `CODE: message`.
    pub fn someone_else(
        &self,
        service: &str,
        action: &str,
        parameters: &Value,
    ) -> Result<Value, String> {
        let body = json!({"service": service, "action": action, "parameters": parameters});
        let mut told = self.ask("POST", "do", Some(&body));
        let error = &told["error"];
        if error.is_null() {
            return Ok(told["answer"].take());
        }
        let part = |name: &str| error[name].as_str().unwrap().to_owned();
        Err(format!("{}: {}", part("code"), part("message")))
    }

    /// Moves its clock ahead.
    pub fn advance(&self, seconds: f64) {
        self.ask("POST", "clock", Some(&json!({ "advance": seconds })));
    }

    /// Holds its clock still, or lets it go on.
    pub fn hold_clock(&self, still: bool) {
        self.ask("POST", "clock", Some(&json!({ "hold": still })));
    }

    /// Changes how long things take.
    pub fn settings(&self, settings: &Value) {
        self.ask("POST", "settings", Some(settings));
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let body = body.map(Value::to_string).unwrap_or_default();
        let text = self.send(method, &format!("/truth/{path}"), "", &body);
        serde_json::from_str(&text).unwrap()
    }

    /// The body of a good answer.
    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let host = self.endpoint.strip_prefix("http://").unwrap();
        let length = body.len();
        let mut stream = TcpStream::connect(host).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, text) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{method} {path}: {answer}");
        text.to_owned()
    }
}

impl Drop for AwsBed {
    fn drop(&mut self) {
        let _ = pidfd_send_signal(&self.process, Signal::KILL);
    }
}

fn list(value: Value) -> Vec<Value> {
    let Value::Array(items) = value else { panic!("a list is expected: {value}") };
    items
}
