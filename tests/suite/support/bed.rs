//! A real Kubernetes control plane on loopback, shared by all tests of the
//! process and ended with it.

use super::programs::program;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

static SHARED: OnceLock<Bed> = OnceLock::new();
static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A running control plane. It ends when its standard input does, so it cannot
/// outlive the process that holds it.
pub struct Bed {
    supervisor: Child,
    dir: tempfile::TempDir,
    /// What the supervisor said of itself.
    said: Value,
}

impl Bed {
    /// The one that all tests share: with scheduler, simulated nodes (kwok) and
    /// an external metrics API. Each test takes a namespace of its own.
    pub fn shared() -> &'static Self {
        Self::shared_with(None)
    }

    /// The same; the first who asks for it may say by what the autoscaler's own
    /// times are divided (they are short as a rule).
    pub fn shared_with(time_scale: Option<u32>) -> &'static Self {
        SHARED.get_or_init(|| {
            let [kwok, stages] = ["kwok", "kwok-stages.yaml"].map(program);
            let scale = time_scale.map(|scale| format!("--time-scale={scale}"));
            let mut arguments =
                vec!["--kwok".as_ref(), kwok.as_ref(), "--stages".as_ref(), stages.as_ref()];
            arguments.extend(scale.iter().map(Path::new));
            Self::start(&arguments)
        })
    }

    /// A second cluster: etcd, API server and controller manager.
    pub fn fresh() -> Self {
        Self::start(&[])
    }

    fn start(arguments: &[&Path]) -> Self {
        let dir = tempfile::Builder::new().prefix("floodway-bed-").tempdir().unwrap();
        let mut supervisor = Command::new(program("controlplane"))
            .arg("up")
            .arg("--dir")
            .arg(dir.path())
            .args(arguments)
            // Memory for time: collecting garbage is a fifth of what its programs do.
            .env("GOGC", "300")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(supervisor.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("the test bed did not start, see above; it said {line:?}"));
        Self { supervisor, dir, said }
    }

    fn said(&self, key: &str) -> &str {
        self.said[key].as_str().unwrap()
    }

    /// `https://127.0.0.1:PORT`
    pub fn server(&self) -> &str {
        self.said("server")
    }

    /// The file with its certificate authority.
    pub fn ca(&self) -> &Path {
        Path::new(self.said("ca"))
    }

    /// An administrator's kubeconfig; its context is called `bed`.
    pub fn kubeconfig(&self) -> &Path {
        Path::new(self.said("kubeconfig"))
    }

    /// A kubeconfig for another token, or another server.
    pub fn kubeconfig_for(&self, server: &str, token: &str) -> PathBuf {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "bed",
            "clusters": [{"name": "bed", "cluster": {"server": server, "certificate-authority": self.said("ca")}}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "bed", "context": {"cluster": "bed", "user": "user"}}],
        });
        let path = self.dir.path().join(format!("kubeconfig-{}", next()));
        fs::write(&path, config.to_string()).unwrap();
        path
    }

    /// A bearer token for a service account, by TokenRequest.
    pub fn token_for(&self, namespace: &str, service_account: &str) -> String {
        let out = self.kubectl(&["create", "token", service_account, "-n", namespace], "");
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    }

    /// Runs kubectl, which must succeed.
    pub fn kubectl(&self, arguments: &[&str], input: &str) -> Output {
        let out = self.try_kubectl(arguments, input);
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "kubectl {arguments:?}: {said}");
        out
    }

    /// Runs kubectl.
    pub fn try_kubectl(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(program("controlplane"))
            .arg("kubectl")
            .args(arguments)
            .env("GOGC", "off")
            .env("KUBECONFIG", self.kubeconfig())
            .env("HOME", self.dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Starts kubectl; what it prints can be read while it runs.
    pub fn start_kubectl(&self, arguments: &[&str]) -> Child {
        Command::new(program("controlplane"))
            .arg("kubectl")
            .args(arguments)
            .env("KUBECONFIG", self.kubeconfig())
            .env("HOME", self.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Starts a way in without TLS or login, and says where (`127.0.0.1:PORT`).
    /// It ends with this process, which holds its standard input.
    pub fn plain_http(&self) -> String {
        let until = "\"$@\" & way=$!; cat >/dev/null; kill $way";
        let mut child = Command::new("sh")
            .args(["-c", until, "sh"])
            .arg(program("controlplane"))
            .args(["kubectl", "proxy", "--port=0"])
            .env("KUBECONFIG", self.kubeconfig())
            .env("HOME", self.dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        // Held open until the process ends.
        std::mem::forget(child);
        line.trim().rsplit(' ').next().unwrap().to_owned()
    }

    /// Applies objects with kubectl, as another tool would.
    pub fn apply(&self, objects: &[Value]) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        self.kubectl(&["apply", "-f", "-"], &list.to_string());
    }

    /// One object as JSON, if it is there.
    pub fn get(&self, namespace: &str, kind: &str, name: &str) -> Option<Value> {
        let out = self.try_kubectl(
            &["get", kind, name, "-n", namespace, "-o", "json", "--show-managed-fields"],
            "",
        );
        out.status.success().then(|| serde_json::from_slice(&out.stdout).unwrap())
    }

    /// A new namespace with a name of its own.
    pub fn namespace(&self, prefix: &str) -> String {
        let name = unique(prefix);
        self.kubectl(&["create", "namespace", &name], "");
        name
    }

    /// Nodes with GPUs; kwok makes them Ready and runs what is scheduled there.
    pub fn add_nodes(&self, prefix: &str, count: u32, gpus: u32, labels: &Value) {
        let room = json!({
            "cpu": "192", "memory": "2Ti", "ephemeral-storage": "4Ti", "pods": "250",
            "nvidia.com/gpu": gpus.to_string(),
        });
        let nodes: Vec<_> = (0..count)
            .map(|index| {
                json!({
                    "apiVersion": "v1", "kind": "Node",
                    "metadata": {"name": format!("{prefix}-{index}"), "labels": labels},
                    "status": {"capacity": room, "allocatable": room},
                })
            })
            .collect();
        self.apply(&nodes);
    }

    /// Sets an external metric that HorizontalPodAutoscalers in `namespace` see.
    pub fn set_external_metric(&self, namespace: &str, name: &str, value: &str) {
        let url = format!("{}/{namespace}/{name}", self.said("metrics"));
        let address = url.strip_prefix("http://").unwrap();
        let (host, path) = address.split_once('/').unwrap();
        let mut stream = std::net::TcpStream::connect(host).unwrap();
        let length = value.len();
        write!(
            stream,
            "PUT /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{value}"
        )
        .unwrap();
        let mut status = String::new();
        BufReader::new(stream).read_line(&mut status).unwrap();
        assert!(status.contains(" 200 "), "{status}");
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}

/// A name that no other test of this process has.
pub fn unique(prefix: &str) -> String {
    format!("{prefix}-{}", next())
}

fn next() -> u32 {
    COUNTER.fetch_add(1, Ordering::Relaxed)
}

/// Tries until it holds, for at most half a minute.
pub fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(Instant::now() < deadline, "{what}: did not happen within 30 s");
        std::thread::sleep(Duration::from_millis(100));
    }
}
