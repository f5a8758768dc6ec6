//! The small image with a vendor's package in it: the real packages of Debian, and no
//! program of Floodway's that would run.

use super::somebody::Somebody;
use super::{DATA, Place, TOOL, repository, vendor};
use crate::support::repository::Said;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const BUILD: [&str; 6] = ["image", "build", "./small.toml", "--programs", "programs", "--no-boot"];

/// Where a user's packages are kept, which a second run of the tests need not fetch.
fn fetched() -> PathBuf {
    let of = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let cache = of("XDG_CACHE_HOME").or_else(|| Some(of("HOME")?.join(".cache")));
    cache.unwrap().join("floodway/images/packages")
}

/// The image's own name.
fn digest(said: &Said) -> String {
    said.out.lines().next().unwrap().to_owned()
}

#[test]
fn a_vendors_package_is_in_the_image_which_is_the_same_when_a_user_builds_it() {
    let (vendor, pin) = vendor();
    let place = Place::new(&vendor);
    let small = Path::new(env!("CARGO_MANIFEST_DIR")).join("node-image/images/small.toml");
    let small = fs::read_to_string(small).unwrap();
    let include = format!("include = [\"{}\"]", TOOL.name);
    place.write("small.toml", small.replace("include = []", &include) + &repository(&vendor, &pin));
    place.run(&["image", "lock", "./small.toml"]).exits(0);
    let built = place.run(&[&BUILD[..], &["--out", "out"]].concat()).exits(0);
    let manifest: Value = serde_json::from_str(&place.read("out/manifest.json")).unwrap();
    for package in [TOOL, DATA] {
        let is_it = |found: &&Value| found["name"] == package.name;
        let found = manifest["packages"].as_array().unwrap().iter().find(is_it).unwrap();
        assert_eq!(found["version"], package.version);
        for (path, text) in package.files {
            let path = format!("/{path}");
            let is_it = |file: &&Value| file["path"] == *path;
            let file = manifest["files"].as_array().unwrap().iter().find(is_it).unwrap();
            assert_eq!(file["bytes"], text.len());
        }
    }

    // Nobody knows what is in programs that were given.
    let bill: Value = serde_json::from_str(&place.read("out/sbom.spdx.json")).unwrap();
    let links = bill["relationships"].as_array().unwrap().iter();
    let links: Vec<_> = links.filter(|one| one["relationshipType"] == "STATIC_LINK").collect();
    assert_eq!(links.len(), 3);
    assert!(links.iter().all(|one| one["relatedSpdxElement"] == "NOASSERTION"), "{links:?}");

    let Some(somebody) = Somebody::new(true) else { return };
    for name in ["small.toml", "small.lock", "vendor.asc", "programs"] {
        somebody.give(&place.path(name));
    }
    let lock = place.read("small.lock");
    let digests = lock.lines().filter_map(|line| line.strip_prefix("sha256 = "));
    let files = digests.map(|digest| fetched().join(format!("{}.deb", digest.trim_matches('"'))));
    somebody.give_packages(files);
    let of_user = somebody.run(&[&BUILD[..], &["--out", "out"]].concat()).exits(0);
    assert_eq!(digest(&of_user), digest(&built));
    assert!(somebody.has_nothing_of_others(), "what he cannot remove is left in his home");
}

#[test]
fn who_may_not_be_root_in_a_namespace_is_told_the_one_command_that_lets_him() {
    let Some(somebody) = Somebody::new(false) else { return };
    let small = Path::new(env!("CARGO_MANIFEST_DIR")).join("node-image/images");
    for name in ["small.toml", "small.lock"] {
        somebody.give(&small.join(name));
    }
    let said = somebody.run(&[&BUILD[..], &["--out", "out"]].concat()).exits(12);
    said.says("you are not root, and cannot be it in a user namespace: /etc/subuid gives")
        .says("help: give them: sudo usermod --add-subuids 100000-165535")
        .says(&format!("--add-subgids 100000-165535 {}", Somebody::NAME));
}
