//! Auto Scaling groups.

mod read;
mod shape;
mod write;

pub(super) use read::{live, workload};
pub(super) use write::Group;
