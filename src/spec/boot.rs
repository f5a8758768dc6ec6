//! How instance types start what is on their disk.

use serde::{Deserialize, Serialize};

/// How a machine starts: which of an image's machine images it needs.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum BootMode {
    /// By UEFI firmware, with a TPM.
    #[default]
    Uefi,
    /// By a BIOS: p4d, p4de and a few others know nothing else.
    LegacyBios,
}

impl BootMode {
    /// As EC2 writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uefi => "uefi",
            Self::LegacyBios => "legacy-bios",
        }
    }
}
