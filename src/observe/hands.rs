//! What operators have said by hand, as it stands on the live environment.

use super::{Aborted, Lifted, Pause};
use crate::clock::Timestamp;
use crate::id::Name;
use serde::{Deserialize, Serialize};

/// The version of the text.
const VERSION: u32 = 1;

/// What operators have said by hand. Of a pool, and of the whole environment, each
/// direction is held once, and each pool has one number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hands {
    /// Numbers that are not to be moved.
    pub holds: Vec<HandHold>,
    /// Numbers that are set.
    pub overrides: Vec<Override>,
    /// Applies that would change something are refused, and what goes out in waves
    /// stops after the one that it is at.
    pub pause: Option<Pause>,
    /// The phase that an apply has given up last.
    pub aborted: Option<Aborted>,
}

/// What [`Hands::go_on`] took back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GoneOn {
    /// The pause that is over.
    pub pause: Option<Pause>,
    /// The abort that is lifted.
    pub aborted: Option<Aborted>,
}

/// `floodway hold`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandHold {
    /// The pool; none: the whole environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Name>,
    /// Nothing is scaled in.
    pub scale_in: bool,
    /// Nothing is scaled out.
    pub scale_out: bool,
    /// Until when; none: until somebody resumes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What the operator says.
    pub reason: String,
    /// Who it was, as they named themselves.
    pub by: String,
    /// When it was said.
    pub since: Timestamp,
}

/// `floodway scale`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// The pool.
    pub pool: Name,
    /// As many units as this, within the pool's bounds.
    pub units: u32,
    /// Until when; none: until somebody resumes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What the operator says.
    pub reason: String,
    /// Who it was, as they named themselves.
    pub by: String,
    /// When it was said.
    pub since: Timestamp,
}

/// The text on the live environment. Whoever does not know all of it must not act
/// on a part: unknown keys are refused.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    version: u32,
    #[serde(default)]
    holds: Vec<HandHold>,
    #[serde(default)]
    overrides: Vec<Override>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pause: Option<Pause>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    aborted: Option<Aborted>,
}

impl HandHold {
    /// Whether it still counts.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

impl Override {
    /// Whether it still counts.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

impl Hands {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.holds.is_empty()
            && self.overrides.is_empty()
            && self.pause.is_none()
            && self.aborted.is_none()
    }

    /// What still counts of it.
    #[must_use]
    pub fn in_force(mut self, now: Timestamp) -> Self {
        self.holds.retain(|hold| hold.is_in_force(now));
        self.overrides.retain(|set| set.is_in_force(now));
        self.aborted = self.aborted.filter(|aborted| aborted.is_told(now));
        self
    }

    /// Says a hold. What was said before of the same directions there is replaced.
    pub fn hold(&mut self, hold: HandHold) {
        for before in self.holds.iter_mut().filter(|before| before.pool == hold.pool) {
            before.scale_in &= !hold.scale_in;
            before.scale_out &= !hold.scale_out;
        }
        self.holds.retain(|before| before.scale_in || before.scale_out);
        self.holds.push(hold);
    }

    /// Sets a pool's number in place of the one before.
    pub fn set(&mut self, set: Override) {
        self.overrides.retain(|before| before.pool != set.pool);
        self.overrides.push(set);
    }

    /// Takes back what is said of a pool, or of the whole environment and not of
    /// single pools; what that was.
    pub fn resume(&mut self, pool: Option<&Name>) -> Self {
        let of_it = |hold: &HandHold| hold.pool.as_ref() == pool;
        let set = |set: &Override| Some(&set.pool) == pool;
        Self {
            holds: self.holds.extract_if(.., |hold| of_it(hold)).collect(),
            overrides: self.overrides.extract_if(.., |one| set(one)).collect(),
            ..Self::default()
        }
    }

    /// Takes back what keeps the environment from being applied, and what that was.
    /// That an abort is `lifted` stays to be seen for a while.
    pub fn go_on(&mut self, lifted: Option<Lifted>) -> GoneOn {
        let mut gone_on = GoneOn { pause: self.pause.take(), aborted: None };
        if let (Some(aborted), Some(lifted)) =
            (self.aborted.as_mut().filter(|aborted| aborted.stands()), lifted)
        {
            gone_on.aborted = Some(aborted.clone());
            aborted.lifted = Some(lifted);
        }
        gone_on
    }

    /// As it stands on the live environment; none: nothing is said.
    pub fn to_text(&self) -> Option<String> {
        let Self { holds, overrides, pause, aborted } = self.clone();
        let wire = Wire { version: VERSION, holds, overrides, pause, aborted };
        // Plain data: serde_json has nothing to refuse.
        (!self.is_empty()).then(|| serde_json::to_string(&wire).unwrap_or_default())
    }

