//! What runs the machine: KVM only where it has run something. `/dev/kvm` may be
//! there and its machines stand still, as they do in some machines that are virtual
//! themselves.

use super::error::Error;
use super::options::Accelerator;
use super::tools::Tools;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// How long the smallest machine may take: it needs a tenth of this.
const PATIENCE: Duration = Duration::from_secs(3);
/// What it says to QEMU, and how QEMU ends then: `value << 1 | 1`.
const VALUE: u8 = 0x31;
const ENDS_WITH: i32 = 0x63;
/// Where it says it.
const PORT: u8 = 0xf4;

/// What runs the machine, and why it is not KVM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) kvm: bool,
    pub(super) why: Option<String>,
}

/// Tries KVM where it is wanted.
///
/// # Errors
/// It is demanded and does not work.
pub(super) async fn choose(tools: &Tools, wanted: Accelerator) -> Result<Chosen, Error> {
    if wanted == Accelerator::Emulated {
        return Ok(Chosen { kvm: false, why: None });
    }
    match (runs(tools, "kvm").await?, wanted) {
        (Ok(()), _) => Ok(Chosen { kvm: true, why: None }),
        (Err(why), Accelerator::Kvm) => Err(Error::NoKvm(why)),
        (Err(why), _) => Ok(Chosen { kvm: false, why: Some(why) }),
    }
}

/// Whether a machine of this accelerator runs a boot sector; where not, why.
///
/// # Errors
/// It cannot be tried.
async fn runs(tools: &Tools, accelerator: &str) -> Result<Result<(), String>, Error> {
    if accelerator == "kvm" && !Path::new("/dev/kvm").exists() {
        return Ok(Err("there is no /dev/kvm".to_owned()));
    }
    let failed = |error| Error::host("make a boot sector", error);
    let folder = tempfile::Builder::new().prefix("floodway-boot-").tempdir().map_err(failed)?;
    std::fs::write(folder.path().join("sector"), sector()).map_err(failed)?;
    let device = format!("isa-debug-exit,iobase={PORT:#x},iosize=0x1");
    let run = tools
        .machine()
        .current_dir(folder.path())
        .args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"])
        .args(["-machine", "pc", "-m", "16", "-accel", accelerator, "-device", &device])
        .args(["-drive", "file=sector,format=raw,if=floppy,readonly=on"])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(PATIENCE, run).await {
        Err(_) => Ok(Err(format!("a boot sector does not run within {PATIENCE:?}"))),
        Ok(Err(error)) => Err(Error::host("start QEMU", error)),
        Ok(Ok(ended)) if ended.status.code() == Some(ENDS_WITH) => Ok(Ok(())),
        Ok(Ok(ended)) => {
            let said = String::from_utf8_lossy(&ended.stderr);
            Ok(Err(format!("a boot sector does not run ({}): {}", ended.status, said.trim())))
        }
    }
}

/// Says [`VALUE`] at [`PORT`] and halts.
fn sector() -> [u8; 512] {
    let mut sector = [0; 512];
    // mov al, VALUE; out PORT, al; hlt
    sector[..5].copy_from_slice(&[0xb0, VALUE, 0xe6, PORT, 0xf4]);
    sector[510..].copy_from_slice(&[0x55, 0xaa]);
    sector
}

#[cfg(test)]
mod tests {
    use super::super::tools::find;
    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(future)
    }

    /// A QEMU of which only the end matters.
    fn fake(script: &str) -> (tempfile::TempDir, Tools) {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let qemu = folder.path().join("qemu");
        std::fs::write(&qemu, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&qemu, std::fs::Permissions::from_mode(0o755)).unwrap();
        let setpriv = find("setpriv", "util-linux").unwrap();
        (folder, Tools { qemu: qemu.clone(), qemu_img: qemu.clone(), bash: qemu, setpriv })
    }

    #[test]
    fn what_ran_the_sector_works() {
        let (_folder, tools) = fake("test -s sector && exit 99");
        assert_eq!(run(runs(&tools, "any")).unwrap(), Ok(()));
    }

    #[test]
    fn what_ends_otherwise_does_not_work_and_says_why() {
        let (_folder, tools) = fake("echo 'no such accelerator' >&2; exit 1");
        let why = run(runs(&tools, "any")).unwrap().unwrap_err();
        assert!(why.contains("no such accelerator"), "{why}");
        let (_folder, tools) = fake("exit 0");
        assert!(run(runs(&tools, "any")).unwrap().is_err(), "to end is not to have run");
    }

    #[test]
    fn what_stands_still_does_not_work() {
        let (_folder, tools) = fake("exec sleep 60");
        let why = run(runs(&tools, "any")).unwrap().unwrap_err();
        assert!(why.contains("within"), "{why}");
    }

    #[test]
    fn emulation_needs_no_try() {
        let (_folder, tools) = fake("exit 1");
        let chosen = run(choose(&tools, Accelerator::Emulated)).unwrap();
        assert_eq!(chosen, Chosen { kvm: false, why: None });
    }
}
