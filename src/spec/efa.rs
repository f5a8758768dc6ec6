//! Elastic Fabric Adapters: which network cards of an instance type have one.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Network cards with EFA, by their index, first and last: `0-31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct EfaCards {
    first: u32,
    last: u32,
}

impl EfaCards {
    /// Those from `first` to `last`; none, if that is no range.
    pub fn between(first: u32, last: u32) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    /// The index of each.
    pub fn indices(self) -> impl Iterator<Item = u32> {
        self.first..=self.last
    }

    /// Those that are also in `other`.
    pub fn shared(self, other: Self) -> Option<Self> {
        Self::between(self.first.max(other.first), self.last.min(other.last))
    }
}

impl fmt::Display for EfaCards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => write!(f, "{}", self.first),
            false => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

impl FromStr for EfaCards {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let cards = match (first.parse(), last.parse()) {
            (Ok(first), Ok(last)) => Self::between(first, last),
            _ => None,
        };
        cards.ok_or_else(|| format!("`{text}` names no network cards"))
    }
}

impl From<EfaCards> for String {
    fn from(cards: EfaCards) -> Self {
        cards.to_string()
    }
}

impl TryFrom<String> for EfaCards {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_written_as_they_are_read() {
        for text in ["0", "0-31", "1-16"] {
            assert_eq!(text.parse::<EfaCards>().unwrap().to_string(), text);
        }
        for text in ["", "-", "3-1", "0-", "one", "0-1-2"] {
            assert!(text.parse::<EfaCards>().is_err(), "{text}");
        }
    }

    #[test]
    fn types_share_the_cards_that_all_of_them_have() {
        let cards = |text: &str| text.parse::<EfaCards>().unwrap();
        assert_eq!(cards("0-31").shared(cards("0-3")), Some(cards("0-3")));
        assert_eq!(cards("0-7").shared(cards("1-16")), Some(cards("1-7")));
        assert_eq!(cards("0").shared(cards("1-16")), None);
    }
}
