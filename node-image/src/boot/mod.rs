//! Boots a disk in QEMU and looks at it from outside and inside.
//!
//! The machine meets what an instance meets: a volume larger than the disk, a
//! network with a metadata service ([`imds`]) and with nobody else, and a port on
//! which the image's own probe tells what it sees ([`crate::facts`]). What it must be like
//! is judged here ([`Report::checks`]), and the machine powers itself off. The disk
//! is never written to.

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
mod run;
mod timeline;
mod tools;
mod verdict;

pub use error::{Error, Failure};
pub use options::{Accelerator, Bus, Options};
pub use report::{Check, Phase, PowerOff, Progress, Report};

use firmware::Firmware;
use machine::{Machine, RELAY, file};
use run::{Ended, Setup};
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::SystemTime;
use tokio::net::{TcpListener, UnixListener};
use tools::Tools;
use verdict::Evidence;

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
    let tools = Tools::find()?;
    let firmware = Firmware::find(options)?;
    let room = tempfile::Builder::new().prefix("floodway-boot-").tempdir();
    let room = room.map_err(|error| Error::host("make a folder for the machine", error))?;
    let folder = room.path();
    overlay::make(&tools, folder, disk, options.volume_gib).await?;
    let chosen = accelerator::choose(&tools, options.accelerator).await?;
    let accelerator = if chosen.kvm { Accelerator::Kvm } else { Accelerator::Emulated };
    progress(Progress::Accelerator(accelerator, chosen.why));

    let failed = |what: &'static str| move |error| Error::host(what, error);
    write(folder, file::RELAY, RELAY.as_bytes())?;
    if let Firmware::Uefi { variables, .. } = &firmware {
        write(folder, file::VARIABLES, variables)?;
    }
    let imds_listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let imds_listener = imds_listener.map_err(failed("listen for the metadata service"))?;
    let imds_port = imds_listener.local_addr().map_err(failed("listen on this machine"))?.port();
    let listen = |name: &str| {
        UnixListener::bind(folder.join(name)).map_err(|error| {
            Error::host(format!("listen at {}", folder.join(name).display()), error)
        })
    };
    let console = match &options.console {
        Some(path) => {
            let file = tokio::fs::File::options().create(true).append(true).open(path).await;
            Some(file.map_err(|error| {
                Error::host(format!("write the console to {}", path.display()), error)
            })?)
        }
        None => None,
    };
    let bash = &tools.bash;
    let machine = Machine { options, firmware: &firmware, kvm: chosen.kvm, bash, imds_port };
    let setup = Setup {
        tools: &tools,
        arguments: machine.arguments(),
        folder,
        imds: options.imds.clone(),
        imds_listener,
        port: listen(file::PORT)?,
        monitor: listen(file::MONITOR)?,
        console,
        limit: options.limit,
    };
    let ended = run::run(setup, &progress).await?;
    Ok(report(options, accelerator, ended))
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Error> {
    std::fs::write(folder.join(name), bytes)
        .map_err(|error| Error::host(format!("write {}", folder.join(name).display()), error))
}

fn report(options: &Options, accelerator: Accelerator, ended: Ended) -> Report {
    let Ended { told, told_after, off_after, reason, status } = ended;
    let power_off = PowerOff {
        reason,
        exit_code: status.and_then(|status| status.code()),
        took_seconds: off_after.as_secs_f64(),
    };
    let (phases, ready_seconds) = timeline::phases(&told.facts, told_after);
    let wall = told.wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let imds = &options.imds;
    let checks = verdict::checks(&Evidence {
        options,
        facts: &told.facts,
        imds,
        wall_seconds: wall.as_secs_f64(),
        kvm: accelerator == Accelerator::Kvm,
        power_off: &power_off,
    });
    Report {
        boot_mode: options.boot_mode,
        accelerator,
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
