use super::exit::{Exit, Failure};
use super::repository;
use super::terminal::Terminal;
use crate::spec;

/// Check environments without touching any place
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Names under environments/, or paths; none: all of them
    env: Vec<String>,
    /// Print the diagnostics as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let names = if args.env.is_empty() { repository::all()? } else { args.env.clone() };
    let mut documents = Vec::new();
    let mut valid = true;
    for name in &names {
        let located = repository::locate(name)?;
        let (resolved, diagnostics) = spec::resolve(&located.path, &located.files);
        valid &= resolved.is_some();
        if args.json {
            documents.push(serde_json::json!({
                "file": located.path,
                "valid": resolved.is_some(),
                "diagnostics": diagnostics.to_json(),
            }));
            continue;
        }
        terminal.diagnose(&diagnostics);
        if resolved.is_some() {
            terminal.print(&format!("{} is valid\n", located.path));
        }
    }
    if args.json {
        terminal.print(&super::schema::pretty(&documents));
    }
    Ok(if valid { Exit::Done } else { Exit::Invalid })
}
