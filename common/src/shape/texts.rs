//! Texts of which only some are right.

use super::{Decoder, Shape, Tree, Wire};
use crate::document::Node;
use crate::id::Name;
use serde_json::{Value as Json, json};

/// Declares a text with a check, a pattern that says the same, and what to say
/// about another.
macro_rules! text_like {
    ($(#[doc = $about:literal])* $text:ident, $pattern:literal, $right:path, $what:literal, $help:literal) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $text(String);

        impl Shape for $text {
            fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
                let text = String::decode(node, decoder)?;
                if !$right(&text) {
                    let why = format!(concat!("`{}` is not ", $what), text);
                    decoder.wrong_value(node, &why, Some($help.to_owned()));
                    return None;
                }
                Some(Self(text))
            }

            fn stand_in() -> Self {
                Self(String::new())
            }

            fn encode(&self) -> Option<Tree> {
                Some(Tree::String(self.0.clone()))
            }

            fn schema(_: bool) -> Json {
                json!({ "type": "string", "pattern": $pattern })
            }
        }

        impl Wire<String> for $text {
            fn meaning(self) -> String {
                self.0
            }

            fn written(value: &String) -> Self {
                Self(value.clone())
            }
        }

        impl Wire<Option<String>> for Option<$text> {
            fn meaning(self) -> Option<String> {
                self.map(|text| text.0)
            }

            fn written(value: &Option<String>) -> Self {
                value.clone().map($text)
            }
        }

        impl Wire<Vec<String>> for Vec<$text> {
            fn meaning(self) -> Vec<String> {
                self.into_iter().map(|text| text.0).collect()
            }

            fn written(value: &Vec<String>) -> Self {
                value.iter().cloned().map($text).collect()
            }
        }
    };
}

text_like!(
    /// The number of an AWS account.
    Account,
    "^[0-9]{12}$",
    is_account,
    "an AWS account: it has twelve digits",
    "write it like \"123456789012\""
);

text_like!(
    /// The name of an AWS region.
    Region,
    "^[a-z]{2}(-[a-z]+)+-[0-9]+$",
    is_region,
    "an AWS region",
    "write it like \"us-east-1\"; a zone (\"us-east-1a\") is chosen by the subnets"
);

text_like!(
    /// The name of an S3 bucket.
    Bucket,
    "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
    is_bucket,
    "the name of an S3 bucket",
    "3 to 63 of a-z, 0-9, dots and hyphens: \"acme-floodway\""
);

text_like!(
    /// The ARN of an IAM role.
    RoleArn,
    "^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$",
    is_role,
    "the ARN of an IAM role",
    "write it like \"arn:aws:iam::123456789012:role/floodway\""
);

/// `arn:aws:iam::123456789012:role/floodway`, in any partition.
fn is_role(text: &str) -> bool {
    let parts: Vec<_> = text.splitn(6, ':').collect();
    let [arn, partition, "iam", "", account, role] = parts[..] else { return false };
    let in_names = |c: u8| c.is_ascii_alphanumeric() || b"_+=,.@/-".contains(&c);
    let name = role.strip_prefix("role/").filter(|name| !name.is_empty());
    let partition = partition
        .strip_prefix("aws")
        .filter(|rest| rest.bytes().all(|c| c.is_ascii_lowercase() || c == b'-'));
    arn == "arn"
        && partition.is_some()
        && is_account(account)
        && name.is_some_and(|name| name.bytes().all(in_names))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
fn is_bucket(text: &str) -> bool {
    let plain = |c: &u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bytes = text.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(|c| plain(c) || b".-".contains(c))
        && bytes.first().is_some_and(plain)
        && bytes.last().is_some_and(plain)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether it is the name of an AWS region: `us-east-1`, `us-gov-west-1`.
pub fn is_region(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    parts.len() >= 3
        && parts.last().is_some_and(number)
        && parts[..parts.len() - 1].iter().all(letters)
        && parts[0].len() == 2
}

/// A name that Services can begin with: Kubernetes wants a letter first.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceName(Name);

impl Shape for ServiceName {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let name = Name::decode(node, decoder)?;
        if !name.as_str().starts_with(|c: char| c.is_ascii_lowercase()) {
            let why = format!("`{name}` does not begin with a letter, as a Service's name must");
            decoder.wrong_value(node, &why, None);
            return None;
        }
        Some(Self(name))
    }

    fn stand_in() -> Self {
        Self(Name::stand_in())
    }

    fn encode(&self) -> Option<Tree> {
        self.0.encode()
    }

    fn schema(_: bool) -> Json {
        json!({ "type": "string", "pattern": Name::PATTERN.replacen("[a-z0-9]", "[a-z]", 1) })
    }
}

impl Wire<Name> for ServiceName {
    fn meaning(self) -> Name {
        self.0
    }

    fn written(value: &Name) -> Self {
        Self(value.clone())
    }
}

/// `"a", "b" or "c"`.
pub fn in_words(texts: &[&str]) -> String {
    match texts {
        [] => String::new(),
        [one] => format!("\"{one}\""),
        [all @ .., last] => {
            let all: Vec<_> = all.iter().map(|text| format!("\"{text}\"")).collect();
            format!("{} or \"{last}\"", all.join(", "))
        }
    }
}
