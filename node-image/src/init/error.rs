//! Why the machine does not start.

use std::io;
use thiserror::Error;

/// A step that failed.
#[derive(Debug, Error)]
pub(super) enum InitError {
    /// The system refused; what was tried, and its answer.
    #[error("cannot {tried}: {why}")]
    System { tried: String, why: io::Error },
    /// Something is not as it must be.
    #[error("{0}")]
    Wrong(String),
}

/// An answer of the system, and what was asked for.
pub(super) trait Trying<T> {
    /// Says that this was an attempt to `tried`: "mount /proc".
    fn trying(self, tried: impl FnOnce() -> String) -> Result<T, InitError>;
}

impl<T, E: Into<io::Error>> Trying<T> for Result<T, E> {
    fn trying(self, tried: impl FnOnce() -> String) -> Result<T, InitError> {
        self.map_err(|why| InitError::System { tried: tried(), why: why.into() })
    }
}
