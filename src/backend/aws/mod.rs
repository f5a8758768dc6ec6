//! EC2 and EC2 Auto Scaling in one account and its regions.

mod account;
mod act;
mod check;
mod connect;
mod error;
mod group;
mod lookup;
mod market;
mod observe;
mod problems;
mod progress;
mod tags;
mod template;

pub use connect::{Way, connect, connect_by};
