//! What the head of an ext4 filesystem says of it.

/// Bytes that hold all that is read here.
pub(super) const HEAD: usize = 2048;
/// Where the superblock begins.
const SUPERBLOCK: usize = 1024;
const MAGIC: [u8; 2] = [0x53, 0xef];
/// It was unmounted or has a journal.
const VALID: u16 = 1;
/// The kernel found it wrong.
const WRONG: u16 = 2;
/// Its number of blocks has a second half.
const WIDE: u32 = 0x80;

/// What begins a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// Nothing was written there yet. A filesystem is being made until its
    /// superblock is written, which is the last thing that is.
    Nothing,
    /// A filesystem.
    Ext4 {
        /// Its length in blocks.
        blocks: u64,
        /// Bytes in a block.
        block: u64,
        /// It must be checked before it is used.
        is_suspect: bool,
    },
    /// Something else, or a filesystem that is damaged.
    Other,
}

impl Head {
    /// Reads the first [`HEAD`] bytes of a partition.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let superblock = bytes.get(SUPERBLOCK..HEAD).unwrap_or_default();
        let number = |at: usize| {
            let bytes = superblock.get(at..).and_then(|rest| rest.first_chunk());
            bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
        };
        if superblock.iter().all(|byte| *byte == 0) {
            return Self::Nothing;
        }
        // The kernel knows blocks of 1 to 64 KiB.
        let shift = number(24);
        if superblock.get(56..58) != Some(&MAGIC) || shift > 6 {
            return Self::Other;
        }
        let wide = number(96) & WIDE != 0;
        let high = if wide { u64::from(number(336)) } else { 0 };
        let [state, state_high, ..] = number(58).to_le_bytes();
        let state = u16::from_le_bytes([state, state_high]);
        Self::Ext4 {
            blocks: high << 32 | u64::from(number(4)),
            block: 1024 << shift,
            is_suspect: state & VALID == 0 || state & WRONG != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn head(state: u8) -> Vec<u8> {
        let mut bytes = vec![0; HEAD];
        let superblock = &mut bytes[SUPERBLOCK..];
        superblock[4..8].copy_from_slice(&5_u32.to_le_bytes());
        superblock[24] = 2;
        superblock[56..58].copy_from_slice(&MAGIC);
        superblock[58] = state;
        superblock[336] = 1;
        bytes
    }

    #[test]
    fn a_clean_filesystem_says_its_length() {
        let clean = Head::Ext4 { blocks: 5, block: 4096, is_suspect: false };
        assert_eq!(Head::read(&head(1)), clean);
        let mut wide = head(1);
        wide[SUPERBLOCK + 96] = 0x80;
        let Head::Ext4 { blocks, .. } = Head::read(&wide) else { panic!() };
        assert_eq!(blocks, (1 << 32) + 5);
    }

    #[test]
    fn one_that_the_kernel_found_wrong_is_suspect() {
        for state in [0, 2, 3] {
            let Head::Ext4 { is_suspect, .. } = Head::read(&head(state)) else { panic!() };
            assert!(is_suspect, "{state}");
        }
    }

    #[test]
    fn zeros_are_nothing_and_the_rest_is_something_else() {
        assert_eq!(Head::read(&[0; HEAD]), Head::Nothing);
        let mut damaged = head(1);
        damaged[SUPERBLOCK + 56] = 0;
        assert_eq!(Head::read(&damaged), Head::Other);
        assert_eq!(Head::read(&[7; HEAD]), Head::Other);
    }

    proptest! {
        #[test]
        fn no_bytes_end_the_program(bytes in proptest::collection::vec(any::<u8>(), 0..2100)) {
            let _ = Head::read(&bytes);
        }
    }
}
