use super::*;
use crate::card::{Blob, BootMode, File, Package, SCHEMA};

fn manifest() -> Manifest {
    Manifest {
        schema: SCHEMA,
        name: "x".into(),
        recipe: String::new(),
        lock: String::new(),
        disk: Blob { sha256: "a".repeat(64), bytes: 100 },
        root_hash: String::new(),
        kernel: "6.1.0-1".into(),
        driver: None,
        boot_modes: vec![BootMode::Uefi],
        signed: false,
        programs: BTreeMap::new(),
        packages: ["bash", "gone"].map(package).to_vec(),
        files: vec![file("/a", "0123456789abcdef")],
        regions: Vec::new(),
        source_date_epoch: 0,
        root_bytes: 50,
    }
}

fn package(name: &str) -> Package {
    let [version, architecture, sha256] = ["1", "amd64", ""].map(String::from);
    Package { name: name.into(), version, architecture, sha256 }
}

fn file(path: &str, content: &str) -> File {
    File { path: path.into(), mode: "-rw-r--r--".into(), bytes: 3, content: content.into() }
}

#[test]
fn an_image_does_not_differ_from_itself() {
    assert!(diff(&manifest(), &manifest()).is_empty());
}

#[test]
fn what_came_what_went_and_what_changed_is_told() {
    let before = manifest();
    let mut after = manifest();
    after.packages = vec![Package { version: "2".into(), ..package("bash") }, package("new")];
    after.files = vec![file("/a", "fedcba9876543210"), file("/b", "-> /a")];
    after.kernel = "6.1.0-2".into();
    after.disk.bytes = 120;
    let found = diff(&before, &after);
    let versions =
        |listed: &Listed| (listed.name.clone(), listed.before.clone(), listed.after.clone());
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        found.packages.iter().map(versions).collect::<Vec<_>>(),
        [
            ("bash".into(), some("1"), some("2")),
            ("gone".into(), some("1"), None),
            ("new".into(), None, some("1")),
        ]
    );
    assert_eq!(found.kernel, Some(("6.1.0-1".into(), "6.1.0-2".into())));
    assert_eq!(found.files[0].before, some("-rw-r--r-- 3 0123456789ab"));
    assert_eq!(found.files[1].after, some("-rw-r--r-- 3 -> /a"));
    assert_eq!(found.bytes, (100, 120));
    assert!(!found.is_empty());
}
