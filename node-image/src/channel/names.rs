//! What images, channels and their parameters are called.

/// The longest name: room is left for what an AMI's name puts around it (128 in all).
const MOST_NAME: usize = 64;
/// The longest reason, in characters.
const MOST_REASON: usize = 500;
/// Hex digits of a digest that tell it from others to people.
const SHORT: usize = 12;
/// The longest name of a region.
const MOST_REGION: usize = 32;
/// Hex digits of a digest in a parameter's name.
const IN_NAMES: usize = 32;

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no name: use 1 to {MOST_NAME} letters, digits, `-`, `_` and `.`, beginning with a \
     letter or digit"
)]
pub struct NameError(String);

/// Takes the name of an image or of a channel: what a parameter's name may hold, and
/// an AMI's.
///
/// # Errors
/// It is none.
pub fn check_name(text: &str) -> Result<String, NameError> {
    let within = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let right = (1..=MOST_NAME).contains(&text.len())
        && text.bytes().all(within)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if right { Ok(text.to_owned()) } else { Err(NameError(text.to_owned())) }
}

/// Takes why something is done.
///
/// # Errors
/// It says nothing, is longer than 500 characters, or holds a line break or another
/// control character.
pub fn check_reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("it says nothing".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err("it holds a control character: write it on one line".to_owned());
    }
    match text.chars().count() {
        ..=MOST_REASON => Ok(text.to_owned()),
        long => Err(format!("it has {long} characters: say it in {MOST_REASON}")),
    }
}

/// The folder of an image's channels.
pub fn parameters(image: &str) -> String {
    format!("/floodway/images/{image}/channels")
}

/// The parameter of a channel.
pub fn parameter(image: &str, channel: &str) -> String {
    format!("{}/{channel}", parameters(image))
}

/// The parameter that tells what is known of a build, and with `part` above 0 those
/// beside it that hold what it has no room for.
pub fn summary_parameter(image: &str, digest: &str, part: usize) -> String {
    let digest = digest.get(..IN_NAMES).unwrap_or(digest);
    let part = if part == 0 { String::new() } else { format!("-{part}") };
    format!("/floodway/images/{image}/manifests/{digest}{part}")
}

/// A digest for people.
pub fn short(digest: &str) -> &str {
    digest.get(..SHORT).unwrap_or(digest)
}

/// Whether it is a SHA-256 in hex.
pub fn is_digest(text: &str) -> bool {
    text.len() == 64 && is_hex(text)
}

/// Whether it is a machine image's ID.
pub fn is_ami(text: &str) -> bool {
    text.strip_prefix("ami-").is_some_and(|id| (1..=32).contains(&id.len()) && is_hex(id))
}

/// Whether it can be the name of an AWS region: `us-east-1`.
pub(super) fn is_region(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    text.len() <= MOST_REGION && text.split('-').count() >= 3 && text.split('-').all(part)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
