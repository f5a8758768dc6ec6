use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::{Global, applying, connect, decision_log, repository};
use crate::pipeline;
use crate::render::status::{self, StatusView};

/// Show what runs now: pools, nodes, GPUs, replicas, and what is wrong
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A name under environments/, or a path
    env: String,
    /// Print it as JSON (see `floodway schema status`)
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    let located = repository::locate(&args.env)?;
    applying::block_on(async {
        let session = connect::session(&located, global, terminal).await?;
        let seen = pipeline::look(&session, []).await?;
        let environment = &session.resolved.environment;
        let view = StatusView::new(&session.mark, environment, &seen.decision, &seen.inventory);
        let view = match pipeline::hands(&session).await {
            Ok(hands) => view.with_hands(&hands.unwrap_or_default()),
            // What runs can be told all the same.
            Err(pipeline::Error::Place(error)) => view.without_hands(&error),
            Err(error) => return Err(error.into()),
        };
        let view = match environment.controlled_stages().is_empty() {
            true => view,
            false => {
                let (root, name) = (located.files.root(), environment.environment.name.as_str());
                let last = decision_log::last(root, name)?;
                view.with_decision(&decision_log::shown(name), last.as_ref())
            }
        };
        if args.json {
            terminal.print(&super::schema::pretty(&view));
        } else {
            terminal.print(&status::text(&view, &terminal.out));
        }
        Ok(Exit::Done)
    })
}
