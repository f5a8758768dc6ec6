//! Programs of the building machine, run to their end.

use super::error::Error;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What of the caller's environment a program sees: where home and temporary files are,
/// and how the network is reached. Nothing of it decides what an image is.
const KEPT: [&str; 12] = [
    "HOME",
    "TMPDIR",
    "ALL_PROXY",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];

/// The most of what a failed program said that is told.
const LAST_LINES: usize = 25;

/// Where programs are. Folders of the administrator are looked into as well: a user's
/// `PATH` often lacks them.
pub(super) fn folders() -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own: Vec<_> = std::env::split_paths(&path).collect();
    own.into_iter().chain(["/usr/sbin".into(), "/sbin".into()])
}

/// A program to run, in an environment that is the same on any machine.
#[derive(Debug)]
pub(super) struct Run {
    name: String,
    command: Command,
}

impl Run {
    /// `program`, with nothing of the caller's environment but where programs,
    /// home and temporary files are, and how the network is reached.
    pub(super) fn new(program: &str) -> Self {
        let mut command = Command::new(program);
        command.env_clear();
        if let Ok(path) = std::env::join_paths(folders()) {
            command.env("PATH", path);
        }
        for name in KEPT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC").stdin(Stdio::null());
        Self { name: program.to_owned(), command }
    }

    /// With one more argument.
    pub(super) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// With more arguments.
    pub(super) fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    /// With a variable of the environment.
    pub(super) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// In a folder.
    pub(super) fn within(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Called otherwise when something is wrong: what it is run by is of no use.
    pub(super) fn called(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// Runs it to its end; what it printed on standard output.
    pub(super) fn run(mut self) -> Result<String, Error> {
        let said = self.command.output();
        let said = said.map_err(|error| Error::Program {
            program: self.name.clone(),
            status: format!("cannot be started: {error}"),
            output: String::new(),
        })?;
        let output = String::from_utf8_lossy(&said.stdout).into_owned();
        if said.status.success() {
            return Ok(output);
        }
        let errors = String::from_utf8_lossy(&said.stderr);
        let all = format!("{output}{errors}");
        let lines: Vec<_> = all.lines().filter(|line| !line.trim().is_empty()).collect();
        Err(Error::Program {
            program: self.name,
            status: said.status.to_string(),
            output: lines[lines.len().saturating_sub(LAST_LINES)..].join("\n"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_program_tells_how_it_ended_and_its_last_words() {
        let failed = Run::new("sh").args(["-c", "echo one; echo two >&2; exit 3"]).run();
        let said = failed.unwrap_err().to_string();
        assert!(said.contains("exit status: 3") && said.ends_with("one\ntwo"), "{said}");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let said = Run::new("/nowhere/at-all").run().unwrap_err().to_string();
        assert!(said.starts_with("/nowhere/at-all failed (cannot be started"), "{said}");
    }

    #[test]
    fn what_leads_to_the_network_is_passed_on_in_either_spelling() {
        for name in ["http_proxy", "https_proxy", "no_proxy", "all_proxy"] {
            assert!(KEPT.contains(&name), "{name}");
            assert!(KEPT.contains(&name.to_uppercase().as_str()), "{name}");
        }
        assert!(KEPT.contains(&"SSL_CERT_FILE") && KEPT.contains(&"SSL_CERT_DIR"));
    }

    #[test]
    fn a_program_sees_a_fixed_environment() {
        let seen = Run::new("sh").args(["-c", "echo $TZ $LC_ALL $CARGO_MANIFEST_DIR"]).run();
        assert_eq!(seen.unwrap(), "UTC C.UTF-8\n");
    }
}
