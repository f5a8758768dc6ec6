//! The decision log: one record for each decision, as a line of NDJSON.

use super::hold::Hold;
use super::outcome::{PoolScaling, Scaling};
use crate::clock::Timestamp;
use crate::decide::Reason;
use crate::forecast::Standing;
use crate::id::Name;
use crate::units::Rate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of a record's fields. It rises when one changes its meaning or goes;
/// readers pass over records of versions that they do not know.
pub const RECORD_VERSION: u32 = 1;

/// Reasons and holds of a pool or stage that are kept, and events of a decision.
const MOST: usize = 8;

/// Events of a decision that are kept.
const MOST_EVENTS: usize = 64;

/// Characters of a text that are kept.
const LONGEST: usize = 300;

/// One decision, as the log has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// See [`RECORD_VERSION`].
    pub version: u32,
    /// The environment.
    pub environment: Name,
    /// What was decided, bounded.
    #[serde(flatten)]
    pub scaling: Scaling,
    /// How the forecasters of each stage stood, the best first; bounded.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub forecasters: BTreeMap<Name, Vec<ForecasterRecord>>,
}

/// How a forecaster stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForecasterRecord {
    /// Its name.
    pub name: String,
    /// Whether it was believed.
    pub used: bool,
    /// Its rolling pinball loss; none: it was not measured yet.
    pub loss: Option<Rate>,
    /// Why it had no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out: Option<String>,
}

impl ForecasterRecord {
    fn of(standing: &Standing) -> Self {
        let mut out = standing.out.clone();
        out.iter_mut().for_each(bound);
        Self {
            name: standing.name.clone(),
            used: standing.leads,
            loss: standing.loss.and_then(super::input::rate),
            out,
        }
    }
}

impl DecisionRecord {
    /// Of a decision, with what people write bounded in number and length.
    pub fn of(environment: &Name, scaling: &Scaling) -> Self {
        let mut scaling = Scaling { memory: <_>::default(), ..scaling.clone() };
        for stage in scaling.stages.values_mut() {
            bound_holds(&mut stage.holds);
            stage.doubt.iter_mut().for_each(bound);
        }
        for PoolScaling { reasons, holds, .. } in scaling.pools.values_mut() {
            reasons.truncate(MOST);
            reasons.iter_mut().for_each(bound_reason);
            bound_holds(holds);
        }
        scaling.events.truncate(MOST_EVENTS);
        scaling.events.iter_mut().for_each(|event| bound(&mut event.text));
        let forecasters = BTreeMap::new();
        Self { version: RECORD_VERSION, environment: environment.clone(), scaling, forecasters }
    }

    /// With how the forecasters of each stage stood.
    #[must_use]
    pub fn with_forecasters(mut self, standings: &BTreeMap<Name, Vec<Standing>>) -> Self {
        let bounded = |standings: &Vec<Standing>| {
            standings.iter().take(MOST).map(ForecasterRecord::of).collect()
        };
        let all = standings.iter().filter(|(_, standings)| !standings.is_empty());
        self.forecasters = all.map(|(stage, of)| (stage.clone(), bounded(of))).collect();
        self
    }

    /// As a line, without its end.
    ///
    /// # Errors
    /// Never of a record that [`Self::of`] made: all of its keys are texts.
    pub fn to_line(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// From a line; none of what is empty, cut off, or of a version that is not
    /// known.
    pub fn from_line(line: &str) -> Option<Self> {
        let record: Self = serde_json::from_str(line).ok()?;
        (record.version == RECORD_VERSION).then_some(record)
    }
}

/// The decision that was in force at `at`: the last that was made by then, in
/// whatever order the records are.
pub fn in_force(records: &[DecisionRecord], at: Timestamp) -> Option<&DecisionRecord> {
    let made = records.iter().filter(|record| record.scaling.at <= at);
    made.max_by_key(|record| record.scaling.at)
}

fn bound_holds(holds: &mut Vec<Hold>) {
    holds.truncate(MOST);
    holds.iter_mut().for_each(|hold| bound_reason(&mut hold.why));
}

fn bound_reason(reason: &mut Reason) {
    bound(&mut reason.text);
}

fn bound(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
    }
}
