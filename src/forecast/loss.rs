//! How wrong a forecast was.

/// Weighted absolute percentage error: the sum of the errors over the sum of the
/// truths, as a share; not a number where the truths sum to zero.
pub fn wape(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (error, total) = pairs.fold((0.0, 0.0), |(error, total), (truth, path)| {
        (error + (truth - path).abs(), total + truth.abs())
    });
    error / total
}

/// The pinball loss of the quantile `level`, in the unit of the values: what is
/// above a high quantile costs more than what is below it. Its mean is least
/// where the quantile is right (Koenker and Bassett, 1978).
pub fn pinball(level: f64, truth: f64, quantile: f64) -> f64 {
    let over = truth - quantile;
    (level * over).max((level - 1.0) * over)
}

/// The share of truths that are not above their quantile; not a number of none.
pub fn coverage(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (under, all) = pairs.fold((0_u32, 0_u32), |(under, all), (truth, quantile)| {
        (under + u32::from(truth <= quantile), all + 1)
    });
    f64::from(under) / f64::from(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_above_a_high_quantile_costs_more() {
        assert!((pinball(0.95, 110.0, 100.0) - 9.5).abs() < 1e-9);
        assert!((pinball(0.95, 90.0, 100.0) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn errors_are_weighed_by_the_truth() {
        let pairs = [(100.0, 90.0), (300.0, 330.0)];
        assert!((wape(pairs.into_iter()) - 0.1).abs() < 1e-9);
        assert!((coverage(pairs.into_iter()) - 0.5).abs() < 1e-9);
    }
}
