//! The disk image that burst GPU nodes start from.
//!
//! A burst node must serve minutes after it was asked for, so nothing may be
//! installed at boot: driver, engine and agent are part of an immutable image
//! that is built from source ([`build`]), proved to boot ([`boot`]) and published
//! under a channel ([`publish`]). What runs inside is here as well: the initrd's
//! program ([`init`]), the agent ([`agent`]) and what the boot test asks
//! ([`probe`]). What is known of an image is its [`card`]. The crate knows nothing
//! of the root crate.

pub mod card;

#[cfg(feature = "agent")]
pub mod agent;
#[cfg(feature = "boot")]
pub mod boot;
#[cfg(feature = "build")]
pub mod build;
#[cfg(feature = "publish")]
pub mod channel;
#[cfg(any(feature = "boot", feature = "probe"))]
pub mod facts;
#[cfg(feature = "init")]
pub mod init;
#[cfg(feature = "probe")]
pub mod probe;
#[cfg(feature = "publish")]
pub mod publish;
