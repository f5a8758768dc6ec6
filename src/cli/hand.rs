//! What the commands of the operator's hand share.

use super::exit::{Exit, Failure};
use super::repository::Located;
use super::terminal::Terminal;
use super::{Global, applying, connect, repository};
use crate::clock::Timestamp;
use crate::decide::{self, DesiredOwner, PlanningInput, PoolDecision, Supply};
use crate::diag::{is_plain, nearest};
use crate::id::Name;
use crate::observe::{Hands, Inventory};
use crate::pipeline::{self, Session};
use crate::render::hands::{self as render, HandsView};
use crate::units::Span;
use std::path::Path;

/// The longest reason, in characters: all of them stand on one object.
const LONGEST: usize = 300;

/// Until when.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
pub(super) struct Until {
    /// Until this time, as RFC 3339: 2026-03-02T18:00:00Z, or with an offset
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// For so long: 45m, 2h, 3d
    #[arg(long = "for", value_name = "DURATION")]
    lasting: Option<Span>,
}

/// ENV or ENV/POOL.
pub(super) struct Target {
    pub(super) located: Located,
    pool: Option<String>,
}

/// What a hand is laid on: an environment, or one pool of it. What is a file is an
/// environment.
pub(super) fn target(text: &str) -> Result<Target, Failure> {
    let is_file = text.ends_with(".toml") || Path::new(text).is_file();
    let (env, pool) = match text.rsplit_once('/').filter(|_| !is_file) {
        Some((env, pool)) => (env, Some(pool.to_owned())),
        None => (text, None),
    };
    Ok(Target { located: repository::locate(env)?, pool })
}

/// One pool of an environment.
pub(super) fn of_pool(env: &str, pool: &str) -> Result<Target, Failure> {
    Ok(Target { located: repository::locate(env)?, pool: Some(pool.to_owned()) })
}

/// A whole environment.
pub(super) fn of_environment(env: &str) -> Result<Target, Failure> {
    Ok(Target { located: repository::locate(env)?, pool: None })
}

/// What is changed, and what is said of it.
pub(super) struct Change<T> {
    /// To be told in the summary.
    pub(super) told: T,
    pub(super) hands: Hands,
}

/// A connected environment, and the pool that is meant.
pub(super) struct Hand {
    pub(super) session: Session,
    pub(super) pool: Option<Name>,
    pub(super) now: Timestamp,
}

/// Connects, changes what is said, and prints what then counts.
pub(super) fn lay<T>(
    target: &Target,
    json: bool,
    (global, terminal): (&Global, &Terminal),
    change: impl FnOnce(&Hand, &mut Hands) -> Result<T, Failure>,
    told: impl FnOnce(&Hand, &Change<T>) -> String,
) -> Result<Exit, Failure> {
    let view = applying::block_on(async {
        let session = connect::session(&target.located, global, terminal).await?;
        let pool = target.pool.as_deref().map(|name| known(&session, name)).transpose()?;
        let now = whole_second(pipeline::clock(&session.backends).now());
        let hand = Hand { session, pool, now };
        let changed = pipeline::change_hands(&hand.session, |hands| {
            let before = hands.clone();
            let changed = change(&hand, hands);
            if changed.is_err() {
                *hands = before;
            }
            changed
        });
        let (hands, changed) = changed.await?;
        let change = Change { told: changed?, hands };
        let summary = told(&hand, &change);
        let name = &hand.session.mark.environment;
        Ok(HandsView::new(name, hand.now, &change.hands, summary))
    })?;
    if json {
        terminal.print(&super::schema::pretty(&view));
    } else {
        terminal.print(&render::text(&view, &terminal.out));
    }
    Ok(Exit::Done)
}

