use super::super::exit::{Exit, Failure};
use super::super::output::must_not_be_read;
use super::super::terminal::Terminal;
use super::asked::{Asked, Subject};
use crate::clock::Timestamp;
use crate::forecast::{Linear, NotFit, WeightsError};
use crate::signal::Series;
use std::path::PathBuf;

/// Train a forecaster, and write its weights as safetensors
///
/// The file says what it is of: the SHA-256 of the data, the range that it was
/// trained on, the step, the horizon and the names of the inputs. It is refused
/// where any of them differs.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    asked: Asked,
    /// Which
    #[arg(long, value_enum, default_value_t = Model::DEFAULT)]
    model: Model,
    /// Train on what was before this moment, like 2026-12-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Where to write the weights
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The seed of the first weights and of the order of the windows
    #[cfg(feature = "lstm")]
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// How often each window is learned from
    #[cfg(feature = "lstm")]
    #[arg(long, value_name = "NUMBER", default_value_t = 30)]
    epochs: u32,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Model {
    /// A linear autoregression with the calendar as inputs
    Linear,
    /// A recurrent network that reads a week
    #[cfg(feature = "lstm")]
    Lstm,
}

impl Model {
    #[cfg(feature = "lstm")]
    const DEFAULT: Self = Self::Lstm;
    #[cfg(not(feature = "lstm"))]
    const DEFAULT: Self = Self::Linear;
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    must_not_be_read(&args.out, "--out")?;
    let subject = args.asked.read_untrained(terminal)?;
    let series = &subject.history.series;
    let end = match args.until {
        Some(until) => (0..series.len()).take_while(|index| series.time(*index) < until).count(),
        None => series.len(),
    };
    if end == 0 {
        return Err(Failure::usage("there is nothing before --until")
            .help(format!("the history begins at {}", series.start())));
    }
    let history = series.before(end);
    let bytes = args.train(&subject, &history)?;
    std::fs::write(&args.out, &bytes)
        .map_err(|error| Failure::file(&args.out, "cannot be written", &error))?;
    terminal.print(&format!(
        "{}: {} bytes, trained on {} to {}, for {} steps of {}\n",
        args.out.display(),
        bytes.len(),
        history.start(),
        history.time(end - 1),
        subject.steps,
        history.step(),
    ));
    Ok(Exit::Done)
}

impl Args {
    fn train(&self, subject: &Subject, history: &Series) -> Result<Vec<u8>, Failure> {
        let (context, steps) = (&subject.context, subject.steps);
        let digest = &subject.history.sha256;
        let short = |error: NotFit| Failure::new(Exit::Failed, format!("cannot train: {error}"));
        let unwritable = |error: WeightsError| Failure::new(Exit::Failed, error.to_string());
        match self.model {
            Model::Linear => {
                let trained = Linear::train(history, context, steps, digest).map_err(short)?;
                trained.to_bytes().map_err(unwritable)
            }
            #[cfg(feature = "lstm")]
            Model::Lstm => {
                let training = crate::forecast::Training {
                    epochs: self.epochs,
                    seed: self.seed,
                    ..Default::default()
                };
                let trained =
                    crate::forecast::Lstm::train(history, context, steps, digest, training);
                trained.map_err(short)?.to_bytes().map_err(unwritable)
            }
        }
    }
}
