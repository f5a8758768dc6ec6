//! Numbers in the text format that Prometheus scrapes:
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::fmt::Write as _;

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only rises, until the process ends.
    Counter,
    /// It rises and falls.
    Gauge,
    /// Quantiles that somebody has worked out, each with its level as `quantile`.
    Quantiles,
    /// The buckets of a histogram, each with its bound as `le`.
    Buckets,
    /// The sum of the histogram right before it, which has the same name.
    Sum,
    /// Its count.
    Count,
}

impl Kind {
    /// What its samples' name has after the metric's own.
    const fn suffix(self) -> &'static str {
        match self {
            Self::Counter | Self::Gauge | Self::Quantiles => "",
            Self::Buckets => "_bucket",
            Self::Sum => "_sum",
            Self::Count => "_count",
        }
    }
}

/// One metric with its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// `floodway_decision_age_seconds`
    pub name: &'static str,
    /// What it tells, and in which unit.
    pub help: &'static str,
    /// What it is.
    pub kind: Kind,
    /// A value for each set of labels.
    pub samples: Vec<Sample>,
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Names and values.
    pub labels: Vec<(&'static str, String)>,
    /// The value.
    pub value: f64,
}

impl Metric {
    /// A metric without labels.
    pub fn one(name: &'static str, help: &'static str, kind: Kind, value: f64) -> Self {
        Self { name, help, kind, samples: vec![Sample { labels: Vec::new(), value }] }
    }
}

/// All of them as text.
pub fn text(metrics: &[Metric]) -> String {
    let mut text = String::new();
    for metric in metrics.iter().filter(|metric| !metric.samples.is_empty()) {
        let kind = match metric.kind {
            Kind::Counter => Some("counter"),
            Kind::Gauge => Some("gauge"),
            Kind::Quantiles => Some("summary"),
            Kind::Buckets => Some("histogram"),
            Kind::Sum | Kind::Count => None,
        };
        if let Some(kind) = kind {
            let help = metric.help.replace('\\', "\\\\").replace('\n', "\\n");
            let _ = writeln!(text, "# HELP {} {help}\n# TYPE {0} {kind}", metric.name);
        }
        for sample in &metric.samples {
            let labels: Vec<String> = sample
                .labels
                .iter()
                .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
                .collect();
            let labels = match labels.is_empty() {
                true => String::new(),
                false => format!("{{{}}}", labels.join(",")),
            };
            let (suffix, value) = (metric.kind.suffix(), number(sample.value));
            let _ = writeln!(text, "{}{suffix}{labels} {value}", metric.name);
        }
    }
    text
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_metrics_without_samples_left_out() {
        let value = "a\\b\"c\nd".to_owned();
        let samples = vec![Sample { labels: vec![("pool", value)], value: 1.5 }];
        let some = Metric { samples, ..Metric::one("floodway_x", "X.", Kind::Gauge, 0.0) };
        let none = Metric { samples: Vec::new(), ..some.clone() };
        assert_eq!(
            text(&[some, none]),
            "# HELP floodway_x X.\n# TYPE floodway_x gauge\n\
             floodway_x{pool=\"a\\\\b\\\"c\\nd\"} 1.5\n"
        );
    }

    #[test]
    fn a_histogram_has_one_head() {
        let part = |kind, labels| Metric {
            samples: vec![Sample { labels, value: 2.0 }],
            ..Metric::one("floodway_x_seconds", "X.", kind, 0.0)
        };
        let bucket = part(Kind::Buckets, vec![("le", "+Inf".to_owned())]);
        let all = [bucket, part(Kind::Sum, Vec::new()), part(Kind::Count, Vec::new())];
        assert_eq!(
            text(&all),
            "# HELP floodway_x_seconds X.\n# TYPE floodway_x_seconds histogram\n\
             floodway_x_seconds_bucket{le=\"+Inf\"} 2\n\
             floodway_x_seconds_sum 2\nfloodway_x_seconds_count 2\n"
        );
    }
}
