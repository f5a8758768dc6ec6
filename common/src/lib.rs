//! What Floodway and its node images share: [`document`] (TOML with the place of
//! every value), [`shape`] (types that such a value can be), [`diag`]
//! (diagnostics that point into it), [`units`] and [`id`] (quantities and names).
//!
//! Nothing here knows environments, images or any vendor.

pub mod diag;
pub mod document;
pub mod id;
pub mod shape;
pub mod units;
