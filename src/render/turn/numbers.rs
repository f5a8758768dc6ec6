//! The numbers of a turn, and of the controller that made it. Every sample bears
//! the environment's name, for one Prometheus sees several.

use crate::controller::lead::Standing;
use crate::controller::{Counts, Turn};
use crate::decide::DesiredOwner;
use crate::decide::scaling::{Direction, Scaling, StageScaling};
use crate::observe::Side;
use crate::port::CallCounts;
use crate::render::metrics::{Kind, Metric, Sample};
use crate::signal::Reading;
use crate::spec::Environment;
use std::collections::BTreeSet;

mod launches;

/// What numbers need beside the turn.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// Whose controller it is.
    pub environment: &'a Environment,
    /// How it stood in that turn.
    pub standing: &'a Standing,
    /// How long the turn took.
    pub took_seconds: f64,
    /// What was done since the process began.
    pub counts: &'a Counts,
    /// Calls by side, where they are counted.
    pub calls: &'a [(Side, CallCounts)],
}

/// The numbers of a turn.
pub fn metrics(turn: &Turn, around: &Around<'_>) -> Vec<Metric> {
    let mut all = of_loop(turn, around);
    all.extend(of_money(turn, around.environment));
    all.extend(of_stages(turn));
    all.push(of_forecasts(turn));
    all.extend(of_pools(turn));
    all.extend(launches::metrics(&turn.scaling, around.counts));
    all.extend(of_signals(turn));
    all.extend(of_calls(around));
    let name = around.environment.environment.name.to_string();
    for sample in all.iter_mut().flat_map(|metric| &mut metric.samples) {
        sample.labels.insert(0, ("environment", name.clone()));
    }
    all
}

fn of_loop(turn: &Turn, around: &Around<'_>) -> Vec<Metric> {
    let gauge = |name, help, value| Metric::one(name, help, Kind::Gauge, value);
    let counter = |name, help, value| Metric::one(name, help, Kind::Counter, value);
    let many = |name, help, samples| Metric { name, help, kind: Kind::Gauge, samples };
    let stands = around.standing.state();
    let states = ["leads", "follows", "cut_off", "waits"];
    let sides = [
        (Side::Kubernetes, around.environment.onprem.is_some()),
        (Side::Aws, around.environment.aws.is_some()),
    ];
    let sides = sides.into_iter().filter(|(_, declared)| *declared);
    vec![
        many(
            "floodway_build_info",
            "The build.",
            vec![one("version", env!("CARGO_PKG_VERSION"), 1.0)],
        ),
        gauge(
            "floodway_leads",
            "1 where this controller leads its environment.",
            flag(*around.standing == Standing::Leads),
        ),
        many(
            "floodway_standing",
            "1 for how this controller stands among those of its environment.",
            states.map(|state| one("state", state, flag(state == stands))).to_vec(),
        ),
        gauge(
            "floodway_decision_timestamp_seconds",
            "When the last decision was made, in seconds since 1970.",
            turn.scaling.at.as_millisecond() as f64 / 1000.0,
        ),
        gauge(
            "floodway_turn_duration_seconds",
            "How long the last turn took.",
            around.took_seconds,
        ),
        counter("floodway_turns_total", "Turns that have ended.", around.counts.turns as f64),
        counter(
            "floodway_turn_seconds_total",
            "How long all turns took together.",
            around.counts.turn_seconds,
        ),
        many(
            "floodway_side_visible",
            "1 where a side could be seen in the last turn.",
            sides
                .map(|(side, _)| one("side", name(side), flag(!turn.unseen.contains_key(&side))))
                .collect(),
        ),
    ]
}

/// What is spent, and how much of what may be.
fn of_money(turn: &Turn, environment: &Environment) -> [Metric; 4] {
    let gauge = |name, help, samples| Metric { name, help, kind: Kind::Gauge, samples };
    let spent = [("day", turn.spent.day_micros), ("month", turn.spent.month_micros)];
    let budget = environment.burst.budget.as_ref();
    let now = turn.scaling.cost_now.usd_per_hour.micros();
    let limits = [
        ("hour", budget.and_then(|b| Some(b.usd_per_hour?.micros())), now),
        ("day", budget.and_then(|b| Some(b.usd_per_day?.micros())), turn.spent.day_micros),
        ("month", budget.and_then(|b| Some(b.usd_per_month?.micros())), turn.spent.month_micros),
    ];
    let limits =
        limits.into_iter().filter_map(|(period, limit, used)| Some((period, limit?, used)));
    let used = limits.clone().filter(|(_, limit, _)| *limit > 0);
    [
        costs(turn),
        gauge(
            "floodway_spent_usd",
            "What burst has cost in the running day and month (UTC), as this controller saw it.",
            spent.map(|(period, micros)| one("period", period, dollars(micros))).to_vec(),
        ),
        gauge(
            "floodway_budget_usd",
            "What burst may cost: in the hour as a rate, in the running day and month as a sum.",
            limits.map(|(period, limit, _)| one("period", period, dollars(limit))).collect(),
        ),
        gauge(
            "floodway_budget_used_ratio",
            "How much of each budget is used; over 1 it is overdrawn.",
            used.map(|(period, limit, used)| one("period", period, used as f64 / limit as f64))
                .collect(),
        ),
    ]
}

