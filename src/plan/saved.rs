//! A plan as bytes, to be kept and applied later, or refused.
//!
//! ```text
//! floodway-plan 1.0                    what it is, and the version of its format
//! floodway 0.1.0                       who wrote it
//! sha256 <hex> <length>                over both lines above and the payload; the payload's bytes
//! {"mark":…}                           the plan as JSON
//! ```

use super::{Change, Plan, WavePlan};
use sha2::{Digest, Sha256};

/// What a saved plan begins with.
const MAGIC: &str = "floodway-plan ";
/// Raised when older versions could misread a plan.
const MAJOR: u32 = 1;
/// That of a plan that goes out in waves: an older version would let it out at once.
const IN_WAVES: u32 = 2;
/// Raised when something is added that older versions may ignore.
const MINOR: u32 = 0;
/// No header is longer.
const HEADER: usize = 512;

/// Why bytes are not a plan that can be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SavedError {
    /// Something else.
    #[error("this is not a saved Floodway plan")]
    Foreign,
    /// Not even the header is whole.
    #[error("the saved plan is cut off after {found} bytes, in its header; plan again")]
    NoHeader {
        /// Bytes that are there.
        found: usize,
    },
    /// The end is missing.
    #[error("the saved plan is cut off: {found} bytes of {expected} are there; plan again")]
    Truncated {
        /// Bytes that should be there.
        expected: usize,
        /// Bytes that are.
        found: usize,
    },
    /// Not what was written.
    #[error("the saved plan is damaged: its checksum does not match; plan again")]
    Damaged,
    /// Written by a version that this one cannot know.
    #[error(
        "the saved plan has format {major}, written by Floodway {writer}, and this Floodway reads \
         formats up to {IN_WAVES}; use that version, or plan again with this one"
    )]
    Newer {
        /// Its format.
        major: u32,
        /// Who wrote it.
        writer: String,
    },
    /// It is whole and still not understood.
    #[error("the saved plan cannot be read: {0}; plan again")]
    Unreadable(String),
}

/// `plan` as bytes. The same plan, the same bytes.
pub fn encode(plan: &Plan) -> Vec<u8> {
    let major = if plan.waves.is_some() { IN_WAVES } else { MAJOR };
    envelope(major, MINOR, env!("CARGO_PKG_VERSION"), &payload(plan))
}

/// What tells `plan` from every other, in hex: a SHA-256 over all of it.
pub fn digest(plan: &Plan) -> String {
    checksum(&[], &payload(plan))
}

fn payload(plan: &Plan) -> Vec<u8> {
    // Every key is text and every value plain data: serde_json has nothing to refuse.
    serde_json::to_vec(plan).unwrap_or_default()
}

fn envelope(major: u32, minor: u32, writer: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("{MAGIC}{major}.{minor}\nfloodway {writer}\n");
    let sum = checksum(head.as_bytes(), payload);
    let mut bytes = format!("{head}sha256 {sum} {}\n", payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

/// The plan that `bytes` hold. A newer minor version is read on.
///
/// # Errors
/// Anything but exactly what [`encode`] wrote.
pub fn decode(bytes: &[u8]) -> Result<Plan, SavedError> {
    let header = Header::read(bytes)?;
    let payload = &bytes[header.payload_at..];
    if payload.len() < header.length {
        let expected = header.payload_at.saturating_add(header.length);
        return Err(SavedError::Truncated { expected, found: bytes.len() });
    }
    if payload.len() > header.length || checksum(header.summed, payload) != header.sum {
        return Err(SavedError::Damaged);
    }
    if header.major < MAJOR {
        return Err(SavedError::Unreadable(format!("format {} is too old", header.major)));
    }
    let plan: Plan = serde_json::from_slice(payload)
        .map_err(|error| SavedError::Unreadable(error.to_string()))?;
    // The checksum keeps accidents out, not what somebody wrote on purpose.
    let mut changes = plan.changes.iter().enumerate();
    if changes.any(|(at, change)| change.after.iter().any(|&first| first >= at)) {
        return Err(SavedError::Unreadable("a change waits for a later one".to_owned()));
    }
    let waves = plan.waves.as_ref().map_or(0, WavePlan::count);
    let misplaced = |change: &Change| {
        let first = change.after.iter().map(|&first| plan.changes[first].wave).max();
        let early = change.has_work() && first.is_some_and(|first| first > change.wave);
        let none = change.has_work() && waves > 0 && change.wave == 0;
        change.wave > waves || early || none
    };
    if plan.changes.iter().any(misplaced) {
        return Err(SavedError::Unreadable("a change is in the wrong wave".to_owned()));
    }
    Ok(plan)
}

struct Header<'a> {
    major: u32,
    /// The lines that the checksum covers.
    summed: &'a [u8],
    sum: &'a str,
    length: usize,
    payload_at: usize,
}

impl<'a> Header<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, SavedError> {
        if !bytes.starts_with(MAGIC.as_bytes()) {
            return Err(if MAGIC.as_bytes().starts_with(bytes) {
                SavedError::NoHeader { found: bytes.len() }
            } else {
                SavedError::Foreign
            });
        }
        let mut ends = bytes.iter().take(HEADER).enumerate().filter(|(_, byte)| **byte == b'\n');
        let mut end = || ends.next().map(|(at, _)| at + 1);
        let cut_off = if bytes.len() < HEADER {
            SavedError::NoHeader { found: bytes.len() }
        } else {
            SavedError::Damaged
        };
        let line = |from: usize, to: usize| std::str::from_utf8(&bytes[from..to - 1]).ok();
        let (Some(first), Some(second)) = (end(), end()) else { return Err(cut_off) };
        let version = || {
            let version = line(0, first)?.strip_prefix(MAGIC)?;
            let (major, minor) = version.split_once('.')?;
            minor.parse::<u32>().ok()?;
            Some((major.parse().ok()?, line(first, second)?.strip_prefix("floodway ")?))
        };
        let (major, writer) = version().ok_or(SavedError::Damaged)?;
        // Beyond these two lines another format may be anything.
        if major > IN_WAVES {
            return Err(SavedError::Newer { major, writer: writer.to_owned() });
        }
        let Some(third) = end() else { return Err(cut_off) };
        let parse = || {
            let (sum, length) = line(second, third)?.strip_prefix("sha256 ")?.split_once(' ')?;
            Some(Self {
                major,
                summed: &bytes[..second],
                sum,
                length: length.parse().ok().filter(|_| !length.starts_with(['+', '0']))?,
                payload_at: third,
            })
        };
        parse().ok_or(SavedError::Damaged)
    }
}

fn checksum(head: &[u8], payload: &[u8]) -> String {
    let digest = Sha256::new().chain_update(head).chain_update(payload).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
