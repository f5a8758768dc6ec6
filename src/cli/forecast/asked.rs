//! What all of the commands are asked about.

use super::super::exit::{Exit, Failure};
use super::super::repository::{self, Located};
use super::super::terminal::Terminal;
use super::file::{self, History};
use super::measured;
use crate::forecast::{self, CalendarInputs, Context, Forecaster, MOST_STEPS, RaceConfig, Trained};
use crate::spec::Resolved;
use crate::units::Span;
use std::path::{Path, PathBuf};

/// Options of all of the commands.
#[derive(Debug, clap::Args)]
pub(super) struct Asked {
    /// A CSV with the head `time,value`; or an environment: a name under
    /// environments/, or a path
    #[arg(value_name = "ENV|FILE")]
    of: String,
    /// The environment whose calendar, events, horizon and quantile hold for FILE
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    /// How far to look ahead, instead of what the environment says (else 15m)
    #[arg(long, value_name = "SPAN")]
    horizon: Option<Span>,
    #[command(flatten)]
    past: measured::Past,
}

/// A history and all that belongs to it.
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) history: History,
    pub(super) context: Context,
    pub(super) config: RaceConfig,
    pub(super) steps: usize,
    /// What the environment names itself.
    trained: Option<Trained>,
}

impl Asked {
    /// All that is asked about, with the weights that the environment names.
    pub(super) fn read(&self, terminal: &Terminal) -> Result<Subject, Failure> {
        self.look(|located| located.resolve(terminal))
    }

    /// The same without weights, which may be of something else now.
    pub(super) fn read_untrained(&self, terminal: &Terminal) -> Result<Subject, Failure> {
        self.look(|located| located.resolve_untrained(terminal))
    }

    fn look(
        &self,
        resolve: impl Fn(&Located) -> Result<Resolved, Failure>,
    ) -> Result<Subject, Failure> {
        let path = Path::new(&self.of);
        let is_csv = path.extension().is_some_and(|extension| extension == "csv");
        let mut config = RaceConfig { horizon: Span::from_secs(900), quantile: 0.95 };
        let mut calendar = CalendarInputs::default();
        let env = if is_csv { self.env.as_ref() } else { Some(&self.of) };
        let (mut measured, mut trained) = (None, None);
        if let Some(env) = env {
            let located = repository::locate(env)?;
            let resolved = resolve(&located)?;
            trained = super::super::weights::trained(&resolved)
                .map_err(|error| Failure::new(Exit::Invalid, error.to_string()))?;
            if !is_csv {
                let environment = &resolved.environment;
                let (past, trained) = (&self.past, trained.as_ref());
                measured = Some(measured::read(&located, environment, past, trained)?);
            }
            let policy = &resolved.environment.burst.forecast;
            config = RaceConfig { horizon: policy.horizon, quantile: policy.quantile.as_f64() };
            calendar = CalendarInputs::of(&resolved.environment, &resolved.holidays)
                .map_err(|error| Failure::new(Exit::Invalid, error.to_string()))?;
        }
        config.horizon = self.horizon.unwrap_or(config.horizon);
        let history = match measured {
            Some(history) => history,
            None => file::read(path)?,
        };
        let steps = config.steps(history.series.step());
        if steps > MOST_STEPS {
            return Err(Failure::usage(format!(
                "a horizon of {} has {steps} steps of {}; at most {MOST_STEPS} are forecast",
                config.horizon,
                history.series.step()
            ))
            .help("give a shorter --horizon, or a longer step (--step, or the file's)"));
        }
        let context = forecast::context(&history.series, steps, &calendar, &history.upstream);
        Ok(Subject { name: self.of.clone(), history, context, config, steps, trained })
    }
}

impl Subject {
    /// All forecasters, those of `weights` in the place of others of their name.
    pub(super) fn racers(&self, weights: &[PathBuf]) -> Result<Vec<Box<dyn Forecaster>>, Failure> {
        let mut racers = forecast::standard();
        let (inputs, of) = (&self.context.inputs, (self.history.series.step(), self.steps));
        // What the environment names is in the race where it fits what is looked at.
        let own = self.trained.as_ref().filter(|own| own.fits(of));
        racers.extend(own.and_then(|own| own.forecaster(inputs).ok()));
        for path in weights {
            let bytes = std::fs::read(path)
                .map_err(|error| Failure::file(path, "cannot be read", &error))?;
            let loaded = forecast::forecaster(&bytes, inputs, of)
                .map_err(|error| Failure::file(path, "cannot be used", &error))?;
            racers.push(loaded);
        }
        Ok(racers)
    }
}
