//! A recipe: the TOML file that says what an image is made of.

mod check;
mod model;
mod read;

pub(super) use check::{NEEDED_MODULE, holds_private_key, holds_secret};
pub use model::Recipe;
pub(super) use model::{ExtraFile, Flavour, Gpu, Repository, Runtime};
pub use read::{Read, read};
