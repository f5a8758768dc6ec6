//! Weights of forecasters that were trained, as safetensors that say what they
//! are of.

use super::NotFit;
use crate::clock::Timestamp;
use crate::signal::Series;
use crate::units::Span;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::{BTreeMap, HashMap};

/// The version of the metadata.
const FORMAT: &str = "floodway-forecast-1";

/// What weights are of: the metadata of their file.
#[derive(Debug, Clone, PartialEq)]
pub struct Provenance {
    /// The forecaster: `linear`, `lstm`.
    pub model: String,
    /// SHA-256 of the data that they were trained on, in hex.
    pub data_sha256: String,
    /// The first step that they were trained on.
    pub from: Timestamp,
    /// The last one. They answer for later origins only.
    pub to: Timestamp,
    /// From step to step.
    pub step: Span,
    /// Steps of the horizon.
    pub steps: usize,
    /// The names of the inputs, in their order.
    pub inputs: Vec<String>,
}

/// Why weights cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeightsError {
    /// It is no such file.
    #[error("it holds no weights of a forecaster: {0}")]
    Unreadable(String),
    /// They are of something else.
    #[error("the weights are for {of}, and here it is {here}; train them again")]
    Other {
        /// What they are for.
        of: String,
        /// What is asked of them.
        here: String,
    },
    /// They are of a forecaster that this build does not have.
    #[error("the weights are of the forecaster {0}, which this build does not have")]
    Absent(&'static str),
    /// They cannot be written.
    #[error("the weights cannot be written: {0}")]
    Unwritable(String),
}

/// Named tensors: their shapes and values.
pub(super) type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// For what kind of forecaster the weights in `bytes` are.
///
/// # Errors
/// Where they are no weights.
pub fn model_of(bytes: &[u8]) -> Result<Provenance, WeightsError> {
    read(bytes).map(|(provenance, _)| provenance)
}

impl Provenance {
    /// Holds the weights to what they are asked for.
    pub(super) fn check(
        &self,
        model: &str,
        inputs: &[String],
        (step, steps): (Span, usize),
    ) -> Result<(), WeightsError> {
        let other = |of: String, here: String| Err(WeightsError::Other { of, here });
        let list = |inputs: &[String]| match inputs {
            [] => "no inputs".to_owned(),
            inputs => format!("the inputs {}", inputs.join(", ")),
        };
        if self.model != model {
            return other(format!("the forecaster {}", self.model), model.to_owned());
        }
        if self.inputs != inputs {
            return other(list(&self.inputs), list(inputs));
        }
        if (self.step, self.steps) != (step, steps) {
            let of = format!("{} steps of {}", self.steps, self.step);
            return other(of, format!("{steps} of {step}"));
        }
        Ok(())
    }

    /// Refuses an origin that they were trained on: a score from it would be of
    /// what they know already.
    pub(super) fn must_be_before(&self, history: &Series) -> Result<(), NotFit> {
        if history.is_empty() || history.time(history.len() - 1) < self.to {
            return Err(NotFit::new(format!("it was trained on data up to {}", self.to)));
        }
        Ok(())
    }
}

/// The file of `tensors`.
pub(super) fn write(provenance: &Provenance, tensors: &Tensors) -> Result<Vec<u8>, WeightsError> {
    let metadata = [
        ("format", FORMAT.to_owned()),
        ("model", provenance.model.clone()),
        ("data_sha256", provenance.data_sha256.clone()),
        ("trained_from", provenance.from.to_string()),
        ("trained_to", provenance.to.to_string()),
        ("step", provenance.step.to_string()),
        ("steps", provenance.steps.to_string()),
        ("inputs", provenance.inputs.join(",")),
    ];
    let metadata: HashMap<String, String> =
        metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let unwritable = |error: &dyn std::fmt::Display| WeightsError::Unwritable(error.to_string());
    let bytes: Vec<(&String, &Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, (shape, values))| {
            (name, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect())
        })
        .collect();
    let views: Result<Vec<_>, _> = bytes
        .iter()
        .map(|(name, shape, bytes)| {
            Ok((name.as_str(), TensorView::new(Dtype::F32, (*shape).clone(), bytes)?))
        })
        .collect();
    let views = views.map_err(|error: safetensors::SafeTensorError| unwritable(&error))?;
    safetensors::serialize(views, Some(metadata)).map_err(|error| unwritable(&error))
}

/// What [`write`] wrote.
pub(super) fn read(bytes: &[u8]) -> Result<(Provenance, Tensors), WeightsError> {
    let unreadable = |why: String| WeightsError::Unreadable(why);
    let (_, metadata) =
        SafeTensors::read_metadata(bytes).map_err(|error| unreadable(error.to_string()))?;
    let metadata = metadata.metadata().clone().unwrap_or_default();
    let text = |key: &str| {
        metadata.get(key).map(String::as_str).ok_or_else(|| unreadable(format!("no `{key}` in it")))
    };
    if text("format")? != FORMAT {
        return Err(unreadable(format!("its format is {:?}, not {FORMAT}", text("format")?)));
    }
    let wrong = |key: &str| unreadable(format!("its `{key}` cannot be read"));
    let provenance = Provenance {
        model: text("model")?.to_owned(),
        data_sha256: text("data_sha256")?.to_owned(),
        from: text("trained_from")?.parse().map_err(|_| wrong("trained_from"))?,
        to: text("trained_to")?.parse().map_err(|_| wrong("trained_to"))?,
        step: text("step")?.parse().map_err(|_| wrong("step"))?,
        steps: text("steps")?.parse().map_err(|_| wrong("steps"))?,
        inputs: text("inputs")?.split(',').filter(|i| !i.is_empty()).map(Into::into).collect(),
    };
    let file = SafeTensors::deserialize(bytes).map_err(|error| unreadable(error.to_string()))?;
    let mut tensors = Tensors::new();
    for (name, view) in file.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(unreadable(format!("`{name}` does not hold 32-bit floats")));
        }
        let words = view.data().as_chunks::<4>().0;
        let values: Vec<f32> = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
        if values.iter().any(|value| !value.is_finite()) {
            return Err(unreadable(format!("`{name}` holds what is not a number")));
        }
        tensors.insert(name, (view.shape().to_vec(), values));
    }
    Ok((provenance, tensors))
}

/// The values of tensor `name`, which has `shape`.
pub(super) fn take(
    tensors: &mut Tensors,
    name: &str,
    shape: &[usize],
) -> Result<Vec<f32>, WeightsError> {
    match tensors.remove(name) {
        Some((found, values)) if found == shape => Ok(values),
        Some((found, _)) => Err(WeightsError::Unreadable(format!(
            "`{name}` has the shape {found:?}, where {shape:?} is expected"
        ))),
        None => Err(WeightsError::Unreadable(format!("there is no `{name}` in it"))),
    }
}
