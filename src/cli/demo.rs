use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::{Cli, Global};
use clap::Parser;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Plan, apply and show status, then play a day of bursts, on the embedded simulator
///
/// Needs no cluster, no cloud and no account: the environments and their worlds are
/// inside this program. The day takes one to one and a half minutes on two cores.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Keep the environments, their worlds and what was decided in this new folder,
    /// to go on with `status`, `why` and `top`
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

/// What the demonstration runs.
const FILES: [(&str, &str); 4] = [
    ("base.toml", include_str!("../../environments/base.toml")),
    ("demo.toml", include_str!("../../environments/demo.toml")),
    ("day.toml", include_str!("../../environments/day.toml")),
    ("scenarios/day.toml", include_str!("../../environments/scenarios/day.toml")),
];

const SCENARIO: &str = "environments/scenarios/day.toml";

/// The commands, each with what to look for in what it prints.
const TOUR: [(&str, &[&str]); 6] = [
    (
        "What would have to be made, why, and what it would cost.",
        &["plan", "demo", "--out", "demo.plan"],
    ),
    (
        "Make exactly that so. In the simulated world minutes pass in a moment.",
        &["apply", "demo.plan"],
    ),
    ("Nothing is left to do: the world is as the file says.", &["plan", "demo"]),
    ("What runs now.", &["status", "demo"]),
    (
        "Now a world whose load changes, and a day of the controller in it: it looks ahead,\n\
         # bursts to AWS before on-prem is full, goes around an instance type that AWS has no\n\
         # more of, and gives everything back in the evening.",
        &["run", "day", "--for", "24h", "--time-scale", "86400", "--scenario", SCENARIO],
    ),
    (
        "Why it did what it did, at any time: here, as the second instance type was taken.",
        &["why", "day", "--at", "2026-01-01T11:50:00Z"],
    ),
];

/// What happens unseen before the day begins.
const BEFORE_THE_DAY: &[&str] = &["apply", "day", "--yes", "--scenario", SCENARIO];

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    let folder = Folder::new(args.into.as_deref())?;
    let global = Global { chdir: Some(folder.path().to_owned()), ..global.clone() };
    for (what, command) in TOUR {
        if command[0] == "run" {
            let exit = one(BEFORE_THE_DAY, &global, &terminal.silenced())?;
            if exit != Exit::Done {
                return Ok(exit);
            }
        }
        terminal.print(&format!("# {what}\n$ floodway {}\n\n", command.join(" ")));
        let exit = one(command, &global, terminal)?;
        terminal.print("\n");
        if exit != Exit::Done {
            return Ok(exit);
        }
    }
    terminal.print(&folder.farewell());
    Ok(Exit::Done)
}

fn one(command: &[&str], global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    let words = std::iter::once("floodway").chain(command.iter().copied());
    let mut cli = Cli::try_parse_from(words).map_err(|error| Failure::usage(error.to_string()))?;
    let scenario = cli.global.scenario.take();
    cli.global = Global { scenario, ..global.clone() };
    super::run(&cli, terminal)
}

/// Where it is played.
enum Folder {
    Passing(TempDir),
    Kept { path: PathBuf, named: PathBuf },
}

impl Folder {
    fn new(into: Option<&Path>) -> Result<Self, Failure> {
        let folder = match into {
            None => {
                let folder = tempfile::Builder::new().prefix("floodway-demo-").tempdir();
                Self::Passing(
                    folder
                        .map_err(|error| Failure::file(Path::new("/tmp"), "has no room", &error))?,
                )
            }
            Some(into) => {
                let made = fs::create_dir(into).and_then(|()| into.canonicalize());
                let path = made.map_err(|error| Failure::file(into, "cannot be made", &error))?;
                Self::Kept { path, named: into.to_owned() }
            }
        };
        let environments = folder.path().join("environments");
        let write = || {
            fs::create_dir_all(environments.join("scenarios"))?;
            FILES.iter().try_for_each(|(name, text)| fs::write(environments.join(name), text))
        };
        write().map_err(|error: io::Error| {
            Failure::file(&environments, "cannot be written", &error)
        })?;
        Ok(folder)
    }

    fn path(&self) -> &Path {
        match self {
            Self::Passing(folder) => folder.path(),
            Self::Kept { path, .. } => path,
        }
    }

    fn farewell(&self) -> String {
        match self {
            Self::Passing(_) => "\
                These were environments/demo.toml and day.toml, and they are gone.\n\
                `floodway demo --into DIR` keeps them, to go on with:\n\
                \x20 floodway top day --at 2026-01-01T12:20:00Z          the day as it was then\n\
                \x20 floodway why day --at 2026-01-01T18:10:00Z          any decision of it\n\
                Make an environment of your own with `floodway init NAME`.\n"
                .to_owned(),
            Self::Kept { named, .. } => format!(
                "Go on in {}:\n\
                 \x20 floodway top day --at 2026-01-01T12:20:00Z          the day as it was then\n\
                 \x20 floodway why day --at 2026-01-01T18:10:00Z          any decision of it\n\
                 Make an environment of your own with `floodway init NAME`.\n",
                named.display()
            ),
        }
    }
}
