use super::super::imds::{INSTANCE_ID, LIFECYCLE_STATE, SPOT_NOTICE, USER_DATA};
use super::*;
use crate::card::{Blob, BootMode, Driver, Manifest};
use crate::facts::{Gpu, Socket, Target, Write};
use serde_json::json;
use std::path::PathBuf;

fn off() -> PowerOff {
    PowerOff { reason: Some("guest-shutdown".to_owned()), exit_code: Some(0), took_seconds: 1.0 }
}

/// One that has given all that the agent asks for.
fn asked() -> Imds {
    let imds = Imds::default();
    imds.ask(&[INSTANCE_ID, LIFECYCLE_STATE, SPOT_NOTICE, USER_DATA]);
    imds
}

/// What there is to judge of a first start.
fn evidence<'e>(
    options: &'e Options,
    facts: &'e Facts,
    imds: &'e Imds,
    power_off: &'e PowerOff,
) -> Evidence<'e> {
    let (before, volume_gib): (&[Facts], _) = (&[], options.volume_gib);
    let wall_seconds = 1_800_000_000.0;
    Evidence { options, facts, before, volume_gib, imds, wall_seconds, kvm: false, power_off }
}

fn judge(options: &Options, facts: &Facts, imds: &Imds, power_off: &PowerOff) -> Vec<Check> {
    checks(&evidence(options, facts, imds, power_off))
}

fn names_of_failed(checks: Vec<Check>) -> Vec<String> {
    checks.into_iter().filter(|check| !check.passed).map(|check| check.name).collect()
}

/// The names of the checks that fail, with `change`d facts.
fn failed(options: &Options, change: impl FnOnce(&mut Facts)) -> Vec<String> {
    let mut facts = samples::facts();
    change(&mut facts);
    names_of_failed(judge(options, &facts, &asked(), &off()))
}

/// The same of the second start, on the volume that the first one has left, grown to
/// 12 GiB.
fn failed_again(options: &Options, change: impl FnOnce(&mut Facts)) -> Vec<String> {
    let before = [samples::facts()];
    let mut facts = samples::facts();
    facts.boot_id = "0e0f6c0e-52a2-4a5d-8c3e-d1f1b9a10002".to_owned();
    facts.starts_before = Ok(vec![before[0].boot_id.clone()]);
    facts.machine_id = Ok("1af1b2be2de946038a4d3e9d28de6738".to_owned());
    let volume = facts.volume.as_mut().unwrap();
    for bytes in [
        &mut volume.bytes,
        &mut volume.table_end,
        &mut volume.var_end,
        &mut volume.var_bytes,
        &mut volume.files_bytes,
    ] {
        *bytes += 4 << 30;
    }
    change(&mut facts);
    let volume_gib = options.volume_gib.map(|gib| gib + 4);
    let (imds, off) = (asked(), off());
    let first = evidence(options, &facts, &imds, &off);
    names_of_failed(checks(&Evidence { before: &before, volume_gib, ..first }))
}

fn manifest() -> Manifest {
    Manifest {
        schema: 1,
        name: "small".to_owned(),
        recipe: String::new(),
        lock: String::new(),
        disk: Blob { sha256: String::new(), bytes: 0 },
        root_hash: "00ff".to_owned(),
        kernel: "6.1.0-56-cloud-amd64".to_owned(),
        driver: None,
        boot_modes: vec![BootMode::Uefi],
        signed: false,
        programs: Default::default(),
        packages: Vec::new(),
        files: Vec::new(),
        regions: Vec::new(),
        source_date_epoch: 0,
        root_bytes: 0,
    }
}

#[test]
fn an_image_that_is_as_it_must_be_passes() {
    let options = Options { expected: Some(manifest()), ..Options::default() };
    assert_eq!(failed(&options, |_| ()), [""; 0]);
    let names: Vec<_> = judge(&options, &samples::facts(), &asked(), &off())
        .into_iter()
        .map(|check| check.name)
        .collect();
    let without = ["gpu", "secure-boot", "kept"];
    assert!(!names.iter().any(|name| without.contains(&name.as_str())), "{names:?}");
    assert_eq!(names.len(), CHECKS.len() - without.len());
}

