//! How long a phase is meant to take, as plans say it.

use crate::units::Span;
use common::document::Node;
use common::shape::{Decoder, Shape, Tree};
use serde_json::{Value as Json, json};
use std::fmt;

const EXAMPLE: &str = "write it like \"1-2 weeks\" or \"10 days\", in days, weeks or months";

/// The most of any unit.
const MOST: u32 = 9999;

/// Days of a month, where it is not said which: as plans count.
const DAYS_OF_A_MONTH: u64 = 30;

/// `1-2 weeks`: at least and at most so many days, weeks or months of 30 days. That the
/// most is not less than the least is a rule of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedWindow {
    least: u32,
    most: u32,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Day,
    Week,
    Month,
}

impl Unit {
    const fn days(self) -> u64 {
        match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => DAYS_OF_A_MONTH,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

impl PlannedWindow {
    /// The least it is meant to take.
    pub fn least(&self) -> Span {
        self.span(self.least)
    }

    /// The most it is meant to take.
    pub fn most(&self) -> Span {
        self.span(self.most)
    }

    fn span(self, count: u32) -> Span {
        Span::from_secs(u64::from(count) * self.unit.days() * 86_400)
    }

    fn parse(text: &str) -> Option<Self> {
        let (numbers, word) = text.trim().rsplit_once(' ')?;
        let unit = match word.strip_suffix('s').unwrap_or(word) {
            "day" => Unit::Day,
            "week" => Unit::Week,
            "month" => Unit::Month,
            _ => return None,
        };
        let (least, most) = numbers.split_once(['-', '–']).unwrap_or((numbers, numbers));
        let number = |text: &str| text.trim().parse().ok().filter(|n| *n <= MOST);
        Some(Self { least: number(least)?, most: number(most)?, unit })
    }
}

impl fmt::Display for PlannedWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { least, most, unit } = self;
        let word = unit.word();
        match (least, most) {
            (1, 1) => write!(f, "1 {word}"),
            (least, most) if least == most => write!(f, "{most} {word}s"),
            (least, most) => write!(f, "{least}-{most} {word}s"),
        }
    }
}

impl Shape for PlannedWindow {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let text = String::decode(node, decoder)?;
        let read = Self::parse(&text);
        if read.is_none() {
            let why = format!("`{text}` does not say how long the phase is meant to take");
            decoder.wrong_value(node, &why, Some(EXAMPLE.to_owned()));
        }
        read
    }

    fn stand_in() -> Self {
        Self { least: 1, most: 1, unit: Unit::Week }
    }

    fn encode(&self) -> Option<Tree> {
        Some(Tree::String(self.to_string()))
    }

    fn schema(_: bool) -> Json {
        let pattern = r"^[0-9]{1,4}( ?[-–] ?[0-9]{1,4})? (days?|weeks?|months?)$";
        json!({ "type": "string", "pattern": pattern })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_read_and_written_as_plans_say_it() {
        for (text, written, days) in [
            ("1-2 weeks", "1-2 weeks", (7, 14)),
            ("1 – 3 months", "1-3 months", (30, 90)),
            ("10 days", "10 days", (10, 10)),
            ("1 week", "1 week", (7, 7)),
        ] {
            let window = PlannedWindow::parse(text).unwrap();
            assert_eq!(window.to_string(), written);
            let span = |days: u64| Span::from_secs(days * 86_400);
            assert_eq!((window.least(), window.most()), (span(days.0), span(days.1)));
        }
        for text in ["", "weeks", "1-2 years", "1-2", "-1 weeks", "10000 days"] {
            assert_eq!(PlannedWindow::parse(text), None, "{text}");
        }
    }
}
