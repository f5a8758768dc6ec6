//! Brings a disk into AWS, and says which of those that are there is meant.
//!
//! [`publish`] makes one snapshot and an AMI for each way to boot, in every region.
//! Channels then lead to them: [`promote`], [`rollback`], and [`prune`] for what no
//! channel and nobody else needs. What there is, AWS itself is asked; nothing that is
//! kept here has to last.

mod availability;
mod blocks;
pub mod channel;
mod clients;
mod copy;
mod disabled;
mod disk;
pub mod elsewhere;
mod error;
pub mod facts;
pub mod goals;
mod hash;
mod image;
pub mod list;
pub mod look;
mod names;
mod notes;
mod options;
mod pace;
mod progress;
pub mod promote;
pub mod prune;
mod publishing;
mod retry;
pub mod rollback;
mod share;
pub mod snapshot;
pub mod ssm;
pub mod usage;
mod wait;
pub mod wherever;

pub use clients::Clients;
pub use disk::{BLOCK, Disk};
pub use error::{Error, Kind};
pub use names::Identity;
pub use notes::Notes;
pub use options::{InRegion, Options, Published};
pub use progress::{Progress, Sent, Watch};
pub use publishing::publish;
