//! `/var` on its own partition: made on the first boot, kept from then on.

use super::console;
use super::error::{InitError, Trying};
use super::ext4::{HEAD, Head};
use super::mounts;
use super::partition::Partition;
use rustix::fs::ext4_ioc_resize_fs;
use rustix::mount::MountFlags;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};

const VAR: &str = "/var";
const MAKE: &str = "/usr/sbin/mkfs.ext4";
const CHECK: &str = "/usr/sbin/e2fsck";
/// The image's `/var` is copied in while the filesystem is made, so a filesystem
/// that is there is whole. The kernel initialises the rest of it later, and an error
/// makes it read-only: what cannot be written says so, what is written over is lost.
const MAKING: [&str; 10] = [
    "-q",
    "-F",
    "-L",
    super::VAR_PARTITION,
    "-d",
    VAR,
    "-e",
    "remount-ro",
    "-E",
    "lazy_itable_init=1,lazy_journal_init=1,nodiscard",
];
/// `e2fsck` corrected everything, or had nothing to correct.
const CORRECTED: [i32; 4] = [0, 1, 2, 3];
/// Less than this is not worth the resize.
const WORTHWHILE: u64 = 1024 * 1024;

/// Mounts `partition` on `/var`. The root must be `/` already: the programs are the
/// image's.
///
/// # Errors
/// It cannot be made, is damaged beyond what `e2fsck -p` mends, or holds something
/// else.
pub(super) fn mount(partition: &Partition) -> Result<(), InitError> {
    let path = &partition.path;
    let mut head = head(path)?;
    if head == Head::Nothing {
        let mut make = command(MAKE);
        run(make.args(MAKING).arg(path), &[0])?;
        head = self::head(path)?;
    }
    if !matches!(head, Head::Ext4 { is_suspect: false, .. }) {
        let checked = run(command(CHECK).arg("-p").arg(path), &CORRECTED);
        checked.map_err(|why| InitError::Wrong(format!("{why}; replace the machine")))?;
    }
    mounts::mount(path, Path::new(VAR), "ext4", MountFlags::NOATIME, "")?;
    if let Head::Ext4 { blocks, block, .. } = head {
        let wanted = partition.bytes / block;
        if wanted.saturating_sub(blocks) * block >= WORTHWHILE {
            grow(wanted);
        }
    }
    Ok(())
}

/// Makes the mounted filesystem `blocks` long. Where that fails the machine has
/// what it had before.
fn grow(blocks: u64) {
    let grown = File::open(VAR).and_then(|var| Ok(ext4_ioc_resize_fs(var, blocks)?));
    if let Err(why) = grown {
        console::say(&format!("var: it stays as large as it was, for it cannot be grown: {why}"));
    }
}

fn head(partition: &Path) -> Result<Head, InitError> {
    let mut bytes = [0; HEAD];
    let read = File::open(partition).and_then(|file| file.read_exact_at(&mut bytes, 0));
    read.trying(|| format!("read {}", partition.display()))?;
    Ok(Head::read(&bytes))
}

/// A program of the image, which gets nothing of what the kernel gave this one.
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin").stdin(Stdio::null());
    command
}

/// Runs it to its end.
///
/// # Errors
/// It cannot be started, or ends with a code that is not among `good`; the text has
/// the last lines of its errors, or else of its output.
fn run(command: &mut Command, good: &[i32]) -> Result<(), InitError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let ended = command.output().trying(|| format!("start {program}"))?;
    if ended.status.code().is_some_and(|code| good.contains(&code)) {
        return Ok(());
    }
    let said = if ended.stderr.is_empty() { &ended.stdout } else { &ended.stderr };
    let said = String::from_utf8_lossy(said);
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(2)..].join("; ");
    Err(InitError::Wrong(format!("{program} failed, {}: {last}", ended.status)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_is_quoted() {
        let mut fails = command("/bin/sh");
        let script = "echo one; echo; echo two; echo three; exit 4";
        let said = run(fails.args(["-c", script]), &[0]).unwrap_err().to_string();
        assert_eq!(said, "/bin/sh failed, exit status: 4: two; three");
        let mut fails = command("/bin/sh");
        let said = run(fails.args(["-c", "echo out; echo why >&2; kill -9 $$"]), &[0]).unwrap_err();
        assert!(said.to_string().starts_with("/bin/sh failed, signal: 9 (SIGKILL): why"), "{said}");
        assert!(run(command("/bin/sh").args(["-c", "exit 4"]), &[0, 4]).is_ok());
        let missing = run(&mut command("/no/such/program"), &[0]).unwrap_err().to_string();
        assert!(missing.starts_with("cannot start /no/such/program: No such file"), "{missing}");
    }

    #[test]
    fn a_program_gets_a_clean_environment() {
        let mut asks = command("/bin/sh");
        let script = "test -z \"$HOME\" && test \"$PATH\" = /usr/sbin:/usr/bin";
        assert!(run(asks.args(["-c", script]), &[0]).is_ok());
    }
}
