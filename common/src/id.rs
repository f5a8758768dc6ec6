//! Names that Kubernetes, AWS and DNS all accept, and names of namespaces.

use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

/// A DNS-1123 label of at most 40 characters: room is left for what derived
/// names put before and after it (a label ends at 63).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// Why a text is no [`Name`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a name: use 1 to {max} lower-case letters, digits and `-`, \
     beginning and ending with a letter or digit",
    max = Name::MAX
)]
pub struct NameError(String);

impl Name {
    /// The longest name, in characters.
    pub const MAX: usize = 40;
    /// What is accepted, as a regular expression for JSON Schema.
    pub const PATTERN: &'static str = "^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$";

    /// A name in place of one that could not be read.
    pub fn placeholder() -> Self {
        Self("unnamed".to_owned())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let right = is_label(text, Self::MAX);
        if right { Ok(Self(text.to_owned())) } else { Err(NameError(text.to_owned())) }
    }
}

/// Whether `text` is a DNS-1123 label of at most `most` characters.
fn is_label(text: &str, most: usize) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=most).contains(&text.len())
        && text.chars().all(|c| plain(c) || c == '-')
        && text.starts_with(plain)
        && text.ends_with(plain)
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a Kubernetes namespace: a whole DNS-1123 label, since no other
/// name is made from it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(String);

/// Why a text is no [`Namespace`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a namespace: use 1 to {max} lower-case letters, digits and `-`, \
     beginning and ending with a letter or digit",
    max = Namespace::MAX
)]
pub struct NamespaceError(String);

impl Namespace {
    /// The longest, in characters.
    pub const MAX: usize = 63;
    /// What is accepted, as a regular expression for JSON Schema.
    pub const PATTERN: &'static str = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$";

    /// A name in place of one that could not be read.
    pub fn placeholder() -> Self {
        Self("unnamed".to_owned())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Namespace {
    type Err = NamespaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let right = is_label(text, Self::MAX);
        if right { Ok(Self(text.to_owned())) } else { Err(NamespaceError(text.to_owned())) }
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_labels_of_bounded_length() {
        for good in ["a", "h100", "g6e-spot", "1a", &"x".repeat(40)] {
            assert_eq!(good.parse::<Name>().unwrap().as_str(), good);
        }
        for bad in ["", "-a", "a-", "A", "a.b", "a_b", "ä", "a b", &"x".repeat(41)] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_namespace_may_be_as_long_as_kubernetes_takes_it() {
        assert!("x".repeat(63).parse::<Namespace>().is_ok());
        assert!("x".repeat(64).parse::<Namespace>().is_err());
        assert!("3m".parse::<Namespace>().is_ok());
    }
}
