//! The decision log: one record for each decision, as a line of NDJSON.

use super::hold::Hold;
use super::outcome::{PoolScaling, Scaling};
use super::said::SaidRecord;
use crate::clock::Timestamp;
use crate::decide::Reason;
use crate::forecast::Standing;
use crate::id::Name;
use crate::observe::Hands;
use crate::units::Rate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of a record's fields. It rises when one changes its meaning or goes;
/// readers pass over records of versions that they do not know.
pub const RECORD_VERSION: u32 = 1;

/// Reasons and holds of a pool or stage that are kept, and events of a decision.
const MOST: usize = 8;

/// Events of a decision that are kept, and writes.
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
    /// How the controller stood that decided: `leads`, `follows`, `cut_off`, `waits`,
    /// `dry_run`. None: an older Floodway has not noted it, nor what was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<String>,
    /// Who led, where it followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<String>,
    /// Why nothing was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
    /// What was written, or would have been; bounded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<DoneRecord>,
    /// What operators said that counted; bounded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<SaidRecord>,
}

/// A write, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoneRecord {
    /// The pool that it is about.
    pub pool: Name,
    /// The step, in short words.
    pub what: String,
    /// What became of it.
    pub outcome: DoneOutcome,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoneOutcome {
    /// It is done.
    Done,
    /// It is not, or that is not known.
    Failed,
    /// It was only shown.
    Withheld,
}

impl DoneOutcome {
    /// In a word, as records have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Withheld => "withheld",
        }
    }
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
        Self {
            version: RECORD_VERSION,
            environment: environment.clone(),
            scaling,
            forecasters: BTreeMap::new(),
            standing: None,
            leader: None,
            withheld: None,
            done: Vec::new(),
            said: Vec::new(),
        }
    }

    /// With what operators said, whether it kept anything or not.
    #[must_use]
    pub fn with_said(mut self, hands: &Hands) -> Self {
        self.said = SaidRecord::of(hands, &self.scaling);
        self.said.truncate(MOST_EVENTS);
        self
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

    /// With how the controller stood, who led if that was another, and why nothing was
    /// written if nothing was.
    #[must_use]
    pub fn with_standing(
        mut self,
        standing: &str,
        leader: Option<&str>,
        withheld: Option<&str>,
    ) -> Self {
        self.standing = Some(standing.to_owned());
        self.leader = leader.map(bounded);
        self.withheld = withheld.map(bounded);
        self
    }

    /// With its writes: of which pool, what, and what came of it; none: it was only
    /// shown.
    #[must_use]
    pub fn with_done(
        mut self,
        writes: impl IntoIterator<Item = (Name, String, Option<Result<(), String>>)>,
    ) -> Self {
        let one = |(pool, what, came): (Name, String, Option<Result<(), String>>)| {
            let (outcome, why) = match came {
                None => (DoneOutcome::Withheld, None),
                Some(Ok(())) => (DoneOutcome::Done, None),
                Some(Err(why)) => (DoneOutcome::Failed, Some(bounded(&why))),
            };
            DoneRecord { pool, what: bounded(&what), outcome, why }
        };
        self.done = writes.into_iter().take(MOST_EVENTS).map(one).collect();
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

/// A text that people write, as a record keeps it.
pub(super) fn bounded(text: &str) -> String {
    let mut text = text.to_owned();
    bound(&mut text);
    text
}

fn bound(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> DecisionRecord {
        let scaling = Scaling::default();
        DecisionRecord::of(&"day".parse().unwrap(), &scaling)
    }

    #[test]
    fn a_record_says_who_led_and_what_became_of_each_write() {
        let pool = || -> Name { "g6e".parse().unwrap() };
        let line = record()
            .with_standing("follows", Some("ada"), Some("ada leads"))
            .with_done([
                (pool(), "0 → 1".to_owned(), None),
                (pool(), "1 → 2".to_owned(), Some(Ok(()))),
                (pool(), "2 → 3".to_owned(), Some(Err("no ".repeat(5000)))),
            ])
            .to_line()
            .unwrap();
        for told in [
            r#""standing":"follows","leader":"ada","withheld":"ada leads""#,
            r#"{"pool":"g6e","what":"0 → 1","outcome":"withheld"}"#,
            r#"{"pool":"g6e","what":"1 → 2","outcome":"done"}"#,
            r#""outcome":"failed","why":"no no "#,
        ] {
            assert!(line.contains(told), "{told}: {line}");
        }
        assert!(line.len() < 2000, "{}", line.len());
        assert_eq!(DecisionRecord::from_line(&line).unwrap().to_line().unwrap(), line);
    }

    #[test]
    fn a_line_of_an_older_floodway_is_read_without_what_it_does_not_say() {
        let line = record().to_line().unwrap();
        assert!(!line.contains("standing") && !line.contains("done"), "{line}");
        let read = DecisionRecord::from_line(&line).unwrap();
        assert_eq!((read.standing, read.withheld, read.done), (None, None, Vec::new()));
    }
}
