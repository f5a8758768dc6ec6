//! What differs between two images.

use crate::card::{Driver, File, Manifest};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Something that is in one image or in both, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The package's name, or the file's path.
    pub name: String,
    /// What the first image has; none: it has it not.
    pub before: Option<String>,
    /// What the second has.
    pub after: Option<String>,
}

/// All that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Packages, by their versions.
    pub packages: Vec<Listed>,
    /// Releases of the kernel, where they differ.
    pub kernel: Option<(String, String)>,
    /// GPU drivers, where they differ.
    pub driver: Option<(Option<Driver>, Option<Driver>)>,
    /// Floodway's own programs, by their digests.
    pub programs: Vec<Listed>,
    /// Files of the root, by mode, size and content.
    pub files: Vec<Listed>,
    /// Bytes of the raw disks.
    pub bytes: (u64, u64),
}

/// Compares two images by their manifests.
pub fn diff(before: &Manifest, after: &Manifest) -> Difference {
    let packages = |manifest: &Manifest| -> BTreeMap<String, String> {
        let versions = manifest.packages.iter();
        versions.map(|package| (package.name.clone(), package.version.clone())).collect()
    };
    let kernels = (before.kernel.clone(), after.kernel.clone());
    let drivers = (before.driver.clone(), after.driver.clone());
    Difference {
        packages: listed(&packages(before), &packages(after)),
        kernel: Some(kernels).filter(|(before, after)| before != after),
        driver: Some(drivers).filter(|(before, after)| before != after),
        programs: listed(&before.programs, &after.programs),
        files: listed(&files(before), &files(after)),
        bytes: (before.disk.bytes, after.disk.bytes),
    }
}

/// The files of the root, each by mode, size and content.
pub(super) fn files(manifest: &Manifest) -> BTreeMap<String, String> {
    let line = |file: &File| {
        let content = match file.content.strip_prefix("-> ") {
            Some(_) => &*file.content,
            None => file.content.get(..12).unwrap_or(&file.content),
        };
        (file.path.clone(), format!("{} {} {content}", file.mode, file.bytes))
    };
    manifest.files.iter().map(line).collect()
}

/// What is not the same in both.
pub(super) fn listed(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<Listed> {
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let entry = |name: &String| Listed {
        name: name.clone(),
        before: before.get(name).cloned(),
        after: after.get(name).cloned(),
    };
    names.into_iter().map(entry).filter(|listed| listed.before != listed.after).collect()
}

impl Difference {
    /// Whether there is none: two images that are the same.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty()
            && self.kernel.is_none()
            && self.driver.is_none()
            && self.programs.is_empty()
            && self.files.is_empty()
            && self.bytes.0 == self.bytes.1
    }
}

#[cfg(test)]
mod tests;