/// How wrong each forecaster has been.
fn of_forecasts(turn: &Turn) -> Metric {
    let mut samples = Vec::new();
    for (stage, standings) in &turn.load.standings {
        for standing in standings {
            let Some(loss) = standing.loss else { continue };
            let labels = vec![
                ("stage", stage.to_string()),
                ("forecaster", standing.name.clone()),
                ("believed", standing.leads.to_string()),
            ];
            samples.push(Sample { labels, value: loss });
        }
    }
    Metric {
        name: "floodway_forecast_loss_requests_per_second",
        help: "The rolling pinball loss of each forecaster at the quantile that is planned by.",
        kind: Kind::Gauge,
        samples,
    }
}

fn of_calls(around: &Around<'_>) -> Vec<Metric> {
    let counter = |name, help, samples| Metric { name, help, kind: Kind::Counter, samples };
    let calls = |count: fn(&CallCounts) -> u64| {
        around.calls.iter().map(|(side, c)| one("side", name(*side), count(c) as f64)).collect()
    };
    let writes = around.counts.writes.iter().map(|((side, pool, outcome), count)| Sample {
        labels: vec![
            ("side", name(*side).to_owned()),
            ("pool", pool.clone()),
            ("outcome", outcome.as_str().to_owned()),
        ],
        value: *count as f64,
    });
    let unseen = around.counts.unseen.iter();
    vec![
        counter("floodway_writes_total", "Writes by what became of them.", writes.collect()),
        counter(
            "floodway_unseen_turns_total",
            "Turns in which a side could not be seen.",
            unseen.map(|(side, count)| one("side", name(*side), *count as f64)).collect(),
        ),
        counter("floodway_api_calls_total", "Calls, each try counted.", calls(|c| c.made)),
        counter(
            "floodway_api_failures_total",
            "Calls without an answer, or with an error.",
            calls(|c| c.failed),
        ),
        counter(
            "floodway_api_throttles_total",
            "Calls that were turned away because there were too many.",
            calls(|c| c.throttled),
        ),
    ]
}

const fn name(side: Side) -> &'static str {
    match side {
        Side::Kubernetes => "kubernetes",
        Side::Aws => "aws",
    }
}

/// A sample with one label.
fn one(label: &'static str, is: impl ToString, value: f64) -> Sample {
    Sample { labels: vec![(label, is.to_string())], value }
}

fn flag(yes: bool) -> f64 {
    f64::from(u8::from(yes))
}

fn dollars(micros: u64) -> f64 {
    micros as f64 / 1e6
}

fn costs(turn: &Turn) -> Metric {
    Metric {
        name: "floodway_cost_usd_per_hour",
        help: "What burst costs now, and when what was decided is done.",
        kind: Kind::Gauge,
        samples: vec![
            one("when", "now", dollars(turn.scaling.cost_now.usd_per_hour.micros())),
            one("when", "after", dollars(turn.scaling.cost_after.usd_per_hour.micros())),
        ],
    }
}

