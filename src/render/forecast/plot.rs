//! A forecast as SVG.

use crate::forecast::Forecast;
use crate::signal::Series;
use std::fmt::Write as _;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 360.0;
const TOP: f64 = 40.0;
const RIGHT: f64 = 20.0;
const BOTTOM: f64 = 40.0;
const LEFT: f64 = 70.0;

/// What is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Plot<'p> {
    /// The history, and the truth after the origin as far as it is known.
    pub series: &'p Series,
    /// The step that was looked ahead from.
    pub origin: usize,
    /// Steps of history.
    pub shown: usize,
    /// What was forecast there.
    pub forecast: &'p Forecast,
}

/// `plot` as an SVG document, with `name` in its title.
pub fn svg(name: &str, plot: &Plot<'_>) -> String {
    let ahead = plot.forecast.path.len();
    let from = (plot.origin + 1).saturating_sub(plot.shown);
    let steps = (plot.origin + ahead - from).max(1);
    let history = (from..=plot.origin).map(|at| (at, value(plot.series, at)));
    let truth = (plot.origin..=plot.origin + ahead).map(|at| (at, value(plot.series, at)));
    let (history, truth): (Vec<_>, Vec<_>) = (history.collect(), truth.collect());
    let forecast = |path: &[f64]| -> Vec<(usize, Option<f64>)> {
        path.iter()
            .enumerate()
            .map(|(lead, value)| (plot.origin + 1 + lead, Some(*value)))
            .collect()
    };
    let path = forecast(&plot.forecast.path);
    let bands = &plot.forecast.quantiles;
    let band = bands.first().zip(bands.last()).map(|(low, high)| {
        let back = forecast(&low.path).into_iter().rev();
        forecast(&high.path).into_iter().chain(back).collect::<Vec<_>>()
    });
    let all = [&history, &truth, &path].into_iter().chain(&band).flatten();
    let most = nice(all.filter_map(|(_, value)| *value).fold(0.0, f64::max));
    let scale = Scale { from, steps, most };
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"24\" font-size=\"15\">{}: {} from {}</text>\n",
        escaped(name),
        escaped(plot.forecast.by),
        plot.forecast.origin
    );
    scale.axes(&mut text, plot.series);
    if let Some(band) = &band {
        let points = scale.points(band);
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "<polygon class=\"band\" points=\"{points}\" fill=\"#4c78a8\" fill-opacity=\"0.25\"/>"
        );
    }
    for (class, colour, dashes, points) in [
        ("history", "#333", "", &history),
        ("truth", "#e45756", " stroke-dasharray=\"4 3\"", &truth),
        ("path", "#4c78a8", "", &path),
    ] {
        // A gap is a gap in the line.
        for part in points.split(|(_, value)| value.is_none()).filter(|part| !part.is_empty()) {
            let _ = writeln!(
                text,
                "<polyline class=\"{class}\" points=\"{}\" fill=\"none\" stroke=\"{colour}\" \
                 stroke-width=\"1.5\"{dashes}/>",
                scale.points(part)
            );
        }
    }
    text.push_str("</svg>\n");
    text
}

fn value(series: &Series, at: usize) -> Option<f64> {
    series.values().get(at).copied().flatten()
}

/// From steps and values to the picture.
struct Scale {
    from: usize,
    steps: usize,
    /// The value at the top.
    most: f64,
}

impl Scale {
    fn x(&self, at: usize) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * at.saturating_sub(self.from) as f64 / self.steps as f64
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.most
    }

    fn points(&self, points: &[(usize, Option<f64>)]) -> String {
        let known = points.iter().filter_map(|(at, value)| Some((*at, (*value)?)));
        let point = |(at, value)| format!("{:.1},{:.1}", self.x(at), self.y(value));
        known.map(point).collect::<Vec<_>>().join(" ")
    }

    /// Four lines with their values, and five times.
    fn axes(&self, text: &mut String, series: &Series) {
        for part in 0..=4_u32 {
            let value = self.most * f64::from(part) / 4.0;
            let (y, right) = (self.y(value), WIDTH - RIGHT);
            let _ = writeln!(
                text,
                "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
                LEFT - 6.0,
                y + 4.0
            );
            let at = self.from + self.steps * part as usize / 4;
            let anchor = if part == 4 { "end" } else { "middle" };
            let time = series.time(at).strftime("%m-%d %H:%M");
            let _ = writeln!(
                text,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{time}</text>",
                self.x(at),
                HEIGHT - BOTTOM + 20.0
            );
        }
    }
}

/// The least of 1, 2, 4 and 8 times a power of ten that is not below `most`.
fn nice(most: f64) -> f64 {
    if !(most.is_finite() && most > 0.0) {
        return 1.0;
    }
    let power = 10_f64.powf(most.log10().floor());
    let steps = [1.0, 2.0, 4.0, 8.0, 10.0].map(|step| step * power);
    steps.into_iter().find(|step| *step >= most).unwrap_or(most)
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::forecast::Quantile;
    use crate::units::Span;

    #[test]
    fn a_picture_has_history_truth_path_and_band_and_a_gap_breaks_the_line() {
        let values = [1.0, 2.0, f64::NAN, 3.0, 4.0, 5.0].map(Some).to_vec();
        let series = Series::new(Timestamp::UNIX_EPOCH, Span::from_secs(600), values);
        let quantile = |level, by| Quantile { level, path: vec![3.0 * by, 4.0 * by] };
        let forecast = Forecast {
            origin: series.time(3),
            step: series.step(),
            by: "ets",
            path: vec![3.0, 4.0],
            quantiles: vec![quantile(0.05, 0.5), quantile(0.95, 2.0)],
        };
        let plot = Plot { series: &series, origin: 3, shown: 4, forecast: &forecast };
        let text = svg("a<b>&\"", &plot);
        assert!(text.contains("a&lt;b&gt;&amp;&quot;: ets from 1970-01-01T00:30:00Z"), "{text}");
        assert_eq!(text.matches("class=\"history\"").count(), 2, "{text}");
        for class in ["truth", "path", "band"] {
            assert_eq!(text.matches(&format!("class=\"{class}\"")).count(), 1, "{class}: {text}");
        }
        assert!(!text.contains("NaN"));
    }
}
