//! Going on with the environment as its files are now, where that can be.

use super::super::exit::{Exit, Failure};
use super::super::repository::Located;
use super::super::terminal::Terminal;
use super::super::{Global, connect};
use super::{Args, Running, calendar, can_count, interval, patience, servers, trained};
use crate::render::error::ErrorView;
use crate::spec::{Environment, Resolved};
use std::mem;
use std::time::{Duration, Instant};

/// How long the places of a changed environment are waited for, by a clock that no scale
/// makes faster: nothing is decided meanwhile.
const LONGEST: Duration = Duration::from_secs(30);
/// What could not be taken over is tried again after so long at least.
const AGAIN: Duration = Duration::from_secs(30);
/// And after so many times as long as the try took: no turn begins meanwhile.
const REST: u32 = 10;

/// An environment that is right, and could not be taken over for a reason that may pass.
pub(super) struct Untaken {
    resolved: Resolved,
    /// When it is tried again.
    due: Instant,
    /// Why, as it was told.
    why: Option<ErrorView>,
}

impl Running {
    /// Goes on with the environment as its files are now; where they are wrong, or what
    /// they name cannot be reached, as it was.
    pub(super) async fn reload(
        &mut self,
        args: &Args,
        (located, global): (&Located, &Global),
        terminal: &Terminal,
    ) {
        let begun = Instant::now();
        let changed = self.files.have_changed();
        let (resolved, before) = match self.untaken.take() {
            Some(untaken) if !changed => (Ok(untaken.resolved), Some(untaken.why)),
            _ => {
                // What is under way is of what the files said before.
                self.connecting.leave();
                (self.read_again(located, terminal), None)
            }
        };
        let resolved = match resolved {
            Ok(resolved) => resolved,
            Err(failure) => return self.complain(&failure, located, terminal),
        };
        let taking = self.take_over(args, (located, global), resolved.clone(), terminal);
        match taking.await {
            Ok(news) => news.iter().for_each(|what| {
                self.log.note(&format!("{what} has changed, and counts now"));
            }),
            Err(failure) if !may_pass(failure.exit) => self.complain(&failure, located, terminal),
            Err(failure) => {
                if before.is_none_or(|told| told != failure.view) {
                    self.complain(&failure, located, terminal);
                    self.log.note(&format!("{} is tried again until it can be", located.path));
                }
                let due = Instant::now() + pause(begun.elapsed(), args.time_scale);
                self.untaken = Some(Untaken { resolved, due, why: failure.view });
            }
        }
    }

    /// Whether there is something to read, or to try again.
    pub(super) fn is_to_reload(&self) -> bool {
        let is_due = |untaken: &Untaken| untaken.due <= Instant::now();
        self.files.have_changed() || self.untaken.as_ref().is_some_and(is_due)
    }

    fn complain(&self, failure: &Failure, located: &Located, terminal: &Terminal) {
        terminal.complain(failure);
        let text = "cannot be used as it is now: what it said before still counts";
        self.log.warn(format!("{} {text}", located.path));
    }

    fn read_again(&mut self, located: &Located, terminal: &Terminal) -> Result<Resolved, Failure> {
        let (resolved, files) = located.resolve_noting(terminal);
        self.files = match &resolved {
            Ok(_) => files,
            // What was read before may be what is missing now.
            Err(_) => mem::take(&mut self.files).and(files),
        };
        resolved
    }

    /// What of it has changed, in words.
    async fn take_over(
        &mut self,
        args: &Args,
        (located, global): (&Located, &Global),
        resolved: Resolved,
        terminal: &Terminal,
    ) -> Result<Vec<String>, Failure> {
        let known = &self.controller.session.resolved;
        let mut news = Vec::new();
        if resolved.digest != known.digest || resolved.holidays != known.holidays {
            news.push(located.path.clone());
        }
        if resolved.catalog != known.catalog {
            news.push(format!("the table of prices beside {}", located.path));
        }
        if news.is_empty() {
            return Ok(news);
        }
        stays(&known.environment, &resolved.environment)?;
        let interval = interval(args, &resolved.environment)?;
        let begin = || connect::connecting(located, resolved, global, terminal);
        let connected = self.connecting.within(LONGEST, begin).await;
        let (session, world) = connected.map_or_else(|| Err(hangs()), connect::joined)?;
        can_count(args, &session, world.as_ref())?;
        let servers = servers(&args.access, &session.resolved.environment, world.as_ref())?;
        let (calendar, trained) = (calendar(&session)?, trained(&session)?);
        self.world = world;
        self.interval = interval;
        self.board.expect(interval);
        self.leading.expect(interval);
        let patience = self.world.is_none().then(|| patience(args, interval));
        self.controller.reload(session, servers, calendar, trained, patience);
        Ok(news)
    }
}

/// Whether the same may go another time, though nothing is changed in the files.
const fn may_pass(exit: Exit) -> bool {
    !matches!(exit, Exit::Invalid | Exit::Usage)
}

/// Its places have not been connected in time.
fn hangs() -> Failure {
    let seconds = LONGEST.as_secs();
    let message =
        format!("its places are not connected after {seconds} s: a login helper may hang");
    Failure::new(Exit::Failed, message)
        .help("end the login helper that hangs: no other try begins before it has ended")
}

/// From a try that took so long to the next one.
fn pause(took: Duration, time_scale: u32) -> Duration {
    (AGAIN / time_scale).max(took.saturating_mul(REST))
}

/// Whether an environment is the one that it was, and where it was.
///
/// # Errors
/// It is not; what is done then is told.
fn stays(known: &Environment, now: &Environment) -> Result<(), Failure> {
    if now.environment.name != known.environment.name {
        let message = "the environment has another name now: end this controller, and run that";
        return Err(Failure::new(Exit::Invalid, message));
    }
    let moved = |message: String| {
        Failure::new(Exit::Invalid, message)
            .help("end this controller and every other one of it, and run them anew")
    };
    let left = left(known, now);
    if !left.is_empty() {
        let regions = left.join(" and ");
        return Err(moved(format!(
            "the environment has left {regions}, and what runs there would be out of sight, and \
             in no budget"
        )));
    }
    if place(now) != place(known) {
        let message = "the environment stands elsewhere now (its namespace, its cluster, its \
                       account or its region, or where its lock lies), and another may lead it \
                       there";
        return Err(moved(message.to_owned()));
    }
    Ok(())
}

/// Where an environment stands, and who leads it is told.
fn place(environment: &Environment) -> impl PartialEq + use<> {
    let onprem = environment.onprem.as_ref();
    let onprem = onprem.map(|o| (o.provider, o.context.clone(), o.cluster_uid.clone()));
    let aws = environment.aws.as_ref();
    let aws =
        aws.map(|aws| (aws.provider, aws.account.clone(), aws.region.clone(), aws.lock.clone()));
    (environment.service.namespace.clone(), onprem, aws)
}

/// Regions that are looked in, and would not be any more.
fn left<'k>(known: &'k Environment, now: &Environment) -> Vec<&'k str> {
    let (Some(known), Some(now)) = (&known.aws, &now.aws) else { return Vec::new() };
    let there = now.all_regions();
    known.all_regions().into_iter().filter(|region| !there.contains(region)).collect()
}

#[cfg(test)]
mod tests;
