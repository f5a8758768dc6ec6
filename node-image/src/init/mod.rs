//! The initrd's only program: from the kernel to the image's own systemd.
//!
//! It asks for a first address ([`network`]), finds the disk by what the kernel's command line says ([`cmdline`]), gives
//! the machine the room of a larger volume ([`grow`]), opens the root under
//! dm-verity ([`verity`]), and only then uses what is on it. All that may be
//! written is made anew: `/var` on its own partition ([`var`]), the rest in memory
//! ([`overlay`]). Where a step fails, the console says which and why in one line,
//! and the machine powers off: a burst node that is not as it was built does not
//! serve.
//!
//! What the rest of the crate must know stands here: the command line, where the
//! initrd holds the modules, and where the times of the phases are left.

mod ahead;
mod cmdline;
mod console;
mod dhcp;
mod disk;
mod error;
mod ext4;
mod gpt_table;
mod grow;
mod guid;
mod ioctl;
mod modules;
mod mounts;
mod netlink;
mod network;
mod overlay;
mod partition;
mod phases;
mod sequence;
mod switch;
mod var;
mod verity;

/// The kernel parameter that names the root:
/// `floodway.verity=<root hash>,<salt>,<data blocks>`, both in hex, `-` for no salt.
pub const VERITY_PARAMETER: &str = "floodway.verity";
/// The folder of the modules in the initrd, not compressed.
pub const MODULES: &str = "/modules";
/// In [`MODULES`]: a file name a line, in the order in which they are loaded.
pub const MODULES_ORDER: &str = "order";
/// The name of the partition that is made on the first boot.
pub const VAR_PARTITION: &str = "floodway-var";
/// Takes over as process 1.
const SYSTEMD: &str = "/usr/lib/systemd/systemd";
/// When each phase was over, as JSON.
pub const PHASES: &str = "/run/floodway/boot.json";

/// Runs as process 1 until systemd takes its place, or the machine is off.
pub fn main() {
    console::power_off_on_panic();
    if !console::is_first() {
        console::say("this is the first program of a machine and runs as nothing else");
        return;
    }
    let failure = sequence::run();
    console::say(&failure.to_string());
    console::power_off();
}
