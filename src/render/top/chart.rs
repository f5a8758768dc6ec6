//! The load of a stage over time: what was seen, what had been expected of it, and
//! what served.

use super::Top;
use crate::clock::Timestamp;
use crate::id::Name;
use crate::render::text::rate;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style as Paint};
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Widget};

/// Decisions that are drawn.
const SHOWN: usize = 240;

type Points = Vec<(f64, f64)>;

/// Draws `stage`, up to the decision that is shown.
pub(super) fn draw(top: &Top<'_>, stage: &Name, color: bool, area: Rect, buffer: &mut Buffer) {
    let from = top.at.saturating_sub(SHOWN - 1);
    let records = top.records.get(from..=top.at).unwrap_or_default();
    let [mut demand, mut serving, mut low, mut high]: [Points; 4] = Default::default();
    for record in records {
        let Some(stage) = record.scaling.stages.get(stage) else { continue };
        let at = seconds(record.scaling.at);
        demand.extend(stage.demand.map(|demand| (at, demand.as_f64())));
        serving.push((at, stage.serving.as_f64()));
        if let Some(band) = &stage.band {
            low.push((seconds(band.at), band.low.as_f64()));
            high.push((seconds(band.at), band.high.as_f64()));
        }
    }
    let all = [&demand, &serving, &low, &high];
    let begin = serving.first().map_or(0.0, |point| point.0);
    let end = all.iter().flat_map(|points| points.last()).map(|p| p.0).fold(begin, f64::max);
    let top_of = all.iter().flat_map(|points| points.iter()).map(|point| point.1);
    let most = top_of.fold(1.0, f64::max) * 1.1;
    let paint = |colour| if color { Paint::new().fg(colour) } else { Paint::new() };
    let set = |name, points, colour| {
        Dataset::default()
            .name(name)
            .marker(Marker::Braille)
            .graph_type(GraphType::Line)
            .style(paint(colour))
            .data(points)
    };
    let clock = |at: f64| {
        let at = Timestamp::from_second(at as i64).unwrap_or(Timestamp::UNIX_EPOCH);
        at.strftime("%H:%M").to_string()
    };
    Chart::new(vec![
        set("", &low, Color::Blue),
        set("forecast", &high, Color::Blue),
        set("serves", &serving, Color::Green),
        set("load", &demand, Color::Yellow),
    ])
    .legend_position(None)
    .x_axis(
        Axis::default()
            .bounds([begin, end.max(begin + 1.0)])
            .labels([clock(begin), clock(f64::midpoint(begin, end)), clock(end)].map(Line::from)),
    )
    .y_axis(
        Axis::default().bounds([0.0, most]).labels(
            ["0".to_owned(), rate((most / 2.0).round()), rate(most.round())].map(Line::from),
        ),
    )
    .render(area, buffer);
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}
