//! The image's bill of materials, as SPDX 2.3:
//! <https://spdx.github.io/spdx-spec/v2.3/>

use crate::card::Manifest;
use serde_json::{Value, json};

/// The document, of an image that `manifest` describes.
pub(in crate::build) fn sbom(manifest: &Manifest, distribution: &str) -> Value {
    let image = "SPDXRef-Image";
    let mut packages = vec![json!({
        "SPDXID": image,
        "name": manifest.name,
        "versionInfo": &manifest.disk.sha256[..12],
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "primaryPackagePurpose": "OPERATING-SYSTEM",
        "checksums": [{ "algorithm": "SHA256", "checksumValue": manifest.disk.sha256 }],
    })];
    for package in &manifest.packages {
        let locator = format!(
            "pkg:deb/debian/{}@{}?arch={}&distro={distribution}",
            escaped(&package.name),
            escaped(&package.version),
            package.architecture
        );
        packages.push(json!({
            "SPDXID": reference("Package", &format!("{}-{}", package.name, package.architecture)),
            "name": package.name,
            "versionInfo": package.version,
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": false,
            "supplier": "Organization: Debian",
            "checksums": [{ "algorithm": "SHA256", "checksumValue": package.sha256 }],
            "externalRefs": [{
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": locator,
            }],
        }));
    }
    for (program, sha256) in &manifest.programs {
        packages.push(json!({
            "SPDXID": reference("Program", program),
            "name": program,
            "versionInfo": env!("CARGO_PKG_VERSION"),
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": false,
            "licenseDeclared": "Apache-2.0",
            "checksums": [{ "algorithm": "SHA256", "checksumValue": sha256 }],
        }));
    }
    let parts = packages.iter().skip(1).map(|package| {
        json!({
            "spdxElementId": image,
            "relationshipType": "CONTAINS",
            "relatedSpdxElement": package["SPDXID"],
        })
    });
    let describes = json!({
        "spdxElementId": "SPDXRef-DOCUMENT",
        "relationshipType": "DESCRIBES",
        "relatedSpdxElement": image,
    });
    let relationships: Vec<_> = [describes].into_iter().chain(parts).collect();
    let seconds = i64::try_from(manifest.source_date_epoch).unwrap_or_default();
    let created = jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string();
    json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": manifest.name,
        "documentNamespace":
            format!("https://floodway.dev/spdx/{}/{}", manifest.name, manifest.disk.sha256),
        "creationInfo": {
            "created": created,
            "creators": [format!("Tool: floodway-{}", env!("CARGO_PKG_VERSION"))],
        },
        "packages": packages,
        "relationships": relationships,
    })
}

/// Letters, digits, `.` and `-` are all that an identifier may have.
fn reference(kind: &str, name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    // `+` and `-` would meet otherwise.
    let name = name.replace('+', ".plus.");
    format!("SPDXRef-{kind}-{}", name.chars().map(plain).collect::<String>())
}

/// As a package locator wants it.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('+', "%2B").replace(':', "%3A")
}
