//! The unified kernel image: kernel, initrd and command line as one UEFI program,
//! which can be signed as one.

use super::verity::Opening;
use super::{Workshop, fetch};
use crate::build::command::Run;
use crate::build::error::Error;
use crate::build::hash::{self, Key};
use crate::build::host::SIGNER;
use crate::build::lock::{Group, Lock};
use crate::build::make::Signing;
use crate::build::recipe::Recipe;
use crate::build::{files, store::Made};
use std::path::Path;

/// systemd's stub, which starts the kernel that stands in its sections.
const STUB: &str = "usr/lib/systemd/boot/efi/linuxx64.efi.stub";

/// Where the sections go: as systemd's own tool lays them,
/// <https://uapi-group.org/specifications/specs/unified_kernel_image/>
const SECTIONS: [(&str, &str, u64); 4] = [
    (".osrel", "os-release", 0x0020_0000),
    (".cmdline", "cmdline", 0x0030_0000),
    (".linux", "vmlinuz", 0x0200_0000),
    (".initrd", "initrd", 0x0400_0000),
];

/// `uki.efi`, and its `cmdline`.
pub(in crate::build) fn uki(
    recipe: &Recipe,
    lock: &Lock,
    (kernel, initrd): (&Made, &Made),
    opening: &Opening,
    signing: Option<&Signing>,
    workshop: &Workshop<'_>,
) -> Result<Made, Error> {
    let cmdline = command_line(recipe, opening);
    let mut key = Key::of("uki", 2)
        .with("boot", lock.digests(Group::Boot))
        .with("kernel", &kernel.key)
        .with("initrd", &initrd.key)
        .with("cmdline", &cmdline)
        .with("name", recipe.image.name.as_str());
    key = workshop.host.versions(key, &["objcopy"])?;
    if let Some(signing) = signing {
        key = workshop.host.versions(key, &[SIGNER])?;
        key = key.with("key", hash::of_file(&signing.key)?);
        key = key.with("certificate", hash::of_file(&signing.certificate)?);
        key = key.with("signed at", workshop.epoch.to_string());
    }
    workshop.store.stage("uki", key.finish(), |folder| {
        let scratch = workshop.store.scratch()?;
        for package in fetch::fetch(lock.of(Group::Boot), workshop.store)? {
            Run::new("dpkg-deb").arg("-x").arg(package).arg(scratch.path()).run()?;
        }
        let name = &recipe.image.name;
        let os = format!("ID=floodway\nIMAGE_ID={name}\nPRETTY_NAME=\"Floodway {name}\"\n");
        files::write(&scratch.path().join("os-release"), os)?;
        files::write(&scratch.path().join("cmdline"), &cmdline)?;
        files::copy(&kernel.file("vmlinuz"), &scratch.path().join("vmlinuz"))?;
        files::copy(&initrd.file("initrd"), &scratch.path().join("initrd"))?;
        let whole = folder.join("uki.efi");
        let unsigned = scratch.path().join("unsigned.efi");
        let joined = if signing.is_some() { &unsigned } else { &whole };
        let mut run = Run::new("objcopy").within(scratch.path());
        // Else it writes down when it ran.
        run = run.arg("--preserve-dates");
        for (section, file, at) in SECTIONS {
            run = run.arg("--add-section").arg(format!("{section}={file}"));
            run = run.arg("--change-section-vma").arg(format!("{section}={at:#x}"));
        }
        run.arg(STUB).arg(joined).run()?;
        if let Some(signing) = signing {
            sign(&unsigned, &whole, signing, workshop.epoch)?;
        }
        files::write(&folder.join("cmdline"), cmdline.as_bytes())?;
        // For a BIOS, out of the same packages.
        let loader = scratch.path().join("usr/lib/syslinux/mbr/gptmbr.bin");
        files::copy(&loader, &folder.join("gptmbr.bin"))
    })
}

/// Signs the program `from` as `to`, which is not there yet; the signature bears the time
/// `epoch`, in seconds since 1970, not the clock's.
///
/// That may lie before the certificate's own time: EDK II, which firmware is made of, looks
/// at neither (`X509_V_FLAG_NO_CHECK_TIME` in its `CryptPkcs7VerifyCommon.c`).
fn sign(from: &Path, to: &Path, signing: &Signing, epoch: i64) -> Result<(), Error> {
    Run::new(SIGNER)
        .args(["sign", "-h", "sha256", "-time"])
        .arg(epoch.to_string())
        .args(["-key".as_ref(), signing.key.as_os_str()])
        .args(["-certs".as_ref(), signing.certificate.as_os_str()])
        .args(["-in".as_ref(), from.as_os_str()])
        .args(["-out".as_ref(), to.as_os_str()])
        .run()
        .map(drop)
}

/// What the kernel is told.
fn command_line(recipe: &Recipe, opening: &Opening) -> String {
    let own = [
        &*opening.argument(),
        "console=tty0",
        "console=ttyS0,115200",
        // The partitions are found by the init, and by nobody else.
        "systemd.gpt_auto=0",
        // A byte that was changed stops the machine; it is not to stand there.
        "panic=30",
        // A hypervisor's timer may be late when it is tried, and then no other is.
        "no_timer_check",
        // They look for faults in the kernel's own ciphers, which are the same at each
        // start.
        "cryptomgr.notests",
        // A card is in use before udev would name it anew.
        "net.ifnames=0",
        "quiet",
        "systemd.show_status=0",
    ];
    let all = own.into_iter().chain(recipe.kernel.arguments.iter().map(String::as_str));
    all.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As much of a UEFI program as can be signed: headers without a section.
    fn program() -> Vec<u8> {
        let mut bytes = vec![0; 512];
        let headers: [(usize, &[u8]); 7] = [
            (0, b"MZ"),
            // Where the next one begins; for 64-bit processors of x86; its optional part,
            // which says what kind it is, how long all headers are, and that it has 16
            // directories, one of which is for signatures.
            (0x3c, &[64]),
            (64, b"PE\0\0\x64\x86"),
            (84, &[240]),
            (88, &[0x0b, 0x02]),
            (148, &[0, 2]),
            (196, &[16]),
        ];
        for (at, field) in headers {
            bytes[at..at + field.len()].copy_from_slice(field);
        }
        bytes
    }

    #[test]
    fn a_signature_bears_the_time_that_is_given_and_is_the_same_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let signing = Signing { key: path("key.pem"), certificate: path("certificate.pem") };
        Run::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test"])
            .args(["-keyout".as_ref(), signing.key.as_os_str()])
            .args(["-out".as_ref(), signing.certificate.as_os_str()])
            .run()
            .unwrap();
        std::fs::write(path("unsigned"), program()).unwrap();
        let signed = |name: &str, epoch| {
            sign(&path("unsigned"), &path(name), &signing, epoch).unwrap();
            std::fs::read(path(name)).unwrap()
        };
        // 2020-02-03: before there was the certificate.
        let first = signed("first", 1_580_688_000);
        // As a signature holds it (`UTCTime` of X.690).
        let time = b"\x17\x0d200203000000Z";
        assert!(first.windows(time.len()).any(|bytes| bytes == time));
        assert!(first == signed("second", 1_580_688_000), "made of the same, and not the same");
        assert!(first != signed("third", 1_580_688_001));
    }
}
