//! Boots a disk in QEMU and looks at it from outside and inside.
//!
//! The machine meets what an instance meets: a volume larger than the disk, a
//! network with a metadata service ([`imds`]) and with nobody else, and a port on
//! which the image's own probe tells what it sees ([`crate::facts`]). What it must be like
//! is judged here ([`Report::checks`]), and the machine powers itself off. The disk
//! is never written to. What was started may be started again, from a volume that has
//! grown ([`Rig`]).

mod accelerator;
mod console;
mod error;
mod firmware;
pub mod imds;
mod machine;
mod options;
mod overlay;
mod port;
mod qmp;
mod report;
mod rig;
mod run;
mod timeline;
mod tools;
mod verdict;

pub use error::{Error, Failure};
pub use firmware::is_of_rsa;
pub use options::{Accelerator, Bus, Options};
pub use report::{Check, Phase, PowerOff, Progress, Report};
pub use rig::Rig;

use std::path::Path;

/// Boots `disk` once. The machine ends with the future, whether it is waited for or
/// dropped, and with the thread that started it, however that ends.
///
/// # Errors
/// Something of the testing machine is missing or fails, or the disk does not come
/// as far as to its probe. One that does is reported, whatever is wrong with it.
pub async fn boot(
    disk: &Path,
    options: &Options,
    progress: impl Fn(Progress),
) -> Result<Report, Error> {
    Rig::set_up(disk, options, &progress).await?.start(&progress).await
}
