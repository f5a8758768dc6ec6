//! A Prometheus on loopback, and what it scrapes.

use super::programs::program;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// An engine that answers `rate` requests per second, and tells so as vLLM does.
/// It ends when it is dropped.
pub struct Exporter {
    pub port: u16,
    ended: Arc<AtomicBool>,
}

impl Exporter {
    pub fn start(rate: f64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let ended = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&ended);
        let began = Instant::now();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(mut client) = client else { continue };
                let _ = client.read(&mut [0; 4096]);
                let body = metrics(began.elapsed().as_secs_f64() * rate);
                let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\n";
                let length = body.len();
                let _ = write!(client, "{head}Content-Length: {length}\r\n\r\n{body}");
            }
        });
        Self { port, ended }
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// What vLLM exposes after `answered` requests of 100 tokens in and 20 out, the
/// first of them after a quarter of a second.
fn metrics(answered: f64) -> String {
    let labels = "{model_name=\"m\"}";
    let mut text = String::new();
    for (name, kind, value) in [
        ("vllm:num_requests_running", "gauge", 12.0),
        ("vllm:num_requests_waiting", "gauge", 3.0),
        // As versions before the V1 engine call it.
        ("vllm:gpu_cache_usage_perc", "gauge", 0.42),
        ("vllm:prompt_tokens_total", "counter", answered * 100.0),
        ("vllm:generation_tokens_total", "counter", answered * 20.0),
        ("vllm:request_success_total", "counter", answered),
    ] {
        let _ = writeln!(text, "# TYPE {name} {kind}\n{name}{labels} {value}");
    }
    let ttft = "vllm:time_to_first_token_seconds";
    let _ = writeln!(text, "# TYPE {ttft} histogram");
    for (bound, share) in [("0.1", 0.0), ("0.25", 1.0), ("+Inf", 1.0)] {
        let counted = answered * share;
        let _ = writeln!(text, "{ttft}_bucket{{model_name=\"m\",le=\"{bound}\"}} {counted}");
    }
    let _ = writeln!(text, "{ttft}_sum{labels} {}", answered * 0.2);
    let _ = writeln!(text, "{ttft}_count{labels} {answered}");
    text
}

/// A running Prometheus, ended with the test.
pub struct Prometheus {
    child: Child,
    pub port: u16,
    folder: tempfile::TempDir,
}

impl Prometheus {
    /// Scrapes `exporter` once a second.
    pub fn start(exporter: u16) -> Self {
        Self::start_at(exporter, Duration::from_secs(1))
    }

    /// Scrapes `exporter` once in every `interval`.
    pub fn start_at(exporter: u16, interval: Duration) -> Self {
        Self::of(&[exporter], interval)
    }

    /// Scrapes each of `exporters` once in every `interval`.
    pub fn of(exporters: &[u16], interval: Duration) -> Self {
        Self::launch(exporters, interval, None, None).ready()
    }

    /// Scrapes nothing: holds what stands in `openmetrics`, of whatever time.
    pub fn holding(openmetrics: &str) -> Self {
        Self::launch(&[], Duration::from_secs(60), None, Some(openmetrics)).ready()
    }

    fn ready(self) -> Self {
        eventually("Prometheus is ready", || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
            stream.write_all(b"GET /-/ready HTTP/1.0\r\n\r\n").ok()?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).ok()?;
            answer.starts_with("HTTP/1.0 200").then_some(())
        });
        self
    }

    /// Lets only those in that have a certificate of the authority in `pki`.
    pub fn with_tls(exporter: u16, pki: &Path) -> Self {
        Self::launch(&[exporter], Duration::from_secs(1), Some(pki), None)
    }

    fn launch(
        exporters: &[u16],
        interval: Duration,
        pki: Option<&Path>,
        openmetrics: Option<&str>,
    ) -> Self {
        let folder = tempfile::Builder::new().prefix("floodway-prometheus-").tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let every = interval.as_millis();
        let targets: Vec<_> = exporters.iter().map(|port| format!("'127.0.0.1:{port}'")).collect();
        let targets = targets.join(", ");
        let text = format!(
            "global: {{ scrape_interval: {every}ms, scrape_timeout: {every}ms }}\n\
             scrape_configs:\n\
             - job_name: vllm\n  static_configs: [{{ targets: [{targets}] }}]\n"
        );
        fs::write(&config, text).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let data = folder.path().join("data");
        if let Some(openmetrics) = openmetrics {
            let file = folder.path().join("made.txt");
            fs::write(&file, openmetrics).unwrap();
            let mut command = Command::new(program("promtool"));
            command.args(["tsdb", "create-blocks-from", "openmetrics", "--quiet"]);
            let made = command.args([&file, &data]).output().unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        let mut command = Command::new(program("prometheus"));
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            // What was made may be of any time.
            .arg("--storage.tsdb.retention.time=100y")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--log.level=error")
            .stdin(Stdio::null());
        if let Some(pki) = pki {
            let web = folder.path().join("web.yml");
            let at = |name: &str| pki.join(name).display().to_string();
            let text = format!(
                "tls_server_config:\n  cert_file: {}\n  key_file: {}\n  client_ca_file: {}\n  \
                 client_auth_type: RequireAndVerifyClientCert\n",
                at("server.pem"),
                at("server.key"),
                at("ca.pem"),
            );
            fs::write(&web, text).unwrap();
            command.arg(format!("--web.config.file={}", web.display()));
            // It complains of everyone whom it does not let in.
            command.stderr(Stdio::null());
        }
        Self { child: command.spawn().unwrap(), port, folder }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends it at once; nobody answers then.
    pub fn kill(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-9", &id]).status().unwrap().success());
    }

    /// Ends it and starts another in its place that knows nothing of before.
    pub fn restarted_without_its_data(self, exporter: u16) -> Self {
        drop(self);
        Self::start(exporter)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        assert!(self.folder.path().exists());
    }
}

/// An authority, and certificates of a server on 127.0.0.1 and of a client.
pub fn pki(folder: &Path) -> PathBuf {
    let openssl = |arguments: &[&str]| {
        let out = Command::new("openssl").args(arguments).current_dir(folder).output();
        let out = out.expect("openssl is needed to make certificates");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    };
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let with = |rest: &[&str]| openssl(&[&["req"], &key[..], rest].concat());
    with(&["-x509", "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem"]);
    for (name, extensions) in [
        ("server", "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n"),
        ("client", "extendedKeyUsage=clientAuth\n"),
    ] {
        let (keys, request, out) =
            (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"));
        let subject = format!("/CN={name}");
        with(&["-subj", &subject, "-keyout", &keys, "-out", &request]);
        fs::write(folder.join("extensions"), extensions).unwrap();
        let signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
        let about = ["-extfile", "extensions", "-in", &request, "-out", &out];
        openssl(&[&["x509", "-req"], &signed[..], &about[..]].concat());
    }
    folder.to_path_buf()
}

/// Tries until it succeeds.
pub fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(Instant::now() < deadline, "{what}: did not happen within 60 s");
        std::thread::sleep(Duration::from_millis(200));
    }
}
