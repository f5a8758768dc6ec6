//! What users read. A view says what there is to tell; printers put it on a
//! screen or into a document, and decide nothing.
//!
//! Every screen is a pure function from a view and a [`Style`] to a `String`;
//! every document is a versioned JSON value with a schema ([`schema`]).

mod leaves;
mod name;
mod redact;
mod style;
mod text;

pub mod drift;
pub mod error;
pub mod event;
pub mod forecast;
pub mod hands;
pub mod images;
pub mod journal;
pub mod lock;
pub mod metrics;
pub mod orphans;
pub mod plan;
pub mod prices;
pub mod rollout;
pub mod scaling;
pub mod schema;
pub mod signals;
pub mod status;
pub mod tally;
pub mod top;
pub mod trace;
pub mod turn;

#[cfg(test)]
mod tests;

pub use redact::HIDDEN;
pub use style::Style;
