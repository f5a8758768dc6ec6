//! Decisions over environments written as users write them, in a toy world.

mod apart;
mod asides;
mod autoscaler;
mod back;
mod budgets;
mod hands;
mod laws;
mod refused;
mod scale_in;
mod scale_out;
pub(super) mod world;
