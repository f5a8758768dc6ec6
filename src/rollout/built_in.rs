//! What Floodway measures by itself, as PromQL.
//!
//! The series are those that the alert rules read (`templates/alerts/rules.yaml`), and
//! the controller's own. Of a minute in which a part of them is missing nothing is
//! said: a stage that tells nothing is not a stage without errors.

use super::Criterion;
use crate::spec::Environment;
use crate::spec::model::{BuiltIn, LimitUnit, Over, Slo};
use crate::units::{Share, Span};

/// Rates are over five minutes, as in the alert rules, or longer where scrapes are rare.
const RATE: Span = Span::from_secs(300);
/// The most points of a window that a histogram's growth is calculated from.
const FINEST: u64 = 1000;

const REQUESTS: &str = "inference_requests_total";
const FIRST_TOKEN: &str = "inference_time_to_first_token_seconds_bucket";
const DURATION: &str = "inference_request_duration_seconds_bucket";

/// What a measure is a number of.
pub const fn inherent_unit(measure: BuiltIn) -> LimitUnit {
    match measure {
        BuiltIn::Availability | BuiltIn::ErrorRate | BuiltIn::Backtest => LimitUnit::Share,
        BuiltIn::TtftP99 | BuiltIn::E2eP99 | BuiltIn::BurstResponse => LimitUnit::Seconds,
        BuiltIn::UsdPerHour => LimitUnit::Dollars,
    }
}

