//! Auto Scaling groups.

mod read;
mod refresh;
mod schedules;
mod shape;
mod write;

pub(super) use read::{live, workload};
pub(super) use schedules::Schedules;
pub(super) use write::Group;
