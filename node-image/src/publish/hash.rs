//! SHA-256, and how it is written: in hex for people, in Base64 for AWS.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest.
pub(super) type Digest = [u8; 32];

/// The digest of `bytes`.
pub(super) fn sha256(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

/// The digest of all the digests one after the other: what EBS calls linear.
/// <https://docs.aws.amazon.com/ebs/latest/userguide/ebsapis-using-checksums.html>
pub(super) fn linear<'d>(digests: impl Iterator<Item = &'d Digest>) -> Digest {
    let mut all = Sha256::new();
    digests.for_each(|digest| all.update(digest));
    all.finalize().into()
}

/// In lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let both = |byte: &u8| [byte >> 4, byte & 15].map(|half| char::from(DIGITS[usize::from(half)]));
    bytes.iter().flat_map(both).collect()
}

/// What `hex` wrote; none: it is no digest.
pub(super) fn unhex(text: &str) -> Option<Digest> {
    let mut digest = Digest::default();
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(digest)
}

/// In Base64 with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// What `base64` wrote; none: it is not that.
pub(super) fn unbase64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_comes_back_from_hex() {
        let digest = sha256(b"abc");
        let text = hex(&digest);
        assert_eq!(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(unhex(&text), Some(digest));
        for wrong in ["", "ba78", &text.replace('b', "z"), &format!("{text}00")] {
            assert_eq!(unhex(wrong), None, "{wrong}");
        }
    }

    /// By hand: `printf a | sha256sum` and `printf b | sha256sum`, as bytes one after
    /// the other, and `sha256sum` of these.
    #[test]
    fn the_checksum_of_all_is_that_of_the_digests_as_bytes_in_their_order() {
        let two = [sha256(b"a"), sha256(b"b")];
        let by_hand = sha256(&two.concat());
        assert_eq!(linear(two.iter()), by_hand);
        assert_eq!(
            hex(&by_hand),
            "e5a01fee14e0ed5c48714f22180f25ad8365b53f9779f79dc4a3d7e93963f94a"
        );
        assert_ne!(linear(two.iter().rev()), by_hand);
    }
}
