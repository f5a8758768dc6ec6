//! Where replicas may connect to.

use common::shape::{Port, table};
use std::net::IpAddr;

table! {
    /// A range of addresses that replicas may connect to, by TCP.
    pub struct Egress {
        /// The range: `10.20.0.0/16`, `2001:db8::/32`. The addresses where
        /// clouds hand out a node's credentials are never in it.
        pub cidr: String,
        /// The port.
        pub port: u16 as Port = 443,
    }
}

impl Egress {
    /// Link-local addresses, and where AWS answers beside them: an instance's
    /// metadata, the node's credentials among it.
    pub const NEVER: [&'static str; 3] = ["169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128"];

    /// Those parts of the range that replicas may not connect to all the same.
    pub fn except(&self) -> Vec<&'static str> {
        let Some(range) = AddressRange::parse(&self.cidr) else { return Vec::new() };
        let inside = |never: &&str| AddressRange::parse(never).is_some_and(|n| range.contains(n));
        Self::NEVER.into_iter().filter(inside).collect()
    }
}

/// A block of addresses, as CIDR notation has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    /// Bits of an address: 32 or 128.
    width: u32,
    first: u128,
    prefix: u32,
}

impl AddressRange {
    /// Reads `10.20.0.0/16`; none for what is no address, has no prefix length or
    /// one that is too long. Bits behind the prefix are kept: see
    /// [`Self::is_a_block`].
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let (width, first) = match address.parse().ok()? {
            IpAddr::V4(address) => (32, u32::from(address).into()),
            IpAddr::V6(address) => (128, u128::from(address)),
        };
        let plain = length.bytes().all(|b| b.is_ascii_digit())
            && (length == "0" || !length.starts_with('0'));
        let prefix = length.parse().ok().filter(|prefix| plain && *prefix <= width)?;
        Some(Self { width, first, prefix })
    }

    /// Whether the address is the first of its block, as it should be written.
    pub fn is_a_block(self) -> bool {
        self.network() == self.first
    }

    /// Whether all of `other` is in this range.
    pub fn contains(self, other: Self) -> bool {
        let begins = Self { prefix: self.prefix, ..other };
        self.width == other.width
            && self.prefix <= other.prefix
            && self.network() == begins.network()
    }

    /// The first address of the block.
    fn network(self) -> u128 {
        let behind = self.width - self.prefix;
        self.first.checked_shr(behind).map_or(0, |kept| kept << behind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> AddressRange {
        AddressRange::parse(text).unwrap()
    }

    #[test]
    fn what_is_no_range_is_none() {
        let wrong = ["", "10.0.0.0", "10.0.0/8", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/+8"];
        for text in wrong.into_iter().chain(["::/129", "a/8", "10.0.0.0/", "1.2.3.4/8 "]) {
            assert_eq!(AddressRange::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_block_begins_with_its_first_address() {
        for text in ["0.0.0.0/0", "10.0.0.0/8", "10.1.2.3/32", "::/0", "2001:db8::/32", "::1/128"] {
            assert!(range(text).is_a_block(), "{text}");
        }
        for text in ["10.1.0.0/8", "1.0.0.0/0", "2001:db8::1/32", "::1/0"] {
            assert!(!range(text).is_a_block(), "{text}");
        }
    }

    #[test]
    fn ranges_contain_what_is_inside_and_of_their_kind() {
        assert!(range("0.0.0.0/0").contains(range("169.254.0.0/16")));
        assert!(range("10.0.0.0/8").contains(range("10.0.0.0/8")));
        assert!(range("10.0.0.0/8").contains(range("10.255.255.255/32")));
        assert!(range("::/0").contains(range("fe80::/10")));
        assert!(!range("10.0.0.0/16").contains(range("10.0.0.0/8")));
        assert!(!range("10.0.0.0/8").contains(range("11.0.0.0/8")));
        assert!(!range("0.0.0.0/0").contains(range("::/0")));
        assert!(!range("::/0").contains(range("0.0.0.0/0")));
    }

    #[test]
    fn a_nodes_credentials_are_out_of_reach() {
        let except = |cidr: &str| Egress { cidr: cidr.into(), port: 80 }.except();
        assert_eq!(except("0.0.0.0/0"), ["169.254.0.0/16"]);
        assert_eq!(except("::/0"), ["fe80::/10", "fd00:ec2::254/128"]);
        assert!(except("10.0.0.0/8").is_empty());
        assert!(Egress::NEVER.iter().all(|never| range(never).is_a_block()));
    }
}
