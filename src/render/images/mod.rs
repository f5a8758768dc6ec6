//! Published images, for readers.

mod list;
mod prune;

pub use list::{AmiView, BuildView, BuildsView, ChannelInView, ImagesView, text as list_text};
pub use prune::{KeptView, PruneStepView, PruneView, text as prune_text};

/// The version of the JSON.
pub const FORMAT_VERSION: &str = "1.0";

/// Hex digits of a digest that tell it from others.
const DIGITS: usize = 12;

/// A build for people.
fn short(manifest: &str) -> String {
    manifest.chars().take(DIGITS).collect()
}
