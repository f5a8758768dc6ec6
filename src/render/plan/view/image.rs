//! What readers are told about another machine image.

use schemars::JsonSchema;
use serde::Serialize;

/// How the builds of two machine images differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ImageView {
    /// The digests of their manifests; absent where the image names none.
    pub manifest: DiffersView,
    /// Whether it is known of both what they are made of: else nothing that follows
    /// tells anything.
    pub compared: bool,
    /// The kernel's release, where it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<DiffersView>,
    /// The GPU driver, where it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<DiffersView>,
    /// Packages that come, go or have another version, by name.
    pub packages: Vec<PackageView>,
}

/// Something that there was, and that there will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DiffersView {
    /// Absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A package that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PackageView {
    /// Its name.
    pub name: String,
    /// Its version; absent: it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Its version; absent: it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}
