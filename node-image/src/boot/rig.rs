//! A disk that is tested, on a volume of its own: set up once, started as often as is
//! wanted. What one start leaves on the volume, and in the firmware's variables, the next
//! one finds, as an instance does that was stopped.

use super::error::Error;
use super::firmware::Firmware;
use super::machine::{Machine, RELAY, file};
use super::options::{Accelerator, Options};
use super::report::{PowerOff, Progress, Report};
use super::run::{self, Ended, Setup};
use super::tools::Tools;
use super::verdict::{self, Evidence};
use super::{accelerator, overlay, timeline};
use crate::facts::Facts;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::SystemTime;
use tempfile::TempDir;
use tokio::fs::File;
use tokio::net::{TcpListener, UnixListener};

/// A disk on a volume, and all that it takes to start a machine from it.
#[derive(Debug)]
pub struct Rig<'o> {
    options: &'o Options,
    tools: Tools,
    firmware: Firmware,
    accelerator: Accelerator,
    /// Where the volume is, and all else that QEMU opens.
    room: TempDir,
    volume_gib: Option<u32>,
    /// What was told at each start so far.
    before: Vec<Facts>,
}

impl<'o> Rig<'o> {
    /// Looks for all that testing takes, and makes the volume.
    ///
    /// # Errors
    /// Something of the testing machine is missing or fails, or the disk cannot be
    /// tested so.
    pub async fn set_up(
        disk: &Path,
        options: &'o Options,
        progress: &impl Fn(Progress),
    ) -> Result<Self, Error> {
        let tools = Tools::find()?;
        let firmware = Firmware::find(options)?;
        let room = tempfile::Builder::new().prefix("floodway-boot-").tempdir();
        let room = room.map_err(|error| Error::host("make a folder for the machine", error))?;
        let volume_gib = options.volume_gib;
        overlay::make(&tools, room.path(), disk, volume_gib).await?;
        write(room.path(), file::RELAY, RELAY.as_bytes())?;
        if let Firmware::Uefi { variables, .. } = &firmware {
            write(room.path(), file::VARIABLES, variables)?;
        }
        let chosen = accelerator::choose(&tools, options.accelerator).await?;
        let accelerator = if chosen.kvm { Accelerator::Kvm } else { Accelerator::Emulated };
        progress(Progress::Accelerator(accelerator, chosen.why));
        Ok(Self { options, tools, firmware, accelerator, room, volume_gib, before: Vec::new() })
    }

    /// Makes the volume so much larger for the next start, in GiB. One that is as large as
    /// its disk, see [`Options::volume_gib`], stays so.
    ///
    /// # Errors
    /// It cannot be done.
    pub async fn grow(&mut self, more_gib: u32) -> Result<(), Error> {
        let Some(gib) = &mut self.volume_gib else { return Ok(()) };
        let wanted = gib.saturating_add(more_gib);
        overlay::grow(&self.tools, self.room.path(), wanted).await?;
        *gib = wanted;
        Ok(())
    }

    /// Starts it, and judges what was seen. The machine ends with the future, as
    /// [`boot`](super::boot)'s does. What the metadata service was asked before is forgotten.
    ///
    /// # Errors
    /// As [`boot`](super::boot).
    pub async fn start(&mut self, progress: &impl Fn(Progress)) -> Result<Report, Error> {
        let (options, folder) = (self.options, self.room.path());
        let failed = |what: &'static str| move |error| Error::host(what, error);
        let imds_listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let imds_listener = imds_listener.map_err(failed("listen for the metadata service"))?;
        let imds_port =
            imds_listener.local_addr().map_err(failed("listen on this machine"))?.port();
        let listen = |name: &str| {
            let path = folder.join(name);
            // The start before has left it there.
            let _ = std::fs::remove_file(&path);
            UnixListener::bind(&path)
                .map_err(|error| Error::host(format!("listen at {}", path.display()), error))
        };
        let machine = Machine {
            options,
            firmware: &self.firmware,
            kvm: self.accelerator == Accelerator::Kvm,
            bash: &self.tools.bash,
            imds_port,
        };
        options.imds.forget();
        let setup = Setup {
            tools: &self.tools,
            arguments: machine.arguments(),
            folder,
            imds: options.imds.clone(),
            imds_listener,
            port: listen(file::PORT)?,
            monitor: listen(file::MONITOR)?,
            console: console(options).await?,
            limit: options.limit,
        };
        let ended = run::run(setup, progress).await?;
        let report = self.report(ended);
        self.before.push(report.facts.clone());
        Ok(report)
    }

    fn report(&self, ended: Ended) -> Report {
        let Ended { told, told_after, off_after, reason, status } = ended;
        let power_off = PowerOff {
            reason,
            exit_code: status.and_then(|status| status.code()),
            took_seconds: off_after.as_secs_f64(),
        };
        let (phases, ready_seconds) = timeline::phases(&told.facts, told_after);
        let wall = told.wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let (options, imds) = (self.options, &self.options.imds);
        let checks = verdict::checks(&Evidence {
            options,
            facts: &told.facts,
            before: &self.before,
            volume_gib: self.volume_gib,
            imds,
            wall_seconds: wall.as_secs_f64(),
            kvm: self.accelerator == Accelerator::Kvm,
            power_off: &power_off,
        });
        Report {
            start: self.before.len() + 1,
            volume_gib: self.volume_gib,
            boot_mode: options.boot_mode,
            accelerator: self.accelerator,
            bus: options.bus,
            secure_boot: told.facts.secure_boot,
            cpus: options.cpus,
            memory_mib: options.memory_mib,
            phases,
            ready_seconds,
            power_off,
            checks,
            facts: *told.facts,
            imds_requests: imds.count(),
            imds_without_token: imds.without_token(),
        }
    }
}

/// The file that the console is written to, behind what is there.
async fn console(options: &Options) -> Result<Option<File>, Error> {
    let Some(path) = &options.console else { return Ok(None) };
    let file = File::options().create(true).append(true).open(path).await;
    file.map(Some)
        .map_err(|error| Error::host(format!("write the console to {}", path.display()), error))
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Error> {
    std::fs::write(folder.join(name), bytes)
        .map_err(|error| Error::host(format!("write {}", folder.join(name).display()), error))
}
