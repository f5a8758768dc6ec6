use super::super::applying::block_on;
use super::super::exit::{Exit, Failure};
use super::super::terminal::Terminal;
use super::moved::told;
use super::places::{Places, failed, name, now, reason};
use node_image::channel::check_reason;
use node_image::publish::channel::Author;
use node_image::publish::rollback::{Rollback, rollback};

/// Let a channel of an image mean the build again that it meant before
///
/// What the history of the channel's SSM parameter has becomes its newest version, the
/// same build in every region that is named, or nothing is written. A build whose machine
/// images are disabled or gone cannot come back so. Rolled back once more, the channel
/// means what it did at first.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The image
    #[arg(value_parser = name)]
    name: String,
    /// The channel
    #[arg(long, value_name = "CHANNEL", default_value = "stable", value_parser = name)]
    channel: String,
    /// The version, in the first region, that had the build; without it, the build before
    /// today's
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(i64).range(1..))]
    to: Option<i64>,
    /// Why: the channel's history keeps it
    #[arg(long, value_name = "TEXT", value_parser = check_reason)]
    reason: Option<String>,
    #[command(flatten)]
    places: Places,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let Args { name, channel, .. } = args;
    block_on(async {
        let connected = args.places.connect().await?;
        let by = connected.who().await?;
        let author = Author { by: &by, reason: args.reason.as_deref(), at: now() };
        let wanted = Rollback { image: name, channel, to: args.to, author };
        let done = rollback(&connected.clients(), &wanted).await;
        let done = done.map_err(|error| failed(&error))?;
        // Where it was written, the build before today's is another one now.
        let again = format!(
            "floodway image rollback {name} --channel {channel} --to {}{}{}",
            done.version,
            reason(args.reason.as_deref()),
            args.places.arguments()
        );
        Ok(told(&done.report, (name, channel), &again, terminal))
    })
}
