//! The pipeline on AWS as far as the stand-in is AWS, through the real command
//! line. `stand_in` says what that is worth.

pub mod account;
#[cfg(feature = "aws")]
mod alone;
#[cfg(feature = "aws")]
mod authority;
#[cfg(all(feature = "aws", feature = "kube"))]
mod crash;
#[cfg(feature = "aws")]
mod interfaces;
#[cfg(feature = "aws")]
mod lifecycle;
#[cfg(feature = "aws")]
mod outage;
#[cfg(all(feature = "aws", feature = "kube"))]
mod phases;
#[cfg(feature = "aws")]
mod refresh;
#[cfg(feature = "aws")]
mod refusals;
#[cfg(feature = "aws")]
mod reservations;
#[cfg(feature = "aws")]
mod schedules;
mod stand_in;
#[cfg(feature = "aws")]
mod storms;
#[cfg(feature = "aws")]
mod theirs;
#[cfg(all(feature = "aws", feature = "kube"))]
mod tutorial;
#[cfg(feature = "aws")]
mod types;
#[cfg(feature = "aws")]
mod waves;
