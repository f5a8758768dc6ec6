//! Auto Scaling groups.

mod beside;
mod ending;
mod hooks;
mod instances;
mod others;
mod read;
mod refresh;
mod requirements;
mod schedules;
mod shape;
mod write;

pub(super) use ending::Place;
pub(super) use instances::{may_be_refreshed, notes, workload};
pub(super) use read::{Beside, live, tags_of, uid};
pub(super) use schedules::Schedules;
pub(super) use write::Group;
