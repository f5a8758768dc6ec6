//! The machine that an image is tested on, and what is noted of the test.

use super::super::exit::{Exit, Failure};
use super::super::terminal::Terminal;
use super::booting::Booting;
use super::tested;
use node_image::boot::{Accelerator, Bus, Error, Options, Progress, Report, Rig};
use node_image::card::{Boot, BootMode, Manifest};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// By how many GiB the volume grows from one start to the next: by so much that a `/var`
/// which stays as it was is seen at once.
const GROWTH_GIB: u32 = 4;
/// Virtual CPUs, unless somebody asks for others.
const CPUS: u32 = 2;

/// The machine that an image is tested on.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Machine {
    /// By which firmware; without it, by one after the other
    #[arg(long, value_enum, value_name = "MODE")]
    mode: Option<Mode>,
    /// Where the disk is attached; elsewhere than at NVMe it is not noted in boot.json
    #[arg(long, value_enum, value_name = "BUS", default_value = "nvme")]
    bus: At,
    /// Which disk of the build; without it the raw one, which alone is noted in boot.json
    #[arg(long, value_enum, value_name = "FORM")]
    disk: Option<Form>,
    /// How often it is started: each further time from the volume that was started before
    /// and is 4 GiB larger now, whose /var must be kept and have the new room
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=9))]
    starts: u32,
    /// What runs the machine
    #[arg(long, value_enum, value_name = "WHAT", default_value = "auto")]
    accelerator: Runs,
    /// Virtual CPUs
    #[arg(long, value_name = "N", default_value_t = CPUS, value_parser = clap::value_parser!(u32).range(1..=64))]
    cpus: u32,
    /// Seconds that one start may take
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    limit: u64,
    /// Seconds that the machine may take to go off; without it 20 by KVM and 60 emulated,
    /// and 30 more where the agent cannot ask its engine what is in flight
    #[arg(long, value_name = "SECONDS")]
    power_off_limit: Option<u64>,
    /// Write what the console shows into this file, one start after the other
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum At {
    /// As EC2's volumes are
    Nvme,
    /// As on virtual machines elsewhere
    Virtio,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// disk.raw, which is published
    Raw,
    /// disk.qcow2, for virtual machines elsewhere
    Qcow2,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Runs {
    /// KVM where it works, else emulation
    Auto,
    /// The processor itself
    Kvm,
    /// Emulation: slow, and everywhere
    Emulated,
}

/// What is started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'s> {
    pub(super) disk: &'s Path,
    /// The build that it is of, and the build's folder.
    pub(super) of: Option<(&'s Path, &'s Manifest)>,
}

/// Secure boot, by one certificate alone.
#[derive(Debug)]
pub(super) struct Secure {
    /// PEM or DER.
    pub(super) certificate: PathBuf,
    /// Whether the build is known to be signed by its key.
    pub(super) is_own: bool,
}

impl Machine {
    /// Before the first start: its console is to stand alone in the file.
    pub(super) fn begin(&self) -> Result<(), Failure> {
        let Some(console) = &self.console else { return Ok(()) };
        let made = File::create(console);
        made.map(drop).map_err(|error| Failure::file(console, "cannot be written", &error))
    }

