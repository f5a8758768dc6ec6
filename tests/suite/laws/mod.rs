//! The laws, over random environments and random worlds: whatever was declared
//! and whatever happened, on the one simulator.

#[cfg(feature = "aws")]
mod both;
mod converge;
mod cut;
mod cut_off;
mod declared;
mod heal;
mod history;
mod jump;
mod missing;
mod place;
mod rollout;
mod stale;
mod watch;
