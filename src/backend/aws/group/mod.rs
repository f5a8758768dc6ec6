//! Auto Scaling groups.

mod beside;
mod ending;
mod hooks;
mod others;
mod read;
mod refresh;
mod requirements;
mod schedules;
mod shape;
mod write;

pub(super) use read::{Beside, live, notes, tags_of, uid, workload};
pub(super) use schedules::Schedules;
pub(super) use write::Group;