    /// By what it is started, one after the other.
    pub(super) fn modes(&self) -> &'static [BootMode] {
        match self.mode {
            Some(Mode::Uefi) => &[BootMode::Uefi],
            Some(Mode::LegacyBios) => &[BootMode::LegacyBios],
            None => &[BootMode::Uefi, BootMode::LegacyBios],
        }
    }

    /// The disk of the build in `folder`.
    pub(super) fn disk_in(&self, folder: &Path) -> PathBuf {
        folder.join(match self.disk {
            None | Some(Form::Raw) => "disk.raw",
            Some(Form::Qcow2) => "disk.qcow2",
        })
    }

    /// A disk that is no build's.
    pub(super) fn disk_at(&self, file: &Path) -> Result<PathBuf, Failure> {
        match self.disk {
            None => Ok(file.to_owned()),
            Some(_) => Err(Failure::usage("--disk chooses between the two of a build's folder")
                .help("name the folder, or leave --disk out: a file says itself what it is")),
        }
    }

    /// Whether it is started as it is when nobody asks for anything but a firmware: what is
    /// noted of such a test need not be seen again.
    pub(super) fn is_usual(&self) -> bool {
        let is_as_published = self.bus == At::Nvme && self.disk != Some(Form::Qcow2);
        let is_plain = self.cpus == CPUS && self.accelerator == Runs::Auto;
        let is_watched = self.power_off_limit.is_some() || self.console.is_some();
        is_as_published && is_plain && self.starts == 1 && !is_watched
    }

    /// Starts a disk as often as is asked, or until it is not as it must be; tells how it
    /// went, and notes it in the folder of the build. Each start that is over is among the
    /// `reports`, also where a later one fails.
    pub(super) fn test(
        &self,
        subject: Subject<'_>,
        boot_mode: BootMode,
        secure: Option<&Secure>,
        reports: &mut Vec<Report>,
        terminal: &Terminal,
    ) -> Result<(), Failure> {
        let Subject { disk, of } = subject;
        let expected = of.map(|(_, manifest)| manifest.clone());
        let certificate = secure.map(|secure| secure.certificate.clone());
        let options = Options { expected, ..self.with(boot_mode, certificate) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| Failure::file(disk, "cannot be booted", &e))?;
        let booting = Booting::new(boot_mode, terminal);
        let tell = |progress: Progress| booting.tell(&progress);
        let mut starts: Vec<(bool, Option<f64>)> = Vec::new();
        let ended: Result<(), Error> = runtime.block_on(async {
            let mut rig = Rig::set_up(disk, &options, &tell).await?;
            for start in 1..=self.starts {
                if start > 1 {
                    rig.grow(GROWTH_GIB).await?;
                }
                let report = rig.start(&tell).await?;
                booting.say(&told(&report, disk));
                let passed = report.passed();
                starts.push((passed, report.ready_seconds));
                reports.push(report);
                // Of what went wrong once, a further start tells nothing.
                if !passed {
                    break;
                }
            }
            Ok(())
        });
        let never_came_up = starts.is_empty() && ended.is_err();
        let noted = match (of, outcome(&starts, ended.as_ref().err(), booting.is_by_kvm())) {
            (Some((folder, manifest)), Some(boot))
                if self.is_noted(secure, manifest.signed, never_came_up) =>
            {
                tested::note(folder, manifest, boot_mode, boot)
            }
            _ => Ok(()),
        };
        ended.map_err(|error| failed(&error, starts.len()))?;
        noted
    }

    /// Whether what comes of it says how the build starts on EC2: the one disk that is
    /// published, attached as it is there. `never_came_up`: not even at its first start.
    fn is_noted(&self, secure: Option<&Secure>, is_signed: bool, never_came_up: bool) -> bool {
        let says_something = match secure {
            None => true,
            // That nothing unsigned starts under secure boot says nothing of a disk, and
            // neither does what a certificate forbids that may be another key's.
            Some(secure) => is_signed && (secure.is_own || !never_came_up),
        };
        says_something && self.bus == At::Nvme && self.disk != Some(Form::Qcow2)
    }

    /// As the boot test takes it.
    fn with(&self, boot_mode: BootMode, secure_boot: Option<PathBuf>) -> Options {
        let accelerator = match self.accelerator {
            Runs::Auto => Accelerator::Auto,
            Runs::Kvm => Accelerator::Kvm,
            Runs::Emulated => Accelerator::Emulated,
        };
        Options {
            boot_mode,
            accelerator,
            bus: match self.bus {
                At::Nvme => Bus::Nvme,
                At::Virtio => Bus::Virtio,
            },
            cpus: self.cpus,
            limit: Duration::from_secs(self.limit),
            power_off_limit: self.power_off_limit.map(Duration::from_secs),
            secure_boot,
            console: self.console.clone(),
            ..Options::default()
        }
    }
}

/// What is noted of a test in which each start passed or not, with an agent that was ready
/// so many seconds after power-on, until one gave no report, if any; none: nothing.
fn outcome(starts: &[(bool, Option<f64>)], error: Option<&Error>, kvm: bool) -> Option<Boot> {
    let passed = match error {
        None => starts.iter().all(|(passed, _)| *passed),
        Some(Error::Boot(_)) => false,
        // What failed is the machine that tests it.
        Some(_) => return None,
    };
    // A new node's start is the first one: the others find /var made.
    let ready_seconds = starts.first().and_then(|(_, ready)| *ready);
    Some(Boot { passed, kvm, ready_seconds })
}

