//! A command that runs beside the test.

use super::repository::Said;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};

/// A command whose progress is read as it is told.
pub struct Running {
    child: Child,
    err: BufReader<ChildStderr>,
    said: String,
}

impl Running {
    /// Starts it.
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let err = BufReader::new(child.stderr.take().unwrap());
        Self { child, err, said: String::new() }
    }

    /// Returns when a line with `text` has been said; whether it was.
    pub fn says(&mut self, text: &str) -> bool {
        let from = self.said.len();
        while self.err.read_line(&mut self.said).unwrap() > 0 {
            if self.said[from..].contains(text) {
                return true;
            }
        }
        false
    }

    /// What was said so far.
    pub fn said(&self) -> &str {
        &self.said
    }

    /// Returns when so many lines have been said.
    pub fn lines(&mut self, count: usize) {
        for _ in 0..count {
            self.err.read_line(&mut self.said).unwrap();
        }
    }

    /// Sends a signal: `INT`, `TERM`.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    /// Ends it at once; whether it had not ended by itself.
    pub fn kill(mut self) -> bool {
        use std::os::unix::process::ExitStatusExt;
        let _ = self.child.kill();
        self.child.wait().unwrap().signal() == Some(9)
    }

    /// How it ended.
    pub fn end(mut self) -> Said {
        self.err.read_to_string(&mut self.said).unwrap();
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        Said { code: self.child.wait().unwrap().code(), out, err: self.said }
    }
}
