//! How a screen may look. The command line finds out; printers only obey.

use crate::diag::{Colour, Look};

/// What the reader's terminal (or file) can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// ANSI colours may be used.
    pub color: bool,
    /// Columns.
    pub width: usize,
    /// Characters beyond ASCII may be used for arrows and dashes.
    pub unicode: bool,
}

impl Style {
    /// The narrowest screen that is laid out; narrower ones get this.
    pub const MIN_WIDTH: usize = 24;

    /// No colour, this many columns.
    pub const fn plain(width: usize) -> Self {
        Self { color: false, width, unicode: true }
    }

    /// The columns to lay out for.
    pub(super) fn columns(&self) -> usize {
        self.width.max(Self::MIN_WIDTH)
    }
}

impl Default for Style {
    fn default() -> Self {
        Self::plain(80)
    }
}

impl From<&Style> for Look {
    fn from(style: &Style) -> Self {
        let colour = if style.color { Colour::Ansi } else { Colour::None };
        Self { width: style.columns(), colour, unicode: style.unicode }
    }
}

/// What a piece of text is; its colour follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Ink {
    /// Ordinary text.
    #[default]
    Plain,
    /// What the eye should find first.
    Strong,
    /// Context.
    Dim,
    /// `+`, and all that is well.
    Add,
    /// `~`
    Change,
    /// `-/+`
    Replace,
    /// `-`
    Remove,
    /// Allowed, and probably not meant.
    Warn,
    /// Wrong.
    Fail,
}

impl Ink {
    /// The parameters of ECMA-48's SGR; none for ordinary text. Only the 16
    /// colours that every theme defines.
    pub(super) fn sgr(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Strong => Some("1"),
            Self::Dim => Some("2"),
            Self::Add => Some("32"),
            Self::Change => Some("33"),
            Self::Replace => Some("35"),
            Self::Remove => Some("31"),
            Self::Warn => Some("1;33"),
            Self::Fail => Some("1;31"),
        }
    }
}
