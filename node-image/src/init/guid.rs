//! The identities of partitions.

use std::fmt;

/// A GUID, its bytes in the order in which its text has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Guid([u8; 16]);

impl Guid {
    /// The one whose hex digits `number` has.
    pub(super) const fn new(number: u128) -> Self {
        Self(number.to_be_bytes())
    }

    /// From 32 hex digits; none: they are not.
    pub(super) fn from_hex(digits: &str) -> Option<Self> {
        if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        u128::from_str_radix(digits, 16).ok().map(Self::new)
    }

    /// A random one (version 4), of 16 random bytes.
    pub(super) fn random(mut bytes: [u8; 16]) -> Self {
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }

    /// From the bytes of a partition table.
    pub(super) fn from_disk(bytes: [u8; 16]) -> Self {
        Self(swap(bytes))
    }

    /// The bytes for a partition table.
    pub(super) fn to_disk(self) -> [u8; 16] {
        swap(self.0)
    }
}

/// A partition table holds the first three parts of a GUID as little-endian
/// numbers, and the rest as it is written.
fn swap(mut bytes: [u8; 16]) -> [u8; 16] {
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    bytes
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let dash = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_keeps_the_order_of_the_digits_and_the_disk_does_not() {
        let guid = Guid::from_hex("c12a7328f81f11d2ba4b00a0c93ec93b").unwrap();
        assert_eq!(guid.to_string(), "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
        assert_eq!(guid.to_disk()[..8], [0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11]);
        assert_eq!(Guid::from_disk(guid.to_disk()), guid);
    }

    #[test]
    fn what_is_not_32_hex_digits_is_none() {
        for wrong in
            ["", "c12a", "+12a7328f81f11d2ba4b00a0c93ec93b", "ab12a7328f81f11d2ba4b00a0c93ec9é"]
        {
            assert_eq!(Guid::from_hex(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_random_one_says_that_it_is() {
        let guid = Guid::random([0xff; 16]).to_string();
        assert_eq!((&guid[14..15], &guid[19..20]), ("4", "b"));
    }
}