fn of_stages(turn: &Turn) -> Vec<Metric> {
    type Value = fn(&StageScaling) -> Option<f64>;
    let table: [(&'static str, &'static str, Value); 8] = [
        ("floodway_demand_requests_per_second", "The load that is seen.", |stage| {
            Some(stage.demand?.as_f64())
        }),
        ("floodway_expected_requests_per_second", "The load to be ready for.", |stage| {
            Some(stage.expected?.as_f64())
        }),
        ("floodway_need_requests_per_second", "The capacity that it asks for.", |stage| {
            Some(stage.need?.as_f64())
        }),
        ("floodway_serving_requests_per_second", "What serves now.", |stage| {
            Some(stage.serving.as_f64())
        }),
        ("floodway_coming_requests_per_second", "With what is on its way.", |stage| {
            Some(stage.coming.as_f64())
        }),
        ("floodway_unmet_requests_per_second", "What is needed and fits nowhere.", |stage| {
            Some(stage.unmet.as_f64())
        }),
        (
            "floodway_shed_ratio",
            "The share of requests that cannot be served inside the SLO: advice to the gateway.",
            |stage| Some(stage.shed.as_f64()),
        ),
        ("floodway_demand_in_doubt", "1 where the load is not known well enough.", |stage| {
            Some(flag(stage.doubt.is_some()))
        }),
    ];
    let metric = |(name, help, value): (&'static str, &'static str, Value)| {
        let stages = turn.scaling.stages.iter();
        let samples = stages.filter_map(|(stage, scaling)| {
            Some(Sample { labels: vec![("stage", stage.to_string())], value: value(scaling)? })
        });
        Metric { name, help, kind: Kind::Gauge, samples: samples.collect() }
    };
    table.into_iter().map(metric).collect()
}

fn of_pools(turn: &Turn) -> [Metric; 3] {
    let mut units = Vec::new();
    for (name, pool) in &turn.scaling.pools {
        let states = [
            ("asked", pool.now),
            ("wanted", pool.wanted),
            ("serving", pool.serving),
            ("min", pool.min),
            ("max", pool.max),
        ];
        units.extend(states.map(|(state, value)| Sample {
            labels: vec![("pool", name.to_string()), ("state", state.to_owned())],
            value: f64::from(value),
        }));
    }
    let left = turn.left.iter().map(|left| Sample {
        labels: vec![("group", left.group.clone()), ("why", left.why.as_str().to_owned())],
        value: f64::from(left.units),
    });
    let gauge = |name, help, samples| Metric { name, help, kind: Kind::Gauge, samples };
    [
        gauge("floodway_pool_units", "Replicas or instances of a pool.", units),
        gauge(
            "floodway_held",
            "1 for each cause that holds a pool, or its stage.",
            held(&turn.scaling),
        ),
        gauge(
            "floodway_left_over_instances",
            "Instances that are paid for and serve nothing: kept after a drain that was given up, \
             or of a group that no pool claims.",
            left.collect(),
        ),
    ]
}

/// What holds each pool: by itself, or with all of its stage that the controller
/// moves. Each cause and direction once.
fn held(scaling: &Scaling) -> Vec<Sample> {
    let of_pool = scaling.pools.iter().flat_map(|(name, pool)| {
        let moved = pool.owner == DesiredOwner::Controller;
        let stage = scaling.stages.get(&pool.stage).filter(|_| moved);
        let all = pool.holds.iter().chain(stage.iter().flat_map(|stage| &stage.holds));
        let causes: BTreeSet<_> =
            all.map(|hold| (hold.cause.as_str(), direction(hold.direction))).collect();
        causes.into_iter().map(move |(cause, direction)| Sample {
            labels: vec![
                ("pool", name.to_string()),
                ("cause", cause.to_owned()),
                ("direction", direction.to_owned()),
            ],
            value: 1.0,
        })
    });
    of_pool.collect()
}

const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::ScaleIn => "in",
        Direction::ScaleOut => "out",
    }
}

fn of_signals(turn: &Turn) -> [Metric; 3] {
    let at = turn.scaling.at;
    let signal = |reading: &Reading| vec![("signal", reading.signal.clone())];
    // With whether there is nothing to measure, which is no fault.
    let measured = turn.load.readings.iter().map(|one| (&one.reading, one.is_idle()));
    let all = measured.chain(turn.places.iter().map(|reading| (reading, false)));
    let ages = all.clone().filter_map(|(reading, _)| {
        let age = at.duration_since(reading.at?).as_secs_f64();
        Some(Sample { labels: signal(reading), value: age })
    });
    let values = all
        .clone()
        .filter_map(|(reading, _)| Some(Sample { labels: signal(reading), value: reading.value? }));
    let good = all.map(|(reading, idle)| Sample {
        labels: signal(reading),
        value: flag(idle || reading.verdict.may_scale_in()),
    });
    let gauge = |name, help, samples| Metric { name, help, kind: Kind::Gauge, samples };
    [
        gauge(
            "floodway_signal_value",
            "The newest value of a signal that could be used.",
            values.collect(),
        ),
        gauge("floodway_signal_age_seconds", "How old a signal's value is.", ages.collect()),
        gauge(
            "floodway_signal_good",
            "1 where a signal may be acted upon, or has nothing to measure.",
            good.collect(),
        ),
    ]
}

#[cfg(test)]
mod tests;
