//! Tables that fit: columns as wide as they need, narrowed by wrapping their
//! cells, and at last turned into lists where even that does not fit.

use super::wrap::{Glyph, width, wrap};
use super::{Line, Screen};
use crate::render::style::Ink;

/// A column's heading, and the side that its cells stand on.
#[derive(Debug, Clone, Copy)]
pub(in crate::render) struct Column {
    /// In capitals, as kubectl has them.
    pub(in crate::render) heading: &'static str,
    /// Numbers stand right.
    pub(in crate::render) right: bool,
}

/// A table being filled.
#[derive(Debug)]
pub(in crate::render) struct Table {
    columns: Vec<Column>,
    rows: Vec<Row>,
}

#[derive(Debug)]
enum Row {
    Cells(Vec<Line>),
    Across { indent: usize, line: Line },
}

const GAP: usize = 2;
/// No column gets narrower than this before the table becomes a list.
const NARROWEST: usize = 6;

impl Table {
    /// A table with these columns; `>` before a heading makes it stand right.
    pub(in crate::render) fn new(headings: &[&'static str]) -> Self {
        let column = |heading: &&'static str| match heading.strip_prefix('>') {
            Some(heading) => Column { heading, right: true },
            None => Column { heading, right: false },
        };
        Self { columns: headings.iter().map(column).collect(), rows: Vec::new() }
    }

    /// Adds a row with one cell per column.
    pub(in crate::render) fn row(&mut self, cells: impl IntoIterator<Item = Line>) {
        self.rows.push(Row::Cells(cells.into_iter().collect()));
    }

    /// Adds a line that takes the whole width, `indent` columns in.
    pub(in crate::render) fn across(&mut self, indent: usize, line: Line) {
        self.rows.push(Row::Across { indent, line });
    }

    /// Prints itself.
    pub(super) fn print(&self, screen: &mut Screen<'_>) {
        let rows: Vec<Option<Vec<Vec<Glyph>>>> = self
            .rows
            .iter()
            .map(|row| match row {
                Row::Cells(cells) => {
                    Some(cells.iter().map(|cell| screen.glyphs(cell)).collect::<Vec<_>>())
                }
                Row::Across { .. } => None,
            })
            .collect();
        let natural: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                let cells = rows.iter().flatten().filter_map(|cells| cells.get(at));
                let heading = width(&screen.glyphs(&Line::from(column.heading)));
                cells.map(|cell| width(cell)).max().unwrap_or(0).max(heading)
            })
            .collect();
        match fit(natural, screen.columns()) {
            Some(widths) => self.print_columns(screen, &rows, &widths),
            None => self.print_list(screen),
        }
    }

    fn print_columns(
        &self,
        screen: &mut Screen<'_>,
        rows: &[Option<Vec<Vec<Glyph>>>],
        widths: &[usize],
    ) {
        let headings: Vec<Vec<Glyph>> = self
            .columns
            .iter()
            .map(|column| screen.glyphs(&Line::of(Ink::Dim, column.heading)))
            .collect();
        self.print_cells(screen, &headings, widths);
        for (row, cells) in self.rows.iter().zip(rows) {
            match (row, cells) {
                (Row::Across { indent, line }, _) => screen.hanging(*indent, 2, line),
                (Row::Cells(_), Some(cells)) => self.print_cells(screen, cells, widths),
                (Row::Cells(_), None) => {}
            }
        }
    }

    fn print_cells(&self, screen: &mut Screen<'_>, cells: &[Vec<Glyph>], widths: &[usize]) {
        let wrapped: Vec<Vec<Vec<Glyph>>> =
            cells.iter().zip(widths).map(|(cell, width)| wrap(cell, *width, *width)).collect();
        let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
        for line in 0..height {
            let mut glyphs: Vec<Glyph> = Vec::new();
            for ((column, cell), cell_width) in self.columns.iter().zip(&wrapped).zip(widths) {
                let part = cell.get(line).map(Vec::as_slice).unwrap_or_default();
                let pad = cell_width.saturating_sub(width(part));
                if column.right {
                    glyphs.extend(blanks(pad));
                }
                glyphs.extend_from_slice(part);
                glyphs.extend(blanks(if column.right { 0 } else { pad } + GAP));
            }
            screen.put(glyphs);
        }
    }

    fn print_list(&self, screen: &mut Screen<'_>) {
        for row in &self.rows {
            match row {
                Row::Across { line, .. } => screen.hanging(0, 2, line),
                Row::Cells(cells) => {
                    for (column, cell) in self.columns.iter().zip(cells) {
                        let heading = format!("{}: ", column.heading.to_lowercase());
                        let line = Line::of(Ink::Dim, heading).then(cell.trimmed());
                        screen.hanging(2, 2, &line);
                    }
                }
            }
        }
    }
}

fn blanks(count: usize) -> impl Iterator<Item = Glyph> {
    std::iter::repeat_n((Ink::Plain, ' '), count)
}

/// Takes columns from the widest until the table fits.
fn fit(mut widths: Vec<usize>, columns: usize) -> Option<Vec<usize>> {
    let frame = GAP * widths.len().saturating_sub(1);
    let room = columns.checked_sub(frame)?;
    let mut total: usize = widths.iter().sum();
    while total > room {
        let widest = widths.iter_mut().max_by_key(|width| **width)?;
        if *widest <= NARROWEST {
            return None;
        }
        *widest -= 1;
        total -= 1;
    }
    Some(widths)
}
