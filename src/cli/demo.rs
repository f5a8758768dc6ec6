use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::{Cli, Global};
use clap::Parser;
use std::path::Path;

/// Plan, apply, plan again and show status, on the embedded simulator
///
/// Needs no cluster, no cloud and no account: the environment and the world are
/// inside this program.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// The environment that the demonstration runs.
const FILES: [(&str, &str); 2] = [
    ("base.toml", include_str!("../../environments/base.toml")),
    ("demo.toml", include_str!("../../environments/demo.toml")),
];

/// The commands, each with what to look for in what it prints.
const TOUR: [(&str, &[&str]); 4] = [
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
];

pub(super) fn run(_: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    let folder = tempfile::Builder::new().prefix("floodway-demo-").tempdir();
    let folder = folder.map_err(|error| Failure::file(Path::new("/tmp"), "has no room", &error))?;
    let environments = folder.path().join("environments");
    let write = || {
        std::fs::create_dir(&environments)?;
        FILES.iter().try_for_each(|(name, text)| std::fs::write(environments.join(name), text))
    };
    write().map_err(|error: std::io::Error| {
        Failure::file(&environments, "cannot be written", &error)
    })?;
    for (what, command) in TOUR {
        terminal.print(&format!("# {what}\n$ floodway {}\n\n", command.join(" ")));
        let parsed =
            Cli::try_parse_from(std::iter::once("floodway").chain(command.iter().copied()));
        let mut cli = parsed.map_err(|error| Failure::usage(error.to_string()))?;
        cli.global = Global { chdir: Some(folder.path().to_owned()), ..global.clone() };
        let exit = super::run(&cli, terminal)?;
        terminal.print("\n");
        if exit != Exit::Done {
            return Ok(exit);
        }
    }
    terminal.print(
        "That was environments/demo.toml. Make an environment of your own with `floodway init NAME`,\n\
         or edit demo.toml and plan it again.\n",
    );
    Ok(Exit::Done)
}
