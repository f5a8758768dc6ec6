//! From a recipe to a disk that boots.
//!
//! A build is a row of [`stages`], each a small file: what a stage makes stands in
//! the [`store`] under the hash of all that went into it, so that what has not
//! changed is not made again. Nothing here mounts, attaches a loop device or starts
//! an instance; what needs root runs in a user namespace where the builder is not
//! root ([`host`]).

mod command;
mod diff;
mod error;
mod files;
mod hash;
mod host;
mod lock;
mod make;
mod namespace;
mod recipe;
mod stages;
mod store;
mod verify;

pub use diff::{Difference, Listed, diff};
pub use error::Error;
pub use host::{Host, Wanted};
pub use lock::{Group, Lock, Locked};
pub use make::{Built, Options, Progress, Signing, build, lock};
pub use recipe::{Read, Recipe, read};
pub use verify::{Unlike, verify};
