use super::*;
use crate::build::stages::libraries::{self, tests::libraries};

/// Two crates, and what all programs of Rust's are linked with.
pub(in crate::build::stages::sbom) fn linked() -> Linked {
    Linked { crates: crates(), libraries: libraries() }
}

/// One of this repository, and one of crates.io.
fn crates() -> Vec<Crate> {
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
    let told = crates().iter().map(a_crate).collect::<Vec<_>>();
    let locator = "pkg:cargo/zstd-sys@2.0.1%2Bzstd.1.5.6";
    assert_eq!(told[1]["externalRefs"][0]["referenceLocator"], locator);
    assert_eq!(told[1]["checksums"][0]["checksumValue"], "ab".repeat(32));
    assert_eq!(told[1]["licenseDeclared"], "MIT OR Apache-2.0");
    // What is not from there is not told by a name that stands for another there.
    assert_eq!(told[0]["licenseDeclared"], "NOASSERTION");
    assert_eq!((&told[0]["externalRefs"], &told[0]["checksums"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_library_is_told_by_what_lists_of_weaknesses_know_it_by() {
    let told = libraries().iter().map(a_library).collect::<Vec<_>>();
    let [rust, c] = told.as_slice() else { panic!("{told:?}") };
    let refers = |of: &Value, at: usize| {
        let one = &of["externalRefs"][at];
        let part = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        format!("{} {}", part("referenceType"), part("referenceLocator"))
    };
    assert_eq!((&rust["name"], &rust["versionInfo"]), (&json!("rust-std"), &json!("1.95.0")));
    assert_eq!(rust["licenseDeclared"], "MIT OR Apache-2.0");
    assert_eq!(refers(rust, 0), "cpe23Type cpe:2.3:a:rust-lang:rust:1.95.0:*:*:*:*:*:*:*");
    assert_eq!(c["versionInfo"], "2.36-9+deb12u14");
    assert_eq!(refers(c, 0), "purl pkg:deb/debian/libc6-dev@2.36-9%2Bdeb12u14?arch=amd64");
    assert_eq!(refers(c, 1), "cpe23Type cpe:2.3:a:gnu:glibc:2.36:*:*:*:*:*:*:*");
    let unknown = a_library(&libraries::c(b""));
    assert_eq!((&unknown["name"], &unknown["versionInfo"]), (&json!("libc"), &Value::Null));
    assert_eq!(unknown["licenseDeclared"], "NOASSERTION");
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
    let ours = Crate { name: OURS.to_owned(), version: "7.0.0".to_owned(), ..crates().remove(1) };
    let built = Linked { crates: vec![ours], libraries: vec![] };
    let built = programs(&digests, Some(&built)).remove(0);
    assert_eq!(
        (&built["versionInfo"], &built["licenseDeclared"]),
        (&json!("7.0.0"), &json!("MIT OR Apache-2.0"))
    );
}
