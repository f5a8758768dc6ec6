use super::measuring::{Measuring, phase_or_live};
use super::records;
use crate::cli::exit::{Exit, Failure};
use crate::cli::repository::{self, Located};
use crate::cli::terminal::Terminal;
use crate::cli::{Global, applying, connect};
use crate::clock::Timestamp;
use crate::id::Name;
use crate::pipeline;
use crate::render::rollout::records::{self as render, RecordsView};
use crate::render::status::StatusView;
use crate::rollout::{
    self, Moment, PoolRecord, Record, Recorded, comparisons, criteria, over_a_day,
};
use crate::spec::Resolved;
use futures::future::join;

/// Keep what is measured before or after a phase, as a file of the environment
///
/// A record holds what Floodway measures by itself, the phase's criteria, and what runs.
/// It is a new file in environments/ENV/record/ that is never written over: commit it.
/// `--show` prints all of them, before and after side by side.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// A name under environments/, or a path
    env: String,
    /// The phase; without it, the live one
    #[arg(long, value_name = "PHASE", conflicts_with = "show")]
    phase: Option<String>,
    /// Whether the phase begins, or is done
    #[arg(long, value_enum, required_unless_present = "show", conflicts_with = "show")]
    moment: Option<When>,
    /// Print what was recorded, and record nothing
    #[arg(long)]
    show: bool,
    /// With --show: print it as JSON (see `floodway schema rollout-records`)
    #[arg(long, requires = "show")]
    json: bool,
    #[command(flatten)]
    measuring: Measuring,
}

/// Which side of a phase it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum When {
    /// Before it is live
    Before,
    /// When it is done, or given up
    After,
}

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    let located = repository::locate(&args.env)?;
    let resolved = located.resolve(terminal)?;
    let Some(moment) = args.moment else { return show(args, &located, &resolved, terminal) };
    let moment = match moment {
        When::Before => Moment::Before,
        When::After => Moment::After,
    };
    let phase = phase_or_live(&resolved.environment, args.phase.as_deref())?;
    let phase = phase.ok_or_else(|| {
        let next = resolved.environment.rollout.after(None);
        let next = next.map_or("PHASE", |next| next.as_str());
        Failure::usage("no phase is live").help(format!("say which: --phase {next}"))
    })?;
    let now = args.measuring.now()?;
    let record = applying::block_on(async {
        let (numbers, seen) = join(
            numbers(args, &resolved, &phase, now),
            pools(&located, &resolved, global, terminal),
        )
        .await;
        let (pools, notes) = seen.unwrap_or_else(|why| (Vec::new(), vec![why]));
        let (environment, by) =
            (resolved.environment.environment.name.to_string(), applying::who());
        let phase = phase.clone();
        Ok(Record { environment, phase, moment, at: now, by, numbers: numbers?, pools, notes })
    })?;
    let path = records::keep(&located, &record)?;
    terminal.print(&render::kept(&record, &path, &terminal.out));
    Ok(Exit::Done)
}

/// What Floodway measures by itself over a day, then the criteria of the phase.
async fn numbers(
    args: &Args,
    resolved: &Resolved,
    phase: &Name,
    now: Timestamp,
) -> Result<Vec<Recorded>, Failure> {
    let environment = &resolved.environment;
    let servers = args.measuring.servers(environment)?;
    let own = over_a_day(phase);
    let declared = environment.rollout.phases.get(phase).map(criteria).unwrap_or_default();
    let all: Vec<_> = own.iter().map(|(_, criterion)| *criterion).chain(declared).collect();
    let found = rollout::ask(&servers, environment, phase, &all, now).await;
    let recorded = |(number, (criterion, found)): (usize, (&rollout::Criterion<'_>, _))| {
        let window = criterion.window.to_string();
        match own.get(number) {
            Some((measure, _)) => Recorded::of_measure(*measure, found, window),
            None => Recorded::of(found, window),
        }
    };
    Ok(all.iter().zip(&found).enumerate().map(recorded).collect())
}

/// What runs, and what of it could not be seen; or why nothing could.
async fn pools(
    located: &Located,
    resolved: &Resolved,
    global: &Global,
    terminal: &Terminal,
) -> Result<(Vec<PoolRecord>, Vec<String>), String> {
    let seen = async {
        let (session, _) = connect::connected(located, resolved.clone(), global, terminal).await?;
        let seen = pipeline::look(&session, []).await?;
        let environment = &session.resolved.environment;
        Ok::<_, Failure>(StatusView::new(
            &session.mark,
            environment,
            &seen.decision,
            &seen.inventory,
        ))
    };
    let view = seen.await.map_err(|failure| {
        let why = failure.view.map_or_else(|| "it was told above".to_owned(), |view| view.message);
        format!("what runs could not be seen: {why}")
    })?;
    let pools = view.stages.into_iter().flat_map(|stage| stage.pools).map(|pool| PoolRecord {
        name: pool.pool,
        unit: pool.unit,
        desired: pool.desired,
        ready: pool.ready,
        requests_per_second: pool.requests_per_second,
        gpus: pool.gpus.map(|gpus| gpus.used),
        usd_per_hour: pool.usd_per_hour,
    });
    let gap = |gap: &crate::render::status::GapView| format!("not seen: {}: {}", gap.what, gap.why);
    Ok((pools.collect(), view.gaps.iter().map(gap).collect()))
}

fn show(
    args: &Args,
    located: &Located,
    resolved: &Resolved,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let records = records::read(located)?;
    let name = resolved.environment.environment.name.as_str();
    let view = RecordsView::new(name, &comparisons(&records));
    if args.json {
        terminal.print(&crate::cli::schema::pretty(&view));
    } else {
        terminal.print(&render::text(&view, &terminal.out));
    }
    Ok(Exit::Done)
}
