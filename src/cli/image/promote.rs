use super::super::applying::block_on;
use super::super::exit::{Exit, Failure};
use super::super::terminal::Terminal;
use super::moved::told;
use super::places::{Goals, failed, name, now, reason};
use super::watching::Watching;
use crate::units::Span;
use node_image::channel::{check_reason, short};
use node_image::publish::channel::Author;
use node_image::publish::elsewhere::elsewhere;
use node_image::publish::promote::{Promotion, promote};

/// Let a channel of an image mean the build that another channel means
///
/// In every region that the build's recipe names, or in none: each must have the same build
/// in the channel that it comes from, and its machine images must be such that instances
/// start from them; those that are still being copied are waited for. Who, when and why
/// stays in the history of the channel's SSM parameter,
/// /floodway/images/NAME/channels/CHANNEL. A channel that means the build already is not
/// written again. With --region it is done in those alone; others that have the build too
/// are told with the command that promotes it there.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The image
    #[arg(value_parser = name)]
    name: String,
    /// The channel that the build is in
    #[arg(long, value_name = "CHANNEL", default_value = "candidate", value_parser = name)]
    from: String,
    /// The channel that shall mean it too
    #[arg(long, value_name = "CHANNEL", default_value = "stable", value_parser = name)]
    to: String,
    /// Why: the channel's history keeps it
    #[arg(long, value_name = "TEXT", value_parser = check_reason)]
    reason: Option<String>,
    /// How long to wait for machine images that are on their way
    #[arg(long, value_name = "DURATION", default_value = "30m")]
    wait: Span,
    #[command(flatten)]
    goals: Goals,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let Args { name, from, to, .. } = args;
    if from == to {
        return Err(Failure::usage(format!("`{from}` is the channel that it is in already"))
            .help("name another one with --to"));
    }
    let command = format!(
        "floodway image promote {name} --from {from} --to {to}{}",
        reason(args.reason.as_deref())
    );
    block_on(async {
        let places = args.goals.or_of(name, from).await?;
        let again = format!("{command}{}", places.arguments());
        let connected = places.connect().await?;
        let by = connected.who().await?;
        let wanted = Promotion {
            image: name,
            from,
            to,
            author: Author { by: &by, reason: args.reason.as_deref(), at: now() },
            patience: args.wait.duration(),
        };
        let watching = Watching::new(terminal);
        let watch = |progress| watching.tell(progress);
        let clients = connected.clients();
        let report = promote(&clients, &wanted, &watch).await;
        watching.end();
        let report = report.map_err(|error| failed(&error))?;
        let exit = told(&report, (name, to), Some(&again), terminal);
        let channels = (name.as_str(), from.as_str(), to.as_str());
        match elsewhere(&connected.config, &clients, channels, &report.manifest).await {
            Ok(others) if others.is_empty() => {}
            Ok(others) => {
                let there = format!("{command}{}", places.arguments_in(&others));
                let (build, others) = (short(&report.manifest), others.join(", "));
                terminal.note(&format!(
                    "warning: build {build} is in {others} too, where {to} of {name} does not mean \
                     it:\n  {there}\n"
                ));
            }
            Err(error) => terminal.note(&format!(
                "warning: which regions have the build too is not known: {error}\n"
            )),
        }
        Ok(exit)
    })
}
