//! Auto Scaling groups.

mod hooks;
mod read;
mod refresh;
mod schedules;
mod shape;
mod write;

pub(super) use read::{Beside, live, uid, workload};
pub(super) use schedules::Schedules;
pub(super) use write::Group;
