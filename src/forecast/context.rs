//! What is known beside the load.

use super::NotFit;

/// What is known about every step of a series and of its horizon, whatever the
/// load was: inputs at each step, the first for the first step of the history.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Context {
    /// The names of the inputs: `weekend`, `holiday`, `event`, `upstream/NAME`.
    pub inputs: Vec<String>,
    /// Of each input its values, all of one length: longer than the history by what
    /// is known ahead. A gap is what is not known.
    columns: Vec<Vec<Option<f64>>>,
}

/// Inputs with this beginning are measured: nothing is known of them ahead.
pub const UPSTREAM: &str = "upstream/";

/// The input that holds the expected factor of the events that are on.
pub const EVENT: &str = "event";

impl Context {
    /// Of each of `inputs` its values at every step.
    pub(super) fn new(inputs: Vec<String>, columns: Vec<Vec<Option<f64>>>) -> Self {
        Self { inputs, columns }
    }

    /// The same inputs, and nothing known of them.
    pub(super) fn unknown(inputs: &[String]) -> Self {
        Self { inputs: inputs.to_vec(), columns: vec![Vec::new(); inputs.len()] }
    }

    /// How many steps it knows of.
    pub fn steps(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// Where the input `name` is.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.inputs.iter().position(|input| input == name)
    }

    /// Every value of input `column`; none where there is no such input.
    pub fn values(&self, column: usize) -> &[Option<f64>] {
        self.columns.get(column).map_or(&[], Vec::as_slice)
    }

    /// Input `column` at step `index`; a gap also where there is no such step.
    pub fn at(&self, index: usize, column: usize) -> Option<f64> {
        let value = *self.columns.get(column)?.get(index)?;
        value.filter(|value| value.is_finite())
    }

    /// The inputs of step `target` as they are known at step `origin`: what is
    /// measured is that of the origin.
    pub fn known(&self, origin: usize, target: usize) -> Vec<Option<f64>> {
        let of = |(column, input): (usize, &String)| {
            self.at(if input.starts_with(UPSTREAM) { origin } else { target }, column)
        };
        self.inputs.iter().enumerate().map(of).collect()
    }

    /// Whether all that is measured and `counts` is known at step `origin`.
    ///
    /// # Errors
    /// [`NotFit`] with the name of what is not.
    pub(super) fn measured(
        &self,
        origin: usize,
        counts: impl Fn(usize) -> bool,
    ) -> Result<(), NotFit> {
        for (column, input) in self.inputs.iter().enumerate() {
            let Some(service) = input.strip_prefix(UPSTREAM) else { continue };
            if counts(column) && self.at(origin, column).is_none() {
                return Err(NotFit::new(format!(
                    "it reads the load of {service}, which is not known now"
                )));
            }
        }
        Ok(())
    }

    /// What was known when the history had `len` steps, with `ahead` steps more: of
    /// those nothing that is measured.
    #[must_use]
    pub fn as_of(&self, len: usize, ahead: usize) -> Self {
        let known = |values: &Vec<Option<f64>>| values[..len.min(values.len())].to_vec();
        let columns = self.columns.iter().map(known).collect();
        let mut known = Self { inputs: self.inputs.clone(), columns };
        known.look_ahead(self, len, ahead);
        known
    }

    /// Moves on from what was known before step `origin` to what is known at it, of
    /// `all` that will be, and `ahead` steps more.
    pub(super) fn reveal(&mut self, all: &Self, origin: usize, ahead: usize) {
        for (column, values) in self.columns.iter_mut().enumerate() {
            values.truncate(origin);
            values.push(all.at(origin, column));
        }
        self.look_ahead(all, origin + 1, ahead);
    }

    /// Puts the steps from `len` on in the place of its own, as they are known ahead of
    /// their time.
    fn look_ahead(&mut self, all: &Self, len: usize, ahead: usize) {
        for (column, values) in self.columns.iter_mut().enumerate() {
            let foreseen = !self.inputs[column].starts_with(UPSTREAM);
            let of = |index| foreseen.then(|| all.at(index, column)).flatten();
            values.truncate(len);
            values.resize(len, None);
            values.extend((len..len + ahead).map(of));
        }
    }
}
