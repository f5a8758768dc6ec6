//! One round of questions: as much as may be is asked of every server at once, and
//! one that lags behind the others keeps nobody waiting for long.

use super::observe;
use crate::clock::Timestamp;
use crate::port::Measure;
use crate::signal::{
    self, Answer, MeasureError, MeasureFailure, Measured, Observation, Policy, Query, Range,
    Verdict,
};
use crate::units::Span;
use futures::future::{BoxFuture, Either, select};
use futures::stream::{FuturesUnordered, StreamExt};
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Queries under way at once with each server.
const AT_ONCE: usize = 8;
/// For so long the others are waited for, once enough is known.
const GRACE: Span = Span::from_millis(250);
/// In place of a patience that has no end.
const ENDLESS: Span = Span::from_secs(24 * 3600);

/// Which servers were silent when they were asked last.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    silent: BTreeSet<String>,
}

/// A server that is asked until a moment, and not beyond it.
pub(super) struct Bounded {
    server: Arc<dyn Measure>,
    until: Instant,
    patience: Span,
}

impl Bounded {
    pub(super) fn name(&self) -> &str {
        self.server.server()
    }

    pub(super) async fn instant(&self, query: &str) -> Result<Answer, MeasureError> {
        self.answer(self.server.instant(query)).await
    }

    pub(super) async fn range(&self, query: &str, range: &Range) -> Result<Answer, MeasureError> {
        self.answer(self.server.range(query, range)).await
    }

    async fn started(&self) -> Result<Option<Timestamp>, MeasureError> {
        self.answer(self.server.started()).await
    }

    /// What is `asked`; once the moment has come it is not even sent.
    async fn answer<T>(
        &self,
        asked: impl Future<Output = Result<T, MeasureError>> + Send,
    ) -> Result<T, MeasureError> {
        match select(pin!(sleep_until(self.until)), pin!(asked)).await {
            Either::Left(_) => Err(late(self.name(), &format!("within {}", self.patience))),
            Either::Right((said, _)) => said,
        }
    }
}

fn late(server: &str, how: &str) -> MeasureError {
    let message = format!("{server} has not answered {how}");
    MeasureError { kind: MeasureFailure::Unreachable, message, help: None }
}

/// What comes back from a server.
enum Said {
    /// Since when it runs, if it says. What does not say is not held against it.
    Started(Option<Timestamp>),
    /// What it says of the query with this number.
    Of(usize, Box<Observation>),
}

/// A server, and what it has said so far.
struct Server {
    client: Arc<dyn Measure>,
    /// The query that it is asked next.
    next: usize,
    under_way: usize,
    started: Option<Timestamp>,
    /// By query, each with the time at which it came.
    said: Vec<Option<(Observation, Timestamp)>>,
    /// It was not silent when it was asked last, or has answered since.
    is_heard: bool,
    answers: bool,
}

/// One round of questions.
pub(super) struct Round<'a> {
    queries: &'a [Query],
    policy: Policy,
    now: &'a (dyn Fn() -> Timestamp + Sync),
    begun: Timestamp,
    until: Instant,
    patience: Span,
    servers: Vec<Server>,
    /// By query: whether a server has told it well.
    told: Vec<bool>,
    /// With the number of the server that each comes from.
    under_way: FuturesUnordered<BoxFuture<'static, (usize, Said)>>,
}

