//! What stands between two waves.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Decides after a wave whether what follows may begin.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Returns when wave `wave` has been waited for, and nothing speaks against what
    /// follows.
    ///
    /// # Errors
    /// Why nothing more may begin.
    async fn pass(&self, wave: u32) -> Result<(), Halt>;
}

/// Why nothing more may begin after a wave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    /// What kind of reason.
    pub kind: HaltKind,
    /// In a sentence.
    pub because: String,
}

/// What kind of reason stopped an apply after a wave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HaltKind {
    /// An operator has paused it.
    Paused,
    /// An abort criterion is met.
    Aborted,
    /// It cannot be told whether it may go on.
    Unread,
    /// It was asked to stop while it waited.
    Interrupted,
}
