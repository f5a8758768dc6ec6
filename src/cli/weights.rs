//! The weights that an environment names, held to what the controller asks of them.

use crate::diag::{Diagnostic, Diagnostics};
use crate::forecast::{Trained, WeightsError, inputs};
use crate::spec::{self, Environment, Loader, Resolved};

/// Reads the environment at `path` with all that it names. `None` where anything is
/// an error, weights that are of no use to it among them.
pub(super) fn resolve(path: &str, loader: &dyn Loader) -> (Option<Resolved>, Diagnostics) {
    let (resolved, mut diagnostics) = spec::resolve(path, loader);
    let Some(resolved) = resolved else { return (None, diagnostics) };
    match (trained(&resolved), &resolved.weights) {
        (Err(error), Some(file)) => {
            let wrong = Diagnostic::error(format!("`{}` cannot be used: {error}", file.path));
            diagnostics.push(file.label(wrong.help(help(&error))));
            diagnostics.sort();
            (None, diagnostics)
        }
        _ => (Some(resolved), diagnostics),
    }
}

/// The forecaster of the weights that it names; none: it names none.
pub(super) fn trained(resolved: &Resolved) -> Result<Option<Trained>, WeightsError> {
    let Some(file) = &resolved.weights else { return Ok(None) };
    let environment = &resolved.environment;
    let horizon = environment.burst.forecast.horizon;
    Trained::of(file.bytes.clone(), &inputs(services(environment)), horizon).map(Some)
}

/// The services upstream of it.
fn services(environment: &Environment) -> impl Iterator<Item = &str> {
    let signals = environment.signals.iter();
    signals.flat_map(|signals| signals.upstream.keys()).map(|name| name.as_str())
}

fn help(error: &WeightsError) -> &'static str {
    match error {
        WeightsError::Absent(_) => "build Floodway with its feature `lstm`, or leave `weights` out",
        WeightsError::Other { .. } => "`floodway forecast train ENV` trains what fits",
        WeightsError::Unreadable(_) | WeightsError::Unwritable(_) => {
            "name what `floodway forecast train` has written"
        }
    }
}
