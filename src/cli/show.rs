use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::{applying, plan_file};
use crate::render::plan as render;
use std::path::PathBuf;

/// Show a saved plan
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A plan saved by `plan --out`
    file: PathBuf,
    /// Print it as JSON (see `floodway schema plan`)
    #[arg(long)]
    json: bool,
    /// Show new things whole
    #[arg(long, short)]
    verbose: bool,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let plan = plan_file::read(&args.file)?;
    if args.json {
        terminal.print(&super::schema::pretty(&render::json(&plan)));
    } else {
        applying::show_plan(&plan, terminal, args.verbose);
    }
    Ok(Exit::Done)
}
