//! What operators say, before anything is written.

use super::aside::Aside;
use super::turn::Controller;
use crate::clock::Timestamp;
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

    /// Where a day or a month has its budget, nothing is bought before it is known what
    /// was spent of it.
    pub(super) fn unknown_spend(&self) -> Option<HandHold> {
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
