//! Floodway's own programs in the bill, and the crates that are linked into them.

use super::{escaped, reference};
use crate::build::stages::crates::Crate;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Said of a program that was built here.
const BUILT: &str = "built together with the other programs of the image: a crate that only one \
                     of them calls is listed with each, and the linker leaves it out of the others";
/// Said of one that somebody gave.
const GIVEN: &str = "given as a file, and not built with the image: its version, its license and \
                     the crates that are linked into it are not known";

/// The crate whose programs they are.
const OURS: &str = "node-image";

/// The programs, each by the SHA-256 of its file. They have the version and the license of
/// their own crate, which is one of those that are linked into them, if these are known.
pub(super) fn programs(digests: &BTreeMap<String, String>, crates: Option<&[Crate]>) -> Vec<Value> {
    let ours = crates.and_then(|crates| crates.iter().find(|one| one.name == OURS));
    let one = |(name, sha256): (&String, &String)| {
        let mut package = json!({
            "SPDXID": program(name),
            "name": name,
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": false,
            "licenseDeclared":
                ours.and_then(|ours| ours.license.as_deref()).unwrap_or("NOASSERTION"),
            "checksums": [{ "algorithm": "SHA256", "checksumValue": sha256 }],
            "comment": if crates.is_some() { BUILT } else { GIVEN },
        });
        if let Some(ours) = ours {
            package["versionInfo"] = json!(ours.version);
        }
        package
    };
    digests.iter().map(one).collect()
}

/// A crate, as a package of the bill.
pub(super) fn linked(one: &Crate) -> Value {
    let Crate { name, version, license, sha256 } = one;
    let mut package = json!({
        "SPDXID": library(one),
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

/// Which program is linked with what: where nobody knows it, that is said.
pub(super) fn links<'n>(
    programs: impl Iterator<Item = &'n String>,
    crates: Option<&[Crate]>,
) -> Vec<Value> {
    let crates: Vec<String> = match crates {
        Some(crates) => crates.iter().map(library).collect(),
        None => vec!["NOASSERTION".to_owned()],
    };
    let of_one = |name: &String| {
        let program = program(name);
        let link = move |library: &String| {
            json!({
                "spdxElementId": program,
                "relationshipType": "STATIC_LINK",
                "relatedSpdxElement": library,
            })
        };
        crates.iter().map(link).collect::<Vec<_>>()
    };
    programs.flat_map(of_one).collect()
}

fn program(name: &str) -> String {
    reference("Program", name)
}

fn library(one: &Crate) -> String {
    reference("Crate", &format!("{}-{}", one.name, one.version))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// One of this repository, and one of crates.io.
    pub(in crate::build::stages::sbom) fn crates() -> Vec<Crate> {
        let one = |name: &str, version: &str, license: Option<&str>, sha256: Option<&str>| Crate {
            name: name.to_owned(),
            version: version.to_owned(),
            license: license.map(str::to_owned),
            sha256: sha256.map(|byte| byte.repeat(32)),
        };
        vec![
            one("common", "0.1.0", None, None),
            one("zstd-sys", "2.0.1+zstd.1.5.6", Some("MIT OR Apache-2.0"), Some("ab")),
        ]
    }

    #[test]
    fn a_crate_is_told_by_its_locator_license_and_checksum() {
        let told = crates().iter().map(linked).collect::<Vec<_>>();
        let locator = "pkg:cargo/zstd-sys@2.0.1%2Bzstd.1.5.6";
        assert_eq!(told[1]["externalRefs"][0]["referenceLocator"], locator);
        assert_eq!(told[1]["checksums"][0]["checksumValue"], "ab".repeat(32));
        assert_eq!(told[1]["licenseDeclared"], "MIT OR Apache-2.0");
        // What is not from there is not told by a name that stands for another there.
        assert_eq!(told[0]["licenseDeclared"], "NOASSERTION");
        assert_eq!((&told[0]["externalRefs"], &told[0]["checksums"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn of_programs_that_were_given_it_is_said_that_nobody_knows_what_is_in_them() {
        let digests = BTreeMap::from([("floodway-init".to_owned(), "cd".repeat(32))]);
        let given = programs(&digests, None).remove(0);
        assert!(given["comment"].as_str().unwrap().contains("not built with the image"));
        assert_eq!(
            (&given["versionInfo"], &given["licenseDeclared"]),
            (&Value::Null, &json!("NOASSERTION"))
        );
        let links = links(digests.keys(), None);
        assert_eq!(links.len(), 1);
        assert_eq!(links[0]["relationshipType"], "STATIC_LINK");
        assert_eq!(links[0]["relatedSpdxElement"], "NOASSERTION");
        // Whatever program has built them.
        let ours =
            Crate { name: OURS.to_owned(), version: "7.0.0".to_owned(), ..crates().remove(1) };
        let built = programs(&digests, Some(&[ours])).remove(0);
        assert_eq!(
            (&built["versionInfo"], &built["licenseDeclared"]),
            (&json!("7.0.0"), &json!("MIT OR Apache-2.0"))
        );
    }
}
