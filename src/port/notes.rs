//! What a controller has learned, where the next one finds it.

use super::{PortError, Scope};
use async_trait::async_trait;

/// Bytes that are kept at most: an object's annotations have 256 KiB together.
pub const MOST_NOTES: usize = 128 * 1024;

/// Keeps a controller's notes on the live environment. They are no state: without
/// them a controller learns anew, and only knows less of what was spent.
#[async_trait]
pub trait KeepNotes: Send + Sync {
    /// What was noted last; none: nothing.
    async fn read_notes(&self, scope: &Scope) -> Result<Option<String>, PortError>;

    /// Notes `text` instead, of at most [`MOST_NOTES`] bytes.
    async fn note(&self, scope: &Scope, text: &str) -> Result<(), PortError>;
}
