//! Ridge regression by its normal equations (Hoerl and Kennard, 1970).

/// The penalty for each row, in units of the inputs' variance.
const PENALTY: f64 = 0.02;

/// How many deviations from its mean an input may be: what was never seen is no
/// reason to go anywhere.
const FARTHEST: f64 = 4.0;

/// Weights of standardised inputs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights {
    pub(super) weights: Vec<f64>,
    pub(super) means: Vec<f64>,
    /// Zero for an input that never changed.
    pub(super) deviations: Vec<f64>,
    pub(super) constant: f64,
}

impl Weights {
    /// What `row` comes to; an input that is not known is at its mean.
    pub(super) fn apply(&self, row: &[f64]) -> f64 {
        let inputs = row.iter().enumerate().map(|(at, value)| self.standard(at, *value));
        self.constant + inputs.zip(&self.weights).map(|(input, weight)| input * weight).sum::<f64>()
    }

    fn standard(&self, at: usize, value: f64) -> f64 {
        let input = (value - self.means[at]) / self.deviations[at];
        if input.is_finite() { input.clamp(-FARTHEST, FARTHEST) } else { 0.0 }
    }
}

/// The weights that best tell the second of each row from the first; `None`
/// where there are fewer rows than inputs.
pub(super) fn fit(rows: &[(Vec<f64>, f64)]) -> Option<Weights> {
    let width = rows.first()?.0.len();
    if rows.len() < width + 2 {
        return None;
    }
    let column =
        |at: usize| rows.iter().map(move |row| row.0[at]).filter(|value| value.is_finite());
    let mean = |at: usize| column(at).sum::<f64>() / column(at).count().max(1) as f64;
    let means: Vec<f64> = (0..width).map(mean).collect();
    let deviation = |at: usize| {
        let squares = column(at).map(|value| (value - means[at]).powi(2)).sum::<f64>();
        let deviation = (squares / column(at).count().max(1) as f64).sqrt();
        if deviation > 1e-9 * (1.0 + means[at].abs()) { deviation } else { 0.0 }
    };
    let deviations = (0..width).map(deviation).collect();
    let constant = rows.iter().map(|row| row.1).sum::<f64>() / rows.len() as f64;
    let mut weights = Weights { weights: vec![0.0; width], means, deviations, constant };
    let mut matrix = vec![0.0; width * width];
    let mut right = vec![0.0; width];
    for (row, truth) in rows {
        let inputs = row.iter().enumerate().map(|(at, value)| weights.standard(at, *value));
        let inputs: Vec<f64> = inputs.collect();
        for (i, input) in inputs.iter().enumerate() {
            right[i] += input * (truth - constant);
            for (j, other) in inputs.iter().enumerate().take(i + 1) {
                matrix[i * width + j] += input * other;
            }
        }
    }
    for at in 0..width {
        matrix[at * width + at] += PENALTY * rows.len() as f64;
    }
    weights.weights = solve(matrix, right)?;
    Some(weights)
}

/// Solves a positive definite system, of which the lower half is given, by
/// Cholesky's decomposition.
fn solve(mut matrix: Vec<f64>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let n = right.len();
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| matrix[i * n + k] * matrix[j * n + k]).sum();
            let rest = matrix[i * n + j] - dot;
            if i == j && (rest.is_nan() || rest <= 0.0) {
                return None;
            }
            matrix[i * n + j] = if i == j { rest.sqrt() } else { rest / matrix[j * n + j] };
        }
    }
    for i in 0..n {
        let dot: f64 = (0..i).map(|k| matrix[i * n + k] * right[k]).sum();
        right[i] = (right[i] - dot) / matrix[i * n + i];
    }
    for i in (0..n).rev() {
        let dot: f64 = (i + 1..n).map(|k| matrix[k * n + i] * right[k]).sum();
        right[i] = (right[i] - dot) / matrix[i * n + i];
    }
    right.iter().all(|value| value.is_finite()).then_some(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_law_is_found_and_an_input_that_never_changed_has_no_weight() {
        let row = |at: i32| {
            let (a, b) = (f64::from(at % 7), f64::from(at % 5));
            (vec![a, b, 1.0, f64::NAN], 2.0 * a - b + 3.0)
        };
        let rows: Vec<_> = (0..700).map(row).collect();
        let weights = fit(&rows).unwrap();
        let said = weights.apply(&[3.0, 1.0, 9.0, 5.0]);
        assert!((said - 8.0).abs() < 0.2, "{said}");
        assert_eq!(weights.weights[2..], [0.0, 0.0]);
        assert!(fit(&rows[..5]).is_none());
    }
}
