//! The frame: where each part of the view stands.

use super::{Top, chart, said};
use crate::decide::DesiredOwner;
use crate::decide::scaling::{PoolScaling, Scaling, StageScaling};
use crate::id::Name;
use crate::render::Style;
use crate::render::text::{money, rate as exact};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style as Paint};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Row, Table, Widget};

/// Lines for what is held, and for a chart.
const HELD: u16 = 4;
const CHART: u16 = 8;

pub(super) fn frame(top: &Top<'_>, style: &Style, area: Rect, buffer: &mut Buffer) {
    let paints = Paints { color: style.color };
    let Some(record) = top.records.get(top.at) else {
        let text = format!("no decision of {} is on record here yet", top.environment);
        return Paragraph::new(text).render(area, buffer);
    };
    let scaling = &record.scaling;
    let stages = said::scaled(scaling);
    let shown = stages.get(top.stage % stages.len().max(1)).copied();
    let pools = scaling.pools.len();
    let pools = u16::try_from(pools).unwrap_or(u16::MAX).min(area.height / 3) + 1;
    let mut held = said::held(top, scaling);
    if held.is_empty() {
        held.push("nothing is held".to_owned());
    }
    let lines = u16::try_from(held.len()).unwrap_or(u16::MAX).min(HELD);
    // What does not fit is left out from the least.
    let drawn = style.unicode && shown.is_some() && area.height >= 16;
    let [head, load, graph, _, table, _, holds, _, changes, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(2),
        Constraint::Length(if drawn { CHART } else { 0 }),
        Constraint::Length(u16::from(!drawn && area.height >= 16)),
        Constraint::Length(pools),
        Constraint::Length(u16::from(area.height >= 24)),
        Constraint::Length(lines),
        Constraint::Length(u16::from(area.height >= 24)),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(area);
    header(top, scaling, &paints, head, buffer);
    if let Some((name, stage)) = shown.and_then(|name| Some((name, scaling.stages.get(name)?))) {
        stage_lines(name, stage, &paints, load, buffer);
        if drawn {
            chart::draw(top, name, style.color, graph, buffer);
        }
    }
    pool_table(scaling, &paints, table, buffer);
    let held = held.into_iter().map(|line| Line::styled(line, paints.of(Color::Magenta)));
    Paragraph::new(held.collect::<Vec<_>>()).render(holds, buffer);
    let changed = said::changes(top, usize::from(changes.height)).into_iter();
    let changed = changed.map(|(line, warns)| match warns {
        true => Line::styled(line, paints.of(Color::Red)),
        false => Line::raw(line),
    });
    Paragraph::new(changed.collect::<Vec<_>>()).render(changes, buffer);
    let keys = match stages.len() {
        0 | 1 => "q quit   space freeze   left, right: one decision   up, down: fifteen",
        _ => "q quit   space freeze   left, right: one decision   up, down: 15   Tab: stage",
    };
    Paragraph::new(Line::styled(keys, paints.dim())).render(foot, buffer);
}

/// Requests per second, to a tenth.
fn rate(requests_per_second: f64) -> String {
    exact((requests_per_second * 10.0).round() / 10.0)
}

struct Paints {
    color: bool,
}

impl Paints {
    fn of(&self, colour: Color) -> Paint {
        if self.color { Paint::new().fg(colour) } else { Paint::new() }
    }

    fn bold(&self) -> Paint {
        if self.color { Paint::new().add_modifier(Modifier::BOLD) } else { Paint::new() }
    }

    fn dim(&self) -> Paint {
        if self.color { Paint::new().add_modifier(Modifier::DIM) } else { Paint::new() }
    }
}

fn header(top: &Top<'_>, scaling: &Scaling, paints: &Paints, area: Rect, buffer: &mut Buffer) {
    let usd =
        |cost: crate::decide::scaling::Cost| format!("${}/h", money(cost.usd_per_hour.as_f64()));
    let (now, after) = (usd(scaling.cost_now), usd(scaling.cost_after));
    let cost = if now == after { now } else { format!("{now} → {after}") };
    let unpriced = match scaling.cost_now.unpriced {
        0 => String::new(),
        many => format!(" and {many} without a price"),
    };
    let state = if top.frozen { "frozen" } else { "live" };
    let silent = scaling.mode.silent();
    let mode = silent.map_or_else(String::new, |silent| format!("  {silent} does not answer"));
    let at = scaling.at.strftime("%Y-%m-%d %H:%M:%S UTC");
    Paragraph::new(Line::from(vec![
        Span::styled(top.environment.to_owned(), paints.bold()),
        Span::raw(format!("  {at}  burst {cost}{unpriced}  ")),
        Span::styled(state, paints.of(if top.frozen { Color::Cyan } else { Color::Green })),
        Span::styled(mode, paints.of(Color::Red)),
    ]))
    .render(area, buffer);
}

fn stage_lines(
    name: &Name,
    stage: &StageScaling,
    paints: &Paints,
    area: Rect,
    buffer: &mut Buffer,
) {
    let known = |value: Option<crate::units::Rate>| {
        value.map_or_else(|| "?".to_owned(), |value| rate(value.as_f64()))
    };
    let mut first = vec![
        Span::styled(name.to_string(), paints.bold()),
        Span::styled(format!("  load {}", known(stage.demand)), paints.of(Color::Yellow)),
        Span::raw(format!(", to be ready for {}, ", known(stage.expected))),
        Span::raw(format!("needed {}, ", known(stage.need))),
        Span::styled(format!("serves {}", rate(stage.serving.as_f64())), paints.of(Color::Green)),
    ];
    if stage.coming > stage.serving {
        first.push(Span::raw(format!(", {} coming", rate(stage.coming.as_f64()))));
    }
    first.push(Span::styled(" req/s", paints.dim()));
    let mut second = Vec::new();
    if let Some(band) = &stage.band {
        let text = format!(
            "  forecast for {}: {} to {}",
            band.at.strftime("%H:%M"),
            rate(band.low.as_f64()),
            rate(band.high.as_f64())
        );
        second.push(Span::styled(text, paints.of(Color::Blue)));
    }
    if let Some(doubt) = &stage.doubt {
        second.push(Span::styled(format!("  in doubt: {doubt}"), paints.of(Color::Red)));
    }
    if stage.unmet.millis() > 0 {
        let text = format!("  {} fit nowhere", rate(stage.unmet.as_f64()));
        second.push(Span::styled(text, paints.of(Color::Red)));
    }
    if stage.shed.millionths() > 0 {
        let text = format!("  shed {}", stage.shed);
        second.push(Span::styled(text, paints.of(Color::Red)));
    }
    if stage.panic {
        second.push(Span::styled("  sudden load", paints.of(Color::Red)));
    }
    Paragraph::new(vec![Line::from(first), Line::from(second)]).render(area, buffer);
}

/// Columns from which on there is room for how long launches take.
const WIDE: u16 = 96;

fn pool_table(scaling: &Scaling, paints: &Paints, area: Rect, buffer: &mut Buffer) {
    let wide = area.width >= WIDE;
    let right = |text: String| Line::from(text).right_aligned();
    let row = |(name, pool): (&Name, &PoolScaling)| {
        let wanted = match pool.wanted == pool.now {
            true => right(pool.wanted.to_string()),
            false => right(pool.wanted.to_string()).style(paints.of(Color::Yellow)),
        };
        let serving = match pool.serving < pool.now {
            true => right(pool.serving.to_string()).style(paints.of(Color::Yellow)),
            false => right(pool.serving.to_string()),
        };
        let cells = [
            Line::raw(name.to_string()),
            Line::raw(pool.stage.to_string()),
            right(pool.now.to_string()),
            wanted,
            serving,
            right(format!("{}–{}", pool.min, pool.max)),
            right(usd(pool)),
        ];
        let owner = Line::raw(match pool.owner {
            DesiredOwner::Controller if !pool.visible => "not seen".to_owned(),
            owner => owner.to_string(),
        });
        let ready = wide.then(|| right(said::ready(pool)));
        Row::new(cells.into_iter().chain(ready).chain([owner]))
    };
    let heads = ["ASKED", "WANTED", "SERVING", "MIN–MAX", "$/H"].map(|t| right(t.to_owned()));
    let [asked, wanted, serving, bounds, cost] = heads;
    let head = [Line::raw("POOL"), Line::raw("STAGE"), asked, wanted, serving, bounds, cost];
    let ready = wide.then(|| right("READY IN".to_owned()));
    let head = head.into_iter().chain(ready).chain([Line::raw("OWNER")]);
    let head = Row::new(head).style(paints.dim());
    // Those that the controller moves come first.
    let mut pools: Vec<_> = scaling.pools.iter().collect();
    pools.sort_by_key(|(_, pool)| pool.owner != DesiredOwner::Controller);
    let widths = [
        Constraint::Fill(2),
        Constraint::Fill(2),
        Constraint::Length(6),
        Constraint::Length(6),
        Constraint::Length(7),
        Constraint::Length(8),
        Constraint::Length(8),
    ];
    let ready = wide.then_some(Constraint::Length(11));
    let widths = widths.into_iter().chain(ready).chain([Constraint::Length(14)]);
    Table::new(pools.into_iter().map(row), widths).header(head).render(area, buffer);
}

/// What the units that are asked for cost by the hour, as far as that is known.
fn usd(pool: &PoolScaling) -> String {
    let priced = pool
        .sources
        .iter()
        .filter_map(|source| Some(source.usd_per_hour?.as_f64() * f64::from(source.desired)));
    let priced: Vec<f64> = priced.collect();
    if priced.is_empty() { "-".to_owned() } else { money(priced.iter().sum()) }
}
