use super::super::exit::{Exit, Failure};
use super::super::terminal::Terminal;
use super::recipe::manifest;
use super::tested;
use node_image::boot::{Accelerator, Bus, Error, Options, Progress, Report, boot};
use node_image::card::{Boot, BootMode, Manifest};
use std::cell::Cell;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Boot an image in QEMU, and look at it from outside and inside
///
/// The disk is not written to. The machine meets a metadata service and a volume as
/// an instance does; what the image's own probe sees is judged, and the time of each
/// phase printed. In the folder of a build it is noted in boot.json, without which the
/// build is not published.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder that `image build` wrote, or a raw disk
    image: PathBuf,
    /// By which firmware; without it, by one after the other
    #[arg(long, value_enum, value_name = "MODE")]
    mode: Option<Mode>,
    /// Secure boot, by this certificate alone (PEM or DER)
    #[arg(long, value_name = "FILE")]
    secure_boot: Option<PathBuf>,
    #[command(flatten)]
    machine: Machine,
    /// Print the reports as JSON
    #[arg(long)]
    json: bool,
}

/// The machine that an image is tested on.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Machine {
    /// What runs the machine
    #[arg(long, value_enum, value_name = "WHAT", default_value = "auto")]
    accelerator: Runs,
    /// Virtual CPUs
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    cpus: u32,
    /// Seconds that one boot may take
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    limit: u64,
    /// Seconds that the machine may take to go off; without it 20 by KVM and 60 emulated,
    /// and 30 more where the agent cannot ask its engine what is in flight
    #[arg(long, value_name = "SECONDS")]
    power_off_limit: Option<u64>,
    /// Write what the console shows into this file, one boot after the other
    #[arg(long, value_name = "FILE")]
    console: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Mode {
    /// By UEFI
    Uefi,
    /// By a BIOS, as p4d and p4de do
    LegacyBios,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Runs {
    /// KVM where it works, else emulation
    Auto,
    /// The processor itself
    Kvm,
    /// Emulation: slow, and everywhere
    Emulated,
}

impl Machine {
    /// Before the first boot: its console is to stand alone in the file.
    pub(super) fn begin(&self) -> Result<(), Failure> {
        let Some(console) = &self.console else { return Ok(()) };
        let made = File::create(console);
        made.map(drop).map_err(|error| Failure::file(console, "cannot be written", &error))
    }

    /// As the boot test takes it.
    pub(super) fn with(&self, boot_mode: BootMode, secure_boot: Option<PathBuf>) -> Options {
        let accelerator = match self.accelerator {
            Runs::Auto => Accelerator::Auto,
            Runs::Kvm => Accelerator::Kvm,
            Runs::Emulated => Accelerator::Emulated,
        };
        Options {
            boot_mode,
            accelerator,
            bus: Bus::Nvme,
            cpus: self.cpus,
            limit: Duration::from_secs(self.limit),
            power_off_limit: self.power_off_limit.map(Duration::from_secs),
            secure_boot,
            console: self.console.clone(),
            ..Options::default()
        }
    }
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let (disk, built) = if args.image.is_dir() {
        (args.image.join("disk.raw"), Some(manifest(&args.image)?))
    } else {
        (args.image.clone(), None)
    };
    let of = built.as_ref().map(|manifest| (args.image.as_path(), manifest));
    let modes = match (args.mode, &args.secure_boot) {
        (Some(Mode::LegacyBios), Some(_)) => {
            return Err(Failure::usage("a BIOS knows no secure boot"));
        }
        (Some(Mode::LegacyBios), None) => vec![BootMode::LegacyBios],
        (Some(Mode::Uefi), _) | (None, Some(_)) => vec![BootMode::Uefi],
        (None, None) => vec![BootMode::Uefi, BootMode::LegacyBios],
    };
    args.machine.begin()?;
    let mut reports = Vec::new();
    for mode in modes {
        let options = args.machine.with(mode, args.secure_boot.clone());
        reports.push(test(&disk, &options, of, terminal)?);
    }
    if args.json {
        terminal.print(&super::super::schema::pretty(&reports));
    }
    if reports.iter().all(Report::passed) {
        return Ok(Exit::Done);
    }
    Err(Failure::new(Exit::Failed, "the image boots, and is not as it must be"))
}

/// Boots a disk, tells how it went, and notes it in the folder of the build that it is
/// `of`.
pub(super) fn test(
    disk: &Path,
    options: &Options,
    of: Option<(&Path, &Manifest)>,
    terminal: &Terminal,
) -> Result<Report, Failure> {
    let expected = of.map(|(_, manifest)| manifest.clone());
    let options = Options { expected, ..options.clone() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Failure::file(disk, "cannot be booted", &e))?;
    let kvm = Cell::new(false);
    let tell = |progress: Progress| {
        let Progress::Accelerator(chosen, why) = progress else { return };
        kvm.set(chosen == Accelerator::Kvm);
        if let (Accelerator::Emulated, Some(why)) = (chosen, why) {
            terminal.note(&format!("  emulated, which is slow: {why}\n"));
        }
    };
    let booted = runtime.block_on(boot(disk, &options, tell));
    let noted = note(&booted, kvm.get(), &options, of);
    let report = booted.map_err(failed)?;
    terminal.note(&told(&report));
    noted.map(|()| report)
}

/// Notes what came of it, also where that is nothing good.
fn note(
    booted: &Result<Report, Error>,
    kvm: bool,
    options: &Options,
    of: Option<(&Path, &Manifest)>,
) -> Result<(), Failure> {
    let Some((folder, manifest)) = of else { return Ok(()) };
    // That nothing unsigned starts under secure boot says nothing of a disk.
    if options.secure_boot.is_some() && !manifest.signed {
        return Ok(());
    }
    let (passed, ready_seconds) = match booted {
        Ok(report) => (report.passed(), report.ready_seconds),
        Err(Error::Boot(_)) => (false, None),
        // What failed is the machine that tests it.
        Err(_) => return Ok(()),
    };
    let boot = Boot { passed, kvm, ready_seconds };
    tested::note(folder, manifest, options.boot_mode, boot)
}

fn failed(error: Error) -> Failure {
    let exit = match &error {
        Error::Missing { .. } | Error::NoKvm(_) | Error::Given { .. } => Exit::Usage,
        _ => Exit::Failed,
    };
    let failure = Failure::new(exit, error.to_string());
    match error.help() {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// Phases and checks, for a reader.
fn told(report: &Report) -> String {
    let how = match report.accelerator {
        Accelerator::Emulated => "emulated",
        Accelerator::Kvm | Accelerator::Auto => "KVM",
    };
    let secure = if report.secure_boot { ", secure boot" } else { "" };
    let cpus = report.cpus;
    let mut text =
        format!("  boot by {}{secure} ({how}, {cpus} CPUs)\n", report.boot_mode.as_str());
    for phase in &report.phases {
        let (at, took) = (phase.over_seconds, phase.took_seconds);
        text += &format!("    {:<24}{at:>7.2} s  (+{took:.2})\n", phase.name);
    }
    if let Some(ready) = report.ready_seconds {
        text += &format!("    {:<24}{ready:>7.2} s\n", "agent ready");
    }
    for check in &report.checks {
        let verdict = if check.passed { "ok" } else { "FAILED" };
        text += &format!("    {:<24}{verdict:<7} {}\n", check.name, check.detail);
    }
    text
}
