//! The unified kernel image: kernel, initrd and command line as one UEFI program,
//! which can be signed as one.

use super::verity::Opening;
use super::{Workshop, fetch};
use crate::build::command::Run;
use crate::build::error::Error;
use crate::build::hash::{self, Key};
use crate::build::lock::{Group, Lock};
use crate::build::make::Signing;
use crate::build::recipe::Recipe;
use crate::build::{files, store::Made};

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
        key = key.with("key", hash::of_file(&signing.key)?);
        key = key.with("certificate", hash::of_file(&signing.certificate)?);
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
        let mut run = Run::new("objcopy").within(scratch.path());
        // Else it writes down when it ran.
        run = run.arg("--preserve-dates");
        for (section, file, at) in SECTIONS {
            run = run.arg("--add-section").arg(format!("{section}={file}"));
            run = run.arg("--change-section-vma").arg(format!("{section}={at:#x}"));
        }
        run.arg(STUB).arg(&whole).run()?;
        if let Some(signing) = signing {
            let unsigned = folder.join("unsigned.efi");
            std::fs::rename(&whole, &unsigned).map_err(|e| Error::file("rename", &whole, e))?;
            Run::new("sbsign")
                .args(["--key".as_ref(), signing.key.as_os_str()])
                .args(["--cert".as_ref(), signing.certificate.as_os_str()])
                .args(["--output".as_ref(), whole.as_os_str()])
                .arg(&unsigned)
                .run()?;
            std::fs::remove_file(&unsigned).map_err(|e| Error::file("remove", &unsigned, e))?;
        }
        files::write(&folder.join("cmdline"), cmdline.as_bytes())?;
        // For a BIOS, out of the same packages.
        let loader = scratch.path().join("usr/lib/syslinux/mbr/gptmbr.bin");
        files::copy(&loader, &folder.join("gptmbr.bin"))
    })
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
