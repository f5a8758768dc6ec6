//! What is wanted: the environment's TOML, layered, resolved and validated.

pub mod model;
