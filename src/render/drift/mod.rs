//! What others changed since the last apply, for readers. What is identical is
//! told once, with all the things that it happened to.

mod print;

pub use print::text;

use super::name::address;
use super::plan::FieldView;
use super::text::count;
use crate::observe::{Gap, Mark, ResourceId};
use crate::plan::{Drift, FieldChange, Finding, What};
use schemars::JsonSchema;
use serde::Serialize;

/// The version of the JSON.
pub const FORMAT_VERSION: &str = "1.0";

/// All drift. Also the document that `drift --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "Floodway drift")]
pub struct DriftView {
    /// `MAJOR.MINOR`. A higher minor only adds; refuse another major.
    #[schemars(regex(pattern = r"^1\.[0-9]+$"))]
    pub format_version: String,
    /// The environment.
    pub environment: String,
    /// Its file.
    pub file: String,
    /// Whether it was ever applied here.
    pub applied: bool,
    /// Whether anything is not as the last apply left it, or may not be.
    pub drift: bool,
    /// What was changed, each with all the things that it was changed of.
    pub changes: Vec<DriftedView>,
    /// Things that the last apply left, that are gone, and that the file does
    /// not ask for any more.
    pub more_deleted: usize,
    /// What could not be looked at: there may be drift in it.
    pub unseen: Vec<UnseenView>,
    /// All of it in one line.
    pub summary: String,
}

/// What was done alike to one thing or several.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DriftedView {
    /// What.
    pub kind: DriftKind,
    /// The field: `before` is what the file says, `after` what it is; absent
    /// where it is no field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<FieldView>,
    /// The file asks for other values of these things than were applied: what
    /// the field was may be another than `field.before`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub edited: bool,
    /// All differences, where those of others cannot be told from the file's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<FieldView>,
    /// Who, as far as the place says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// Why it may be no drift after all; absent: it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
    /// The things.
    pub things: Vec<DriftedThing>,
    /// In words, without the things.
    pub text: String,
}

/// What was done to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// It is gone.
    Deleted,
    /// It waits for its finalizers.
    Deleting,
    /// Somebody made it anew.
    MadeAnew,
    /// It carries the environment's marks no more.
    Unmarked,
    /// It carries somebody else's marks.
    MarkedAnew,
    /// It carries the environment's marks, and Floodway has not made it.
    Appeared,
    /// A field has another value.
    Field,
    /// It is not as it was applied, and the file has changed too.
    Mixed,
}

/// A thing that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DriftedThing {
    /// Its unique name.
    pub address: String,
    /// `Deployment`, `AutoScalingGroup`.
    pub kind: String,
    /// With its namespace or region.
    pub name: String,
}

/// What could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UnseenView {
    /// What.
    pub what: String,
    /// Why, and what to do.
    pub why: String,
}

impl DriftView {
    /// What readers are told about the `drift` of `mark`'s environment.
    pub fn new(mark: &Mark, drift: &Drift) -> Self {
        let mut changes: Vec<DriftedView> = Vec::new();
        for finding in &drift.findings {
            let told = DriftedView::of(finding);
            let alike = |known: &&mut DriftedView| {
                let things = known.things.clone();
                **known == DriftedView { things, ..told.clone() }
            };
            match changes.iter_mut().find(alike) {
                Some(known) => known.things.extend(told.things),
                None => changes.push(told),
            }
        }
        changes.sort_by_key(|change| (change.doubt.is_some(), change.kind));
        let unseen: Vec<UnseenView> = drift.unseen.iter().map(UnseenView::from).collect();
        Self {
            format_version: FORMAT_VERSION.into(),
            environment: mark.environment.clone(),
            file: mark.file.clone(),
            applied: drift.applied,
            drift: drift.is_some(),
            more_deleted: drift.more_deleted,
            summary: summary(mark, drift, &changes),
            changes,
            unseen,
        }
    }
}

impl From<&Gap> for UnseenView {
    fn from(gap: &Gap) -> Self {
        Self { what: gap.what.clone(), why: gap.why.clone() }
    }
}

impl From<&ResourceId> for DriftedThing {
    fn from(id: &ResourceId) -> Self {
        let name = match &id.scope {
            Some(scope) => format!("{scope}/{}", id.name),
            None => id.name.clone(),
        };
        Self { address: address(id), kind: id.kind.clone(), name }
    }
}

impl DriftedView {
    fn of(finding: &Finding) -> Self {
        let (kind, by) = match &finding.what {
            What::Field { by, .. } => (DriftKind::Field, by.as_slice()),
            What::Mixed { .. } => (DriftKind::Mixed, [].as_slice()),
            What::Deleted => (DriftKind::Deleted, [].as_slice()),
            What::Deleting => (DriftKind::Deleting, [].as_slice()),
            What::MadeAnew { by } => (DriftKind::MadeAnew, by.as_slice()),
            What::Appeared { by } => (DriftKind::Appeared, by.as_slice()),
            What::Unmarked => (DriftKind::Unmarked, [].as_slice()),
            What::MarkedAnew { .. } => (DriftKind::MarkedAnew, [].as_slice()),
        };
        let mut view = Self {
            kind,
            field: None,
            edited: false,
            differences: Vec::new(),
            by: by.to_vec(),
            doubt: finding.doubt.clone(),
            things: vec![DriftedThing::from(&finding.id)],
            text: String::new(),
        };
        match &finding.what {
            What::Field { path, wanted, is, edited, .. } => {
                let (path, before, after) = (path.clone(), wanted.clone(), is.clone());
                view.field = Some(FieldView::from(&FieldChange { path, before, after }));
                view.edited = *edited;
            }
            What::Mixed { differences } => {
                // Told from what is there to what the file says: the other way round.
                let turned = differences.iter().map(|field| FieldChange {
                    path: field.path.clone(),
                    before: field.after.clone(),
                    after: field.before.clone(),
                });
                view.differences = turned.map(|field| FieldView::from(&field)).collect();
            }
            _ => {}
        }
        view.text = print::in_words(&view, &finding.what);
        view
    }
}

fn summary(mark: &Mark, drift: &Drift, changes: &[DriftedView]) -> String {
    let name = &mark.environment;
    let unseen = drift.unseen.len();
    if !drift.is_some() && unseen > 0 {
        return format!(
            "No drift in what could be read, and {} could not be read: whether there is drift in \
             {} is not known.",
            count(unseen, "part"),
            if unseen == 1 { "it" } else { "them" }
        );
    }
    if !drift.applied {
        return format!("{name} was never applied here: nothing can have drifted.");
    }
    if !drift.is_some() {
        return format!("No drift: what git owns of {name} is as the last apply left it.");
    }
    let certain = changes.iter().filter(|change| change.doubt.is_none()).count();
    let certain = certain + usize::from(drift.more_deleted > 0);
    let doubtful = changes.iter().filter(|change| change.doubt.is_some()).count();
    let mut parts = vec![count(certain, "difference")];
    parts.extend((doubtful > 0).then(|| format!("{doubtful} that may be one")));
    parts.extend((unseen > 0).then(|| format!("{} that could not be read", count(unseen, "part"))));
    format!("Drift of {name}: {}.", parts.join(", "))
}
