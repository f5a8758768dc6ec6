//! A linear autoregression with the context as inputs, by ridge regression; one
//! set of weights for each step of the horizon.

mod features;
mod ridge;

use super::fill::{filled, level, mostly_known};
use super::seasons::{DAY, WEEK, steps_in};
use super::weights::{self, Provenance, Tensors, WeightsError, take};
use super::{Context, Forecaster, NotFit};
use crate::signal::Series;
use crate::units::Span;
use features::{Features, LAGS};

/// The most of the history that it learns from.
const MOST: Span = Span::from_secs(6 * 7 * 86_400);

/// The most steps that it learns from: of a longer history every second, third …
const MOST_ROWS: usize = 2500;

/// The fewest.
const FEWEST_ROWS: usize = 96;

/// What it answers is the last value and a change that it has learned, so that
/// without anything to learn it is persistence.
#[derive(Debug, Clone, Default)]
pub struct Linear {
    fitted: Option<Fitted>,
    /// Where it was trained, if it does not learn here.
    provenance: Option<Provenance>,
}

#[derive(Debug, Clone)]
struct Fitted {
    inputs: Vec<String>,
    scale: f64,
    /// For each step of the horizon.
    leads: Vec<ridge::Weights>,
}

impl Linear {
    /// Learns from all of `history`, for `steps` steps; `data_sha256` is that of
    /// the data.
    ///
    /// # Errors
    /// Where there is too little of it.
    pub fn train(
        history: &Series,
        context: &Context,
        steps: usize,
        data_sha256: &str,
    ) -> Result<Self, NotFit> {
        let fitted = Fitted::of(history, context, steps)?;
        let provenance = Provenance {
            model: "linear".to_owned(),
            data_sha256: data_sha256.to_owned(),
            from: history.start(),
            to: history.time(history.len().saturating_sub(1)),
            step: history.step(),
            steps,
            inputs: context.inputs.clone(),
        };
        Ok(Self { fitted: Some(fitted), provenance: Some(provenance) })
    }

    /// The weights, as safetensors.
    ///
    /// # Errors
    /// Where there are none.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WeightsError> {
        let (Some(fitted), Some(provenance)) = (&self.fitted, &self.provenance) else {
            return Err(WeightsError::Unwritable("it has not been trained".to_owned()));
        };
        let width = fitted.leads.first().map_or(0, |lead| lead.weights.len());
        let rows = |of: fn(&ridge::Weights) -> &Vec<f64>| {
            let values = fitted.leads.iter().flat_map(|lead| of(lead).iter().map(|v| *v as f32));
            (vec![fitted.leads.len(), width], values.collect::<Vec<f32>>())
        };
        let constants = fitted.leads.iter().map(|lead| lead.constant as f32).collect();
        let tensors = Tensors::from([
            ("weights".to_owned(), rows(|lead| &lead.weights)),
            ("means".to_owned(), rows(|lead| &lead.means)),
            ("deviations".to_owned(), rows(|lead| &lead.deviations)),
            ("constants".to_owned(), (vec![fitted.leads.len()], constants)),
            ("scale".to_owned(), (vec![1], vec![fitted.scale as f32])),
        ]);
        weights::write(provenance, &tensors)
    }

    /// Reads [`Self::to_bytes`] back, for a history and a horizon of these steps
    /// and a context of these inputs.
    ///
    /// # Errors
    /// Where they are none, or of other steps or inputs.
    pub fn from_bytes(
        bytes: &[u8],
        inputs: &[String],
        (step, steps): (Span, usize),
    ) -> Result<Self, WeightsError> {
        let (provenance, mut tensors) = weights::read(bytes)?;
        provenance.check("linear", inputs, (step, steps))?;
        let width = Features::width(inputs.len());
        let mut rows = |name: &str| take(&mut tensors, name, &[steps, width]);
        let (matrix, means, deviations) = (rows("weights")?, rows("means")?, rows("deviations")?);
        let constants = take(&mut tensors, "constants", &[steps])?;
        let scale = take(&mut tensors, "scale", &[1])?;
        let row = |values: &[f32], lead: usize| -> Vec<f64> {
            values[lead * width..][..width].iter().map(|value| f64::from(*value)).collect()
        };
        let lead = |lead: usize| ridge::Weights {
            weights: row(&matrix, lead),
            means: row(&means, lead),
            deviations: row(&deviations, lead),
            constant: f64::from(constants[lead]),
        };
        let leads = (0..steps).map(lead).collect();
        let fitted = Fitted { inputs: inputs.to_vec(), scale: f64::from(scale[0]), leads };
        Ok(Self { fitted: Some(fitted), provenance: Some(provenance) })
    }
}

