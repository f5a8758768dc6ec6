//! A recurrent network (LSTM; Hochreiter and Schmidhuber, 1997) that reads a week.

mod net;
mod train;
mod window;

pub use train::Training;

use super::fill::{filled, mostly_known};
use super::weights::{self, Provenance, Tensors, WeightsError, take};
use super::{Context, Forecaster, NotFit};
use crate::signal::Series;
use crate::units::Span;
use net::Net;
use window::{FINE, Scaling, Windows};

/// The network, trained before. It does not learn while it runs.
///
/// It reads the week before the origin as means of two hours, then the last steps
/// one by one, each with the inputs of the context, and answers a change from the
/// last value for each step of the horizon.
pub struct Lstm {
    net: Net,
    scaling: Scaling,
    provenance: Provenance,
}

/// What goes wrong in the network is told, never panics.
fn failed(error: &candle_core::Error) -> NotFit {
    NotFit::new(format!("the network failed: {error}"))
}

impl Lstm {
    /// Learns from all of `history`, for `steps` steps; `data_sha256` is that of
    /// the data. The same data and seed give the same weights.
    ///
    /// # Errors
    /// Where there is too little of it.
    pub fn train(
        history: &Series,
        context: &Context,
        steps: usize,
        data_sha256: &str,
        training: Training,
    ) -> Result<Self, NotFit> {
        let values = filled(history);
        let scaling = Scaling::of(history, &values, context)?;
        let windows = Windows::new(history, &values, context, &scaling);
        let net = train::train(&windows, history, steps, training)?;
        let provenance = Provenance {
            model: "lstm".to_owned(),
            data_sha256: data_sha256.to_owned(),
            from: history.start(),
            to: history.time(history.len().saturating_sub(1)),
            step: history.step(),
            steps,
            inputs: context.inputs.clone(),
        };
        Ok(Self { net, scaling, provenance })
    }

    /// The weights, as safetensors.
    ///
    /// # Errors
    /// Where the network cannot be read.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WeightsError> {
        let unwritable = |error: candle_core::Error| WeightsError::Unwritable(error.to_string());
        let mut tensors = self.net.tensors().map_err(unwritable)?;
        let floats = |values: &[f64]| -> (Vec<usize>, Vec<f32>) {
            (vec![values.len()], values.iter().map(|value| *value as f32).collect())
        };
        tensors.insert("scale".to_owned(), floats(&[self.scaling.scale]));
        tensors.insert("means".to_owned(), floats(&self.scaling.means));
        tensors.insert("deviations".to_owned(), floats(&self.scaling.deviations));
        weights::write(&self.provenance, &tensors)
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
        provenance.check("lstm", inputs, (step, steps))?;
        let unreadable = |why: String| WeightsError::Unreadable(why);
        let mut floats = |name: &str, len: usize| -> Result<Vec<f64>, WeightsError> {
            Ok(take(&mut tensors, name, &[len])?.into_iter().map(f64::from).collect())
        };
        let scaling = Scaling {
            scale: floats("scale", 1)?[0],
            means: floats("means", inputs.len())?,
            deviations: floats("deviations", inputs.len())?,
        };
        let hidden = tensors.get("lstm.weight_hh_l0").and_then(|(shape, _)| shape.get(1).copied());
        let hidden = hidden.filter(|hidden| (1..=1024).contains(hidden));
        let hidden = hidden.ok_or_else(|| unreadable("there is no layer in it".to_owned()))?;
        let shape = net::Shape { inputs: inputs.len(), hidden, steps };
        shape.check(&tensors)?;
        let net = Net::new(shape, &tensors).map_err(|error| unreadable(error.to_string()))?;
        Ok(Self { net, scaling, provenance })
    }
}

impl Forecaster for Lstm {
    fn name(&self) -> &'static str {
        "lstm"
    }

    fn path(&self, history: &Series, context: &Context, steps: usize) -> Result<Vec<f64>, NotFit> {
        if self.provenance.inputs != context.inputs {
            return Err(NotFit::new("it was trained on other inputs"));
        }
        if (self.provenance.step, self.provenance.steps) != (history.step(), steps) {
            return Err(NotFit::new("it was trained for other steps"));
        }
        self.provenance.must_be_before(history)?;
        let values = filled(history);
        if values.len() <= FINE || !mostly_known(history, FINE) {
            return Err(NotFit::new(format!("it needs the last {FINE} steps")));
        }
        let at = values.len() - 1;
        let offset = history.len() - values.len();
        context.measured(offset + at, |input| self.scaling.deviations[input] > 0.0)?;
        let windows = Windows::new(history, &values, context, &self.scaling);
        let (rows, ahead) = (windows.rows(at), windows.ahead(at, steps));
        let change = self.net.answer(&[rows], &[ahead]).map_err(|error| failed(&error))?;
        let scale = self.scaling.scale;
        let most = values.iter().fold(0.0_f64, |most, value| most.max(*value)) * 2.0;
        let path = change.into_iter().take(steps);
        Ok(path.map(|change| (values[at] + f64::from(change) * scale).clamp(0.0, most)).collect())
    }
}

/// The layers by their names in safetensors.
type Layers = Tensors;
