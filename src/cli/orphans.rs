use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::{Global, applying, connect, repository};
use crate::pipeline;
use crate::plan::orphans;
use crate::render::orphans::{self as render, OrphansView};

/// List what carries Floodway's marks and no environment here claims
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment whose places to search: a name under environments/, or a path
    env: String,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    let located = repository::locate(&args.env)?;
    let found = applying::block_on(async {
        let session = connect::session(&located, global, terminal).await?;
        let everything = pipeline::search(&session).await?;
        let mut claimed = vec![located.claim(Some(&session.resolved))];
        for name in repository::all().unwrap_or_default() {
            // An environment that cannot be read still claims what is its own.
            let other = repository::locate(&name)?;
            claimed.push(other.claim(other.resolve(terminal).ok().as_ref()));
        }
        Ok((orphans(&everything, &claimed, &session.catalog), everything.gaps))
    })?;
    let (found, gaps) = found;
    let unseen: Vec<_> = gaps.iter().filter(|gap| gap.hides_members).collect();
    for gap in &unseen {
        terminal.note(&format!("warning: {} could not be looked at: {}\n", gap.what, gap.why));
    }
    let view = OrphansView::new(&found);
    if args.json {
        terminal.print(&super::schema::pretty(&view));
    } else {
        terminal.print(&render::text(&view, &terminal.out));
    }
    // What nobody could see may be there.
    Ok(if unseen.is_empty() { Exit::Done } else { Exit::Failed })
}