/// People read it.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// The pool of this name.
fn known(session: &Session, name: &str) -> Result<Name, Failure> {
    let environment = &session.resolved.environment;
    let onprem = environment.onprem.iter().flat_map(|onprem| onprem.pools.keys());
    let burst = environment.aws.iter().flat_map(|aws| aws.pools.keys());
    let pools: Vec<&Name> = onprem.chain(burst).collect();
    if let Some(pool) = pools.iter().find(|pool| pool.as_str() == name) {
        return Ok((*pool).clone());
    }
    let environment = &session.mark.environment;
    let message = format!("environment {environment} has no pool {name:?}");
    let names: Vec<&str> = pools.iter().map(|pool| pool.as_str()).collect();
    Err(Failure::usage(message).help(match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "it has none".to_owned(),
        None => format!("there are: {}", names.join(", ")),
    }))
}

impl Hand {
    /// The pool's bounds, if the controller moves it: what git or an HPA moves no
    /// hand reaches.
    pub(super) fn moved(&self, pool: &Name) -> Result<PoolDecision, Failure> {
        let resolved = &self.session.resolved;
        let nothing = Inventory::empty(self.now);
        let decision = decide::decide(&PlanningInput {
            environment: &resolved.environment,
            origins: &resolved.origins,
            catalog: &self.session.catalog,
            supply: &Supply::from_inventory(&resolved.environment, &nothing),
        });
        let decided = decision.pools.get(pool).cloned();
        let decided = decided.ok_or_else(|| Failure::usage(format!("nothing runs in {pool}")))?;
        match decided.owner {
            DesiredOwner::Controller => Ok(decided),
            DesiredOwner::Git => Err(Failure::usage(format!("git sets the number of pool {pool}"))
                .help(
                    "change it in the file: the number, or the demand of its stage; without \
                     either, min and max leave it to the controller",
                )),
            DesiredOwner::Hpa => Err(Failure::usage(format!("its HPA moves pool {pool}"))
                .help("change the HPA's bounds in the file: min = max holds it")),
        }
    }

    /// Whether anything goes out in phases or waves that could be paused.
    pub(super) fn has_a_rollout(&self) -> Result<(), Failure> {
        if self.session.resolved.environment.rollout.is_declared() {
            return Ok(());
        }
        let (name, file) = (&self.session.mark.environment, &self.session.mark.file);
        let message = format!("environment {name} has no rollout: a pause would stop nothing");
        Err(Failure::usage(message)
            .help(format!("declare [rollout.waves], or a phase, in {file} first")))
    }

    /// Whose the hand is, and where: `prod`, `prod/h100`.
    pub(super) fn place(&self) -> String {
        let environment = &self.session.mark.environment;
        match &self.pool {
            Some(pool) => format!("{environment}/{pool}"),
            None => environment.clone(),
        }
    }
}

impl Until {
    /// The time; none: nobody said one.
    pub(super) fn time(&self, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
        let until = match (&self.until, self.lasting) {
            (None, None) => return Ok(None),
            (_, Some(lasting)) => now.checked_add(lasting.duration()).map_err(|_| {
                Failure::usage(format!("--for {lasting} is longer than time can be written"))
            })?,
            (Some(text), None) => text.parse::<Timestamp>().map_err(|_| {
                Failure::usage(format!("--until {text:?} is no time"))
                    .help("write it like 2026-03-02T18:00:00Z or 2026-03-02T18:00:00+01:00")
            })?,
        };
        if until <= now {
            let message = format!("{until} is over: it is {now} there");
            return Err(Failure::usage(message).help("name a later time, or use --for 2h"));
        }
        Ok(Some(until))
    }

    pub(super) fn is_said(&self) -> bool {
        self.until.is_some() || self.lasting.is_some()
    }
}

/// A reason that others will read.
pub(super) fn reason(text: &str) -> Result<String, Failure> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST || !is_plain(text) {
        let message = format!("a reason is 1 to {LONGEST} characters on one line");
        return Err(Failure::usage(message).help("say what others need to know to lift it"));
    }
    Ok(text.to_owned())
}

/// `until 2026-…`, or that it has no end.
pub(super) fn lasts(until: Option<Timestamp>) -> String {
    match until {
        Some(until) => format!("until {until}"),
        None => "until it is resumed".to_owned(),
    }
}
