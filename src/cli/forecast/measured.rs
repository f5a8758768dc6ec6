//! The history of an environment's demand, and of the services upstream of it, as
//! its Prometheus servers have them.

use super::super::exit::{Exit, Failure};
use super::super::repository::Located;
use super::super::{applying, prometheus};
use super::file::History;
use crate::clock::{Clock as _, SystemClock};
use crate::forecast::Trained;
use crate::id::Name;
use crate::pipeline;
use crate::signal::{Policy, Query, Range, Series, declared, demand_of, upstream_service};
use crate::spec::Environment;
use crate::units::Span;
use futures::future::{join, join_all};
use sha2::{Digest as _, Sha256};

/// From one value to the next, where nothing says otherwise.
const STEP: Span = Span::from_secs(300);

/// Which part of the past is meant.
#[derive(Debug, clap::Args)]
pub(super) struct Past {
    /// Of an environment: the stage, where several have a demand
    #[arg(long, value_name = "STAGE")]
    stage: Option<Name>,
    /// Of an environment: how far back
    #[arg(long, value_name = "SPAN", default_value = "2w")]
    history: Span,
    /// Of an environment: from one value to the next; else as its weights were
    /// trained, and 5m where it names none
    #[arg(long, value_name = "SPAN")]
    step: Option<Span>,
    #[command(flatten)]
    access: prometheus::Access,
}

/// Asks the servers of `environment` for the demand of a stage.
pub(super) fn read(
    located: &Located,
    environment: &Environment,
    past: &Past,
    trained: Option<&Trained>,
) -> Result<History, Failure> {
    let invalid = |message: String| Failure::new(Exit::Failed, message);
    let demands = environment.demand_queries();
    let Some(signals) = environment.signals.as_ref().filter(|_| !demands.is_empty()) else {
        return Err(invalid(format!("{} declares no demand to be measured", located.path))
            .help("write `demand` into [signals], or name a CSV of the demand"));
    };
    let stage = match (&past.stage, demands.keys().collect::<Vec<_>>().as_slice()) {
        (Some(stage), _) if demands.contains_key(stage) => stage,
        (None, [only]) => only,
        (_, stages) => {
            let names: Vec<&str> = stages.iter().map(|stage| stage.as_str()).collect();
            return Err(Failure::usage(format!("say which stage: --stage {}", names.join("|"))));
        }
    };
    let wanted = demand_of(stage);
    let queries = declared(environment);
    let query = queries.iter().find(|query| query.signal == wanted);
    let query = query.ok_or_else(|| invalid(format!("nothing asks for {wanted}")))?;
    let services: Vec<(&str, &Query)> = queries
        .iter()
        .filter_map(|query| Some((upstream_service(&query.signal)?, query)))
        .collect();
    let servers = prometheus::servers(signals, &past.access)?;
    let now = SystemClock.now();
    let step = past.step.or(trained.map(Trained::step)).unwrap_or(STEP);
    let range = Range::last(past.history, step, now);
    let policy = Policy::new(signals.max_age);
    let (found, upstream) = applying::block_on(async {
        let of = |query| pipeline::past(&servers, query, &range, policy, now);
        let upstream = join_all(
            services.iter().map(async |(name, query)| ((*name).to_owned(), of(query).await.series)),
        );
        Ok(join(of(query), upstream).await)
    })?;
    let series = begun(found.series);
    if series.last().is_none() {
        let why = found.notes.first().map_or("it knows nothing of it", String::as_str);
        return Err(invalid(format!("there is no history of {wanted}: {why}"))
            .help("look with `floodway signals ENV`, or name a CSV of the demand"));
    }
    let mut digest = Sha256::new();
    let all = [("", &series)].into_iter().chain(upstream.iter().map(|(n, s)| (n.as_str(), s)));
    for (name, series) in all {
        digest.update(format!("{name} {} {}\n", series.start(), series.step()));
        series.values().iter().for_each(|value| digest.update(format!("{value:?}\n")));
    }
    let sha256 = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(History { series, upstream, sha256 })
}

/// From its first value on.
fn begun(series: Series) -> Series {
    let first = series.values().iter().position(Option::is_some).unwrap_or(0);
    Series::new(series.time(first), series.step(), series.values()[first..].to_vec())
}
