use super::exit::{Exit, Failure};
use super::repository;
use super::terminal::Terminal;
use crate::iam::{Known, Purpose, policy};

/// Print the least IAM policy that an environment needs on AWS
///
/// A policy document for the role that Floodway has in the environment's
/// account, which the file alone decides: print it again when account, regions,
/// images, instance profiles or keys change. What is written must bear the
/// environment's tags, so that `import` of what has none takes more than this.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A name under environments/, or a path
    env: String,
    /// What the role does
    #[arg(long = "for", value_enum, value_name = "WHAT")]
    what: What,
    /// Name of the role in the instance profile, where it is not the profile's own
    #[arg(long, value_name = "ROLE", value_parser = role)]
    node_role: Vec<String>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum What {
    /// `plan`, `status`, `orphans`: reads only
    Plan,
    /// `apply` and `destroy`
    Apply,
    /// The controller
    Run,
    /// `image publish`, `promote`, `rollback`, `prune` and `list`, for the images that the
    /// environment names
    Publish,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let located = repository::locate(&args.env)?;
    let resolved = located.resolve(terminal)?;
    let purpose = match args.what {
        What::Plan => Purpose::Plan,
        What::Apply => Purpose::Apply,
        What::Run => Purpose::Run,
        What::Publish => Purpose::Publish,
    };
    let known = Known { node_roles: args.node_role.clone() };
    let found = policy(&resolved.environment, &located.mark(&resolved), purpose, &known)
        .map_err(|none| Failure::usage(none.to_string()))?;
    for note in &found.notes {
        terminal.note(&format!("note: {note}\n"));
    }
    terminal.print(&super::schema::pretty(&found));
    Ok(Exit::Done)
}

/// A role's name, as IAM takes it:
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>
fn role(text: &str) -> Result<String, String> {
    let in_names = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if (1..=64).contains(&text.len()) && text.chars().all(in_names) {
        return Ok(text.to_owned());
    }
    Err("it is the role's name, without its path or ARN".to_owned())
}
