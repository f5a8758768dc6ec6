//! The command line: the only place that prints, exits and connects backends.

mod apply;
mod applying;
#[cfg_attr(not(feature = "serve"), allow(dead_code))]
mod board;
mod changed;
mod completions;
mod config;
mod connect;
mod decision_log;
mod demo;
mod destroy;
mod drift;
mod ending;
mod exit;
mod forecast;
mod hand;
mod hold;
mod home;
mod iam;
#[cfg(any(feature = "aws", feature = "image"))]
mod image;
mod import;
mod init;
mod install;
mod journal;
mod journal_file;
mod leading;
mod listen;
mod lock;
mod logging;
mod man;
mod options;
mod orphans;
mod output;
mod phase_watch;
mod plan;
mod plan_file;
mod prices;
mod progress;
mod prometheus;
mod promtool;
mod repository;
mod resume;
mod rollout;
mod run;
mod scale;
mod schema;
mod show;
mod signals;
mod starting;
mod status;
mod stream;
mod terminal;
mod top;
mod traces;
mod validate;
mod weights;
mod why;

use clap::{ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand};
use exit::{Exit, Failure};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use terminal::Terminal;

/// Keeps an LLM inference service answering when its own GPUs are full.
///
/// One TOML file per environment declares on-prem Kubernetes capacity, AWS
/// burst pools, the SLO and the rollout. `plan` shows, priced, what would
/// change; `apply` makes it so.
#[derive(Debug, Parser)]
#[command(name = "floodway", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
   0  done
   1  failed
   2  the plan has changes, or there is drift (only with --detailed-exitcode)
   3  exit criteria of the rollout's phase are not met yet
   4  an abort criterion of the rollout's phase is met
  10  stale plan: the world or the environment has changed since
  11  locked: another apply is under way
  12  refused by a guard
  13  partly applied
  64  wrong usage
  65  invalid environment";

/// Options of every command.
#[derive(Debug, Clone, clap::Args)]
struct Global {
    /// Run as if started in this folder
    #[arg(short = 'C', long, global = true, value_name = "DIR")]
    chdir: Option<PathBuf>,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
    /// The kubeconfig file; without it, $KUBECONFIG, ~/.kube/config or the pod's own account
    #[arg(long, global = true, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// What a new simulated world is like, and what happens in it
    #[arg(long, global = true, value_name = "FILE")]
    scenario: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Args),
    Validate(validate::Args),
    Config(config::Args),
    Plan(plan::Args),
    Apply(apply::Args),
    Show(show::Args),
    Status(status::Args),
    Run(run::Args),
    Why(why::Args),
    Top(top::Args),
    Signals(signals::Args),
    Destroy(destroy::Args),
    Drift(drift::Args),
    Import(import::Args),
    Orphans(orphans::Args),
    Prices(prices::Args),
    Forecast(forecast::Args),
    Journal(journal::Args),
    Lock(lock::Args),
    Hold(hold::Args),
    Scale(scale::Args),
    Resume(resume::Args),
    Rollout(rollout::Args),
    Iam(iam::Args),
    #[cfg(any(feature = "aws", feature = "image"))]
    Image(image::Args),
    Install(install::Args),
    Demo(demo::Args),
    Schema(schema::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    report_panics();
    start(std::env::args_os().collect())
}

fn start(arguments: Vec<OsString>) -> ExitCode {
    let cli = match parse(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Clap's own code for wrong usage would read as "the plan has changes".
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            let _ = error.print();
            return code.into();
        }
    };
    let terminal = Terminal::detect(cli.global.color);
    let exit = run(&cli, &terminal).unwrap_or_else(|failure| {
        terminal.complain(&failure);
        failure.exit
    });
    let lost = Terminal::lost_output();
    if let Some(error) = lost {
        let message = format!("standard output cannot be written: {error}");
        terminal.complain(&Failure::new(Exit::Failed, message));
    }
    exit.with_output(lost.is_some()).into()
}

fn parse(arguments: Vec<OsString>) -> Result<Cli, clap::Error> {
    let matches = Cli::command().try_get_matches_from(arguments)?;
    Cli::from_arg_matches(&matches)
}

fn run(cli: &Cli, terminal: &Terminal) -> Result<Exit, Failure> {
    let global = &cli.global;
    if let Some(folder) = &global.chdir {
        std::env::set_current_dir(folder).map_err(|error| {
            Failure::usage(format!("cannot change to {}: {error}", folder.display()))
        })?;
    }
    match &cli.command {
        Command::Init(args) => init::run(args, global, terminal),
        Command::Validate(args) => validate::run(args, terminal),
        Command::Config(args) => config::run(args, terminal),
        Command::Plan(args) => plan::run(args, global, terminal),
        Command::Apply(args) => apply::run(args, global, terminal),
        Command::Show(args) => show::run(args, terminal),
        Command::Status(args) => status::run(args, global, terminal),
        Command::Run(args) => run::run(args, global, terminal),
        Command::Why(args) => why::run(args, terminal),
        Command::Top(args) => top::run(args, global, terminal),
        Command::Signals(args) => signals::run(args, global, terminal),
        Command::Destroy(args) => destroy::run(args, global, terminal),
        Command::Drift(args) => drift::run(args, global, terminal),
        Command::Import(args) => import::run(args, global, terminal),
        Command::Orphans(args) => orphans::run(args, global, terminal),
        Command::Prices(args) => prices::run(args, terminal),
        Command::Forecast(args) => forecast::run(args, terminal),
        Command::Journal(args) => journal::run(args, terminal),
        Command::Lock(args) => lock::run(args, global, terminal),
        Command::Hold(args) => hold::run(args, global, terminal),
        Command::Scale(args) => scale::run(args, global, terminal),
        Command::Resume(args) => resume::run(args, global, terminal),
        Command::Rollout(args) => rollout::run(args, global, terminal),
        Command::Iam(args) => iam::run(args, terminal),
        #[cfg(any(feature = "aws", feature = "image"))]
        Command::Image(args) => image::run(args, terminal),
        Command::Install(args) => install::run(args, terminal),
        Command::Demo(args) => demo::run(args, global, terminal),
        Command::Schema(args) => schema::run(args, terminal),
        Command::Completions(args) => completions::run(args, terminal),
        Command::Man(args) => man::run(args, terminal),
    }
}

/// A panic is a defect of Floodway, and says so.
fn report_panics() {
    let standard = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        standard(info);
        terminal::note(
            "This is a defect of Floodway. Nothing that was not already begun is done.\n",
        );
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
