//! Decisions over environments written as users write them, in a toy world.

mod apart;
mod asides;
mod autoscaler;
mod hands;
mod laws;
mod scale_in;
mod scale_out;
pub(super) mod world;
