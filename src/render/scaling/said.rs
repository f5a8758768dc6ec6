//! What operators said that kept nothing: it stands all the same.

use crate::decide::scaling::SaidRecord;
use crate::render::style::Ink;
use crate::render::text::Line;

/// `hold of scale-in by ada@host until 2026-03-02T18:00:00Z: nothing to hold (INC-7)`
pub(super) fn line(said: &SaidRecord) -> Line {
    let (what, nothing) = match (said.units, said.scale_in, said.scale_out) {
        (Some(units), ..) => (format!("number {units}"), "nothing to set"),
        (None, true, true) => ("hold".to_owned(), "nothing to hold"),
        (None, true, false) => ("hold of scale-in".to_owned(), "nothing to hold"),
        (None, false, _) => ("hold of scale-out".to_owned(), "nothing to hold"),
    };
    let until = match said.until {
        Some(until) => format!("until {until}"),
        None => "until it is resumed".to_owned(),
    };
    let line = Line::of(Ink::Dim, format!("{what} by ")).prose(&said.by);
    let line = line.ink(Ink::Dim, format!(" {until}: {nothing} ("));
    line.prose(&said.reason).ink(Ink::Dim, ")")
}