/// Why there is no report of the start after those that are `over`.
fn failed(error: &Error, over: usize) -> Failure {
    let exit = match error {
        Error::Missing { .. } | Error::NoKvm(_) | Error::Given { .. } => Exit::Usage,
        _ => Exit::Failed,
    };
    let failure = Failure::new(
        exit,
        match over {
            0 => error.to_string(),
            over => format!("start {}: {error}", over + 1),
        },
    );
    match error.help() {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// Phases and checks of one start, for a reader.
fn told(report: &Report, disk: &Path) -> String {
    let how = match report.accelerator {
        Accelerator::Emulated => "emulated",
        Accelerator::Kvm | Accelerator::Auto => "KVM",
    };
    let bus = match report.bus {
        Bus::Nvme => "NVMe",
        Bus::Virtio => "virtio",
    };
    let disk = disk.file_name().unwrap_or_default().display();
    let secure = if report.secure_boot { ", secure boot" } else { "" };
    let (mode, cpus) = (report.boot_mode.as_str(), report.cpus);
    let mut text = format!("  boot by {mode}{secure} ({disk} on {bus}, {how}, {cpus} CPUs)");
    if report.start > 1 {
        text += &format!(", start {} of the same volume", report.start);
    }
    text.push('\n');
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;
    use node_image::boot::Failure as NoBoot;

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        machine: Machine,
    }

    fn machine(arguments: &[&str]) -> Machine {
        let all = ["boot"].iter().chain(arguments).copied();
        Command::try_parse_from(all).unwrap().machine
    }

    #[test]
    fn without_a_mode_it_is_started_by_both() {
        assert_eq!(machine(&[]).modes(), [BootMode::Uefi, BootMode::LegacyBios]);
        assert_eq!(machine(&["--mode", "legacy-bios"]).modes(), [BootMode::LegacyBios]);
    }

    #[test]
    fn what_is_noted_is_of_the_disk_that_is_published_as_ec2_attaches_it() {
        let noted = |arguments: &[&str]| machine(arguments).is_noted(None, false, true);
        assert!(noted(&[]) && noted(&["--disk", "raw", "--bus", "nvme", "--starts", "2"]));
        assert!(!noted(&["--disk", "qcow2"]) && !noted(&["--bus", "virtio"]));
        let disk = |arguments: &[&str]| machine(arguments).disk_in(Path::new("out"));
        assert_eq!(disk(&[]), Path::new("out/disk.raw"));
        assert_eq!(disk(&["--disk", "qcow2"]), Path::new("out/disk.qcow2"));
        let file = Path::new("some.qcow2");
        assert_eq!(machine(&[]).disk_at(file).unwrap(), file);
        assert_eq!(machine(&["--disk", "raw"]).disk_at(file).unwrap_err().exit, Exit::Usage);
    }

    #[test]
    fn what_a_certificate_forbids_is_noted_where_the_build_is_signed_by_its_key() {
        let noted = |is_own, is_signed, never_came_up| {
            let secure = Secure { certificate: "certificate.pem".into(), is_own };
            machine(&[]).is_noted(Some(&secure), is_signed, never_came_up)
        };
        for is_own in [true, false] {
            assert!(noted(is_own, true, false) && !noted(is_own, false, false), "{is_own}");
        }
        assert!(noted(true, true, true), "it was to start");
        assert!(!noted(false, true, true), "whose certificate that is, nobody knows");
    }

    #[test]
    fn only_a_test_as_everybody_makes_it_need_not_be_made_again() {
        for usual in [&["--mode", "uefi"][..], &[], &["--disk", "raw"], &["--limit", "900"]] {
            assert!(machine(usual).is_usual(), "{usual:?}");
        }
        for [name, value] in [
            ["--starts", "2"],
            ["--bus", "virtio"],
            ["--disk", "qcow2"],
            ["--cpus", "4"],
            ["--accelerator", "kvm"],
            ["--power-off-limit", "5"],
            ["--console", "console.txt"],
        ] {
            assert!(!machine(&[name, value]).is_usual(), "{name}");
        }
    }

    const GOOD: (bool, Option<f64>) = (true, Some(9.25));
    const QUICK: (bool, Option<f64>) = (true, Some(8.0));
    const BAD: (bool, Option<f64>) = (false, Some(8.0));

    #[test]
    fn a_build_has_passed_when_every_start_has_and_is_as_fast_as_its_first() {
        let noted = |starts: &[_]| {
            let boot = outcome(starts, None, true).unwrap();
            (boot.passed, boot.kvm, boot.ready_seconds)
        };
        assert_eq!(noted(&[GOOD]), (true, true, Some(9.25)));
        assert_eq!(noted(&[GOOD, QUICK]), (true, true, Some(9.25)));
        assert_eq!(noted(&[GOOD, BAD]), (false, true, Some(9.25)));
        assert_eq!(noted(&[(false, None)]), (false, true, None));
    }

    #[test]
    fn a_start_that_does_not_come_up_fails_the_build_and_a_machine_that_cannot_test_does_not() {
        let why = NoBoot {
            why: "the kernel panicked".to_owned(),
            after: Duration::from_secs(1),
            requests: 0,
            console: Vec::new(),
            qemu: String::new(),
        };
        let panicked = Error::Boot(Box::new(why));
        let boot = outcome(&[GOOD], Some(&panicked), false).unwrap();
        assert_eq!((boot.passed, boot.ready_seconds), (false, Some(9.25)));
        assert!(!outcome(&[], Some(&panicked), false).unwrap().passed);
        let said = format!("{:?}", failed(&panicked, 1).view);
        assert!(said.contains("start 2: the disk does not boot"), "{said}");
        let no_kvm = Error::NoKvm("there is no /dev/kvm".to_owned());
        assert_eq!(outcome(&[GOOD], Some(&no_kvm), false), None);
        assert_eq!(failed(&no_kvm, 0).exit, Exit::Usage);
    }
}
