//! Where AWS is asked, when the environment names another place than its own.

use crate::plan::{FailureKind, PortError};
use std::ffi::OsString;

/// Whether the SDK can read what `variables` name. At a place that is named by nothing it
/// ends the process, here or on its own way to credentials.
pub(super) fn check(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(), PortError> {
    // One may stand for all services, and one for each.
    let is_of_place = |name: &OsString| name.to_string_lossy().starts_with("AWS_ENDPOINT_URL");
    let mut named = variables.into_iter().filter(|(name, _)| is_of_place(name));
    let Some((name, _)) = named.find(|(_, place)| place.is_empty()) else { return Ok(()) };
    let name = name.to_string_lossy();
    Err(PortError {
        kind: FailureKind::Unreachable,
        message: format!("{name} is set to nothing, and is to say where AWS is asked"),
        help: Some(format!("unset {name}, or write it like https://host:port")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_named_by_nothing_is_an_error_and_none_is_not() {
        let said = |name: &str, place: &str| check([(name.into(), place.into())]);
        for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"] {
            let error = said(name, "").unwrap_err();
            assert!(error.message.starts_with(&format!("{name} is set to nothing")), "{error:?}");
            said(name, "http://127.0.0.1:9").unwrap();
        }
        said("AWS_PROFILE", "").unwrap();
        check([]).unwrap();
    }
}
