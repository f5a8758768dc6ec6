use super::super::exit::{Exit, Failure};
use super::super::schema::pretty;
use super::super::terminal::Terminal;
use super::asked::Asked;
use crate::forecast::{Race, score};
use crate::render::forecast::{self as render, ScoreView};
use crate::units::Span;
use std::path::PathBuf;

/// Score every forecaster by rolling origin
///
/// At each step each forecaster sees what was known then; its quantile is
/// calibrated by what came before. Trained weights answer only after the data
/// that they were trained on: `train --until` leaves the rest to be scored.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    asked: Asked,
    /// Weights that `train` wrote
    #[arg(long, value_name = "FILE")]
    weights: Vec<PathBuf>,
    /// How much of the end of the history to score; else its last third
    #[arg(long, value_name = "SPAN")]
    last: Option<Span>,
    /// Print it as JSON (see `floodway schema forecast`)
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let subject = args.asked.read(terminal)?;
    let series = &subject.history.series;
    let scored = match args.last {
        Some(span) => usize::try_from(span.millis() / series.step().millis()).unwrap_or(usize::MAX),
        None => series.len() / 3,
    };
    let from = series.len().saturating_sub(scored.max(1));
    let race = Race::new(subject.config, subject.racers(&args.weights)?);
    let scored = score(race, subject.config, series, &subject.context, from).ok_or_else(|| {
        Failure::new(Exit::Failed, format!("{} is too short to be scored", subject.name))
    })?;
    let view =
        ScoreView::new(&subject.name, &subject.history.sha256, series, &subject.config, &scored);
    if args.json {
        terminal.print(&pretty(&view));
    } else {
        terminal.print(&render::text(&view, &terminal.out));
    }
    Ok(Exit::Done)
}
