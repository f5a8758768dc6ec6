use super::*;

const SOURCE: &str = "nvidia-kernel-dkms";

fn offers(all: &[(&str, &[&str])]) -> Vec<Offer> {
    let of = |package: &str, version: &str| Offer {
        package: package.to_owned(),
        version: version.to_owned(),
    };
    let all = all.iter().flat_map(|(package, versions)| {
        versions.iter().map(move |version| of(package, version)).collect::<Vec<_>>()
    });
    all.collect()
}

fn locked(group: Group, name: &str, version: &str) -> Locked {
    Locked {
        group,
        name: name.to_owned(),
        version: version.to_owned(),
        architecture: "amd64".to_owned(),
        url: format!("http://deb.example/{name}.deb"),
        sha256: "a".repeat(64),
    }
}

#[test]
fn a_version_is_the_makers_own_and_a_branch_is_its_beginning() {
    for (version, own) in [
        ("535.261.03-1~deb12u1", "535.261.03"),
        ("535.309.01-0+deb12u1", "535.309.01"),
        ("535.309.01+ds1-2", "535.309.01"),
        ("1:580.65.06-1", "580.65.06"),
        ("580.65.06", "580.65.06"),
    ] {
        assert_eq!(number(version), own);
    }
    for branch in ["580", "580.65", "580.65.06"] {
        assert!(is_of("1:580.65.06-1", branch), "{branch}");
    }
    for branch in ["58", "580.6", "5", "580.65.06.1", "65"] {
        assert!(!is_of("1:580.65.06-1", branch), "{branch}");
    }
}

#[test]
fn a_locks_driver_has_the_makers_version() {
    let library = locked(Group::Root, "libcuda1", "535.261.03-1");
    let lock = [library, locked(Group::Driver, SOURCE, "535.309.01-0+deb12u1")];
    assert_eq!(version(&lock), Some("535.309.01"));
    assert_eq!(version(&lock[..1]), None);
}

#[test]
fn of_a_branch_it_is_the_newest_version_of_which_all_is_there() {
    let offered = offers(&[
        (SOURCE, &["580.1.02-1", "535.3.01-1", "535.2.01-1", "535.1.05-1"]),
        ("libcuda1", &["580.1.02-1", "535.2.01-0+deb12u1", "535.1.05-1"]),
        // It is Debian's own build, of whatever was the newest then.
        ("nvidia-persistenced", &["535.0.99-1"]),
        ("nvidia-container-toolkit", &["1.17.8-1"]),
    ]);
    let parts = ["libcuda1", "nvidia-persistenced", "nvidia-container-toolkit", "not-there"];
    let picked = |branch: &str, parts: &[&str]| pick(SOURCE, branch, parts, &offered);
    assert_eq!(picked("535", &parts), Some("535.2.01-1"));
    assert_eq!(picked("535", &[]), Some("535.3.01-1"));
    assert_eq!(picked("535.1", &parts), Some("535.1.05-1"));
    assert_eq!(picked("580", &parts), Some("580.1.02-1"));
    // What is missing is told by name later on.
    assert_eq!(picked("535.3", &parts), Some("535.3.01-1"));
    assert_eq!(picked("570", &parts), None);
}

#[test]
fn a_part_of_another_version_than_the_modules_is_told_with_both() {
    let driver = locked(Group::Driver, SOURCE, "535.309.01-0+deb12u1");
    for (name, version) in [
        ("libcuda1", "535.261.03-1"),
        ("libnvidia-ml1", "580.65.06-1"),
        ("nvidia-smi", "535.309.02-0+deb12u1"),
        ("firmware-nvidia-gsp", "535.261.03-1"),
        ("libnvcuvid1", "535.261.03-1"),
    ] {
        let lock = [driver.clone(), locked(Group::Root, name, version)];
        let said = odd(&lock).unwrap_or_else(|| panic!("{name} {version} was taken"));
        let expected = format!(
            "{name} is of version {}, and the modules of {SOURCE} are of 535.309.01, which take \
             no other's",
            number(version)
        );
        assert_eq!(said, expected);
        assert_eq!(odd(&lock[1..]), None, "there is no driver");
    }
}

#[test]
fn what_is_not_of_the_driver_may_have_any_version() {
    let mut lock = vec![locked(Group::Driver, SOURCE, "535.309.01-0+deb12u1")];
    for (name, version) in [
        ("libcuda1", "535.309.01-1"),
        ("nvidia-persistenced", "535.171.04-1~deb12u1"),
        ("nvidia-support", "20220217+3~deb12u1"),
        ("glx-alternative-nvidia", "1.2.2"),
        ("libnvidia-container1", "1.17.8-1"),
        ("libcudart11.0", "11.8.89~11.8.0-5"),
        ("cuda-compat-12-8", "570.124.06-0"),
        ("systemd", "252.39-1~deb12u1"),
    ] {
        lock.push(locked(Group::Root, name, version));
    }
    // It builds, and is in no image.
    lock.push(locked(Group::Toolchain, "libcuda1", "535.261.03-1"));
    assert_eq!(odd(&lock), None);
}

#[test]
fn firmware_may_be_in_any_package_of_the_image_that_is_named_so_or_in_a_file_of_the_recipe() {
    let package = |group, name: &str| vec![locked(group, name, "535.309.01-1")];
    for name in ["firmware-nvidia-gsp", "nvidia-firmware-535", "vendor-driver-gsp"] {
        assert!(may_hold_firmware(&package(Group::Root, name), &[]), "{name}");
        assert!(!may_hold_firmware(&package(Group::Toolchain, name), &[]), "{name}");
    }
    assert!(!may_hold_firmware(&package(Group::Root, "libcuda1"), &[]));
    let file = |path: &str| ExtraFile {
        path: path.to_owned(),
        text: None,
        source: Some("gsp.bin".to_owned()),
        mode: "0644".to_owned(),
    };
    let put = |path: &str| may_hold_firmware(&[], &[file(path)]);
    assert!(put("/usr/lib/firmware/nvidia/535.309.01/gsp_ga10x.bin"));
    assert!(!put("/etc/modules-load.d/nvidia.conf"));
}
