//! What AWS announces: spot notices, rebalance recommendations and the state that
//! the instance's group wants it in. Asked for again and again; 404 means none.

use super::clock::{self, to_millis};
use super::imds::Imds;
use super::log::{self, Failures};
use super::node::Node;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;
use std::convert::Infallible;
use std::time::Duration;

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html>
const ACTION: &str = "/latest/meta-data/spot/instance-action";
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/rebalance-recommendations.html>
const REBALANCE: &str = "/latest/meta-data/events/recommendations/rebalance";
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/retrieving-target-lifecycle-state-through-imds.html>
const LIFECYCLE: &str = "/latest/meta-data/autoscaling/target-lifecycle-state";
/// What AWS gives between the notice and the end.
const WARNING: SignedDuration = SignedDuration::from_secs(120);
/// The longest name of a lifecycle state; today's are under 20 bytes.
const LONGEST_STATE: usize = 64;

/// What is announced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Notices {
    /// When the instance is taken back.
    pub(super) notice: Option<Timestamp>,
    /// Since when it is more likely than usual to be.
    pub(super) rebalance: Option<Timestamp>,
    /// The state that its group wants it in: `InService`, `Terminated`,
    /// `Warmed:Stopped`.
    pub(super) lifecycle_state: Option<String>,
}

/// Asks every `pause`. What cannot be asked stays as it was.
pub(super) async fn run(imds: &Imds, node: &Node, pause: Duration) -> Infallible {
    let mut failures: [Failures; 3] = Default::default();
    let mut known = Notices::default();
    loop {
        let (action, rebalance, lifecycle) =
            tokio::join!(imds.get(ACTION), imds.get(REBALANCE), imds.get(LIFECYCLE));
        let now = clock::now().wall;
        let mut next = known.clone();
        let tries = [
            (ACTION, action.map(|text| next.action(text.as_deref(), now))),
            (REBALANCE, rebalance.map(|text| next.rebalance(text.as_deref(), now))),
            (LIFECYCLE, lifecycle.map(|text| next.lifecycle(text.as_deref()))),
        ];
        for ((path, tried), failures) in tries.into_iter().zip(&mut failures) {
            failures.note(path, tried.err().map(|error| error.to_string()));
        }
        if next != known {
            log::line("notices", &next.told());
            node.with(|standing, _| standing.notices = next.clone());
            known = next;
        }
        tokio::time::sleep(pause).await;
    }
}

impl Notices {
    /// An action that is there ends the instance, even where its time cannot be
    /// read: then it is two minutes after it was first seen.
    fn action(&mut self, text: Option<&str>, now: Timestamp) {
        #[derive(Deserialize)]
        struct Action {
            time: Timestamp,
        }
        self.notice = text.map(|text| {
            let read = serde_json::from_str::<Action>(text).map(|action| to_millis(action.time));
            let late = now.checked_add(WARNING).map_or(now, to_millis);
            read.unwrap_or_else(|_| self.notice.unwrap_or(late))
        });
    }

    fn rebalance(&mut self, text: Option<&str>, now: Timestamp) {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Recommendation {
            notice_time: Timestamp,
        }
        self.rebalance = text.map(|text| {
            let read = serde_json::from_str::<Recommendation>(text);
            let read = read.map(|recommended| to_millis(recommended.notice_time));
            read.unwrap_or_else(|_| self.rebalance.unwrap_or_else(|| to_millis(now)))
        });
    }

    fn lifecycle(&mut self, text: Option<&str>) {
        let fits = |text: &&str| {
            (1..=LONGEST_STATE).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
        };
        self.lifecycle_state = text.map(str::trim).filter(fits).map(str::to_owned);
    }

    fn told(&self) -> serde_json::Value {
        json!({
            "notice": self.notice,
            "rebalance": self.rebalance,
            "lifecycle_state": self.lifecycle_state,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_spot_action_is_a_notice_and_one_that_is_gone_is_none() {
        let now = time("2026-03-02T10:00:00Z");
        let mut notices = Notices::default();
        notices.action(Some(r#"{"action":"terminate","time":"2026-03-02T10:02:00Z"}"#), now);
        assert_eq!(notices.notice, Some(time("2026-03-02T10:02:00Z")));
        notices.action(None, now);
        assert_eq!(notices, Notices::default());
    }

    #[test]
    fn an_action_whose_time_cannot_be_read_ends_two_minutes_after_it_was_first_seen() {
        for odd in [r#"{"action":"hibernate"}"#, r#"{"time":"soon"}"#, "", "{"] {
            let mut notices = Notices::default();
            notices.action(Some(odd), time("2026-03-02T10:00:00Z"));
            notices.action(Some(odd), time("2026-03-02T10:01:00Z"));
            assert_eq!(notices.notice, Some(time("2026-03-02T10:02:00Z")), "{odd}");
        }
    }

    #[test]
    fn recommendations_and_lifecycle_states_are_read() {
        let now = time("2026-03-02T10:00:00Z");
        let mut notices = Notices::default();
        notices.rebalance(Some(r#"{"noticeTime":"2026-03-02T09:00:00Z"}"#), now);
        notices.lifecycle(Some("Warmed:Stopped\n"));
        assert_eq!(notices.rebalance, Some(time("2026-03-02T09:00:00Z")));
        assert_eq!(notices.lifecycle_state.as_deref(), Some("Warmed:Stopped"));
        notices.lifecycle(Some(&"x".repeat(65)));
        assert_eq!(notices.lifecycle_state, None);
    }

    proptest! {
        #[test]
        fn an_action_that_is_there_is_always_a_notice(text in "\\PC{0,60}") {
            let mut notices = Notices::default();
            notices.action(Some(&text), Timestamp::MAX);
            prop_assert!(notices.notice.is_some());
        }
    }
}
