//! The volume that the machine starts from: what it writes goes into a file of its
//! own, and the disk that is tested stays as it is.

use super::error::Error;
use super::machine::file;
use super::tools::Tools;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

const GIB: u64 = 1 << 30;
/// How a qcow2 file starts, and where the size of its disk stands in it.
const QCOW2: [u8; 4] = *b"QFI\xfb";
const QCOW2_SIZE: usize = 24;

/// Makes it in `folder`, as large as is asked.
///
/// # Errors
/// The disk cannot be used, or is larger than the volume.
pub(super) async fn make(
    tools: &Tools,
    folder: &Path,
    disk: &Path,
    volume_gib: Option<u32>,
) -> Result<(), Error> {
    let given = |why: String| Error::Given { path: disk.to_owned(), why };
    let whole = disk.canonicalize().map_err(|error| given(error.to_string()))?;
    let (format, bytes) = look(&whole).map_err(|error| given(error.to_string()))?;
    let mut size = None;
    if let Some(gib) = volume_gib {
        let volume = u64::from(gib) * GIB;
        if volume < bytes {
            let needed = bytes.div_ceil(GIB);
            return Err(given(format!(
                "the disk does not fit on a volume of {gib} GiB; it takes {needed}"
            )));
        }
        size = Some(volume.to_string());
    }
    let mut arguments: Vec<OsString> =
        ["create", "-q", "-f", "qcow2", "-F", format, "-b"].map(OsString::from).into();
    arguments.extend([whole.into_os_string(), file::DISK.into()]);
    arguments.extend(size.map(OsString::from));
    qemu_img(tools, folder, arguments).await
}

/// Makes the one in `folder` so large, as somebody does who wants more room. Nothing may
/// use it meanwhile.
///
/// # Errors
/// It cannot be done.
pub(super) async fn grow(tools: &Tools, folder: &Path, volume_gib: u32) -> Result<(), Error> {
    let size = (u64::from(volume_gib) * GIB).to_string();
    let arguments = ["resize", "-q", "-f", "qcow2", file::DISK, size.as_str()].map(OsString::from);
    qemu_img(tools, folder, arguments.into()).await
}

async fn qemu_img(tools: &Tools, folder: &Path, arguments: Vec<OsString>) -> Result<(), Error> {
    let run = Command::new(&tools.qemu_img)
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let run = run.await.map_err(|error| Error::host("start qemu-img", error))?;
    if run.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&run.stderr).trim().to_owned();
    Err(Error::Program { program: "qemu-img", status: run.status.to_string(), said })
}

/// The form of the disk, and its bytes as the machine sees them.
fn look(disk: &Path) -> io::Result<(&'static str, u64)> {
    let mut file = File::open(disk)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::Error::other("this is no file"));
    }
    let mut head = Vec::new();
    file.by_ref().take(64).read_to_end(&mut head)?;
    let size = head.get(QCOW2_SIZE..QCOW2_SIZE + 8).filter(|_| head.starts_with(&QCOW2));
    match size.and_then(|bytes| bytes.try_into().ok()) {
        Some(bytes) => Ok(("qcow2", u64::from_be_bytes(bytes))),
        None if about.len() == 0 => Err(io::Error::other("it is empty")),
        None => Ok(("raw", about.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tools::find;
    use super::*;

    #[test]
    fn a_disk_is_raw_unless_it_says_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let disk = folder.path().join("disk");
        std::fs::write(&disk, [0; 1024]).unwrap();
        assert_eq!(look(&disk).unwrap(), ("raw", 1024));
        let mut qcow2 = vec![0; 64];
        qcow2[..4].copy_from_slice(&QCOW2);
        qcow2[QCOW2_SIZE..QCOW2_SIZE + 8].copy_from_slice(&GIB.to_be_bytes());
        std::fs::write(&disk, qcow2).unwrap();
        assert_eq!(look(&disk).unwrap(), ("qcow2", GIB));
    }

    #[test]
    fn a_volume_is_as_large_as_is_asked_and_may_become_larger() {
        let folder = tempfile::tempdir().unwrap();
        let disk = folder.path().join("disk.raw");
        std::fs::write(&disk, [7; 4096]).unwrap();
        let qemu_img = find("qemu-img", "qemu-utils").unwrap();
        let unused = qemu_img.clone();
        let tools = Tools { qemu_img, qemu: unused.clone(), bash: unused.clone(), setpriv: unused };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let volume = || look(&folder.path().join(file::DISK)).unwrap();
        runtime.block_on(make(&tools, folder.path(), &disk, Some(1))).unwrap();
        assert_eq!(volume(), ("qcow2", GIB));
        runtime.block_on(grow(&tools, folder.path(), 3)).unwrap();
        assert_eq!(volume(), ("qcow2", 3 * GIB));
        let shrunk = runtime.block_on(grow(&tools, folder.path(), 2)).unwrap_err();
        assert!(shrunk.to_string().starts_with("qemu-img failed"), "{shrunk}");
        assert_eq!(std::fs::read(&disk).unwrap(), [7; 4096]);
    }

    #[test]
    fn what_is_no_disk_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(look(folder.path()).is_err());
        let empty = folder.path().join("empty");
        std::fs::write(&empty, "").unwrap();
        assert!(look(&empty).unwrap_err().to_string().contains("empty"));
    }
}
