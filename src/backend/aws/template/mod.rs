//! Launch templates.

mod interfaces;
mod others;
mod read;
mod shape;
mod write;

pub(super) use read::live;
pub(super) use write::Template;
