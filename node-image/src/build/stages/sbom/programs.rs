//! Floodway's own programs in the bill, and what is linked into them.

use super::{escaped, reference};
use crate::build::stages::crates::Crate;
use crate::build::stages::libraries::Library;
use crate::build::stages::programs::Linked;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Said of a program that was built here.
const BUILT: &str = "built together with the other programs of the image: a crate that only one \
                     of them calls is listed with each, and the linker leaves it out of the others";
/// Said of one that somebody gave.
const GIVEN: &str = "given as a file, and not built with the image: its version, its license and \
                     what is linked into it are not known";

/// The crate whose programs they are.
const OURS: &str = "node-image";

/// The programs, each by the SHA-256 of its file. They have the version and the license of
/// their own crate, which is one of those that are linked into them, if these are known.
pub(super) fn programs(digests: &BTreeMap<String, String>, linked: Option<&Linked>) -> Vec<Value> {
    let ours = linked.and_then(|linked| linked.crates.iter().find(|one| one.name == OURS));
    let one = |(name, sha256): (&String, &String)| {
        let mut package = json!({
            "SPDXID": program(name),
            "name": name,
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": false,
            "licenseDeclared":
                ours.and_then(|ours| ours.license.as_deref()).unwrap_or("NOASSERTION"),
            "checksums": [{ "algorithm": "SHA256", "checksumValue": sha256 }],
            "comment": if linked.is_some() { BUILT } else { GIVEN },
        });
        if let Some(ours) = ours {
            package["versionInfo"] = json!(ours.version);
        }
        package
    };
    digests.iter().map(one).collect()
}

/// A crate, as a package of the bill.
pub(super) fn a_crate(one: &Crate) -> Value {
    let Crate { name, version, license, sha256 } = one;
    let mut package = json!({
        "SPDXID": id_of_crate(one),
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "primaryPackagePurpose": "LIBRARY",
        "licenseDeclared": license.as_deref().unwrap_or("NOASSERTION"),
    });
    // <https://github.com/package-url/purl-spec/blob/main/types-doc/cargo-definition.md>:
    // without more it is one of crates.io.
    if let Some(sha256) = sha256 {
        let url = format!("https://static.crates.io/crates/{name}/{version}/download");
        package["downloadLocation"] = json!(url);
        package["checksums"] = json!([{ "algorithm": "SHA256", "checksumValue": sha256 }]);
        package["externalRefs"] = json!([{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": format!("pkg:cargo/{name}@{}", escaped(version)),
        }]);
    }
    package
}

/// A library that is no crate, as a package of the bill.
pub(super) fn a_library(one: &Library) -> Value {
    let Library { name, version, license, cpe, package } = one;
    let refer = |category: &str, kind: &str, locator: String| {
        json!({
            "referenceCategory": category,
            "referenceType": kind,
            "referenceLocator": locator,
        })
    };
    let purl = package.as_ref().zip(version.as_ref()).map(|(package, version)| {
        let locator = format!("{package}@{}?arch=amd64", escaped(version));
        refer("PACKAGE-MANAGER", "purl", locator)
    });
    let cpe = cpe.clone().map(|cpe| refer("SECURITY", "cpe23Type", cpe));
    let mut told = json!({
        "SPDXID": id_of_library(one),
        "name": name,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "primaryPackagePurpose": "LIBRARY",
        "licenseDeclared": license.as_deref().unwrap_or("NOASSERTION"),
        "externalRefs": purl.into_iter().chain(cpe).collect::<Vec<_>>(),
    });
    if let Some(version) = version {
        told["versionInfo"] = json!(version);
    }
    told
}

/// Which program is linked with what: where nobody knows it, that is said.
pub(super) fn links<'n>(
    programs: impl Iterator<Item = &'n String>,
    linked: Option<&Linked>,
) -> Vec<Value> {
    let parts: Vec<String> = match linked {
        Some(linked) => {
            let libraries = linked.libraries.iter().map(id_of_library);
            linked.crates.iter().map(id_of_crate).chain(libraries).collect()
        }
        None => vec!["NOASSERTION".to_owned()],
    };
    let of_one = |name: &String| {
        let program = program(name);
        let link = move |part: &String| {
            json!({
                "spdxElementId": program,
                "relationshipType": "STATIC_LINK",
                "relatedSpdxElement": part,
            })
        };
        parts.iter().map(link).collect::<Vec<_>>()
    };
    programs.flat_map(of_one).collect()
}

fn program(name: &str) -> String {
    reference("Program", name)
}

fn id_of_crate(one: &Crate) -> String {
    reference("Crate", &format!("{}-{}", one.name, one.version))
}

fn id_of_library(one: &Library) -> String {
    let version = one.version.as_deref().unwrap_or("unknown");
    reference("Library", &format!("{}-{version}", one.name))
}

#[cfg(test)]
pub(super) mod tests;
