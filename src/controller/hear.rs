//! What operators say, before anything is written.

use super::aside::Aside;
use super::gauge::Load;
use super::index::Index;
use super::lead::Standing;
use super::turn::Controller;
use super::writes::writes;
use crate::clock::Timestamp;
use crate::decide::scaling::Scaling;
use crate::observe::{HandHold, Hands};
use crate::pipeline::{self, Session};
use crate::port::FailureKind;
use std::sync::Arc;
use std::time::Duration;

/// What was heard of it.
pub(super) type Heard = Result<Option<Hands>, pipeline::Error>;

impl Controller {
    /// What operators say. What cannot be read is believed to be as it was; before it
    /// was read once, and where it is not to be understood, it may be anything, so
    /// everything is held.
    pub(super) fn hear(&mut self, said: Option<Heard>) -> Hands {
        let mut hands = self.heard(said);
        hands.holds.extend(self.unknown_spend());
        hands
    }

    fn heard(&mut self, said: Option<Heard>) -> Hands {
        let why = match said {
            Some(Ok(said)) => {
                self.hands = Some(said.unwrap_or_default());
                None
            }
            None => Some("what operators say was not read yet".to_owned()),
            Some(Err(error)) => {
                let away = matches!(&error, pipeline::Error::Place(error) if is_away(error.kind));
                if !away {
                    return all_held(format!("what operators say cannot be read: {error}"));
                }
                Some(format!("what operators say was not read yet: {error}"))
            }
        };
        match (&self.hands, why) {
            (Some(hands), _) => hands.clone(),
            (None, why) => all_held(why.unwrap_or_default()),
        }
    }

    /// What is decided by what operators say right before it is done: the load may have
    /// been asked for for seconds since they were heard (law 14). Where nothing would be
    /// written they are not asked again; where they are not heard, what they said stands.
    pub(super) async fn decide_as_said(
        &mut self,
        (index, load): (&Index<'_>, &Load),
        hands: Hands,
        standing: &Standing,
    ) -> Scaling {
        let scaling = self.decide(index.inventory, load, &hands, standing);
        if !self.would_move(index, &scaling, standing) {
            self.decided_by = hands;
            return scaling;
        }
        let again = self.hear_again().await;
        let same = again == hands;
        self.decided_by = again;
        if same {
            return scaling;
        }
        self.decide(index.inventory, load, &self.decided_by, standing)
    }

    /// What operators say now. Who has kept the turn waiting once does not do so again.
    async fn hear_again(&mut self) -> Hands {
        let waits = |p| if self.said.since().is_some() { Duration::ZERO } else { p };
        let patience = self.settings.patience.map(waits);
        let now = self.clock.now();
        let again = said(&self.session, &mut self.said, now, patience).await;
        self.hear(again)
    }

    /// Whether operators still say what was decided by, before anything is taken away
    /// (law 14): what was written before may have taken seconds. If not, the rest is for
    /// the next turn, which goes by what they say now.
    pub(super) async fn is_as_said(&mut self) -> bool {
        let again = self.hear_again().await;
        again == self.decided_by
    }

    /// Whether a decision moves anything that operators may hold.
    fn would_move(&self, index: &Index<'_>, scaling: &Scaling, standing: &Standing) -> bool {
        if self.withheld(standing).is_some() {
            return false;
        }
        let wanted = writes(index, scaling);
        let drains = self.drains.units().any(|(_, going)| going.leaves);
        drains || !wanted.numbers.is_empty() || !wanted.shrinks.is_empty()
    }

    /// Where a day or a month has its budget, nothing is bought before it is known what
    /// was spent of it.
    fn unknown_spend(&self) -> Option<HandHold> {
        let budget = self.session.resolved.environment.burst.budget.as_ref()?;
        let counts = budget.usd_per_day.is_some() || budget.usd_per_month.is_some();
        let why = self.noting.unread().filter(|_| counts)?;
        let reason = format!("what was spent of the budget is not known: {why}");
        Some(HandHold { scale_out: true, reason, ..<_>::default() })
    }
}

/// What operators say; none: the answer is not here yet.
pub(super) async fn said(
    session: &Arc<Session>,
    aside: &mut Aside<Heard>,
    now: Timestamp,
    patience: Option<Duration>,
) -> Option<Heard> {
    let Some(patience) = patience else { return Some(pipeline::hands(session).await) };
    let session = Arc::clone(session);
    aside.begin(now, async move { pipeline::hands(&session).await });
    aside.within(patience).await.map(|(_, said)| said)
}

fn all_held(reason: String) -> Hands {
    let all = HandHold { scale_in: true, scale_out: true, reason, ..<_>::default() };
    Hands { holds: vec![all], ..Hands::default() }
}

/// Whether a place gave no answer, rather than one that is not to be understood.
fn is_away(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::Unreachable | FailureKind::Unknown | FailureKind::Transient)
}
