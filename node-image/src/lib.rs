//! The disk image that burst GPU nodes start from.
//!
//! A burst node must serve minutes after it was asked for, so nothing may be
//! installed at boot: driver, engine and agent are part of an immutable image
//! that is built from source, proved to boot and published under a channel.
//! The agent that runs on the node is here; the recipe, the build, the boot test
//! and the publishing will be. The crate knows nothing of the root crate.

#[cfg(feature = "agent")]
pub mod agent;
