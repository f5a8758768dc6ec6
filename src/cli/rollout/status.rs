use super::measuring::{Measuring, day, phase_or_live};
use crate::cli::exit::{Exit, Failure};
use crate::cli::repository::{self, Located};
use crate::cli::terminal::Terminal;
use crate::cli::{Global, applying, connect};
use crate::observe::Hands;
use crate::pipeline;
use crate::render::rollout::status::{self as render, Halts, RolloutStatusView};
use crate::rollout::standing;
use crate::spec::Resolved;

/// Show how a phase stands: each criterion, each step, and the time that is planned
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// A name under environments/, or a path
    env: String,
    /// The phase; without it, the live one
    #[arg(long, value_name = "PHASE")]
    phase: Option<String>,
    /// Print it as JSON (see `floodway schema rollout-status`)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    measuring: Measuring,
}

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    let located = repository::locate(&args.env)?;
    let resolved = located.resolve(terminal)?;
    let now = args.measuring.now()?;
    let overdue = resolved.overdue(day(now));
    if !overdue.is_empty() {
        terminal.diagnose(&overdue);
    }
    let environment = &resolved.environment;
    let phase = phase_or_live(environment, args.phase.as_deref())?;
    let (findings, halts) = applying::block_on(async {
        let findings = args.measuring.findings(environment, phase.as_ref(), now).await?;
        Ok((findings, halts(&located, &resolved, global, terminal).await))
    })?;
    let view = RolloutStatusView::new(&render::Input {
        file: &located.path,
        environment,
        phase: phase.as_ref(),
        findings: &findings,
        now,
        standing: standing(environment, now).as_ref(),
        halts: Some(&halts),
    });
    if args.json {
        terminal.print(&crate::cli::schema::pretty(&view));
    } else {
        terminal.print(&render::text(&view, &terminal.out));
    }
    Ok(Exit::Done)
}

/// What keeps the environment from being applied, as the live world says. What is
/// measured is shown all the same where that cannot be seen.
async fn halts(
    located: &Located,
    resolved: &Resolved,
    global: &Global,
    terminal: &Terminal,
) -> Halts {
    let said = async {
        let (session, _) = connect::connected(located, resolved.clone(), global, terminal).await?;
        Ok::<Option<Hands>, Failure>(pipeline::hands(&session).await?)
    };
    match said.await {
        Ok(hands) => {
            let Hands { pause, aborted, .. } = hands.unwrap_or_default();
            Halts::Seen(Box::new(Hands { pause, aborted, ..Hands::default() }))
        }
        Err(failure) => Halts::Unseen(failure.view.map_or_else(String::new, |view| view.message)),
    }
}