impl<'a> Round<'a> {
    /// Asks `servers`; those that were silent when they were `heard` last, a single
    /// question until they answer.
    pub(super) fn begin(
        servers: &[Arc<dyn Measure>],
        queries: &'a [Query],
        (policy, now): (Policy, &'a (dyn Fn() -> Timestamp + Sync)),
        heard: &Heard,
    ) -> Self {
        let patience = policy.patience.unwrap_or(ENDLESS);
        let server = |client: &Arc<dyn Measure>| Server {
            client: Arc::clone(client),
            next: 0,
            under_way: 0,
            started: None,
            said: queries.iter().map(|_| None).collect(),
            is_heard: !heard.silent.contains(client.server()),
            answers: false,
        };
        let mut round = Self {
            queries,
            policy,
            now,
            begun: now(),
            until: sleep(patience.duration()).deadline(),
            patience,
            servers: servers.iter().map(server).collect(),
            told: vec![false; queries.len()],
            under_way: FuturesUnordered::new(),
        };
        for at in 0..round.servers.len() {
            let started = started(at, round.bounded(at));
            round.under_way.push(Box::pin(started));
            round.ask(at);
        }
        round
    }

    fn bounded(&self, at: usize) -> Bounded {
        let server = Arc::clone(&self.servers[at].client);
        Bounded { server, until: self.until, patience: self.patience }
    }

    /// Asks a server as much as may be asked of it now.
    fn ask(&mut self, at: usize) {
        let most = if self.servers[at].is_heard { AT_ONCE } else { 1 };
        while self.servers[at].under_way < most
            && let Some(query) = self.queries.get(self.servers[at].next)
        {
            let number = self.servers[at].next;
            let asked = asked((at, number), self.bounded(at), query.clone(), self.begun);
            self.under_way.push(Box::pin(asked));
            self.servers[at].next += 1;
            self.servers[at].under_way += 1;
        }
    }

    /// Takes in the next answer, whoever it is from; none: all have come.
    pub(super) async fn hear(&mut self) -> bool {
        let Some((at, said)) = self.under_way.next().await else { return false };
        let server = &mut self.servers[at];
        match said {
            Said::Started(started) => server.started = started,
            Said::Of(number, observation) => {
                let (query, now) = (&self.queries[number], (self.now)());
                let observation = Observation { started: server.started, ..*observation };
                let reading = signal::judge(query, &observation, self.policy, now).reading;
                let idle = query.quiet && reading.verdict == Verdict::Missing;
                self.told[number] |= reading.verdict == Verdict::Good || idle;
                server.answers |= answers(&observation);
                server.is_heard |= server.answers;
                server.said[number] = Some((observation, now));
                server.under_way -= 1;
                self.ask(at);
            }
        }
        true
    }

    /// Takes in answers until enough is known, and for a moment more.
    pub(super) async fn hear_enough(&mut self) {
        while !self.is_enough() && self.hear().await {}
        let _ = timeout(GRACE.duration(), async { while self.hear().await {} }).await;
    }

    /// Whether everything was told well, or by all who are waited for.
    fn is_enough(&self) -> bool {
        let is_done = |server: &Server| server.next == self.queries.len() && server.under_way == 0;
        let all_told = self.told.iter().all(|told| *told);
        let somebody = self.servers.iter().any(|server| server.answers);
        let rest = self.servers.iter().all(|server| !server.is_heard || is_done(server));
        all_told || (somebody && rest)
    }

    /// Who was silent.
    pub(super) fn heard(&self) -> Heard {
        let silent = self.servers.iter().filter(|server| !server.answers);
        Heard { silent: silent.map(|server| server.client.server().to_owned()).collect() }
    }

    /// What to believe of it all, in the order of the queries.
    pub(super) fn judged(mut self) -> Vec<Measured> {
        if !self.under_way.is_empty() {
            // What is not waited for goes on to its end, for a connection that is given up
            // each time would never be made.
            drop(tokio::spawn(self.under_way.collect::<Vec<_>>()));
        }
        let now = (self.now)();
        let mut all = Vec::new();
        for (number, query) in self.queries.iter().enumerate() {
            let each = self.servers.iter_mut().map(|server| {
                let said = server.said[number].take();
                let (observation, at) = said.unwrap_or_else(|| (left_behind(server), now));
                let observation = Observation { started: server.started, ..observation };
                signal::judge(query, &observation, self.policy, at)
            });
            all.extend(signal::agree(each.collect()));
        }
        all
    }
}

/// Whether a server that says this is there at all.
fn answers(said: &Observation) -> bool {
    let silent = |error: &MeasureError| error.kind == MeasureFailure::Unreachable;
    !said.answer.as_ref().is_err_and(silent)
}

/// Of a server that was not waited for.
fn left_behind(server: &Server) -> Observation {
    let name = server.client.server();
    Observation {
        server: name.to_owned(),
        answer: Err(late(name, &format!("within {GRACE} after another"))),
        facts: Ok(None),
        last: None,
        started: None,
        window: None,
    }
}

async fn started(at: usize, server: Bounded) -> (usize, Said) {
    (at, Said::Started(server.started().await.ok().flatten()))
}

async fn asked(
    (at, number): (usize, usize),
    server: Bounded,
    query: Query,
    now: Timestamp,
) -> (usize, Said) {
    let observation = observe(&server, &query, now).await;
    (at, Said::Of(number, Box::new(observation)))
}
