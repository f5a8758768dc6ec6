//! x
use super::model::Environment;
use super::spots::Spots;
use crate::diag::Diagnostics;
pub(super) fn validate(_environment: &Environment, _spots: &Spots, _diagnostics: &mut Diagnostics) {
}
