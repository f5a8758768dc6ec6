//! The image's bill of materials, as SPDX 2.3:
//! <https://spdx.github.io/spdx-spec/v2.3/>

mod programs;

use super::programs::Linked;
use crate::build::lock::Lock;
use crate::build::recipe::Recipe;
use crate::card::{Manifest, Package};
use serde_json::{Value, json};

/// The document, of an image that `manifest` describes, whose packages are those of
/// `lock`, and of what is `linked` into its own programs, if that is known.
pub(in crate::build) fn sbom(
    manifest: &Manifest,
    recipe: &Recipe,
    lock: &Lock,
    linked: Option<&Linked>,
) -> Value {
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
        let origin = Origin::of(package, recipe, lock);
        packages.push(json!({
            "SPDXID": reference("Package", &format!("{}-{}", package.name, package.architecture)),
            "name": package.name,
            "versionInfo": package.version,
            "downloadLocation": origin.url.unwrap_or("NOASSERTION"),
            "filesAnalyzed": false,
            "supplier": origin.supplier,
            "checksums": [{ "algorithm": "SHA256", "checksumValue": package.sha256 }],
            "externalRefs": [{
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": origin.locator,
            }],
        }));
    }
    packages.extend(programs::programs(&manifest.programs, linked));
    let parts = packages.iter().skip(1).map(|package| {
        json!({
            "spdxElementId": image,
            "relationshipType": "CONTAINS",
            "relatedSpdxElement": package["SPDXID"],
        })
    });
    let parts: Vec<_> = parts.collect();
    if let Some(linked) = linked {
        packages.extend(linked.crates.iter().map(programs::a_crate));
        packages.extend(linked.libraries.iter().map(programs::a_library));
    }
    let describes = json!({
        "spdxElementId": "SPDXRef-DOCUMENT",
        "relationshipType": "DESCRIBES",
        "relatedSpdxElement": image,
    });
    let links = programs::links(manifest.programs.keys(), linked);
    let relationships: Vec<_> = [describes].into_iter().chain(parts).chain(links).collect();
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

/// Where a package is from.
struct Origin<'l> {
    url: Option<&'l str>,
    supplier: String,
    /// <https://github.com/package-url/purl-spec/blob/main/types-doc/deb-definition.md>
    locator: String,
}

