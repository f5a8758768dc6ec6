//! Which Kubernetes objects and AWS groups should exist: environment and
//! decision, written out through `templates/`.

mod alerts;
mod burst;
mod cluster;
mod error;
mod install;
mod launch;
mod lookups;
mod marked;
mod names;
mod network;
mod scene;
mod stages;
mod templates;
mod view;
mod workloads;
mod world;
mod yaml;

pub(crate) use burst::INSTANCE_START;
pub use error::DesiredError;
pub use install::{Install, install, mounted_size};
pub use lookups::{lookups, offers, reservation};
pub use templates::{EMBEDDED, Templates};
pub use world::{Desired, DesiredWorld, Missing, Seed};

use crate::decide::Decision;
use crate::observe::{Inventory, Mark};
use crate::spec::{Catalog, Environment, Origins};
use scene::Scene;

/// Everything that a desired world may depend on.
#[derive(Debug, Clone, Copy)]
pub struct DesiredInput<'a> {
    /// What git declares.
    pub environment: &'a Environment,
    /// The line that each value came from.
    pub origins: &'a Origins,
    /// What instance types have.
    pub catalog: &'a Catalog,
    /// How much capacity each pool should have.
    pub decision: &'a Decision,
    /// What is there: names are kept, and the namespace is only made if absent.
    pub inventory: &'a Inventory,
    /// Whose environment it is.
    pub mark: &'a Mark,
}

/// Renders everything that should exist. Pure: the same input and templates,
/// the same world. Only a template can make it fail.
pub fn render(
    input: &DesiredInput<'_>,
    templates: &Templates,
) -> Result<DesiredWorld, DesiredError> {
    let scene = Scene::new(*input, templates);
    let mut resources = Vec::new();
    if input.environment.onprem.is_some() {
        resources = cluster::members(&scene)?;
        let frame = cluster::frame(&scene, &resources)?;
        resources.extend(frame);
    }
    let mut missing = Vec::new();
    resources.extend(burst::members(&scene, &mut missing)?);
    Ok(DesiredWorld { resources, missing })
}

/// The operations team's alert rules, as the text of a Prometheus rules file.
pub fn alert_rules(
    input: &DesiredInput<'_>,
    templates: &Templates,
) -> Result<String, DesiredError> {
    let scene = Scene::new(*input, templates);
    templates.text("templates/alerts/rules.yaml", &alerts::view(&scene))
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