#[test]
fn each_fault_fails_its_own_check() {
    let options = Options::default();
    let target = |kind: &str, status: &str| {
        Ok(vec![Target { kind: kind.into(), table: String::new(), status: status.into() }])
    };
    type Change = Box<dyn FnOnce(&mut Facts)>;
    let faults: Vec<(&str, Change)> = vec![
        ("firmware", Box::new(|f| f.uefi = false)),
        ("verity", Box::new(|f| f.root = Err("no such device".into()))),
        ("verity", Box::new(move |f| f.root = target("linear", ""))),
        ("verity", Box::new(move |f| f.root = target("verity", "C"))),
        ("root", Box::new(|f| drop(f.writes.insert("/usr".into(), Write::Done)))),
        ("etc", Box::new(|f| drop(f.mounts.as_mut().unwrap().remove("/etc")))),
        ("etc", Box::new(|f| drop(f.writes.insert("/etc".into(), Write::ReadOnly)))),
        (
            "var",
            Box::new(|f| {
                f.mounts.as_mut().unwrap().get_mut("/var").unwrap().kind = "tmpfs".into();
            }),
        ),
        ("volume", Box::new(|f| f.volume = Err("/sys/dev/block/0:31: not there".into()))),
        ("volume", Box::new(|f| f.volume.as_mut().unwrap().bytes -= 512)),
        ("volume", Box::new(|f| f.volume.as_mut().unwrap().table_end = 143_654_912)),
        ("volume", Box::new(|f| f.volume.as_mut().unwrap().var_end -= 1 << 20)),
        ("volume", Box::new(|f| f.volume.as_mut().unwrap().files_bytes -= 1 << 30)),
        ("modules", Box::new(|f| drop(f.modules.insert("ena".into(), Err("no".into()))))),
        ("clock", Box::new(|f| f.wall_seconds += 6.0)),
        ("entropy", Box::new(|f| f.random = Err("would block".into()))),
        ("units", Box::new(|f| f.failed_units = Ok(vec!["a.service".into()]))),
        ("units", Box::new(|f| f.started = Err("still to start: b.service".into()))),
        ("kernel-log", Box::new(|f| f.complaints = Ok(vec!["Oops: 0000 [#1]".into()]))),
        ("machine-id", Box::new(|f| f.machine_id_built = f.machine_id.clone())),
        ("machine-id", Box::new(|f| f.machine_id = Ok("uninitialized".into()))),
        ("login", Box::new(|f| f.logins = Ok(vec!["agetty".into()]))),
        ("login", Box::new(|f| f.host_keys = vec!["/etc/ssh/ssh_host_rsa_key".into()])),
        (
            "ports",
            Box::new(|f| {
                f.listens.as_mut().unwrap().push(Socket {
                    protocol: "tcp".into(),
                    address: "::".parse().unwrap(),
                    port: 43605,
                });
            }),
        ),
        (
            "ports",
            Box::new(|f| {
                f.listens.as_mut().unwrap().push(Socket {
                    protocol: "udp".into(),
                    address: "0.0.0.0".parse().unwrap(),
                    port: 5355,
                });
            }),
        ),
        ("agent", Box::new(|f| f.agent.readyz = Ok(503))),
        ("agent", Box::new(|f| f.agent.status.as_mut().unwrap()["instance"] = json!("i-1"))),
        ("notices", Box::new(|f| f.agent.status.as_mut().unwrap()["notice"] = json!(null))),
        ("notices", Box::new(|f| f.agent.status.as_mut().unwrap()["identity"] = json!({}))),
    ];
    for (number, (name, change)) in faults.into_iter().enumerate() {
        assert_eq!(failed(&options, change), [name], "fault {number}");
    }
}

#[test]
fn what_ext4_takes_of_a_small_partition_for_itself_is_not_missing() {
    let of = |mib: u64| {
        failed(&Options::default(), |f| {
            let volume = f.volume.as_mut().unwrap();
            (volume.var_bytes, volume.files_bytes) = (100 << 20, mib << 20);
        })
    };
    assert_eq!(of(88), [""; 0]);
    assert_eq!(of(66), ["volume"]);
}

