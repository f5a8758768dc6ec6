//! What a controller's turn came to: lines for people, and numbers to scrape.

mod lines;

pub use lines::lines;

use super::metrics::{Kind, Metric, Sample};
use crate::controller::Turn;
use crate::controller::lead::Standing;
use crate::decide::scaling::{Direction, StageScaling};
use crate::units::UsdPerHour;

/// The numbers of a turn, and of the controller that made it.
pub fn metrics(turn: &Turn, standing: &Standing, took_seconds: f64) -> Vec<Metric> {
    let scaling = &turn.scaling;
    let gauge = |name, help, value| Metric::one(name, help, Kind::Gauge, value);
    let mut all = vec![
        Metric {
            samples: vec![Sample {
                labels: vec![("version", env!("CARGO_PKG_VERSION").to_owned())],
                value: 1.0,
            }],
            ..gauge("floodway_build_info", "The build.", 1.0)
        },
        gauge(
            "floodway_leads",
            "1 where this controller leads its environment.",
            f64::from(u8::from(*standing == Standing::Leads)),
        ),
        gauge(
            "floodway_decision_timestamp_seconds",
            "When the last decision was made, in seconds since 1970.",
            scaling.at.as_millisecond() as f64 / 1000.0,
        ),
        gauge("floodway_turn_seconds", "How long the last turn took.", took_seconds),
    ];
    all.push(costs(turn));
    all.extend(of_stages(turn));
    all.extend(of_pools(turn));
    all.extend(of_signals(turn));
    all
}

fn costs(turn: &Turn) -> Metric {
    let dollars = |price: UsdPerHour| price.micros() as f64 / 1e6;
    let one = |when: &str, value| Sample { labels: vec![("when", when.to_owned())], value };
    Metric {
        name: "floodway_cost_usd_per_hour",
        help: "What burst costs now, and when what was decided is done.",
        kind: Kind::Gauge,
        samples: vec![
            one("now", dollars(turn.scaling.cost_now.usd_per_hour)),
            one("after", dollars(turn.scaling.cost_after.usd_per_hour)),
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
            Some(f64::from(u8::from(stage.doubt.is_some())))
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

fn of_pools(turn: &Turn) -> [Metric; 2] {
    let mut units = Vec::new();
    let mut held = Vec::new();
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
        held.extend(pool.holds.iter().map(|hold| {
            let direction = match hold.direction {
                Direction::ScaleIn => "in",
                Direction::ScaleOut => "out",
            };
            Sample {
                labels: vec![
                    ("pool", name.to_string()),
                    ("cause", hold.cause.as_str().to_owned()),
                    ("direction", direction.to_owned()),
                ],
                value: 1.0,
            }
        }));
    }
    held.dedup_by(|a, b| a.labels == b.labels);
    let gauge = |name, help, samples| Metric { name, help, kind: Kind::Gauge, samples };
    [
        gauge("floodway_pool_units", "Replicas or instances of a pool.", units),
        gauge("floodway_held", "1 for each cause that holds a pool.", held),
    ]
}

fn of_signals(turn: &Turn) -> [Metric; 2] {
    let at = turn.scaling.at;
    let signal = |name: &String| vec![("signal", name.clone())];
    let ages = turn.load.readings.iter().filter_map(|measured| {
        let age = at.duration_since(measured.reading.at?).as_secs_f64();
        Some(Sample { labels: signal(&measured.reading.signal), value: age })
    });
    let good = turn.load.readings.iter().map(|measured| Sample {
        labels: signal(&measured.reading.signal),
        value: f64::from(u8::from(measured.reading.verdict.may_scale_in())),
    });
    let gauge = |name, help, samples| Metric { name, help, kind: Kind::Gauge, samples };
    [
        gauge("floodway_signal_age_seconds", "How old a signal's value is.", ages.collect()),
        gauge("floodway_signal_good", "1 where a signal may be acted upon.", good.collect()),
    ]
}
