use super::super::exit::{Exit, Failure};
use super::super::terminal::Terminal;
use super::machine::{Machine, Secure, Subject};
use super::recipe::{Building, diagnosed};
use super::stages::{Stages, as_before};
use super::tested;
use node_image::boot::Report;
use node_image::build::{Built, Options, build};
use node_image::card::BootMode;

/// Build a node image from its recipe and lock, and boot it
///
/// What has not changed is not built again. The disk is made without a loop device,
/// a mount or an instance; then it is started in QEMU, by UEFI and by a BIOS, and
/// must pass every check. What came of it stands in boot.json, beside the manifest; a
/// firmware by which this very disk has passed there is left out.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    building: Building,
    /// Do not boot it
    #[arg(long)]
    no_boot: bool,
    #[command(flatten)]
    machine: Machine,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let (found, host, options) = args.building.prepare(!args.no_boot, terminal)?;
    let lock = found.lock()?;
    let stages = Stages::new(terminal);
    let tell = |progress| stages.tell("", &progress);
    let built = build(&found.read, &lock, &host, &options, &tell);
    drop(stages);
    let built = built.map_err(|error| diagnosed(error, terminal))?;
    if !args.no_boot {
        boot(&args.machine, &built, &options, terminal)?;
    }
    terminal.print(&summary(&built, &options.out.display().to_string()));
    Ok(Exit::Done)
}

/// Boots what was built, by whatever it is not known to boot.
fn boot(
    machine: &Machine,
    built: &Built,
    options: &Options,
    terminal: &Terminal,
) -> Result<(), Failure> {
    machine.begin()?;
    // A signed kernel is tried as it will be started.
    let own = options.signing.as_ref().map(|signing| signing.certificate.clone());
    let own = own.map(|certificate| Secure { certificate, is_own: true });
    let (out, manifest) = (options.out.as_path(), &built.manifest);
    let disk = machine.disk_in(out);
    for mode in machine.modes() {
        let secure = own.as_ref().filter(|_| *mode == BootMode::Uefi);
        // Of one that passed, it is not known whether it was under secure boot.
        let is_usual = secure.is_none() && machine.is_usual();
        if is_usual && tested::has_passed(out, manifest, *mode) {
            terminal.note(&as_before(&format!("boot {}", mode.as_str())));
            continue;
        }
        let subject = Subject { disk: &disk, of: Some((out, manifest)) };
        let mut reports = Vec::new();
        machine.test(subject, *mode, secure, &mut reports, terminal)?;
        if !reports.iter().all(Report::passed) {
            let message = "the image boots, and is not as it must be";
            return Err(Failure::new(Exit::Failed, message));
        }
    }
    Ok(())
}

fn summary(built: &Built, out: &str) -> String {
    let manifest = &built.manifest;
    let driver = manifest.driver.as_ref().map_or_else(String::new, |driver| {
        format!(", NVIDIA {} ({} modules)", driver.version, driver.flavour)
    });
    format!(
        "{name} {digest}\n  {out}/disk.raw: {size} MB, {packages} packages, kernel {kernel}{driver}\n",
        name = manifest.name,
        digest = built.digest,
        size = manifest.disk.bytes / 1_000_000,
        packages = manifest.packages.len(),
        kernel = manifest.kernel,
    )
}
