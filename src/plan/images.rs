//! What is behind a change of a machine image: another build, and what differs in it.

use super::{Action, Change, Plan, kinds};
use crate::observe::{Build, MachineImage, MadeOf};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The field of a launch template that names its image.
const IMAGE: &str = "image";

/// How the builds of two images differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageChange {
    /// The digests of their manifests; none: the image names none.
    pub manifest: Differs,
    /// What differs in them; none: of one of them it is not known.
    pub made_of: Option<Differences>,
}

/// What differs in two builds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differences {
    /// The kernel's release, where it differs.
    pub kernel: Option<Differs>,
    /// The GPU driver, where it differs.
    pub driver: Option<Differs>,
    /// Packages that come, go or have another version, by name.
    pub packages: Vec<PackageChange>,
}

/// Something that there was, and that there will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differs {
    /// None: nothing.
    pub before: Option<String>,
    /// None: nothing.
    pub after: Option<String>,
}

/// A package that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageChange {
    /// Its name.
    pub name: String,
    /// Its versions.
    pub version: Differs,
}

impl Plan {
    /// The images that changes of it take the place of, and those that do.
    pub fn changed_images(&self) -> BTreeSet<MachineImage> {
        self.changes.iter().filter_map(images).flatten().collect()
    }

    /// Notes what is `known` of the images that it changes.
    pub fn tell_images(&mut self, known: &BTreeMap<MachineImage, Build>) {
        for change in &mut self.changes {
            let Some([before, after]) = images(change) else { continue };
            let (before, after) = (known.get(&before), known.get(&after));
            if before.is_none() && after.is_none() {
                continue;
            }
            let manifest = |build: Option<&Build>| build.map(|build| build.manifest.clone());
            let made_of = |build: Option<&'_ Build>| build.and_then(|build| build.made_of.clone());
            change.image = Some(ImageChange {
                manifest: Differs { before: manifest(before), after: manifest(after) },
                made_of: made_of(before).zip(made_of(after)).map(|(a, b)| differences(&a, &b)),
            });
        }
    }
}

/// The image before and after a change.
fn images(change: &Change) -> Option<[MachineImage; 2]> {
    if change.id.kind != kinds::TEMPLATE || change.action != Action::Update {
        return None;
    }
    let field = change.fields.iter().find(|field| field.path == IMAGE)?;
    let region = change.id.scope.clone()?;
    let image = |id: &Option<serde_json::Value>| {
        let (region, id) = (region.clone(), id.as_ref()?.as_str()?.to_owned());
        Some(MachineImage { region, id })
    };
    Some([image(&field.before)?, image(&field.after)?])
}

fn differences(before: &MadeOf, after: &MadeOf) -> Differences {
    let differs = |before: Option<&String>, after: Option<&String>| {
        let differs = Differs { before: before.cloned(), after: after.cloned() };
        (before != after).then_some(differs)
    };
    let names: BTreeSet<&String> = before.packages.keys().chain(after.packages.keys()).collect();
    let package = |name: &String| {
        let version = differs(before.packages.get(name), after.packages.get(name))?;
        Some(PackageChange { name: name.clone(), version })
    };
    Differences {
        kernel: differs(Some(&before.kernel), Some(&after.kernel)),
        driver: differs(before.driver.as_ref(), after.driver.as_ref()),
        packages: names.into_iter().filter_map(package).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_of(kernel: &str, driver: Option<&str>, packages: &[(&str, &str)]) -> MadeOf {
        let packages = packages.iter().map(|&(name, v)| (name.to_owned(), v.to_owned()));
        MadeOf {
            kernel: kernel.to_owned(),
            driver: driver.map(str::to_owned),
            packages: packages.collect(),
        }
    }

    fn of(before: Option<&str>, after: Option<&str>) -> Differs {
        Differs { before: before.map(str::to_owned), after: after.map(str::to_owned) }
    }

    #[test]
    fn only_what_differs_is_told() {
        let before = made_of("6.1", Some("open 1"), &[("a", "1"), ("b", "1"), ("c", "1")]);
        let after = made_of("6.1", None, &[("b", "2"), ("c", "1"), ("d", "1")]);
        let found = differences(&before, &after);
        assert_eq!(found.kernel, None);
        assert_eq!(found.driver, Some(of(Some("open 1"), None)));
        let packages: Vec<_> =
            found.packages.iter().map(|one| (one.name.as_str(), one.version.clone())).collect();
        let expected = [
            ("a", of(Some("1"), None)),
            ("b", of(Some("1"), Some("2"))),
            ("d", of(None, Some("1"))),
        ];
        assert_eq!(packages, expected);
        assert_eq!(differences(&after, &after), Differences::default());
    }
}
