use super::super::exit::{Exit, Failure};
use super::super::terminal::Terminal;
use super::machine::{Machine, Secure, Subject};
use super::recipe::manifest;
use node_image::boot::Report;
use node_image::card::BootMode;
use std::path::PathBuf;

/// Boot an image in QEMU, and look at it from outside and inside
///
/// The disk is not written to. The machine meets a metadata service and a volume as
/// an instance does; what the image's own probe sees is judged, and the time of each
/// phase printed. In the folder of a build it is noted in boot.json, without which the
/// build is not published.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder that `image build` wrote, or a disk, raw or qcow2, of which nothing is noted
    image: PathBuf,
    /// Secure boot, by this certificate alone (PEM or DER)
    #[arg(long, value_name = "FILE")]
    secure_boot: Option<PathBuf>,
    #[command(flatten)]
    machine: Machine,
    /// Print the reports as JSON, one for each start that came up
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let machine = &args.machine;
    let (disk, built) = if args.image.is_dir() {
        (machine.disk_in(&args.image), Some(manifest(&args.image)?))
    } else {
        (machine.disk_at(&args.image)?, None)
    };
    let of = built.as_ref().map(|manifest| (args.image.as_path(), manifest));
    let subject = Subject { disk: &disk, of };
    let modes = modes(machine, args.secure_boot.is_some())?;
    machine.begin()?;
    let mut reports = Vec::new();
    // Whose certificate it is, no manifest tells.
    let secure = args.secure_boot.clone();
    let secure = secure.map(|certificate| Secure { certificate, is_own: false });
    let ended = modes
        .iter()
        .try_for_each(|mode| machine.test(subject, *mode, secure.as_ref(), &mut reports, terminal));
    // Also those before one that failed.
    if args.json {
        terminal.print(&super::super::schema::pretty(&reports));
    }
    ended?;
    if reports.iter().all(Report::passed) {
        return Ok(Exit::Done);
    }
    Err(Failure::new(Exit::Failed, "the image boots, and is not as it must be"))
}

/// By what it is started, where a BIOS knows no secure boot.
fn modes(machine: &Machine, secure: bool) -> Result<&'static [BootMode], Failure> {
    let modes = machine.modes();
    match (secure, modes) {
        (true, [BootMode::LegacyBios]) => Err(Failure::usage("a BIOS knows no secure boot")),
        (true, _) => Ok(&[BootMode::Uefi]),
        (false, modes) => Ok(modes),
    }
}
