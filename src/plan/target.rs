//! `--target`: a part of an environment, with all that it needs.

use super::{PlanError, PlanInput, kinds, slots};
use crate::observe::{Live, Ownership, ResourceId};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// What a plan can be restricted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Everything of a pool.
    Pool(String),
    /// One thing, by kind and name.
    Resource {
        /// `Deployment`; case does not matter.
        kind: String,
        /// Its name.
        name: String,
    },
    /// One thing, wherever others of its name may be.
    Exact(ResourceId),
}

impl FromStr for Target {
    type Err = Infallible;

    /// `h100` is a pool, `Deployment/deepseek-inference-h100` a thing.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.split_once('/') {
            Some((kind, name)) => Self::Resource { kind: kind.into(), name: name.into() },
            None => Self::Pool(text.into()),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pool(pool) => f.write_str(pool),
            Self::Resource { kind, name } => write!(f, "{kind}/{name}"),
            Self::Exact(id) => f.write_str(&kinds::written(id)),
        }
    }
}

impl Target {
    fn matches(&self, id: &ResourceId, pool: Option<&str>) -> bool {
        match self {
            Self::Pool(name) => pool == Some(name),
            Self::Resource { kind, name } => {
                kind.eq_ignore_ascii_case(&id.kind) && *name == id.name
            }
            Self::Exact(exact) => exact == id,
        }
    }
}

/// What a plan is about.
#[derive(Debug)]
pub(super) enum Selection {
    Everything,
    Only(BTreeSet<ResourceId>),
}

impl Selection {
    pub(super) fn has(&self, id: &ResourceId) -> bool {
        match self {
            Self::Everything => true,
            Self::Only(ids) => ids.contains(id),
        }
    }
}

/// The targets, what they need to exist first, and, where a pool loses its
/// autoscaler, that autoscaler.
pub(super) fn select(input: &PlanInput<'_>) -> Result<Selection, PlanError> {
    let targets = &input.options.targets;
    if targets.is_empty() {
        return Ok(Selection::Everything);
    }
    let ours = || input.inventory.resources.values().filter(|l| l.ownership == Ownership::Ours);
    let adopted = slots::replaced_by_adoption(input);
    let named: Vec<(&ResourceId, Option<&str>)> = input
        .desired
        .resources
        .iter()
        .map(|want| (&want.id, want.pool.as_ref().map(AsRef::as_ref)))
        .chain(ours().map(|live| (&live.id, live.pool())))
        .chain(adopted.iter().map(|(old, _)| (*old, None)))
        .collect();
    let mut selected = BTreeSet::new();
    for target in targets {
        let before = selected.len();
        let matching = named.iter().filter(|(id, pool)| target.matches(id, *pool));
        selected.extend(matching.map(|(id, _)| (*id).clone()));
        let nothing =
            selected.len() == before && !named.iter().any(|(id, pool)| target.matches(id, *pool));
        if nothing {
            return Err(unknown(target, &named));
        }
    }
    for (old, new) in adopted {
        if selected.contains(old) {
            selected.insert(new.clone());
        }
    }
    add_what_they_need(input, &mut selected);
    let touched: BTreeSet<&str> = named
        .iter()
        .filter(|(id, _)| kinds::is_workload(id) && selected.contains(*id))
        .filter_map(|(_, pool)| *pool)
        .collect();
    let autoscaler = |live: &&Live| {
        live.id.kind == kinds::HPA && live.pool().is_some_and(|p| touched.contains(p))
    };
    selected.extend(ours().filter(autoscaler).map(|live| live.id.clone()));
    Ok(Selection::Only(selected))
}

fn add_what_they_need(input: &PlanInput<'_>, selected: &mut BTreeSet<ResourceId>) {
    let wanted: std::collections::BTreeMap<_, _> =
        input.desired.resources.iter().map(|want| (&want.id, want)).collect();
    let mut open: Vec<ResourceId> = selected.iter().cloned().collect();
    while let Some(id) = open.pop() {
        for needed in wanted.get(&id).into_iter().flat_map(|want| &want.after) {
            if selected.insert(needed.clone()) {
                open.push(needed.clone());
            }
        }
    }
}

fn unknown(target: &Target, named: &[(&ResourceId, Option<&str>)]) -> PlanError {
    let text = target.to_string();
    let known = named.iter().flat_map(|(id, pool)| {
        let resource = Target::Resource { kind: id.kind.clone(), name: id.name.clone() };
        [Some(resource.to_string()), pool.map(str::to_owned)]
    });
    let nearest = known
        .flatten()
        .map(|name| (strsim::jaro_winkler(&text, &name), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name);
    PlanError::UnknownTarget { target: text, nearest }
}
