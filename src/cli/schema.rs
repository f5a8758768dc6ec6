use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use crate::render::schema;
use serde::Serialize;

/// Print a JSON Schema
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Of what
    #[arg(value_enum, default_value = "environment")]
    of: Of,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Of {
    /// An environment's TOML file
    Environment,
    /// `plan --json`
    Plan,
    /// `status --json`
    Status,
    /// `signals --json`
    Signals,
    /// `orphans --json`
    Orphans,
    /// `prices --json`
    Prices,
    /// `rollout render --format json`
    Rollout,
    /// `forecast score --json`
    Forecast,
    /// `drift --json`
    Drift,
    /// `image list --json`
    Images,
    /// `image prune --json`
    Prune,
    /// `journal --json`
    Journal,
    /// `lock show --json`
    Lock,
    /// `hold --json`, `scale --json`, `resume --json`
    Hands,
    /// `rollout status --json`, `rollout check --json`
    RolloutStatus,
    /// `rollout record --show --json`
    RolloutRecords,
    /// A line of `--json-into`
    Events,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    terminal.print(&match args.of {
        Of::Environment => pretty(&crate::spec::schema()),
        Of::Plan => pretty(&schema::plan()),
        Of::Status => pretty(&schema::status()),
        Of::Signals => pretty(&schema::signals()),
        Of::Orphans => pretty(&schema::orphans()),
        Of::Prices => pretty(&schema::prices()),
        Of::Rollout => pretty(&schema::rollout()),
        Of::Forecast => pretty(&schema::forecast()),
        Of::Drift => pretty(&schema::drift()),
        Of::Images => pretty(&schema::images()),
        Of::Prune => pretty(&schema::prune()),
        Of::Journal => pretty(&schema::journal()),
        Of::Lock => pretty(&schema::lock()),
        Of::Hands => pretty(&schema::hands()),
        Of::RolloutStatus => pretty(&schema::rollout_status()),
        Of::RolloutRecords => pretty(&schema::rollout_records()),
        Of::Events => pretty(&schema::events()),
    });
    Ok(Exit::Done)
}

/// JSON for people and programs, with a newline at its end.
pub(super) fn pretty(value: &impl Serialize) -> String {
    // Views are plain data: serde_json has nothing to refuse.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}