impl<'l> Origin<'l> {
    fn of(package: &Package, recipe: &Recipe, lock: &'l Lock) -> Self {
        let url = lock.packages.iter().find(|one| one.sha256 == package.sha256);
        let url = url.map(|locked| &*locked.url);
        let is_from = |uri: &str| url.is_some_and(|url| url.starts_with(uri));
        // The longest address that fits: one archive may lie within another.
        let vendor = recipe.repositories.iter().filter(|(_, one)| is_from(&one.uri));
        let vendor = vendor.max_by_key(|(_, one)| one.uri.len());
        let (name, version) = (escaped(&package.name), escaped(&package.version));
        let (space, more, supplier) = match vendor {
            Some((vendor, repository)) => (
                vendor.as_str(),
                format!("repository_url={}", escaped(&repository.uri)),
                format!("Organization: {vendor}"),
            ),
            None => {
                let suite = &recipe.base.suite;
                ("debian", format!("distro={suite}"), "Organization: Debian".to_owned())
            }
        };
        let architecture = &package.architecture;
        let locator = format!("pkg:deb/{space}/{name}@{version}?arch={architecture}&{more}");
        Self { url, supplier, locator }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::lock::{Group, Locked};
    use crate::build::recipe::read;

    fn recipe() -> Recipe {
        let recipe = "[image]\nname = \"x\"\ntime = \"2026-11-01T00:00:00Z\"\n\
            [base]\nsuite = \"bookworm\"\n[kernel]\npackage = \"linux-image-cloud-amd64\"\n\
            [limits]\ndisk = \"210Mi\"\n\
            [repositories.cuda]\nuri = \"https://vendor.example/repo\"\nsuite = \"./\"\n\
            key = \"vendor.asc\"\nsha256 = \""
            .to_owned()
            + &"ab".repeat(32)
            + "\"\n";
        let (read, wrong) = read("x.toml", recipe.as_bytes());
        read.unwrap_or_else(|| panic!("{wrong:?}")).recipe
    }

    /// Of an image with one package and two programs.
    fn manifest() -> Manifest {
        let digest = "cd".repeat(32);
        let manifest = json!({
            "schema": 1, "name": "x", "recipe": "", "lock": "", "root_hash": "",
            "disk": { "sha256": digest, "bytes": 1 }, "kernel": "6.1", "driver": null,
            "boot_modes": [], "signed": false, "files": [], "source_date_epoch": 7,
            "root_bytes": 1,
            "programs": { "floodway-init": digest, "floodway-node": digest },
            "packages": [{
                "name": "libc6", "version": "2", "architecture": "amd64", "sha256": digest,
            }],
        });
        serde_json::from_value(manifest).unwrap()
    }

    #[test]
    fn the_image_contains_packages_and_programs_and_these_what_is_linked_to_them() {
        let lock = Lock { asked: String::new(), packages: Vec::new() };
        let parts = programs::tests::linked();
        let bill = sbom(&manifest(), &recipe(), &lock, Some(&parts));
        let related = |kind: &str| {
            let all = bill["relationships"].as_array().unwrap().iter();
            let of_kind = all.filter(|one| one["relationshipType"] == kind);
            let ends = of_kind.map(|one| {
                let end = |key: &str| one[key].as_str().unwrap().trim_start_matches("SPDXRef-");
                format!("{} {}", end("spdxElementId"), end("relatedSpdxElement"))
            });
            ends.collect::<Vec<_>>()
        };
        let contained = [
            "Image Package-libc6-amd64",
            "Image Program-floodway-init",
            "Image Program-floodway-node",
        ];
        assert_eq!(related("CONTAINS"), contained);
        let linked = [
            "Program-floodway-init Crate-common-0.1.0",
            "Program-floodway-init Crate-zstd-sys-2.0.1.plus.zstd.1.5.6",
            "Program-floodway-init Library-rust-std-1.95.0",
            "Program-floodway-init Library-glibc-2.36-9.plus.deb12u14",
            "Program-floodway-node Crate-common-0.1.0",
            "Program-floodway-node Crate-zstd-sys-2.0.1.plus.zstd.1.5.6",
            "Program-floodway-node Library-rust-std-1.95.0",
            "Program-floodway-node Library-glibc-2.36-9.plus.deb12u14",
        ];
        assert_eq!(related("STATIC_LINK"), linked);
        let ids: Vec<_> =
            bill["packages"].as_array().unwrap().iter().map(|p| &p["SPDXID"]).collect();
        let described = parts.crates.len() + parts.libraries.len();
        assert_eq!(ids.len(), 1 + contained.len() + described);
        // Whatever is related is described.
        for one in linked.iter().flat_map(|both| both.split(' ')) {
            assert!(ids.iter().any(|id| **id == format!("SPDXRef-{one}")), "{one}: {ids:?}");
        }
    }

    #[test]
    fn a_package_is_of_the_archive_that_it_came_from() {
        let recipe = recipe();
        let locked = |name: &str, url: &str| Locked {
            group: Group::Root,
            name: name.into(),
            version: "1:2+3".into(),
            architecture: "amd64".into(),
            url: url.into(),
            sha256: name.repeat(3),
        };
        let ours = locked("libc6", "http://deb.debian.org/debian/pool/libc6.deb");
        let theirs = locked("driver", "https://vendor.example/repo/driver.deb");
        let package = |of: &Locked| Package {
            name: of.name.clone(),
            version: of.version.clone(),
            architecture: of.architecture.clone(),
            sha256: of.sha256.clone(),
        };
        let lock = Lock { asked: String::new(), packages: vec![ours.clone(), theirs.clone()] };
        let from = |of: &Locked| Origin::of(&package(of), &recipe, &lock);
        let (ours, theirs) = (from(&ours), from(&theirs));
        assert_eq!(ours.locator, "pkg:deb/debian/libc6@1%3A2%2B3?arch=amd64&distro=bookworm");
        assert_eq!((ours.supplier.as_str(), ours.url.is_some()), ("Organization: Debian", true));
        let locator = "pkg:deb/cuda/driver@1%3A2%2B3?arch=amd64&\
                       repository_url=https%3A//vendor.example/repo";
        assert_eq!(
            (theirs.locator.as_str(), theirs.supplier.as_str()),
            (locator, "Organization: cuda")
        );
    }
}
