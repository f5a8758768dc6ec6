use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::{Global, applying, connect, repository};
use crate::pipeline;
use crate::render::drift::{self as render, DriftView};

/// Show what others changed since the last apply, where git owns it
///
/// What only the file changed is no drift: `plan` shows it. What could not be
/// read is told, and is never taken for no drift: the exit code is 1 then.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A name under environments/, or a path
    env: String,
    /// Exit with 2 if there is drift, or may be
    #[arg(long)]
    detailed_exitcode: bool,
    /// Print it as JSON (see `floodway schema drift`)
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    let located = repository::locate(&args.env)?;
    let view = applying::block_on(async {
        let session = connect::session(&located, global, terminal).await?;
        let drift = pipeline::find_drift(&session).await?;
        Ok(DriftView::new(&session.mark, &drift))
    })?;
    if args.json {
        terminal.print(&super::schema::pretty(&view));
    } else {
        terminal.print(&render::text(&view, &terminal.out));
    }
    Ok(match (view.drift && args.detailed_exitcode, view.unseen.is_empty()) {
        (true, _) => Exit::Changes,
        (false, true) => Exit::Done,
        (false, false) => Exit::Failed,
    })
}