impl Fitted {
    /// Whether input `input` of the context was anything to learn from.
    fn reads(&self, input: usize) -> bool {
        let column = Features::width(input);
        self.leads.iter().any(|lead| lead.deviations.get(column).is_some_and(|d| *d > 0.0))
    }

    fn of(history: &Series, context: &Context, steps: usize) -> Result<Self, NotFit> {
        let values = filled(history);
        let offset = history.len() - values.len();
        let usable = values.len().saturating_sub(LAGS + steps);
        let usable = usable.min(steps_in(MOST, history));
        if usable < FEWEST_ROWS {
            return Err(NotFit::new(format!(
                "{} steps of history, where it learns from {} or more",
                values.len(),
                FEWEST_ROWS + LAGS + steps
            )));
        }
        if !mostly_known(history, usable + LAGS + steps) {
            return Err(NotFit::new("over half of the history is gaps"));
        }
        let scale = level(&values[values.len() - usable..]);
        if scale == 0.0 {
            return Err(NotFit::new("there is nothing but zeros to learn from"));
        }
        let features = Features::new(&values, offset, history, context, scale);
        let every = usable.div_ceil(MOST_ROWS);
        let last = values.len() - 1;
        let fit = |lead: usize| {
            let origins = (0..usable).step_by(every).map(|back| last - steps - back);
            // A gap is no truth, however it is filled.
            let real = |at: usize| history.values().get(offset + at).copied().flatten();
            let known = origins.filter_map(|at| Some((at, real(at)?, real(at + lead)?)));
            let rows: Vec<(Vec<f64>, f64)> = known
                .map(|(at, now, then)| (features.row(at, lead), (then - now) / scale))
                .collect();
            ridge::fit(&rows).ok_or_else(|| NotFit::new("the regression has no solution"))
        };
        let leads: Result<_, NotFit> = (1..=steps).map(fit).collect();
        Ok(Self { inputs: context.inputs.clone(), scale, leads: leads? })
    }
}

impl Forecaster for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn path(&self, history: &Series, context: &Context, steps: usize) -> Result<Vec<f64>, NotFit> {
        let none = || NotFit::new("it has not learned yet");
        let fitted = self.fitted.as_ref().ok_or_else(none)?;
        if fitted.inputs != context.inputs {
            return Err(NotFit::new("it has learned from other inputs"));
        }
        if fitted.leads.len() < steps {
            return Err(NotFit::new(format!("it has learned {} steps", fitted.leads.len())));
        }
        if let Some(provenance) = &self.provenance {
            provenance.must_be_before(history)?;
        }
        let values = filled(history);
        if values.len() <= LAGS || !mostly_known(history, LAGS) {
            return Err(NotFit::new(format!("it needs the last {LAGS} steps")));
        }
        let (at, offset) = (values.len() - 1, history.len() - values.len());
        // At its mean it would be a guess that nobody asked for.
        context.measured(offset + at, |input| fitted.reads(input))?;
        let features = Features::new(&values, offset, history, context, fitted.scale);
        let change = |lead: usize| fitted.leads[lead - 1].apply(&features.row(at, lead));
        let path = (1..=steps).map(|lead| values[at] + change(lead) * fitted.scale);
        // A change was never learned beyond what there was.
        let most = values.iter().fold(0.0_f64, |most, value| most.max(*value)) * 2.0;
        Ok(path.map(|value| value.clamp(0.0, most)).collect())
    }

    fn refit_every(&self) -> Option<Span> {
        self.provenance.is_none().then_some(Span::from_secs(6 * 3600))
    }

    fn refit(&mut self, history: &Series, context: &Context) -> Result<(), NotFit> {
        // Steps beyond the history are those of the horizon.
        let steps = context.steps().saturating_sub(history.len()).max(1);
        self.fitted = Some(Fitted::of(history, context, steps)?);
        Ok(())
    }
}

/// How long ago a day and a week were, in steps.
fn periods(history: &Series) -> [usize; 2] {
    [steps_in(DAY, history), steps_in(WEEK, history)]
}
