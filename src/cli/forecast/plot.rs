use super::super::exit::{Exit, Failure};
use super::super::output::must_not_be_read;
use super::super::terminal::Terminal;
use super::asked::Asked;
use crate::clock::Timestamp;
use crate::forecast::Race;
use crate::render::forecast::{Plot, svg};
use crate::units::Span;
use std::path::PathBuf;

/// Draw history, truth, forecast and band as SVG
///
/// The race of all forecasters runs up to the origin; what it believes there is
/// drawn with its band from 5 % to 95 %, and with the truth where the file has it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    asked: Asked,
    /// Weights that `train` wrote
    #[arg(long, value_name = "FILE")]
    weights: Vec<PathBuf>,
    /// From when to look ahead; else from one horizon before the end
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// How much history to draw
    #[arg(long, value_name = "SPAN", default_value = "1d")]
    show: Span,
    /// Where to write the picture
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    must_not_be_read(&args.out, "--out")?;
    let subject = args.asked.read(terminal)?;
    let series = &subject.history.series;
    let origin = match args.at {
        Some(at) => (0..series.len()).take_while(|index| series.time(*index) <= at).count(),
        None => series.len().saturating_sub(subject.steps),
    };
    if origin == 0 {
        return Err(Failure::usage("there is no history before the origin")
            .help(format!("the history begins at {}", series.start())));
    }
    let mut race = Race::new(subject.config, subject.racers(&args.weights)?);
    // So many ticks before the origin calibrate it.
    let warm = origin.saturating_sub(crate::forecast::WINDOW);
    let mut forecast = None;
    for end in warm + 1..=origin {
        let context = subject.context.as_of(end, subject.steps);
        forecast = Some(race.tick(&series.before(end), &context));
    }
    let forecast = match forecast {
        Some(Ok(forecast)) => forecast,
        Some(Err(error)) => return Err(Failure::new(Exit::Failed, error.to_string())),
        None => return Err(Failure::new(Exit::Failed, "there is no history before the origin")),
    };
    let shown = usize::try_from(args.show.millis() / series.step().millis()).unwrap_or(usize::MAX);
    let plot = Plot { series, origin: origin - 1, shown: shown.max(2), forecast: &forecast };
    std::fs::write(&args.out, svg(&subject.name, &plot))
        .map_err(|error| Failure::file(&args.out, "cannot be written", &error))?;
    let by = forecast.by;
    terminal.print(&format!("{}: {by} from {}\n", args.out.display(), forecast.origin));
    Ok(Exit::Done)
}
