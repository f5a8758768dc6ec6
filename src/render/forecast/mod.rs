//! Forecasts and their scores, for readers.

mod plot;

pub use plot::{Plot, svg};

use super::style::{Ink, Style};
use super::text::{Line, Screen, Table, count};
use crate::forecast::{LeadScore, RaceConfig, Scored};
use crate::signal::Series;
use schemars::JsonSchema;
use serde::Serialize;

/// The version of the JSON.
pub const FORMAT_VERSION: &str = "1.0";

/// How all forecasters did. Also the document that `forecast score --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "Floodway forecast scores")]
pub struct ScoreView {
    /// `MAJOR.MINOR`. A higher minor only adds; refuse another major.
    #[schemars(regex(pattern = r"^1\.[0-9]+$"))]
    pub format_version: String,
    /// Of what.
    pub of: String,
    /// SHA-256 of the data, in hex.
    pub data_sha256: String,
    /// From step to step: `10m`.
    pub step: String,
    /// How far ahead: `15m`.
    pub horizon: String,
    /// Which quantile was scored.
    pub quantile: f64,
    /// The first origin that counts.
    pub from: String,
    /// The last one.
    pub to: String,
    /// How often another forecaster was believed.
    pub switches: usize,
    /// The best first; `chosen` is what the race of all of them believed.
    pub forecasters: Vec<ForecasterView>,
}

/// How one did.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ForecasterView {
    /// Its name.
    pub name: String,
    /// At how many origins it had an answer.
    pub origins: usize,
    /// For each step ahead.
    pub ahead: Vec<AheadView>,
    /// Why it had no answer at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out: Option<String>,
}

/// How one did at one step ahead.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AheadView {
    /// How far ahead: `20m`.
    pub after: String,
    /// Weighted absolute percentage error, as a share; absent where the truth is
    /// zero throughout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wape: Option<f64>,
    /// Pinball loss of the quantile, as a share of the mean truth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pinball: Option<f64>,
    /// The share of truths that were not above the quantile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<f64>,
}

impl ScoreView {
    /// What readers are told.
    pub fn new(
        of: &str,
        data_sha256: &str,
        series: &Series,
        config: &RaceConfig,
        scored: &Scored,
    ) -> Self {
        let after = |lead: usize| {
            let millis = series.step().millis().saturating_mul(lead as u64 + 1);
            crate::units::Span::from_millis(millis).to_string()
        };
        let finite = |number: f64| number.is_finite().then_some(number);
        let ahead = |(lead, score): (usize, &LeadScore)| AheadView {
            after: after(lead),
            wape: finite(score.wape),
            pinball: finite(score.pinball),
            coverage: finite(score.coverage),
        };
        let forecasters = scored.scores.iter().map(|score| ForecasterView {
            name: score.by.clone(),
            origins: score.origins,
            ahead: score.leads.iter().enumerate().map(ahead).collect(),
            out: score.out.clone(),
        });
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            of: of.to_owned(),
            data_sha256: data_sha256.to_owned(),
            step: series.step().to_string(),
            horizon: config.horizon.to_string(),
            quantile: config.judged_by(),
            from: scored.between.0.to_string(),
            to: scored.between.1.to_string(),
            switches: scored.switches,
            forecasters: forecasters.collect(),
        }
    }
}

/// All scores as text: the last step ahead of each forecaster.
pub fn text(view: &ScoreView, style: &Style) -> String {
    let mut screen = Screen::new(style);
    let head = Line::of(Ink::Strong, format!("Forecasts of {}", view.of));
    screen.hanging(0, 2, &head);
    let last = view.forecasters.iter().find_map(|forecaster| forecaster.ahead.last());
    let after = last.map_or(view.horizon.as_str(), |ahead| ahead.after.as_str());
    let told = format!(
        "{after} ahead in steps of {}, origins from {} to {}",
        view.step, view.from, view.to
    );
    screen.hanging(0, 2, &Line::of(Ink::Dim, told));
    screen.blank();
    let mut table = Table::new(&["FORECASTER", ">ORIGINS", ">WAPE", ">PINBALL", ">COVERAGE"]);
    for forecaster in &view.forecasters {
        let percent = |share: Option<f64>| {
            Line::from(share.map_or("–".to_owned(), |share| format!("{:.1} %", 100.0 * share)))
        };
        let at = forecaster.ahead.last();
        table.row([
            Line::of(Ink::Strong, &forecaster.name),
            Line::from(forecaster.origins.to_string()),
            percent(at.and_then(|at| at.wape)),
            percent(at.and_then(|at| at.pinball)),
            percent(at.and_then(|at| at.coverage)),
        ]);
        if let Some(why) = forecaster.out.as_ref().filter(|_| forecaster.origins == 0) {
            table.across(2, Line::of(Ink::Dim, why));
        }
    }
    screen.table(&table);
    screen.blank();
    screen.hanging(0, 0, &Line::from(format!(
        "Pinball and coverage are of the calibrated {} % quantile; chosen is what the race of all \
         believed, with {}.",
        100.0 * view.quantile,
        count(view.switches, "change")
    )));
    screen.finish()
}
