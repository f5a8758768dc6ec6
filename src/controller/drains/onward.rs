//! Each turn takes every unit one step on, and waits for none.

use super::emptied::Emptied;
use super::{AT_ONCE, By, Drains, Going, Limit};
use crate::clock::Timestamp;
use crate::id::Name;
use crate::plan::{PortError, Step};
use crate::port::Left;
use futures::stream::{self, StreamExt};
use jiff::SignedDuration;

/// One that goes with its place ends so long before its own place takes it back:
/// after that its group would fill the place again.
const LAST: SignedDuration = SignedDuration::from_secs(20);

/// A unit that is to end now, or cannot be drained.
#[derive(Debug, Clone, PartialEq)]
pub struct Went {
    /// The pool it is of.
    pub pool: Name,
    /// What ends it.
    pub step: Step,
    /// Why it does not end yet: it cannot be asked, or does not do as it is told.
    pub failed: Option<PortError>,
}

impl Drains {
    /// Takes every unit one step on. One that was closed in this turn is emptied in
    /// the next: by then fewer replicas are asked for, and what is moved is not
    /// made anew elsewhere.
    pub(in crate::controller) async fn go_on(
        &mut self,
        by: By<'_>,
        limit: Limit,
        now: Timestamp,
    ) -> Vec<Went> {
        let goes = |going: &Going| !by.blind || going.taken_back.is_some();
        let asked = self.units.iter().filter(|(_, going)| goes(going));
        let asked = asked.map(|(name, going)| (name.clone(), going.closed));
        let asked: Vec<(String, bool)> = asked.collect();
        let ask = async |(name, closed): (String, bool)| {
            let left = by.ask(&name, closed).await;
            (name, left)
        };
        let answers = stream::iter(asked).map(ask).buffer_unordered(AT_ONCE);
        let answers: Vec<_> = answers.collect().await;
        let mut went = Vec::new();
        for (name, answer) in answers {
            let Some(going) = self.units.get_mut(&name) else { continue };
            if going.leaves {
                let cluster_tells = by.is_joined(&name);
                went.extend(going.go_on(name, answer, (limit, cluster_tells), now));
                continue;
            }
            match answer {
                Err(error) => {
                    let (pool, step) = (going.pool.clone(), going.replaced(vec![name]));
                    went.push(Went { pool, step, failed: Some(error) });
                }
                Ok(left) => {
                    if !left.known || left.is_nothing() {
                        self.ended.insert(name);
                    }
                    going.left = Some(left);
                }
            }
        }
        went
    }
}

impl Going {
    /// What becomes of one that goes with its place, by what is left on it. Where the
    /// `cluster_tells` that, what keeps it keeps it still when its time is over: a
    /// disruption budget is not ours to break. And what is told to go then has its own
    /// time. An agent's own requests have had theirs.
    fn go_on(
        &mut self,
        name: String,
        answer: Result<Left, PortError>,
        (limit, cluster_tells): (Limit, bool),
        now: Timestamp,
    ) -> Option<Went> {
        // What was never closed may have work at any time: its limit has not begun.
        if self.closed {
            let said = answer.as_ref().ok();
            self.emptied = Some(Emptied::again(self.emptied, said, (limit, cluster_tells), now));
        }
        let late = self.emptied.is_some_and(|emptied| emptied.is_late(limit, now));
        let told = self.emptied.is_some_and(|emptied| emptied.had_time(limit, now));
        let last = self.taken_back.is_some_and(|at| now.duration_since(at) >= -LAST);
        let may_stay = cluster_tells && !last;
        let kept = match &answer {
            Ok(left) => left
                .held
                .first()
                .map(|held| format!("{} keeps pods on {name}: {}", held.by, held.message)),
            Err(error) => Some(format!("{name} cannot be drained: {error}")),
        };
        // What goes already may just not be heard of in one turn: it has its own time.
        let goes = answer.is_err() && self.emptied.is_some_and(|emptied| emptied.is_told());
        let given_up = if goes { told } else { late };
        self.stuck = kept.filter(|_| given_up && may_stay);
        let had_time = if cluster_tells { told } else { late };
        let over = last || (had_time && self.stuck.is_none());
        let step = self.ends(name, limit.span);
        let went = |failed| Went { pool: self.pool.clone(), step, failed };
        let left = match answer {
            Ok(left) => left,
            Err(error) if !over => return Some(went(Some(error))),
            // It had its time, and does not answer: it ends as it is.
            Err(_) => Left { known: true, ..Left::default() },
        };
        let empty = self.closed && left.is_nothing() || !left.known;
        let went = (empty || over).then(|| went(None));
        (self.closed, self.left) = (true, Some(left));
        went
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::ResourceId;
    use crate::plan::FailureKind;
    use crate::port::Held;
    use crate::units::Span;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 60 * minute).unwrap()
    }

    /// A node that is closed, and has not been emptied yet.
    fn going() -> Going {
        Going {
            pool: "g6e".parse().unwrap(),
            group: ResourceId::kubernetes("v1", "Node", None, "a"),
            uid: String::new(),
            since: at(0),
            leaves: true,
            taken_back: None,
            closed: true,
            emptied: None,
            left: None,
            stuck: None,
        }
    }

    fn left(held: Vec<Held>) -> Result<Left, PortError> {
        Ok(Left { known: true, pods: 1, held, ..Left::default() })
    }

    fn kept() -> Result<Left, PortError> {
        let (by, message) = ("PodDisruptionBudget a/b".to_owned(), "it needs 1".to_owned());
        left(vec![Held { by, pods: 1, message }])
    }

    fn failed() -> Result<Left, PortError> {
        let (kind, message) = (FailureKind::Unreachable, "no answer".to_owned());
        Err(PortError { kind, message, help: None })
    }

    /// Asked once a minute, with 10 minutes in all; whether it ends then.
    fn turn(going: &mut Going, minute: i64, answer: Result<Left, PortError>) -> bool {
        let limit = Limit::of(Span::from_secs(600), 1);
        let went = going.go_on("i-1".to_owned(), answer, (limit, true), at(minute));
        went.is_some_and(|went| went.failed.is_none())
    }

    #[test]
    fn one_call_that_fails_gives_up_no_drain_whose_pods_are_leaving() {
        let mut going = going();
        // A budget keeps them for nearly all of the time, and lets them go then.
        for minute in 0..9 {
            assert!(!turn(&mut going, minute, kept()));
        }
        assert!(!turn(&mut going, 9, left(Vec::new())));
        for minute in 10..19 {
            let answer = if minute == 12 { failed() } else { left(Vec::new()) };
            assert!(!turn(&mut going, minute, answer));
            assert_eq!(going.stuck, None, "{minute}");
        }
        assert!(turn(&mut going, 19, left(Vec::new())), "they had their time");
    }

    #[test]
    fn a_node_that_cannot_be_told_is_given_up_when_its_time_is_over() {
        let mut silent = going();
        for minute in 0..10 {
            assert!(!turn(&mut silent, minute, failed()));
            assert_eq!(silent.stuck, None, "{minute}");
        }
        assert!(!turn(&mut silent, 10, failed()));
        assert!(silent.stuck.is_some_and(|why| why.contains("no answer")));
        // One whose pods go has the time from then on.
        let mut told = going();
        assert!(!turn(&mut told, 0, kept()));
        assert!(!turn(&mut told, 5, left(Vec::new())));
        for minute in 6..15 {
            assert!(!turn(&mut told, minute, failed()));
            assert_eq!(told.stuck, None, "{minute}");
        }
        assert!(!turn(&mut told, 15, failed()));
        assert!(told.stuck.is_some());
    }
}
