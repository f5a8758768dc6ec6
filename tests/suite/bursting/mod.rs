//! `floodway run` as a process of its own, against a real API server with simulated
//! nodes, the AWS stand-in and a real Prometheus, which scrapes a model of the
//! fleet. How long real machines take is not shown here.

mod alone;
mod blind;
mod bursts;
mod by_hand;
mod compared;
mod cut_off;
mod hindered;
mod kept;
mod leaders;
mod lost;
mod notices;
mod replayed;
mod restarted;
mod short;
mod turned_away;

pub mod autoscaler;
pub mod cable;
pub mod controller;
pub mod fleet;
pub mod ground;
pub mod hour;
pub mod joining;
pub mod nodes;
pub mod replay;
pub mod told;
pub mod turns;
pub mod web;
