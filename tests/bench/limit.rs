//! The limits that benchmarks print, and what one ends with that does not hold them.

use std::fmt::Debug;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

static BROKEN: AtomicBool = AtomicBool::new(false);

/// Says so where a figure is beyond its limit. `what` it is of, with the unit where the
/// figure has none.
pub(crate) fn hold<T: PartialOrd + Debug>(what: &str, figure: T, limit: T) {
    if figure > limit {
        println!("FAIL {what}: {figure:.2?} is beyond the limit of {limit:?}");
        BROKEN.store(true, Ordering::Relaxed);
    }
}

/// What a benchmark ends with: a failure, where a limit was not held.
pub(crate) fn outcome() -> ExitCode {
    match BROKEN.load(Ordering::Relaxed) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}
