//! What a controller decides, as a live view of a terminal: the load with what was
//! expected of it, pools, what is held and by whom, the last changes.

mod chart;
mod draw;
mod said;
#[cfg(test)]
mod tests;

use crate::decide::scaling::DecisionRecord;
use crate::observe::Hands;
use crate::render::Style;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns of a frame that is whole.
pub const COLUMNS: u16 = 80;
/// Lines of a frame that is whole.
pub const LINES: u16 = 24;

/// What there is to show.
#[derive(Debug, Clone, Copy)]
pub struct Top<'a> {
    /// The environment's name.
    pub environment: &'a str,
    /// Decisions, the oldest first.
    pub records: &'a [DecisionRecord],
    /// Which of them is shown.
    pub at: usize,
    /// It is not the last, or does not follow the last.
    pub frozen: bool,
    /// Which of the stages that are scaled is drawn, of as many as there are.
    pub stage: usize,
    /// What operators have said; an error: why that is not known.
    pub hands: Result<&'a Hands, &'a str>,
}

/// Draws it into `area`.
pub fn draw(top: &Top<'_>, style: &Style, area: Rect, buffer: &mut Buffer) {
    draw::frame(top, style, area, buffer);
    if !style.unicode {
        to_ascii(area, buffer);
    }
}

/// What a terminal without Unicode shows for what is drawn.
fn to_ascii(area: Rect, buffer: &mut Buffer) {
    for position in area.positions() {
        let Some(cell) = buffer.cell_mut(position) else { continue };
        let plain = match cell.symbol() {
            text if text.is_ascii() => continue,
            "→" => ">",
            "←" => "<",
            "–" => "-",
            "×" => "x",
            "…" => "~",
            _ => "?",
        };
        cell.set_symbol(plain);
    }
}

/// One frame as text.
pub fn text(top: &Top<'_>, style: &Style, columns: u16, lines: u16) -> String {
    let area = Rect::new(0, 0, columns, lines);
    let mut buffer = Buffer::empty(area);
    draw(top, &Style { color: false, ..*style }, area, &mut buffer);
    let mut text = String::new();
    for y in 0..lines {
        let cells = (0..columns).filter_map(|x| buffer.cell((x, y)));
        let line: String = cells.map(|cell| cell.symbol()).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}
