use super::exit::{Exit, Failure};
use super::journal_file::{self, Which};
use super::repository;
use super::terminal::Terminal;
use crate::execute::History;
use crate::render::journal::{self, JournalView};

/// Tell what the last apply did, and what it was at if it was cut off
///
/// Reads the journal under .floodway/ and nothing else. Losing it loses only
/// this account: a plan is made from the live world alone.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A name under environments/, or a path
    env: String,
    /// Of the apply before the last one
    #[arg(long)]
    before: bool,
    /// Print it as JSON (see `floodway schema journal`)
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let located = repository::locate(&args.env)?;
    let resolved = located.resolve(terminal)?;
    let environment = located.mark(&resolved).environment;
    let root = located.files.root();
    let which = if args.before { Which::Before } else { Which::Last };
    let history = journal_file::read(root, &environment, which)?.map(|text| History::read(&text));
    let earlier = journal_file::path(root, &environment, Which::Before);
    let more = (which == Which::Last && earlier.exists())
        .then(|| format!("floodway journal {} --before", args.env));
    let file = journal_file::path(root, &environment, which);
    let file = file.strip_prefix(root).unwrap_or(&file).display().to_string();
    let view = JournalView::new(&environment, file, history.as_ref(), more);
    if args.json {
        terminal.print(&super::schema::pretty(&view));
    } else {
        terminal.print(&journal::text(&view, &terminal.out));
    }
    Ok(Exit::Done)
}
