use super::exit::{Exit, Failure};
use super::repository::{self, Located};
use super::terminal::Terminal;
use super::{promtool, weights};
use crate::clock::{Clock as _, SystemClock};
use crate::diag::{Diagnostic, Diagnostics};
use crate::spec::Resolved;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::collections::BTreeMap;

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
    if names.is_empty() {
        return Err(Failure::usage("there is no environment to check")
            .help("make a first one with `floodway init NAME`"));
    }
    let mut check = Check { told: Vec::new(), names: BTreeMap::new(), worst: Exit::Done };
    let mut documents = Vec::new();
    for name in &names {
        let found = match repository::locate(name) {
            Ok(located) => check.environment(located),
            Err(failure) => check.nothing(name, &failure),
        };
        if args.json {
            documents.push(found.document());
        } else {
            check.tell(found, terminal);
        }
    }
    if args.json {
        terminal.print(&super::schema::pretty(&documents));
    }
    Ok(check.worst)
}

/// What goes over several environments.
struct Check {
    /// What has been printed: of files that many extend, it is said once.
    told: Vec<Diagnostic>,
    /// Where each environment's name stands, and in which file.
    names: BTreeMap<String, (String, String)>,
    worst: Exit,
}

/// What is said about one of them.
struct Found {
    file: String,
    diagnostics: Diagnostics,
    is_file: bool,
}

impl Check {
    fn environment(&mut self, located: Located) -> Found {
        let (resolved, mut diagnostics) = weights::resolve(&located.path, &located.files);
        if let Some(resolved) = &resolved {
            self.claim(&located.path, resolved, &mut diagnostics);
            let today = TimeZone::UTC.to_datetime(SystemClock.now()).date();
            diagnostics.append(resolved.overdue(today));
            promtool::check(resolved, &mut diagnostics);
        }
        if diagnostics.has_errors() {
            self.ends(Exit::Invalid);
        }
        Found { file: located.path, diagnostics, is_file: true }
    }

    fn nothing(&mut self, name: &str, failure: &Failure) -> Found {
        self.ends(failure.exit);
        let mut diagnostics = Diagnostics::default();
        if let Some(view) = &failure.view {
            diagnostics.push(Diagnostic::error(&view.message).help(view.help.join("; ")));
        }
        Found { file: name.to_owned(), diagnostics, is_file: false }
    }

    /// Two files with one name would make, change and destroy the same things.
    fn claim(&mut self, path: &str, resolved: &Resolved, diagnostics: &mut Diagnostics) {
        let name = resolved.environment.environment.name.to_string();
        let place = resolved.origins.origin("environment.name").map(ToString::to_string);
        let place = place.unwrap_or_else(|| path.to_owned());
        let here = (path.to_owned(), place.clone());
        let (first, declared) = self.names.entry(name.clone()).or_insert(here);
        if first != path {
            let twice = format!("two environments are called `{name}`: at {declared} and {place}");
            diagnostics.push(
                Diagnostic::error(twice)
                    .at(&path.into(), 0..0, "")
                    .help("each needs a name of its own: what they create begins with it"),
            );
        }
    }

    fn ends(&mut self, exit: Exit) {
        if exit as u8 > self.worst as u8 {
            self.worst = exit;
        }
    }

    fn tell(&mut self, found: Found, terminal: &Terminal) {
        let Found { file, mut diagnostics, is_file } = found;
        let (is_valid, counts) = (!diagnostics.has_errors(), repository::counted(&diagnostics));
        diagnostics.retain(|diagnostic| !self.told.contains(diagnostic));
        self.told.extend(diagnostics.iter().cloned());
        terminal.diagnose(&diagnostics);
        if is_valid {
            terminal.print(&format!("{file} is valid\n"));
        } else if is_file {
            terminal.complain(&Failure::new(Exit::Invalid, format!("{file} has {counts}")));
        }
    }
}

impl Found {
    fn document(&self) -> Value {
        json!({
            "file": self.file,
            "valid": !self.diagnostics.has_errors(),
            "diagnostics": self.diagnostics.to_json(),
            "left_out": self.diagnostics.left_out(),
        })
    }
}