#[test]
fn a_second_start_finds_what_the_first_has_left_and_the_room_that_was_added() {
    let options = Options::default();
    assert_eq!(failed_again(&options, |_| ()), [""; 0]);
    let old = samples::facts;
    let old_volume = old().volume.unwrap();
    type Change = Box<dyn FnOnce(&mut Facts)>;
    let faults: Vec<(&str, Change)> = vec![
        ("kept", Box::new(|f| f.starts_before = Ok(vec![]))),
        ("kept", Box::new(|f| f.starts_before.as_mut().unwrap().push("another".into()))),
        ("kept", Box::new(|f| f.starts_before = Err("/var/lib: read-only".into()))),
        ("machine-id", Box::new(move |f| f.machine_id = old().machine_id)),
        ("volume", Box::new(move |f| f.volume = Ok(old_volume))),
        (
            "volume",
            Box::new(move |f| f.volume.as_mut().unwrap().files_bytes = old_volume.files_bytes),
        ),
        ("volume", Box::new(move |f| f.volume.as_mut().unwrap().table_end = old_volume.table_end)),
    ];
    for (number, (name, change)) in faults.into_iter().enumerate() {
        assert_eq!(failed_again(&options, change), [name], "fault {number}");
    }
}

#[test]
fn a_machine_that_did_not_go_off_by_itself_fails() {
    for (reason, exit_code) in [
        (Some("guest-reset"), Some(0)),
        (Some("host-signal"), None),
        (None, Some(0)),
        (Some("guest-shutdown"), Some(1)),
    ] {
        let off = PowerOff { reason: reason.map(str::to_owned), exit_code, took_seconds: 1.0 };
        let checks = judge(&Options::default(), &samples::facts(), &asked(), &off);
        let failed: Vec<_> = checks.iter().filter(|check| !check.passed).collect();
        assert!(matches!(failed.as_slice(), [check] if check.name == "power-off"), "{failed:?}");
    }
}

/// Whether a machine passes that took so many seconds to go off.
fn goes_off(options: &Options, facts: &Facts, kvm: bool, took_seconds: f64) -> bool {
    let (imds, power_off) = (asked(), PowerOff { took_seconds, ..off() });
    let first = evidence(options, facts, &imds, &power_off);
    let checks = checks(&Evidence { kvm, ..first });
    let failed: Vec<_> = checks.iter().filter(|check| !check.passed).collect();
    assert!(failed.iter().all(|check| check.name == "power-off"), "{failed:?}");
    failed.is_empty()
}

#[test]
fn a_machine_that_takes_long_to_go_off_fails() {
    let (options, mut facts) = (Options::default(), samples::facts());
    assert!(goes_off(&options, &facts, false, 60.0) && !goes_off(&options, &facts, false, 60.1));
    assert!(goes_off(&options, &facts, true, 20.0) && !goes_off(&options, &facts, true, 20.1));
    // An agent that can ask its engine need not wait; one that cannot does, by its own clock.
    facts.agent.status.as_mut().unwrap()["engine"] = json!({"ready": true, "load_known": true});
    assert!(!goes_off(&options, &facts, true, 35.0));
    facts.agent.status.as_mut().unwrap()["engine"]["load_known"] = json!(false);
    assert!(goes_off(&options, &facts, true, 35.0) && goes_off(&options, &facts, false, 65.0));
    assert!(!goes_off(&options, &facts, true, 50.1) && !goes_off(&options, &facts, false, 90.1));
}

#[test]
fn a_machine_may_take_the_time_to_go_off_that_it_is_given() {
    let limit = Some(std::time::Duration::from_secs(120));
    let options = Options { power_off_limit: limit, ..Options::default() };
    let facts = samples::facts();
    assert!(goes_off(&options, &facts, true, 119.0) && !goes_off(&options, &facts, true, 121.0));
}

