//! What the kernel's command line says of the root. It is part of the kernel image
//! that the firmware started, and the only thing that is believed before the root
//! is open.

use super::VERITY_PARAMETER;
use super::guid::Guid;
use thiserror::Error;

/// The longest salt that dm-verity takes, in bytes.
const LONGEST_SALT: usize = 256;

/// The root, as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verity {
    /// SHA-256, in lower-case hex.
    root_hash: String,
    /// In lower-case hex, or `-`.
    salt: String,
    /// Blocks of 4096 bytes under the hash.
    data_blocks: u64,
}

/// Why the command line names no root.
#[derive(Debug, PartialEq, Eq, Error)]
pub(super) enum CmdlineError {
    #[error("the kernel's command line has no {VERITY_PARAMETER}=; is it this image's kernel?")]
    Missing,
    #[error("the kernel's command line has {VERITY_PARAMETER}= more than once")]
    Twice,
    #[error("{VERITY_PARAMETER}= on the kernel's command line has a wrong {0}")]
    Wrong(&'static str),
}

impl Verity {
    /// # Errors
    /// The parameter is not there, there twice, or not as it is written.
    pub(super) fn read(cmdline: &str) -> Result<Self, CmdlineError> {
        let mut given = cmdline.split_ascii_whitespace().filter_map(|word| {
            let (key, value) = word.split_once('=')?;
            (key == VERITY_PARAMETER).then_some(value)
        });
        let value = given.next().ok_or(CmdlineError::Missing)?;
        if given.next().is_some() {
            return Err(CmdlineError::Twice);
        }
        let mut parts = value.split(',');
        let mut part = || parts.next().unwrap_or_default();
        let (root_hash, salt, blocks) = (part(), part(), part());
        if root_hash.len() != 64 || !is_hex(root_hash) {
            return Err(CmdlineError::Wrong("root hash: 64 hex digits"));
        }
        if salt != "-" && (salt.is_empty() || salt.len() > 2 * LONGEST_SALT || !is_hex(salt)) {
            return Err(CmdlineError::Wrong("salt: hex, or - for none"));
        }
        let digits = !blocks.is_empty() && blocks.bytes().all(|byte| byte.is_ascii_digit());
        // 8 sectors a block, and a device counts its sectors in 64 bits.
        let data_blocks = digits.then(|| blocks.parse().ok()).flatten();
        let data_blocks = data_blocks.filter(|blocks| (1..=u64::MAX / 4096).contains(blocks));
        let data_blocks = data_blocks.ok_or(CmdlineError::Wrong("number of data blocks"))?;
        if parts.next().is_some() {
            return Err(CmdlineError::Wrong("number of parts: they are three"));
        }
        let (root_hash, salt) = (root_hash.to_ascii_lowercase(), salt.to_ascii_lowercase());
        Ok(Self { root_hash, salt, data_blocks })
    }

    /// The root hash, in hex.
    pub(super) fn root_hash(&self) -> &str {
        &self.root_hash
    }

    /// The salt in hex, or `-` for none.
    pub(super) fn salt(&self) -> &str {
        &self.salt
    }

    /// Blocks of 4096 bytes under the hash.
    pub(super) fn data_blocks(&self) -> u64 {
        self.data_blocks
    }

    /// The identity of the root's partition: the first half of the root hash.
    pub(super) fn root_partition(&self) -> Guid {
        Guid::from_hex(&self.root_hash[..32]).unwrap_or_default()
    }

    /// The identity of the hashes' partition: the second half of the root hash.
    pub(super) fn hash_partition(&self) -> Guid {
        Guid::from_hex(&self.root_hash[32..]).unwrap_or_default()
    }
}

fn is_hex(text: &str) -> bool {
    text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HASH: &str = "00112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f0";

    #[test]
    fn the_root_is_named_by_hash_salt_and_blocks() {
        let line = format!("console=ttyS0 quiet floodway.verity={HASH},Ab12,40960 panic=30\n");
        let verity = Verity::read(&line).unwrap();
        assert_eq!((verity.root_hash(), verity.salt()), (HASH, "ab12"));
        assert_eq!(verity.data_blocks(), 40_960);
        let unsalted = Verity::read(&format!("floodway.verity={HASH},-,1")).unwrap();
        assert_eq!(unsalted.salt(), "-");
    }

    #[test]
    fn the_two_halves_of_the_hash_are_the_partitions_identities() {
        let upper = HASH.to_uppercase();
        let verity = Verity::read(&format!("floodway.verity={upper},00,7")).unwrap();
        let (root, hashes) = (verity.root_partition(), verity.hash_partition());
        assert_eq!(root.to_string(), "00112233-4455-6677-8899-aabbccddeeff");
        assert_eq!(hashes.to_string(), "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0");
    }

    #[test]
    fn a_line_without_the_parameter_or_with_two_names_no_root() {
        for none in ["", "quiet", "floodway.verity", "xfloodway.verity=1", "roothash=00"] {
            assert_eq!(Verity::read(none), Err(CmdlineError::Missing), "{none}");
        }
        let one = format!("floodway.verity={HASH},00,1");
        assert_eq!(Verity::read(&format!("{one} {one}")), Err(CmdlineError::Twice));
    }

    #[test]
    fn a_part_that_is_wrong_is_named() {
        let wrong = |value: &str, part: &str| {
            let error = Verity::read(&format!("floodway.verity={value}")).unwrap_err().to_string();
            assert!(error.contains(part), "{value}: {error}");
        };
        wrong("", "root hash");
        wrong(&HASH[2..], "root hash");
        wrong(&HASH.replace('0', "g"), "root hash");
        wrong(HASH, "salt");
        wrong(&format!("{HASH},abc,1"), "salt");
        wrong(&format!("{HASH},{},1", "00".repeat(257)), "salt");
        wrong(&format!("{HASH},00"), "data blocks");
        for blocks in ["0", "+1", "-1", "1x", "18446744073709551615"] {
            wrong(&format!("{HASH},00,{blocks}"), "data blocks");
        }
        wrong(&format!("{HASH},00,1,2"), "parts");
    }

    proptest! {
        #[test]
        fn no_line_ends_the_program(line in "(floodway.verity=[0-9a-f,é-]{0,80}| |\\PC{0,9}){0,4}") {
            let _ = Verity::read(&line).map(|verity| verity.root_partition());
        }
    }
}
