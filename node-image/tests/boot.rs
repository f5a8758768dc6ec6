//! The boot test against boot sectors of a few bytes, which need no image: how a
//! machine ends is told, the time limit holds, and nothing is left behind.
#![cfg(feature = "boot")]
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

#[path = "boot/sector.rs"]
mod sector;

use node_image::boot::{Accelerator, Bus, Error, Failure, Options, Progress, Report, Rig, boot};
use node_image::card::BootMode;
use sector::Sector;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn options() -> Options {
    Options {
        boot_mode: BootMode::LegacyBios,
        accelerator: Accelerator::Emulated,
        memory_mib: 64,
        limit: Duration::from_secs(180),
        ..Options::default()
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

fn disk(folder: &Path, sector: Sector) -> PathBuf {
    let disk = folder.join("disk.raw");
    std::fs::write(&disk, sector.bytes()).unwrap();
    disk
}

/// Boots the sector; what came of it, and what was told on the way.
fn booted(sector: Sector, options: &Options) -> (Result<Report, Error>, Vec<Progress>) {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk(folder.path(), sector);
    let before = std::fs::read(&disk).unwrap();
    let told = RefCell::new(Vec::new());
    let result = run(boot(&disk, options, |progress| told.borrow_mut().push(progress)));
    assert_eq!(std::fs::read(&disk).unwrap(), before, "the disk is never written to");
    (result, told.into_inner())
}

fn failure(result: Result<Report, Error>) -> Failure {
    match result {
        Err(Error::Boot(failure)) => *failure,
        other => panic!("{other:?}"),
    }
}

fn process_of(told: &[Progress]) -> PathBuf {
    let id = told.iter().find_map(|progress| match progress {
        Progress::Started(id) => Some(*id),
        _ => None,
    });
    Path::new("/proc").join(id.unwrap().to_string())
}

#[test]
fn a_machine_that_powers_off_without_a_word_of_its_probe_has_failed() {
    for bus in [Bus::Nvme, Bus::Virtio] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("console.log");
        let options = Options { bus, console: Some(file.clone()), ..options() };
        let (result, told) = booted(Sector::default().say("HELLO").power_off(), &options);
        assert!(told.contains(&Progress::Line("HELLO".to_owned())), "{told:?}");
        assert_eq!(
            told.first(),
            Some(&Progress::Accelerator(Accelerator::Emulated, None)),
            "nothing else was asked for"
        );
        let failure = failure(result);
        assert!(failure.why.contains("powered off"), "{failure:?}");
        assert!(failure.console.iter().any(|line| line == "HELLO"), "{failure:?}");
        assert_eq!(failure.requests, 0);
        assert!(std::fs::read_to_string(file).unwrap().contains("HELLO"));
        assert!(!process_of(&told).exists());
    }
}

#[test]
fn a_second_start_finds_what_the_first_has_written_on_a_volume_that_may_have_grown() {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk(folder.path(), Sector::default().say("START 1").count().power_off());
    let before = std::fs::read(&disk).unwrap();
    let options = Options { bus: Bus::Virtio, ..options() };
    let tell = |_: Progress| ();
    run(async {
        let mut rig = Rig::set_up(&disk, &options, &tell).await.unwrap();
        for said in ["START 1", "START 2"] {
            let failure = failure(rig.start(&tell).await);
            assert!(failure.console.iter().any(|line| line == said), "{said}: {failure:?}");
            rig.grow(1).await.unwrap();
        }
    });
    assert_eq!(std::fs::read(&disk).unwrap(), before, "the disk is never written to");
}

#[test]
fn a_machine_that_restarts_has_failed() {
    let failure = failure(booted(Sector::default().restart(), &options()).0);
    assert!(failure.why.contains("restarted"), "{failure:?}");
}

#[test]
fn a_panic_ends_the_test_at_once() {
    let start = Instant::now();
    let panic = "Kernel panic - not syncing: no root";
    let (result, told) = booted(Sector::default().say(panic).hang(), &options());
    assert_eq!(failure(result).why, "the kernel panicked: no root");
    assert!(start.elapsed() < options().limit);
    assert!(!process_of(&told).exists());
}

#[test]
fn what_the_initrd_says_is_why() {
    let said = "[    1.5] floodway-init: verity: x; the machine powers off";
    let failure = failure(booted(Sector::default().say(said).power_off(), &options()).0);
    assert_eq!(failure.why, "verity: x; the machine powers off");
}

#[test]
fn a_machine_that_hangs_is_ended_at_the_time_limit() {
    let limit = Duration::from_secs(2);
    let start = Instant::now();
    let (result, told) = booted(Sector::default().hang(), &Options { limit, ..options() });
    let failure = failure(result);
    assert!(failure.why.contains("time limit"), "{failure:?}");
    assert!(failure.after >= limit && start.elapsed() < Duration::from_secs(60));
    assert!(!process_of(&told).exists());
}

#[test]
fn a_test_that_is_dropped_ends_its_machine() {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk(folder.path(), Sector::default().say("HELLO").hang());
    let told = RefCell::new(Vec::new());
    let options = options();
    run(async {
        let tell = |progress| told.borrow_mut().push(progress);
        let hello = async {
            while !told.borrow().contains(&Progress::Line("HELLO".to_owned())) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            ended = boot(&disk, &options, tell) => panic!("{ended:?}"),
            () = hello => (),
        }
        // It is reaped by the runtime, in its own time.
        let process = process_of(&told.borrow());
        while process.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
}

#[test]
fn an_empty_disk_boots_nowhere() {
    let empty = Sector::default().without_mark();
    let (result, told) = booted(empty, &options());
    assert_eq!(failure(result).why, "the firmware finds nothing to start", "{told:?}");
    let uefi = Options { boot_mode: BootMode::Uefi, memory_mib: 256, ..options() };
    let (result, told) = booted(Sector::default().hang(), &uefi);
    assert_eq!(failure(result).why, "the firmware finds nothing to start", "{told:?}");
}

#[test]
fn kvm_is_believed_when_it_has_run_something() {
    let auto = Options { accelerator: Accelerator::Auto, ..options() };
    let (result, told) = booted(Sector::default().say("HELLO").power_off(), &auto);
    // Whatever was chosen, it runs.
    assert!(failure(result).console.iter().any(|line| line == "HELLO"));
    let kvm = Options { accelerator: Accelerator::Kvm, ..options() };
    let (result, _) = booted(Sector::default().power_off(), &kvm);
    match told.first() {
        Some(Progress::Accelerator(Accelerator::Kvm, None)) => {
            assert!(failure(result).why.contains("powered off"));
        }
        Some(Progress::Accelerator(Accelerator::Emulated, Some(why))) => {
            let error = result.unwrap_err();
            assert!(matches!(&error, Error::NoKvm(_)), "{why}: {error}");
            assert!(error.help().is_some());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_cannot_be_tested_is_refused_before_anything_starts() {
    let refused = |disk: &Path, options: &Options| {
        let told = RefCell::new(0);
        let error = run(boot(disk, options, |_| *told.borrow_mut() += 1)).unwrap_err();
        assert_eq!(*told.borrow(), 0);
        error.to_string()
    };
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere.raw");
    assert!(refused(&nowhere, &options()).contains("nowhere.raw"));
    let large = folder.path().join("large.raw");
    std::fs::File::create(&large).unwrap().set_len((1 << 30) + 512).unwrap();
    let small = Options { volume_gib: Some(1), ..options() };
    assert!(refused(&large, &small).contains("it takes 2"));
    let secure = Options { secure_boot: Some("x.pem".into()), ..options() };
    assert!(refused(&large, &secure).contains("UEFI only"));
    let certificate = folder.path().join("x.pem");
    std::fs::write(&certificate, "nothing").unwrap();
    let secure = Options { boot_mode: BootMode::Uefi, secure_boot: Some(certificate), ..options() };
    assert!(refused(&large, &secure).contains("no certificate"));
}
