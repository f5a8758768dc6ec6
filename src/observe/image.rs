//! Machine images, and what is known of the builds that they are of.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A machine image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MachineImage {
    /// AWS region.
    pub region: String,
    /// Its ID.
    pub id: String,
}

/// A build, as its images tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The digest of its manifest, in hex.
    pub manifest: String,
    /// What is in it; none: nobody has noted it.
    pub made_of: Option<MadeOf>,
}

/// What is in a build, as far as it tells builds apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MadeOf {
    /// The release of its kernel.
    pub kernel: String,
    /// Flavour and version of its GPU driver; none: it has none.
    pub driver: Option<String>,
    /// Versions of its packages, by their names.
    pub packages: BTreeMap<String, String>,
}
