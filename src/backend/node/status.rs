//! What an agent says of its instance.

use crate::clock::Timestamp;
use crate::port::Left;
use serde::Deserialize;

/// How an instance stands. Fields that are not known here are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Status {
    pub(super) instance: String,
    pub(super) state: State,
    pub(super) in_flight: u64,
    #[serde(default)]
    pub(super) since: Option<Timestamp>,
    /// When the instance is taken back.
    #[serde(default)]
    pub(super) notice: Option<Timestamp>,
}

/// Whether an instance takes work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// It does.
    Serving,
    /// Not any more, and it still answers requests.
    Draining,
    /// Not any more, and it has none.
    Drained,
}

impl Status {
    /// What `instance` says; else why that cannot be believed.
    pub(super) fn read(text: &[u8], instance: &str) -> Result<Self, String> {
        let status: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if status.instance != instance {
            return Err(format!("it is of instance {:?}", status.instance));
        }
        if status.state == State::Drained && status.in_flight > 0 {
            return Err(format!("it is drained with {} requests in flight", status.in_flight));
        }
        Ok(status)
    }

    /// What is left there. One that says nothing is in flight and not that it is
    /// drained may just be between two requests.
    pub(super) fn left(&self) -> Left {
        let in_flight = match self.state {
            State::Drained => 0,
            State::Draining | State::Serving => self.in_flight.max(1),
        };
        let since = self.since.filter(|_| self.state != State::Serving);
        let takes_work = self.state == State::Serving;
        Left {
            known: true,
            takes_work,
            since,
            in_flight,
            taken_back: self.notice,
            ..Left::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Left, String> {
        Status::read(text.as_bytes(), "i-1").map(|status| status.left())
    }

    #[test]
    fn an_instance_is_empty_only_when_it_says_that_it_is_drained() {
        let of = |state: &str, in_flight: u64| {
            read(&format!(r#"{{"instance":"i-1","state":"{state}","in_flight":{in_flight}}}"#))
        };
        assert!(of("drained", 0).unwrap().is_nothing());
        for state in ["serving", "draining"] {
            assert!(!of(state, 0).unwrap().is_nothing(), "{state}");
        }
        assert_eq!(of("draining", 7).unwrap().in_flight, 7);
    }

    #[test]
    fn what_cannot_be_is_not_believed() {
        for wrong in [
            r#"{"instance":"i-2","state":"drained","in_flight":0}"#,
            r#"{"instance":"i-1","state":"drained","in_flight":2}"#,
            r#"{"instance":"i-1","state":"asleep","in_flight":0}"#,
            r#"{"instance":"i-1","state":"drained","in_flight":-1}"#,
            r#"{"instance":"i-1","state":"drained"}"#,
            r#"{"state":"drained","in_flight":0}"#,
            "",
            "drained",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn fields_that_are_not_known_are_ignored() {
        let said = r#"{"instance":"i-1","state":"drained","in_flight":0,"gpu":{"used":3}}"#;
        assert!(read(said).unwrap().is_nothing());
    }

    proptest! {
        #[test]
        fn no_answer_ends_an_instance_that_did_not_say_so(text in "\\PC{0,80}") {
            prop_assert!(read(&text).is_err());
        }
    }
}
