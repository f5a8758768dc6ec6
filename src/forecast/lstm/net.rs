//! The network itself.

use super::window::OWN;
use super::{Layers, WeightsError};
use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::rnn::{LSTM, LSTMConfig, RNN as _};
use candle_nn::{Linear, Module as _, VarBuilder, VarMap, linear, lstm};

/// How large it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Inputs of the context.
    pub(super) inputs: usize,
    /// Cells.
    pub(super) hidden: usize,
    /// Steps of the horizon.
    pub(super) steps: usize,
}

impl Shape {
    /// The layers, by their names.
    pub(super) fn layers(self) -> [(&'static str, Vec<usize>); 6] {
        let Self { inputs, hidden, steps } = self;
        [
            ("lstm.weight_ih_l0", vec![4 * hidden, OWN + inputs]),
            ("lstm.weight_hh_l0", vec![4 * hidden, hidden]),
            ("lstm.bias_ih_l0", vec![4 * hidden]),
            ("lstm.bias_hh_l0", vec![4 * hidden]),
            ("head.weight", vec![steps, hidden + inputs]),
            ("head.bias", vec![steps]),
        ]
    }

    /// Holds `tensors` to have those layers.
    pub(super) fn check(self, tensors: &Layers) -> std::result::Result<(), WeightsError> {
        for (name, shape) in self.layers() {
            let found = tensors.get(name).map(|(found, _)| found);
            if found != Some(&shape) {
                let why = format!("`{name}` has not the shape {shape:?}");
                return Err(WeightsError::Unreadable(why));
            }
        }
        Ok(())
    }
}

/// An LSTM, and one linear layer over its last state and what is known ahead.
pub(super) struct Net {
    shape: Shape,
    pub(super) vars: VarMap,
    lstm: LSTM,
    head: Linear,
}

impl Net {
    /// With the layers of `tensors`, which [`Shape::check`] has seen.
    pub(super) fn new(shape: Shape, tensors: &Layers) -> Result<Self> {
        let vars = VarMap::new();
        for (name, dimensions) in shape.layers() {
            let values = tensors.get(name).map(|(_, values)| values.clone()).unwrap_or_default();
            let var = Var::from_vec(values, dimensions, &Device::Cpu)?;
            let mut data = vars.data().lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            data.insert(name.to_owned(), var);
        }
        let builder = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
        let Shape { inputs, hidden, steps } = shape;
        let layer = lstm(OWN + inputs, hidden, LSTMConfig::default(), builder.pp("lstm"))?;
        let head = linear(hidden + inputs, steps, builder.pp("head"))?;
        Ok(Self { shape, vars, lstm: layer, head })
    }

    /// The layers.
    pub(super) fn tensors(&self) -> Result<Layers> {
        let data = self.vars.data().lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let layer = |(name, var): (&String, &Var)| {
            let tensor = var.as_tensor();
            let values = tensor.flatten_all()?.to_vec1::<f32>()?;
            Ok((name.clone(), (tensor.dims().to_vec(), values)))
        };
        data.iter().map(layer).collect()
    }

    /// The changes, window by window, from `rows` and what is known `ahead`.
    pub(super) fn forward(&self, rows: &[Vec<f32>], ahead: &[Vec<f32>]) -> Result<Tensor> {
        let (batch, width) = (rows.len(), OWN + self.shape.inputs);
        let len = rows.first().map_or(0, Vec::len) / width;
        let input = Tensor::from_vec(rows.concat(), (batch, len, width), &Device::Cpu)?;
        // Time before batch, so that a step's inputs lie together.
        let input = input.transpose(0, 1)?.contiguous()?;
        let mut state = self.lstm.zero_state(batch)?;
        for step in 0..len {
            state = self.lstm.step(&input.get(step)?, &state)?;
        }
        let ahead = Tensor::from_vec(ahead.concat(), (batch, self.shape.inputs), &Device::Cpu)?;
        self.head.forward(&Tensor::cat(&[state.h(), &ahead], 1)?)
    }

    /// [`Self::forward`], as numbers.
    pub(super) fn answer(&self, rows: &[Vec<f32>], ahead: &[Vec<f32>]) -> Result<Vec<f32>> {
        self.forward(rows, ahead)?.detach().flatten_all()?.to_vec1()
    }
}
