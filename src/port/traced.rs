//! What was done, when, and what came of it: for who follows single turns.

use crate::clock::Timestamp;

/// Something that took its time.
#[derive(Debug, Clone, PartialEq)]
pub struct Traced {
    /// What: `turn`, `look`.
    pub name: &'static str,
    /// From when.
    pub began: Timestamp,
    /// Until when.
    pub ended: Timestamp,
    /// What is known of it, by name.
    pub facts: Vec<(String, Fact)>,
    /// What happened meanwhile.
    pub happened: Vec<Happened>,
    /// Why it did not do what it should have.
    pub failed: Option<String>,
    /// What it consists of.
    pub parts: Vec<Traced>,
}

/// Something that happened at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Happened {
    /// What.
    pub name: &'static str,
    /// What is known of it, by name.
    pub facts: Vec<(String, Fact)>,
}

/// Something that is known.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// In words.
    Text(String),
    /// As a number.
    Number(f64),
    /// As a count.
    Count(u32),
}

impl Traced {
    /// It took from `began` to `ended`, and nothing more is known.
    pub fn of(name: &'static str, (began, ended): (Timestamp, Timestamp)) -> Self {
        let (facts, happened, parts) = <_>::default();
        Self { name, began, ended, facts, happened, failed: None, parts }
    }

    /// With one more fact.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, fact: impl Into<Fact>) -> Self {
        self.facts.push((name.into(), fact.into()));
        self
    }
}

impl From<&str> for Fact {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Fact {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Fact {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Fact {
    fn from(count: u32) -> Self {
        Self::Count(count)
    }
}
