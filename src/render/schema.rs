//! JSON Schemas (2020-12) of the documents that Floodway prints, so that other
//! tools can rely on them.

use super::drift::DriftView;
use super::event::EventLine;
use super::forecast::ScoreView;
use super::hands::HandsView;
use super::images::{ImagesView, PruneView};
use super::journal::JournalView;
use super::lock::LocksView;
use super::orphans::OrphansView;
use super::plan::PlanDocument;
use super::prices::PricesView;
use super::rollout::RolloutView;
use super::rollout::records::RecordsView;
use super::rollout::status::RolloutStatusView;
use super::signals::SignalsView;
use super::status::StatusView;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

/// What `floodway plan --json` prints.
pub fn plan() -> Schema {
    of::<PlanDocument>()
}

/// What `floodway status --json` prints.
pub fn status() -> Schema {
    of::<StatusView>()
}

/// What `floodway signals --json` prints.
pub fn signals() -> Schema {
    of::<SignalsView>()
}

/// What `floodway orphans --json` prints.
pub fn orphans() -> Schema {
    of::<OrphansView>()
}

/// What `floodway prices --json` prints.
pub fn prices() -> Schema {
    of::<PricesView>()
}

/// What `floodway rollout render --format json` prints.
pub fn rollout() -> Schema {
    of::<RolloutView>()
}

/// What `floodway forecast score --json` prints.
pub fn forecast() -> Schema {
    of::<ScoreView>()
}

/// What `floodway drift --json` prints.
pub fn drift() -> Schema {
    of::<DriftView>()
}

/// What `floodway image list --json` prints.
pub fn images() -> Schema {
    of::<ImagesView>()
}

/// What `floodway image prune --json` prints.
pub fn prune() -> Schema {
    of::<PruneView>()
}

/// What `floodway journal --json` prints.
pub fn journal() -> Schema {
    of::<JournalView>()
}

/// What `floodway lock show --json` prints.
pub fn lock() -> Schema {
    of::<LocksView>()
}

/// What `floodway hold`, `scale` and `resume` print with `--json`.
pub fn hands() -> Schema {
    of::<HandsView>()
}

/// What `floodway rollout status --json` and `rollout check --json` print.
pub fn rollout_status() -> Schema {
    of::<RolloutStatusView>()
}

/// What `floodway rollout record --show --json` prints.
pub fn rollout_records() -> Schema {
    of::<RecordsView>()
}

/// One line of `--json-into FILE`.
pub fn events() -> Schema {
    of::<EventLine>()
}

fn of<T: JsonSchema>() -> Schema {
    // What is written, not what would be read: a field that may be left out is
    // optional, one that is always there is required.
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}
