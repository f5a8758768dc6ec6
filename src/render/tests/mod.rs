mod accounts;
mod arbitrary;
pub(super) mod documents;
mod fixtures;
mod screens;
