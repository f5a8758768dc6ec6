use super::super::applying::block_on;
use super::super::exit::{Exit, Failure};
use super::super::terminal::Terminal;
use super::moved::told;
use super::places::{Goals, failed, name, now, reason};
use node_image::channel::{check_reason, short};
use node_image::publish::channel::{Author, Report};
use node_image::publish::elsewhere::still;
use node_image::publish::rollback::{Rollback, rollback};
use node_image::publish::{Error, Kind};

/// Let a channel of an image mean the build again that it meant before
///
/// What the history of the channel's SSM parameter has becomes its newest version, the
/// same build in every region that is named, or nothing is written. A build whose machine
/// images are disabled or gone cannot come back so. Rolled back once more, the channel
/// means what it did at first. Without --region it is every region that the recipe of the
/// channel's build names: one in which the build before cannot come back is left as it is,
/// and told. Regions beside them that still have the build that it leaves are told with the
/// command that leads them back too.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The image
    #[arg(value_parser = name)]
    name: String,
    /// The channel
    #[arg(long, value_name = "CHANNEL", default_value = "stable", value_parser = name)]
    channel: String,
    /// The version, in the first region that is named, that had the build; without it, the
    /// build before today's
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(i64).range(1..))]
    to: Option<i64>,
    /// Why: the channel's history keeps it
    #[arg(long, value_name = "TEXT", value_parser = check_reason)]
    reason: Option<String>,
    #[command(flatten)]
    goals: Goals,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let Args { name, channel, .. } = args;
    let each = !args.goals.are_given();
    if let (Some(version), true) = (args.to, each) {
        let message = format!("version {version} is of one region's history, and none is given");
        return Err(Failure::usage(message)
            .help("name that region first, and each other one behind it, with --region"));
    }
    block_on(async {
        let places = args.goals.or_of(name, channel).await?;
        let connected = places.connect().await?;
        let by = connected.who().await?;
        let author = Author { by: &by, reason: args.reason.as_deref(), at: now() };
        let wanted = Rollback { image: name, channel, to: args.to, each, author };
        let clients = connected.clients();
        let done = rollback(&clients, &wanted).await;
        let done = done.map_err(|error| failed(&error))?;
        // Where it was written, the build before today's is another one now.
        let again = |regions: &[String]| {
            format!(
                "floodway image rollback {name} --channel {channel} --to {}{}{}",
                done.version,
                reason(args.reason.as_deref()),
                places.arguments_in(regions)
            )
        };
        let left = left(&done.report).map(|regions| again(&regions));
        let exit = told(&done.report, (name, channel), left.as_deref(), terminal);
        let Some(before) = &done.before else { return Ok(exit) };
        match still(&connected.config, &clients, (name, channel), before).await {
            Ok(others) if others.is_empty() => {}
            Ok(others) => {
                // The version is of the first one's history.
                let first = connected.regions.iter().take(1).chain(&others);
                let there = if leads(&done.report) {
                    again(&first.cloned().collect::<Vec<_>>())
                } else {
                    let there = places.arguments_in(&others);
                    let why = reason(args.reason.as_deref());
                    format!("floodway image rollback {name} --channel {channel}{why}{there}")
                };
                let (build, others) = (short(before), others.join(", "));
                terminal.note(&format!(
                    "warning: build {build} is in {others} too, where {channel} of {name} means it \
                     still, or cannot be seen:\n  {there}\n"
                ));
            }
            Err(error) => terminal.note(&format!(
                "warning: which regions have build {} too is not known: {error}\n",
                short(before)
            )),
        }
        Ok(exit)
    })
}

/// The regions for which the same command does what is left once what is wrong has been
/// mended: all but those that never had the build, or have lost it. None: nothing is wrong
/// with them, or the first has lost it, in whose history the version is.
fn left(report: &Report) -> Option<Vec<String>> {
    if report.failed().all(|(_, error)| lacks(error)) || !leads(report) {
        return None;
    }
    let has_it = report.regions.iter().filter(|one| !one.moved.as_ref().is_err_and(lacks));
    Some(has_it.map(|one| one.region.clone()).collect())
}

/// Whether the build is not there, so that no rollback brings it back.
fn lacks(error: &Error) -> bool {
    matches!(error.kind, Kind::Absent | Kind::Gone)
}

/// Whether the first region can lead the others to a version of its history.
fn leads(report: &Report) -> bool {
    !report.regions.first().is_some_and(|first| first.moved.as_ref().is_err_and(lacks))
}

#[cfg(test)]
mod tests {
    use super::*;
    use node_image::publish::channel::{InRegion, Moved};

    #[test]
    fn what_is_left_to_do_leaves_out_the_regions_that_never_had_the_build() {
        let failed = |kind| Err(Error { kind, region: None, message: "no".to_owned(), help: None });
        let left_of = |moved: Vec<Result<Moved, Error>>| {
            let regions = ["us-east-1", "eu-west-1", "us-west-2"].into_iter().zip(moved);
            let regions = regions.map(|(region, moved)| InRegion { region: region.into(), moved });
            left(&Report { manifest: "a".repeat(64), regions: regions.collect() })
        };
        let done = || Ok(Moved::Already);
        let both = left_of(vec![done(), failed(Kind::Absent), failed(Kind::Refused)]);
        assert_eq!(both.unwrap(), ["us-east-1", "us-west-2"]);
        // The same again would be refused for ever.
        assert_eq!(left_of(vec![done(), failed(Kind::Absent), done()]), None);
        assert_eq!(left_of(vec![done(), done(), done()]), None);
        // Nor does what is gone come back by it, nor another's version without the first.
        let gone = left_of(vec![done(), failed(Kind::Gone), failed(Kind::Refused)]);
        assert_eq!(gone.unwrap(), ["us-east-1", "us-west-2"]);
        assert_eq!(left_of(vec![done(), failed(Kind::Gone), failed(Kind::Absent)]), None);
        assert_eq!(left_of(vec![failed(Kind::Gone), done(), failed(Kind::Refused)]), None);
    }
}