#[test]
fn an_engine_that_finds_no_gpu_is_no_fault_of_the_image() {
    let unready = |why: &str, code| {
        let why = why.to_owned();
        move |f: &mut Facts| {
            f.agent.readyz = Ok(code);
            f.agent.status.as_mut().unwrap()["unready_why"] = json!(why);
        }
    };
    let options = Options::default();
    assert_eq!(failed(&options, unready("the engine is not ready", 503)), [""; 0]);
    assert_eq!(failed(&options, unready("the engine is not ready", 200)), ["agent"]);
    assert_eq!(failed(&options, unready("it takes no new work", 503)), ["agent"]);
}

#[test]
fn a_metadata_service_that_was_asked_without_a_token_or_not_at_all_fails() {
    let imds = asked();
    imds.ask_without_token("/latest/user-data");
    let verdict = |imds: &Imds| {
        let checks = judge(&Options::default(), &samples::facts(), imds, &off());
        checks.into_iter().find(|check| check.name == "imds").unwrap()
    };
    assert!(verdict(&asked()).passed);
    let failed = verdict(&imds);
    assert!(!failed.passed && failed.detail.contains("GET /latest/user-data"), "{failed:?}");
    assert!(!verdict(&Imds::default()).passed);
}

#[test]
fn a_gpu_module_must_find_no_device_and_nothing_worse() {
    let driver = Driver { flavour: "closed".into(), version: "535.309.01".into() };
    let expected = Manifest { driver: Some(driver), ..manifest() };
    let options = Options { expected: Some(expected), ..Options::default() };
    let gpu = |load: Result<(), &str>, log: &str, version: &str| {
        Some(Gpu {
            version: Some(version.to_owned()),
            load: load.map_err(str::to_owned),
            log: vec![log.to_owned()],
        })
    };
    let none = "modprobe: ERROR: could not insert 'nvidia': No such device";
    let (found, version) = ("NVRM: No NVIDIA GPU found.", "535.309.01");
    assert_eq!(failed(&options, |f| f.gpu = gpu(Err(none), found, version)), [""; 0]);
    let vermagic = "could not insert 'nvidia': Exec format error";
    for wrong in [
        None,
        gpu(Ok(()), found, version),
        gpu(Err(vermagic), found, version),
        gpu(Err(none), "nvidia: loading", version),
        gpu(Err(none), found, "580.1"),
    ] {
        assert_eq!(failed(&options, |f| f.gpu = wrong), ["gpu"]);
    }
    let bare = Options { expected: Some(manifest()), ..Options::default() };
    assert_eq!(failed(&bare, |f| f.gpu = gpu(Err(none), found, version)), ["gpu"]);
}

#[test]
fn what_the_manifest_says_is_held_against_what_runs() {
    let expected = Manifest { root_hash: "aa".into(), kernel: "6.1.0-1".into(), ..manifest() };
    let options = Options { expected: Some(expected), ..Options::default() };
    assert_eq!(failed(&options, |_| ()), ["kernel", "verity"]);
}

#[test]
fn secure_boot_that_was_asked_for_must_be_on() {
    let secure_boot = Some(PathBuf::from("certificate.pem"));
    let options = Options { secure_boot, ..Options::default() };
    assert_eq!(failed(&options, |_| ()), ["secure-boot"]);
    assert_eq!(failed(&options, |f| f.secure_boot = true), [""; 0]);
}

#[test]
fn a_volume_without_room_has_its_var_in_memory() {
    let options = Options { volume_gib: None, ..Options::default() };
    let in_memory = |f: &mut Facts| {
        let var = f.mounts.as_mut().unwrap().get_mut("/var").unwrap();
        (var.kind, var.source, var.partition) = ("overlay".into(), "overlay".into(), None);
        f.volume = Err("/sys/dev/block/0:31: No such file".into());
        f.starts_before = Ok(vec![]);
    };
    assert_eq!(failed(&options, in_memory), [""; 0]);
    assert_eq!(failed_again(&options, in_memory), [""; 0]);
    assert_eq!(failed(&Options::default(), in_memory), ["var", "volume"]);
}
