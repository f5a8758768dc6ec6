//! A running `floodway run`, and what it has decided.

use serde_json::Value;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// One controller; it ends with this value.
pub struct Controller {
    child: Child,
    folder: tempfile::TempDir,
    log: PathBuf,
}

impl Controller {
    /// Starts it; its decisions are written to `log`.
    pub fn start(mut command: Command, log: PathBuf) -> Self {
        let folder = tempfile::Builder::new().prefix("floodway-run-").tempdir().unwrap();
        let file = |name: &str| Stdio::from(File::create(folder.path().join(name)).unwrap());
        let child = command.stdout(file("out")).stderr(file("err")).spawn().unwrap();
        Self { child, folder, log }
    }

    /// Sends a signal: `TERM`, `STOP`, `CONT`, `KILL`.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    /// As it names itself in the lease.
    pub fn process(&self) -> String {
        format!("process {}", self.child.id())
    }

    /// What it has printed.
    pub fn said(&self) -> String {
        let read = |name: &str| fs::read(self.folder.path().join(name)).unwrap();
        let both = [read("out"), read("err")].concat();
        String::from_utf8_lossy(&both).into_owned()
    }

    /// All of its decisions, the oldest first.
    pub fn decisions(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Its last decision.
    pub fn last(&self) -> Option<Value> {
        self.decisions().pop()
    }

    /// Waits until `true` of a decision that is made from now on.
    #[track_caller]
    pub fn decides(&self, what: &str, seconds: u64, is: impl Fn(&Value) -> bool) -> Value {
        let before = self.decisions().len();
        let seconds = seconds * super::ground::PATIENCE;
        let deadline = Instant::now() + Duration::from_secs(seconds);
        loop {
            if let Some(found) = self.decisions().into_iter().skip(before).find(|one| is(one)) {
                return found;
            }
            assert!(
                Instant::now() < deadline,
                "{what}: not within {seconds} s; it said\n{}\nand decided last\n{:#}",
                self.said(),
                self.last().unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Ends it by SIGTERM; how it ended.
    pub fn end(mut self) -> (ExitStatus, String) {
        self.signal("TERM");
        let status = self.child.wait().unwrap();
        (status, self.said())
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{}\nlast decision: {:#}", self.said(), self.last().unwrap_or_default());
        }
    }
}
