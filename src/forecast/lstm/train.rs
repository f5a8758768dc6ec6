//! How the network learns.

use super::super::NotFit;
use super::net::{Net, Shape};
use super::window::{FINE, Windows};
use super::{Layers, failed};
use crate::signal::Series;
use candle_core::{Device, Result, Tensor};
use candle_nn::{AdamW, Optimizer as _, ParamsAdamW};

/// How it is trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Training {
    /// How often each window is learned from.
    pub epochs: u32,
    /// Of the first weights and the order of the windows.
    pub seed: u64,
    /// Cells of the network.
    pub hidden: usize,
    /// The most windows; of more every second, third … is taken.
    pub windows: usize,
    /// Of the optimiser (AdamW).
    pub learning_rate: f64,
}

impl Default for Training {
    fn default() -> Self {
        Self { epochs: 30, seed: 1, hidden: 24, windows: 1500, learning_rate: 0.004 }
    }
}

/// Windows that are learned from together.
const BATCH: usize = 50;

/// The fewest windows.
const FEWEST: usize = 60;

/// Where an error begins to count by its size, not by its square, in units of
/// the mean load: paths are judged by their absolute error.
const SMOOTH: f64 = 0.05;

/// A window, what is known ahead, and the changes that came.
type Lesson = (Vec<f32>, Vec<f32>, Vec<f32>);

/// The network that did best on the newest seventh of the windows, which it did
/// not learn from.
pub(super) fn train(
    windows: &Windows<'_>,
    history: &Series,
    steps: usize,
    training: Training,
) -> std::result::Result<Net, NotFit> {
    let lessons = lessons(windows, history, steps, training.windows);
    if lessons.len() < FEWEST {
        return Err(NotFit::new(format!(
            "{} windows with a truth, where it learns from {FEWEST} or more",
            lessons.len()
        )));
    }
    let inputs = windows.width() - super::window::OWN;
    let shape = Shape { inputs, hidden: training.hidden.clamp(1, 1024), steps };
    let held_back = lessons.len() / 7;
    let (learned, held) = lessons.split_at(lessons.len() - held_back);
    // A window of the last ones learned from must not hold a truth of the others.
    let learned = &learned[..learned.len().saturating_sub(steps.min(learned.len() / 2))];
    run(shape, learned, held, training).map_err(|error| failed(&error))
}

fn run(shape: Shape, learned: &[Lesson], held: &[Lesson], training: Training) -> Result<Net> {
    let mut random = Random(training.seed);
    let mut best = first(shape, &mut random);
    let net = Net::new(shape, &best)?;
    let mut least = error(&net, held)?;
    let params =
        ParamsAdamW { lr: training.learning_rate, weight_decay: 0.01, ..Default::default() };
    let mut optimiser = AdamW::new(net.vars.all_vars(), params)?;
    let mut order: Vec<usize> = (0..learned.len()).collect();
    for epoch in 0..training.epochs {
        // Smaller steps towards the end.
        let rest = 1.0 - f64::from(epoch) / f64::from(training.epochs);
        optimiser.set_learning_rate(training.learning_rate * (0.1 + 0.9 * rest));
        random.shuffle(&mut order);
        for batch in order.chunks(BATCH) {
            let batch: Vec<&Lesson> = batch.iter().map(|at| &learned[*at]).collect();
            optimiser.backward_step(&loss(&net, &batch)?)?;
        }
        let now = error(&net, held)?;
        if now < least {
            (least, best) = (now, net.tensors()?);
        }
    }
    Net::new(shape, &best)
}

fn lessons(windows: &Windows<'_>, history: &Series, steps: usize, most: usize) -> Vec<Lesson> {
    let values = windows.values;
    let last = values.len().saturating_sub(steps);
    let every = last.saturating_sub(FINE).div_ceil(most.max(1)).max(1);
    let real = |at: usize| history.values().get(windows.offset() + at).copied().flatten();
    let lesson = |at: usize| {
        let now = real(at)?;
        // A gap is no truth, however it is filled.
        let change = |lead: usize| Some(((real(at + lead)? - now) / windows.scaling.scale) as f32);
        let truth: Option<Vec<f32>> = (1..=steps).map(change).collect();
        Some((windows.rows(at), windows.ahead(at, steps), truth?))
    };
    (FINE..last)
        .rev()
        .step_by(every)
        .filter_map(lesson)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect()
}

/// The mean pseudo-Huber loss of `batch`.
fn loss(net: &Net, batch: &[&Lesson]) -> Result<Tensor> {
    let rows: Vec<Vec<f32>> = batch.iter().map(|lesson| lesson.0.clone()).collect();
    let ahead: Vec<Vec<f32>> = batch.iter().map(|lesson| lesson.1.clone()).collect();
    let truth: Vec<f32> = batch.iter().flat_map(|lesson| lesson.2.iter().copied()).collect();
    let answer = net.forward(&rows, &ahead)?;
    let truth = Tensor::from_vec(truth, answer.dims(), &Device::Cpu)?;
    let square = (answer - truth)?.sqr()?;
    ((square + SMOOTH * SMOOTH)?.sqrt()? - SMOOTH)?.mean_all()
}

fn error(net: &Net, held: &[Lesson]) -> Result<f32> {
    let mut sum = 0.0;
    for batch in held.chunks(200) {
        let batch: Vec<&Lesson> = batch.iter().collect();
        sum += loss(net, &batch)?.detach().to_scalar::<f32>()? * batch.len() as f32;
    }
    Ok(sum / held.len().max(1) as f32)
}

/// The weights that it begins with: the head answers no change, which is
/// persistence, and cells keep what they know (forget bias 1).
fn first(shape: Shape, random: &mut Random) -> Layers {
    let bound = 1.0 / (shape.hidden as f32).sqrt();
    let hidden = shape.hidden;
    let layer = |(name, dimensions): (&'static str, Vec<usize>)| {
        let len = dimensions.iter().product();
        let values = match name {
            "lstm.weight_ih_l0" | "lstm.weight_hh_l0" => {
                (0..len).map(|_| bound * random.between()).collect()
            }
            // Input, forget, cell, output.
            "lstm.bias_ih_l0" => (0..len).map(|at| f32::from(u8::from(at / hidden == 1))).collect(),
            _ => vec![0.0; len],
        };
        (name.to_owned(), (dimensions, values))
    };
    shape.layers().into_iter().map(layer).collect()
}

/// SplitMix64 (Steele, Lea and Flood, 2014): the same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between -1 and 1.
    fn between(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }

    fn shuffle(&mut self, order: &mut [usize]) {
        for at in (1..order.len()).rev() {
            let with = (self.next() % (at as u64 + 1)) as usize;
            order.swap(at, with);
        }
    }
}
