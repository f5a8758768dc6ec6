use super::super::applying::block_on;
use super::super::exit::{Exit, Failure};
use super::super::schema::pretty;
use super::super::terminal::Terminal;
use super::around::Around;
use super::places::{failed, name, now};
use crate::render::images::{KeptView, PruneStepView, PruneView, prune_text};
use crate::units::Span;
use node_image::publish::look::look;
use node_image::publish::prune::{self, Done, Options, Plan, Step};

/// Take old builds of an image away, and say what stays and why
///
/// A machine image is disabled first, from which on nothing starts from it and it can
/// be enabled again; after --after it goes, and its snapshot with it. What a launch
/// template, an Auto Scaling group or an instance uses stays; so does what any channel
/// means or meant before in any of the regions, and what is newest. Without --yes nothing
/// is done. Without --region it is all regions that the image's recipe or an environment here
/// names, and those that what is known there of its builds names; which they are is told.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The image
    #[arg(value_parser = name)]
    name: String,
    /// How many of the newest builds stay, whether or not anything means them
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    keep: u32,
    /// How long a machine image stands disabled before it goes
    #[arg(long, value_name = "DURATION", default_value = "7d")]
    after: Span,
    /// Also what is shared with other accounts, which may use it unseen
    #[arg(long)]
    shared: bool,
    /// Do it
    #[arg(long)]
    yes: bool,
    /// Print it as JSON (see `floodway schema prune`)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    around: Around,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let options = Options {
        keep: usize::try_from(args.keep).unwrap_or(usize::MAX),
        after: args.after.duration(),
        shared: args.shared,
    };
    let mut view = PruneView::new(&args.name, !args.yes);
    let (mut all, mut unread) = (0, Vec::new());
    let done = block_on(async {
        let connected = args.around.connect(Some(&args.name), terminal).await?;
        connected.who().await?;
        if args.yes && !connected.unread.is_empty() {
            return Err(nowhere(&args.name, &connected.unread));
        }
        unread.clone_from(&connected.unread);
        let (regions, at) = (connected.watched(), now());
        all = regions.len();
        let looked = look(&regions, Some(&args.name), at).await;
        let Some(survey) = looked.surveys.first() else { return Ok(Vec::new()) };
        let plan = prune::plan(survey, &options).map_err(|error| failed(&error))?;
        view.unseen = survey.unread.iter().map(ToString::to_string).collect();
        told(&mut view, &plan);
        if !args.yes {
            return Ok(Vec::new());
        }
        Ok(prune::carry_out(&regions, &args.name, &plan, at).await)
    })?;
    if args.yes {
        view.steps = done.iter().map(outcome).collect();
    }
    let left = view.unseen.len();
    for why in &view.unseen {
        terminal.note(&format!("warning: left as it is: {why}\n"));
    }
    for why in &unread {
        terminal.note(&format!("warning: {why}\n"));
    }
    view.unseen.extend(unread.iter().cloned());
    if args.json {
        terminal.print(&pretty(&view));
    } else {
        terminal.print(&prune_text(&view, &terminal.out));
    }
    let wrong = done.iter().filter(|one| one.result.is_err()).count();
    Ok(match (wrong, left) {
        (0, 0) if unread.is_empty() => Exit::Done,
        (0, left) if left == all => Exit::Failed,
        (wrong, _) if wrong > 0 && wrong == done.len() => Exit::Failed,
        _ => Exit::Partly,
    })
}

/// A channel of a region that nobody has looked at may mean what would go.
fn nowhere(image: &str, unread: &[String]) -> Failure {
    let message = format!(
        "which regions {image} is in is not known, so nothing is pruned: {}",
        unread.join("; ")
    );
    Failure::new(Exit::Refused, message).help("mend that, or name each region with --region")
}

fn told(view: &mut PruneView, plan: &Plan) {
    view.steps = plan.steps.iter().map(step).collect();
    let kept = plan.kept.iter().map(|kept| KeptView {
        region: kept.region.clone(),
        id: kept.id.clone(),
        manifest: kept.manifest.clone(),
        why: kept.why.clone(),
    });
    view.kept = kept.collect();
}

fn step(step: &Step) -> PruneStepView {
    PruneStepView {
        region: step.region.clone(),
        what: step.action.text(),
        manifest: step.manifest.clone(),
        why: step.why.clone(),
        done: None,
        failure: None,
    }
}

fn outcome(done: &Done) -> PruneStepView {
    PruneStepView {
        done: Some(done.result.is_ok()),
        failure: done.result.as_ref().err().map(|error| error.message.clone()),
        ..step(&done.step)
    }
}
