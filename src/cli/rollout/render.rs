use super::measuring::{Measuring, phase_named};
use super::{offline, own_templates, records, sandbox};
use crate::cli::exit::{Exit, Failure};
use crate::cli::terminal::Terminal;
use crate::cli::{applying, output, repository, schema};
use crate::clock::Timestamp;
use crate::render::rollout::{Format, Input, RolloutView, Templates, document};
use crate::rollout::{self, Finding, Verdict};
use crate::spec::Environment;
use futures::future::join_all;
use std::fs;
use std::path::{Path, PathBuf};

/// Write the whole rollout down: where it stands, what each phase changes, by what it is done
///
/// Every phase is planned, in a simulated world and one after the other: no place is
/// looked at but Prometheus, where the environment names one. The same file makes the
/// same text, whenever it is written; with measurements, for the same --at.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// A name under environments/, or a path
    env: String,
    /// Only this phase
    #[arg(long, value_name = "PHASE")]
    phase: Option<String>,
    /// As what; without it, what the name of --out ends with, or else Markdown
    #[arg(long, value_enum)]
    format: Option<As>,
    /// Into a file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    measuring: Measuring,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum As {
    /// Markdown, as GitHub shows it
    Md,
    /// One page that needs nothing else; it prints well
    Html,
    /// JSON (see `floodway schema rollout`)
    Json,
    /// The phases as a Gantt chart in Mermaid
    Mermaid,
    /// The steps as a flowchart in Mermaid
    MermaidSteps,
    /// The phases on a line of time, as a picture
    Svg,
}

impl As {
    /// What a file of this name is.
    fn named(path: &Path) -> Option<Self> {
        Some(match path.extension()?.to_str()? {
            "md" => Self::Md,
            "html" | "htm" => Self::Html,
            "json" => Self::Json,
            "mmd" | "mermaid" => Self::Mermaid,
            "svg" => Self::Svg,
            _ => return None,
        })
    }

    /// The document that templates make; none: there are no templates.
    fn document(self) -> Option<Format> {
        Some(match self {
            Self::Md => Format::Markdown,
            Self::Html => Format::Html,
            Self::Json => return None,
            Self::Mermaid => Format::Mermaid,
            Self::MermaidSteps => Format::MermaidSteps,
            Self::Svg => Format::Svg,
        })
    }
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    if let Some(out) = &args.out {
        output::must_not_be_read(out, "--out")?;
    }
    let located = repository::locate(&args.env)?;
    let phased = located.resolve_phases(terminal)?;
    let environment = &phased.live.environment;
    if environment.rollout.phases.is_empty() {
        let message = format!("{} has no phases", located.path);
        return Err(Failure::usage(message).help("declare them in [rollout.phases]"));
    }
    let only = args.phase.as_deref().map(|name| phase_named(environment, name)).transpose()?;
    let own = own_templates::read(&located)?;
    let records = rollout::comparisons(&records::read(&located)?);
    let plans = offline::plans(&located, &phased)?;
    let measured = applying::block_on(measure(&args.measuring, environment))?;
    let view = RolloutView::new(&Input {
        file: &located.path,
        environment,
        plans: &plans,
        findings: &measured.findings,
        measured_at: measured.at,
        unmeasured: measured.why_not.as_deref(),
        records: &records,
        only: only.as_ref(),
    });
    let named = args.out.as_deref().and_then(As::named);
    let text = match args.format.or(named).unwrap_or(As::Md).document() {
        None => schema::pretty(&view),
        Some(format) => made(format, &view, &own)?,
    };
    match &args.out {
        None => terminal.print(&text),
        Some(out) => {
            fs::write(out, text).map_err(|error| Failure::file(out, "cannot be written", &error))?
        }
    }
    Ok(Exit::Done)
}

/// What a document may be, of templates that are Floodway's own.
const MOST: usize = 1 << 30;

fn made(format: Format, view: &RolloutView, templates: &Templates) -> Result<String, Failure> {
    let failed = |why: String| Failure::new(Exit::Failed, why);
    // The same numbers to both, whoever renders.
    let view = serde_json::to_value(view).map_err(|error| failed(error.to_string()))?;
    if templates.are_shipped() {
        return document(format, &view, templates, MOST).map_err(|error| failed(error.to_string()));
    }
    sandbox::render(format, &view, templates)
}

/// How the criteria stand.
struct Measured {
    findings: Vec<Finding>,
    /// When; none where nothing is known, so that it depends on no clock.
    at: Option<Timestamp>,
    why_not: Option<String>,
}

impl Measured {
    fn nothing(why: impl Into<String>) -> Self {
        Self { findings: Vec::new(), at: None, why_not: Some(why.into()) }
    }
}

async fn measure(measuring: &Measuring, environment: &Environment) -> Result<Measured, Failure> {
    let now = measuring.now()?;
    let servers = match measuring.servers(environment) {
        Ok(servers) if servers.is_empty() => {
            return Ok(Measured::nothing("the environment names no Prometheus."));
        }
        Ok(servers) => servers,
        // The rest of the rollout is told all the same.
        Err(failure) => {
            let why = failure.view.map(|view| view.message).unwrap_or_default();
            return Ok(Measured::nothing(format!("{why}.")));
        }
    };
    let phases = environment.rollout.phases.keys();
    let all = phases.map(|phase| rollout::findings(&servers, environment, phase, now));
    let findings: Vec<Finding> = join_all(all).await.into_iter().flatten().collect();
    let known = |found: &Finding| !matches!(found.verdict, Verdict::NoData(_));
    let at = findings.iter().any(known).then_some(now);
    Ok(Measured { findings, at, why_not: None })
}