/// Every measure over the last day, held against nothing: what a record tells.
pub fn over_a_day(name: &crate::id::Name) -> [(BuiltIn, Criterion<'_>); 6] {
    let of = |measure| {
        let criterion = Criterion {
            name,
            kind: super::Kind::Exit,
            summary: None,
            measure: Some(measure),
            query: None,
            low: None,
            high: None,
            window: Span::from_secs(24 * 3600),
            minimum: Share::percent(50),
            over: Over::Mean,
        };
        (measure, criterion)
    };
    [
        BuiltIn::Availability,
        BuiltIn::TtftP99,
        BuiltIn::E2eP99,
        BuiltIn::ErrorRate,
        BuiltIn::BurstResponse,
        BuiltIn::UsdPerHour,
    ]
    .map(of)
}

/// A measure as a query, and what it needs.
pub(super) struct Known {
    pub(super) promql: String,
    /// In words, for who sees no data.
    pub(super) needs: String,
}

/// `measure` over a window, of `environment`.
///
/// # Errors
/// Why it cannot be measured.
pub(super) fn known(
    measure: BuiltIn,
    environment: &Environment,
    window: Span,
) -> Result<Known, String> {
    let stages = Stages::of(environment);
    match measure {
        BuiltIn::Availability => Ok(stages.availability(&environment.slo)),
        BuiltIn::TtftP99 => Ok(stages.latency(FIRST_TOKEN)),
        BuiltIn::E2eP99 => Ok(stages.latency(DURATION)),
        BuiltIn::ErrorRate => Ok(stages.error_rate()),
        BuiltIn::BurstResponse => Ok(burst_response(&stages.environment, window)),
        BuiltIn::UsdPerHour => Ok(usd_per_hour(&stages.environment)),
        BuiltIn::Backtest => Err("there is no backtest yet".to_owned()),
    }
}

/// The stages that must all tell.
struct Stages {
    environment: String,
    /// All of them, and those with GPUs: only these count tokens.
    all: Vec<String>,
    with_tokens: Vec<String>,
    /// `5m`
    rate: String,
}

impl Stages {
    fn of(environment: &Environment) -> Self {
        let stages = &environment.service.stages;
        let all: Vec<String> = stages.keys().map(ToString::to_string).collect();
        let with_gpus = stages.iter().filter(|(_, stage)| stage.gpus > 0);
        let with_gpus: Vec<String> = with_gpus.map(|(name, _)| name.to_string()).collect();
        let window = environment.signals.as_ref().map_or(RATE, |s| s.window.max(RATE));
        Self {
            environment: environment.environment.name.to_string(),
            with_tokens: if with_gpus.is_empty() { all.clone() } else { with_gpus },
            all,
            rate: window.to_string(),
        }
    }

    fn telling(&self, series: &str) -> &[String] {
        if series == FIRST_TOKEN { &self.with_tokens } else { &self.all }
    }

    /// How fast `series` grows, by stage and `labels` of it.
    fn rate(&self, series: &str, labels: &str, matchers: &str) -> String {
        let (environment, stages) = (&self.environment, self.telling(series).join("|"));
        format!(
            "sum by (stage{labels}) (rate({series}{{environment=\"{environment}\",\
             stage=~\"{stages}\"{matchers}}}[{}]))",
            self.rate
        )
    }

    /// `query`, where every stage tells of `series`.
    fn where_all_tell(&self, query: &str, series: &str) -> String {
        let told = self.rate(series, "", "");
        format!("{query} and on () (count({told}) == {})", self.telling(series).len())
    }

    /// The share of failed requests, by stage. A stage that never had a failure need not
    /// have a series of them.
    fn failed(&self) -> String {
        let all = self.rate(REQUESTS, "", "");
        let failed = self.rate(REQUESTS, "", ",status!=\"ok\"");
        format!("(({failed} or 0 * {all}) / {all})")
    }

    fn p99(&self, series: &str) -> String {
        format!("histogram_quantile(0.99, {})", self.rate(series, ",le", ""))
    }

    fn needs(&self, series: &[&str]) -> String {
        let each = series.iter().map(|one| format!("{one} of {}", self.telling(one).join(", ")));
        format!("it needs {}", each.collect::<Vec<_>>().join(", and "))
    }

    /// Of the stage that fails most.
    fn error_rate(&self) -> Known {
        let promql = self.where_all_tell(&format!("max({})", self.failed()), REQUESTS);
        Known { promql, needs: self.needs(&[REQUESTS]) }
    }

    /// Of the slowest stage.
    fn latency(&self, series: &str) -> Known {
        let promql = self.where_all_tell(&format!("max({})", self.p99(series)), series);
        Known { promql, needs: self.needs(&[series]) }
    }

    /// 1 for a good minute: no stage fails or is slow more than is promised. Where there
    /// is no traffic, what is not a number is not above a limit.
    fn availability(&self, slo: &Slo) -> Known {
        let mut series = vec![REQUESTS];
        let above = |what: &str, limit: f64| format!("max({what} > bool {limit})");
        let mut bad = vec![above(&self.failed(), slo.error_rate.as_f64())];
        for (limit, of) in [(slo.ttft_p99, FIRST_TOKEN), (slo.e2e_p99, DURATION)] {
            let Some(limit) = limit else { continue };
            bad.push(above(&self.p99(of), limit.as_secs_f64()));
            series.push(of);
        }
        let good = format!("(({}) == bool 0)", bad.join(" + "));
        let promql = series.iter().fold(good, |query, of| self.where_all_tell(&query, of));
        Known { promql, needs: self.needs(&series) }
    }
}

/// Of the launches of the window that ends at each point.
fn burst_response(environment: &str, window: Span) -> Known {
    let minutes = window.secs_ceil().div_ceil(60).max(1);
    let (step, window) = (minutes.div_ceil(FINEST), minutes.max(2));
    let promql = format!(
        "histogram_quantile(0.99, sum by (le) (increase(floodway_burst_response_seconds_bucket\
         {{environment=\"{environment}\"}}[{window}m:{step}m])))"
    );
    let needs = "it needs a launch of burst capacity in the window, and \
                 floodway_burst_response_seconds of the controller";
    Known { promql, needs: needs.to_owned() }
}

fn usd_per_hour(environment: &str) -> Known {
    let promql =
        format!("max(floodway_cost_usd_per_hour{{environment=\"{environment}\",when=\"now\"}})");
    Known { promql, needs: "it needs floodway_cost_usd_per_hour of the controller".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::fixture;
    use crate::spec::promql::reads;

    const DAY: Span = Span::from_secs(24 * 3600);

    fn promql(measure: BuiltIn, window: Span) -> String {
        known(measure, &fixture::environment(), window).unwrap_or_else(|why| panic!("{why}")).promql
    }

    #[test]
    fn every_measure_but_a_backtest_reads_series_of_this_environment_alone() {
        let name = "x".parse().unwrap();
        for (measure, _) in over_a_day(&name) {
            let query = promql(measure, DAY);
            let selectors = reads(&query).unwrap().selectors;
            let own = |selector: &String| selector.contains("{environment=\"prod\"");
            assert!(!selectors.is_empty() && selectors.iter().all(own), "{query}");
        }
        let backtest = known(BuiltIn::Backtest, &fixture::environment(), DAY);
        assert_eq!(backtest.map(|known| known.promql), Err("there is no backtest yet".to_owned()));
    }

    #[test]
    fn availability_holds_each_stage_to_what_is_promised() {
        let mut environment = fixture::environment();
        environment.slo.ttft_p99 = Some(Span::from_millis(500));
        environment.slo.e2e_p99 = None;
        let known = known(BuiltIn::Availability, &environment, DAY).unwrap_or_else(|_| panic!());
        assert!(known.promql.contains("> bool 0.5)"), "{}", known.promql);
        assert!(!known.promql.contains(DURATION), "{}", known.promql);
        assert!(known.needs.contains(FIRST_TOKEN), "{}", known.needs);
    }

    #[test]
    fn a_long_window_of_launches_is_read_at_fewer_points() {
        assert!(promql(BuiltIn::BurstResponse, DAY).contains("[1440m:2m]"));
        assert!(promql(BuiltIn::BurstResponse, Span::from_secs(600)).contains("[10m:1m]"));
        let month = Span::from_secs(30 * 24 * 3600);
        assert!(promql(BuiltIn::BurstResponse, month).contains("[43200m:44m]"));
    }

    #[test]
    fn rates_are_as_wide_as_rare_scrapes_need() {
        let mut environment = fixture::environment();
        let mut signals = crate::spec::model::Signals::of("http://p:9090");
        signals.window = Span::from_secs(600);
        environment.signals = Some(signals);
        let known = known(BuiltIn::ErrorRate, &environment, DAY).unwrap_or_else(|_| panic!());
        assert!(known.promql.contains("[10m]"), "{}", known.promql);
    }
}
