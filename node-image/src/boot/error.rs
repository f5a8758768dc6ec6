//! Why a disk was not tested, or did not boot.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something of the testing machine is missing.
    #[error("{what} is needed and missing")]
    Missing {
        /// A program or a file.
        what: String,
        /// Debian's package that holds it.
        package: &'static str,
    },
    /// KVM was asked for, and does not work.
    #[error("KVM does not work here: {0}")]
    NoKvm(String),
    /// Something of the testing machine failed.
    #[error("cannot {what}: {error}")]
    Host {
        /// What was tried.
        what: String,
        /// What the operating system says.
        error: io::Error,
    },
    /// What was given cannot be tested.
    #[error("{}: {why}", path.display())]
    Given {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A program failed.
    #[error("{program} failed ({status}): {said}")]
    Program {
        /// Its name.
        program: &'static str,
        /// How it ended.
        status: String,
        /// What it said.
        said: String,
    },
    /// The machine came to no end that can be reported.
    #[error("{0}")]
    Boot(Box<Failure>),
}

/// A boot that told nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the disk does not boot: {why} ({:.1} s after power-on){}", after.as_secs_f64(), told(self))]
pub struct Failure {
    /// What ended it.
    pub why: String,
    /// When, since power-on.
    pub after: Duration,
    /// How many requests the metadata service had seen by then.
    pub requests: usize,
    /// The last lines of the console.
    pub console: Vec<String>,
    /// What QEMU itself said.
    pub qemu: String,
}

fn told(failure: &Failure) -> String {
    let requests = match failure.requests {
        0 => "no request reached the metadata service".to_owned(),
        1 => "1 request reached the metadata service".to_owned(),
        many => format!("{many} requests reached the metadata service"),
    };
    let console = match failure.console.as_slice() {
        [] => "the console is empty".to_owned(),
        lines => format!("the end of the console:\n{}", lines.join("\n")),
    };
    let qemu = match failure.qemu.trim() {
        "" => String::new(),
        said => format!("\nQEMU says: {said}"),
    };
    format!("; {requests}; {console}{qemu}")
}

impl Error {
    pub(super) fn host(what: impl Into<String>, error: io::Error) -> Self {
        Self::Host { what: what.into(), error }
    }

    /// What to do about it, where that is known.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Missing { package, .. } => {
                Some(format!("install it: sudo apt-get install --no-install-recommends {package}"))
            }
            Self::NoKvm(_) => Some("test with emulation, which is slower".to_owned()),
            Self::Host { error, .. } if error.kind() == io::ErrorKind::StorageFull => {
                Some("free some room where TMPDIR points, or set it to another folder".to_owned())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_that_failed_shows_how_far_it_came() {
        let failure = Failure {
            why: "the kernel panicked".to_owned(),
            after: Duration::from_millis(2345),
            requests: 0,
            console: vec!["Kernel panic - not syncing: x".to_owned()],
            qemu: String::new(),
        };
        let said = Error::Boot(Box::new(failure)).to_string();
        assert_eq!(
            said,
            "the disk does not boot: the kernel panicked (2.3 s after power-on); no request \
             reached the metadata service; the end of the console:\nKernel panic - not syncing: x"
        );
    }

    #[test]
    fn what_is_missing_says_what_installs_it() {
        let error = Error::Missing { what: "qemu-img".to_owned(), package: "qemu-utils" };
        assert!(error.help().unwrap().ends_with(" qemu-utils"));
    }
}