    /// Reads what [`Self::to_text`] wrote.
    ///
    /// # Errors
    /// What is not to be understood in it.
    pub fn from_text(text: &str) -> Result<Self, String> {
        let wire: Wire = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if wire.version != VERSION {
            return Err(format!("it is of version {}, and this is {VERSION}", wire.version));
        }
        let Wire { version: _, holds, overrides, pause, aborted } = wire;
        Ok(Self { holds, overrides, pause, aborted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn hold(pool: Option<&str>, scale_in: bool, scale_out: bool, until: Option<i64>) -> HandHold {
        HandHold {
            pool: pool.map(|name| name.parse().unwrap()),
            scale_in,
            scale_out,
            until: until.map(at),
            reason: "an incident".into(),
            by: "ada".into(),
            since: at(0),
        }
    }

    fn set(pool: &str, units: u32, until: Option<i64>) -> Override {
        Override {
            pool: pool.parse().unwrap(),
            units,
            until: until.map(at),
            reason: "a launch".into(),
            by: "ada".into(),
            since: at(0),
        }
    }

    #[test]
    fn a_hold_of_one_direction_leaves_the_other_as_it_was() {
        let mut hands = Hands::default();
        hands.hold(hold(Some("h100"), true, true, None));
        hands.hold(hold(Some("h100"), false, true, Some(60)));
        hands.hold(hold(None, true, false, None));
        let told: Vec<_> = hands
            .holds
            .iter()
            .map(|hold| (hold.pool.is_some(), hold.scale_in, hold.scale_out, hold.until))
            .collect();
        let expected = [
            (true, true, false, None),
            (true, false, true, Some(at(60))),
            (false, true, false, None),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn resuming_takes_back_what_was_said_there_and_nothing_else() {
        let mut hands = Hands::default();
        hands.hold(hold(Some("h100"), true, true, None));
        hands.hold(hold(None, true, true, None));
        hands.set(set("h100", 4, None));
        hands.set(set("g6e", 2, None));
        let back = hands.resume(Some(&"h100".parse().unwrap()));
        assert_eq!((back.holds.len(), back.overrides.len()), (1, 1));
        hands.pause = Some(pause());
        let all = hands.resume(None);
        assert_eq!((all.holds.len(), all.overrides.len()), (1, 0));
        assert_eq!(hands.overrides, [set("g6e", 2, None)]);
        assert_eq!(hands.pause, Some(pause()), "it has a command of its own");
    }

    fn pause() -> Pause {
        Pause { reason: "a look".into(), by: "ada".into(), since: at(0) }
    }

    fn aborted(lifted: Option<i64>) -> Aborted {
        let said = |second| Lifted { reason: "seen".into(), by: "eve".into(), at: at(second) };
        Aborted {
            phase: "medium".parse().unwrap(),
            criterion: "errors".into(),
            value: "7%".into(),
            target: "above 5%".into(),
            by: "ada".into(),
            since: at(0),
            lifted: lifted.map(said),
        }
    }

    #[test]
    fn an_abort_is_lifted_with_a_reason_alone_and_is_told_for_a_week() {
        let mut hands =
            Hands { pause: Some(pause()), aborted: Some(aborted(None)), ..Hands::default() };
        assert_eq!(Hands::from_text(&hands.to_text().unwrap()), Ok(hands.clone()));
        let gone_on = hands.go_on(None);
        assert_eq!((gone_on.pause, gone_on.aborted), (Some(pause()), None));
        let why = Lifted { reason: "seen".into(), by: "eve".into(), at: at(9) };
        assert_eq!(hands.go_on(Some(why.clone())).aborted, Some(aborted(None)));
        assert_eq!(hands.aborted, Some(aborted(Some(9))));
        assert!(!hands.aborted.as_ref().unwrap().stands());
        assert_eq!(hands.go_on(Some(why)), GoneOn::default());
        assert!(!hands.clone().in_force(at(600_000)).is_empty());
        assert!(hands.in_force(at(700_000)).is_empty());
        let stands = Hands { aborted: Some(aborted(None)), ..Hands::default() };
        assert!(!stands.in_force(at(9_000_000)).is_empty());
    }

    #[test]
    fn what_a_newer_floodway_says_is_refused_and_not_half_understood() {
        for text in [
            r#"{"version":2,"holds":[]}"#,
            r#"{"version":1,"freezes":[]}"#,
            r#"{"version":1,"holds":[{"scale_in":true,"scale_out":true,"reason":"","by":"","since":"1970-01-01T00:00:00Z","unless":"x"}]}"#,
            "",
            "null",
        ] {
            assert!(Hands::from_text(text).is_err(), "{text}");
        }
    }

    fn any_hold() -> impl Strategy<Value = HandHold> {
        let pool = prop::option::of(prop::sample::select(vec!["a", "b"]));
        let until = prop::option::of(0..100_i64);
        let direction = prop::sample::select(vec![(true, false), (false, true), (true, true)]);
        (pool, direction, until)
            .prop_map(|(pool, (scale_in, scale_out), until)| hold(pool, scale_in, scale_out, until))
    }

    proptest! {
        #[test]
        fn a_text_says_what_was_said(holds in vec(any_hold(), 0..6), units in vec(0..9_u32, 0..3)) {
            let mut hands = Hands::default();
            holds.into_iter().for_each(|hold| hands.hold(hold));
            units.into_iter().for_each(|units| hands.set(set("a", units, Some(50))));
            let text = hands.to_text();
            prop_assert_eq!(text.is_none(), hands.is_empty());
            if let Some(text) = text {
                prop_assert_eq!(Hands::from_text(&text), Ok(hands));
            }
        }

        #[test]
        fn each_direction_of_each_place_is_held_once(holds in vec(any_hold(), 0..12)) {
            let mut hands = Hands::default();
            holds.iter().cloned().for_each(|hold| hands.hold(hold));
            for (at, hold) in hands.holds.iter().enumerate() {
                for other in hands.holds[..at].iter().filter(|other| other.pool == hold.pool) {
                    prop_assert!(!(hold.scale_in && other.scale_in));
                    prop_assert!(!(hold.scale_out && other.scale_out));
                }
            }
            // The last one counts whole.
            prop_assert_eq!(hands.holds.last(), holds.last());
        }

        #[test]
        fn what_has_run_out_counts_no_more(holds in vec(any_hold(), 0..6), now in 0..100_i64) {
            let mut hands = Hands::default();
            holds.into_iter().for_each(|hold| hands.hold(hold));
            let left = hands.in_force(at(now));
            prop_assert!(left.holds.iter().all(|hold| hold.until.is_none_or(|until| until > at(now))));
        }
    }
}
