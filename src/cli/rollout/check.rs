use super::measuring::{Measuring, phase_or_live};
use crate::cli::applying;
use crate::cli::exit::{Exit, Failure};
use crate::cli::repository;
use crate::cli::terminal::Terminal;
use crate::render::rollout::status::{self as render, RolloutStatusView};
use crate::rollout::{Finding, Kind, Verdict, standing};

/// Tell a pipeline whether the live phase is done: 0 if it is, 3 if not yet, 4 if an
/// abort criterion is met
///
/// A criterion of which too little is known is not met. Before the first phase, nothing
/// must hold.
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

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let located = repository::locate(&args.env)?;
    let resolved = located.resolve(terminal)?;
    let now = args.measuring.now()?;
    let environment = &resolved.environment;
    let phase = phase_or_live(environment, args.phase.as_deref())?;
    let findings = applying::block_on(args.measuring.findings(environment, phase.as_ref(), now))?;
    let view = RolloutStatusView::new(&render::Input {
        file: &located.path,
        environment,
        phase: phase.as_ref(),
        findings: &findings,
        now,
        standing: standing(environment, now).as_ref(),
        halts: None,
    });
    if args.json {
        terminal.print(&crate::cli::schema::pretty(&view));
    } else {
        terminal.print(&render::brief(&view, &terminal.out));
    }
    Ok(if phase.is_none() { Exit::Done } else { exit_of(&findings) })
}

/// An abort says more than what is not met.
fn exit_of(findings: &[Finding]) -> Exit {
    let mut exits = findings.iter().filter(|found| found.kind == Kind::Exit).peekable();
    let declared = exits.peek().is_some();
    if findings.iter().any(|found| found.verdict == Verdict::Abort) {
        Exit::Abort
    } else if declared && exits.all(|found| found.verdict == Verdict::Met) {
        Exit::Done
    } else {
        Exit::NotYet
    }
}
