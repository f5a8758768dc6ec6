//! How long launches take, and how fast burst has answered.

use crate::controller::{Counts, RESPONSE_SECONDS, Responses};
use crate::decide::scaling::{Delay, Scaling};
use crate::render::metrics::{Kind, Metric, Sample};

/// Of every pool.
pub(super) fn metrics(scaling: &Scaling, counts: &Counts) -> Vec<Metric> {
    let (mut cold, mut warm, mut measured) = (Vec::new(), Vec::new(), Vec::new());
    for (name, pool) in &scaling.pools {
        let Some(launch) = &pool.launch else { continue };
        cold.extend(quantiles(name.as_str(), launch.cold));
        if launch.is_warm_measured() {
            warm.extend(quantiles(name.as_str(), launch.warm));
        }
        measured.push(of(name.as_str(), f64::from(launch.measured)));
    }
    let quantiles = |name, help, samples| Metric { name, help, kind: Kind::Quantiles, samples };
    let help = "Launches that are remembered.";
    let mut all = vec![
        quantiles(
            "floodway_launch_seconds",
            "From asking for a unit until it serves: as measured, or declared while fewer than 3 \
             launches were.",
            cold,
        ),
        quantiles(
            "floodway_warm_start_seconds",
            "The same of stopped instances that are started again, where it was measured.",
            warm,
        ),
        Metric { name: "floodway_launches_measured", help, kind: Kind::Gauge, samples: measured },
    ];
    all.extend(responses(counts));
    all
}

fn quantiles(pool: &str, delay: Delay) -> [Sample; 2] {
    [("0.5", delay.median), ("0.95", delay.p95)].map(|(quantile, span)| Sample {
        labels: vec![("pool", pool.to_owned()), ("quantile", quantile.to_owned())],
        value: span.as_secs_f64(),
    })
}

fn of(pool: &str, value: f64) -> Sample {
    Sample { labels: vec![("pool", pool.to_owned())], value }
}

/// A histogram of each burst pool.
fn responses(counts: &Counts) -> [Metric; 3] {
    let all = || counts.responses.iter();
    let part = |kind, samples| Metric {
        name: "floodway_burst_response_seconds",
        help: "From the decision that asks for a unit of a burst pool until it serves.",
        kind,
        samples,
    };
    [
        part(Kind::Buckets, all().flat_map(|(pool, one)| buckets(pool, one)).collect()),
        part(Kind::Sum, all().map(|(pool, one)| of(pool, one.seconds)).collect()),
        part(Kind::Count, all().map(|(pool, one)| of(pool, one.units as f64)).collect()),
    ]
}

fn buckets(pool: &str, responses: &Responses) -> impl Iterator<Item = Sample> {
    let within = RESPONSE_SECONDS.iter().map(ToString::to_string).zip(responses.within);
    within.chain([("+Inf".to_owned(), responses.units)]).map(|(le, units)| Sample {
        labels: vec![("pool", pool.to_owned()), ("le", le)],
        value: units as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::{Response, Turn};
    use crate::decide::DesiredOwner;
    use crate::decide::scaling::Delays;
    use crate::render::metrics::text;
    use crate::units::Span;

    fn turn(answered: &[u64]) -> Turn {
        let mut pool = super::super::tests::pool("inference", DesiredOwner::Controller, vec![]);
        let second = Span::from_secs;
        let cold = Delay { median: second(192), p95: second(290) };
        pool.launch = Some(Delays { measured: 14, ..Delays::of(cold) });
        pool.sources = vec![super::super::tests::spot()];
        let response =
            |seconds: &u64| Response { pool: "g6e".parse().unwrap(), after: second(*seconds) };
        Turn {
            scaling: Scaling { pools: [("g6e".parse().unwrap(), pool)].into(), ..<_>::default() },
            responses: answered.iter().map(response).collect(),
            ..Turn::default()
        }
    }

    #[test]
    fn what_was_learned_of_launches_is_told_of_each_pool() {
        let text = text(&metrics(&turn(&[]).scaling, &Counts::default()));
        for line in [
            "floodway_launch_seconds{pool=\"g6e\",quantile=\"0.5\"} 192",
            "floodway_launch_seconds{pool=\"g6e\",quantile=\"0.95\"} 290",
            "floodway_launches_measured{pool=\"g6e\"} 14",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        assert!(!text.contains("warm"), "none was measured: {text}");
    }

    #[test]
    fn how_fast_burst_answers_is_a_histogram_that_is_there_before_its_first_answer() {
        let mut counts = Counts::default();
        let told = |counts: &Counts| text(&metrics(&turn(&[]).scaling, counts));
        assert!(!told(&counts).contains("burst_response"));
        counts.note(&turn(&[]), 0.0);
        let bucket = |le: &str, units: u64| {
            format!("floodway_burst_response_seconds_bucket{{pool=\"g6e\",le=\"{le}\"}} {units}\n")
        };
        assert!(told(&counts).contains(&bucket("+Inf", 0)), "{}", told(&counts));
        counts.note(&turn(&[190, 300, 9000]), 0.0);
        let after = told(&counts);
        let expected = [("180", 0), ("240", 1), ("300", 2), ("3600", 2), ("+Inf", 3)];
        for (le, units) in expected {
            assert!(after.contains(&bucket(le, units)), "{le}: {after}");
        }
        assert!(after.contains("floodway_burst_response_seconds_sum{pool=\"g6e\"} 9490\n"));
        assert!(after.contains("floodway_burst_response_seconds_count{pool=\"g6e\"} 3\n"));
    }
}
