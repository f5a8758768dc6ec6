//! The past of a signal, asked for until somebody has told it.

use super::super::aside::Aside;
use crate::clock::Timestamp;
use crate::pipeline::past;
use crate::port::Measure;
use crate::signal::{History, Policy, Query, Range, Series};
use crate::units::Span;
use std::sync::Arc;
use std::time::Duration;

/// From one try to the next.
pub(super) const AGAIN: Span = Span::from_secs(120);
/// The turn that asks first waits so long for it: most servers have told it by then.
const A_MOMENT: Duration = Duration::from_millis(200);

/// Whom it is asked for, and how.
#[derive(Clone, Copy)]
pub(in crate::controller) struct Asked<'a> {
    pub(super) servers: &'a [Arc<dyn Measure>],
    pub(super) policy: Policy,
    /// Turns do not wait for it.
    pub(super) aside: bool,
    /// From one try to the next.
    pub(super) again: Span,
}

/// The past of one signal.
#[derive(Default)]
pub(in crate::controller) struct Past {
    told: Option<Series>,
    asking: Aside<History>,
    tried: Option<Timestamp>,
    failed: Option<String>,
}

impl Past {
    /// What was measured, with its gaps filled by what was told.
    pub(in crate::controller) fn fill(&self, measured: &Series) -> Series {
        match &self.told {
            Some(told) => measured.or(told),
            None => measured.clone(),
        }
    }

    /// Why it could not be read; none: it was, or nobody has failed yet.
    pub(in crate::controller) fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// Asks for it where that is due. Says whether it was told later than it was first
    /// asked for: something has gone on without it.
    pub(in crate::controller) async fn ask(
        &mut self,
        query: &Query,
        range: Range,
        asked: Asked<'_>,
        now: Timestamp,
    ) -> bool {
        if self.told.is_some() {
            return false;
        }
        let first = self.tried.is_none();
        let since = |tried: Timestamp| now.duration_since(tried).unsigned_abs();
        let is_due = self.tried.is_none_or(|tried| since(tried) >= asked.again.duration());
        if is_due && self.asking.since().is_none() {
            self.tried = Some(now);
            let (servers, query, policy) = (asked.servers.to_vec(), query.clone(), asked.policy);
            let read = async move { past(&servers, &query, &range, policy, now).await };
            if !asked.aside {
                let history = read.await;
                return self.take(history) && !first;
            }
            self.asking.begin(now, read);
        }
        let patience = if first { A_MOMENT } else { Duration::ZERO };
        match self.asking.within(patience).await {
            Some((_, history)) => self.take(history) && !first,
            None => false,
        }
    }

    fn take(&mut self, history: History) -> bool {
        self.failed = history.unread;
        if self.failed.is_none() {
            self.told = Some(history.series);
        }
        self.failed.is_none()
    }
}
