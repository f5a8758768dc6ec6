//! The building machine: its programs, and its way to be root.

use super::command::{Run, folders};
use super::error::Error;
use super::hash::Key;
use super::namespace;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A program that building takes.
#[derive(Debug, Clone, Copy)]
struct Tool {
    /// Its name.
    program: &'static str,
    /// Debian's package that holds it.
    package: &'static str,
    /// The argument that makes it tell its version.
    version: &'static str,
}

const fn tool(program: &'static str, package: &'static str, version: &'static str) -> Tool {
    Tool { program, package, version }
}

/// All programs that building takes.
const TOOLS: [Tool; 13] = [
    tool("apt-get", "apt", "--version"),
    tool("chroot", "coreutils", "--version"),
    tool("dpkg-deb", "dpkg", "--version"),
    tool("mcopy", "mtools", "--version"),
    tool("mkfs.erofs", "erofs-utils", "--version"),
    tool("mkfs.vfat", "dosfstools", "--help"),
    tool("mmdebstrap", "mmdebstrap", "--version"),
    tool("objcopy", "binutils", "--version"),
    tool("qemu-img", "qemu-utils", "--version"),
    tool("syslinux", "syslinux", "--version"),
    tool("tar", "tar", "--version"),
    tool("touch", "coreutils", "--version"),
    tool("veritysetup", "cryptsetup-bin", "--version"),
];

/// What signing takes beside them.
const SIGNING: Tool = tool("sbsign", "sbsigntool", "--version");

/// What it takes to be root in a user namespace.
const NAMESPACES: [Tool; 2] =
    [tool("newuidmap", "uidmap", "--help"), tool("unshare", "util-linux", "--version")];

/// Where a program is.
fn find(program: &str) -> Option<PathBuf> {
    folders().map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The building machine, once it has all that is needed.
#[derive(Debug, Clone)]
pub struct Host {
    /// Whether this process is root.
    is_root: bool,
}

impl Host {
    /// Looks for all that building takes.
    ///
    /// # Errors
    /// The programs that are missing, or what keeps the caller from being root in a
    /// namespace of his own; with the command that mends it.
    pub fn check(signing: bool) -> Result<Self, Error> {
        let is_root = is_root();
        let namespaces = NAMESPACES.into_iter().filter(|_| !is_root);
        installed(TOOLS.into_iter().chain(signing.then_some(SIGNING)).chain(namespaces))?;
        if !is_root {
            namespace::check()?;
        }
        Ok(Self { is_root })
    }

    /// Looks for what a lock takes: apt alone.
    ///
    /// # Errors
    /// It is missing.
    pub fn check_apt() -> Result<(), Error> {
        installed(TOOLS.into_iter().filter(|tool| tool.package == "apt"))
    }

    /// A program that is run as root: as it is, or in a user namespace.
    pub(super) fn as_root(&self, program: &str) -> Run {
        if self.is_root { Run::new(program) } else { namespace::enter(program) }
    }

    /// `key` with the versions of the `programs` that a stage uses: another version
    /// may make something else.
    pub(super) fn versions(&self, mut key: Key, programs: &[&str]) -> Result<Key, Error> {
        for tool in TOOLS.iter().chain([&SIGNING]).filter(|tool| programs.contains(&tool.program)) {
            // Some end with an error after telling it.
            let said = Command::new(find(tool.program).unwrap_or_else(|| tool.program.into()))
                .arg(tool.version)
                .stdin(Stdio::null())
                .output()
                .map_err(|error| Error::file("run", tool.program.as_ref(), error))?;
            let text = [said.stdout, said.stderr].concat();
            key = key.with(tool.program, text.split(|b| *b == b'\n').next().unwrap_or_default());
        }
        Ok(key)
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// # Errors
/// Those of `wanted` that are missing, with the command that installs them.
fn installed(wanted: impl Iterator<Item = Tool>) -> Result<(), Error> {
    let missing: Vec<_> = wanted.filter(|tool| find(tool.program).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut packages: Vec<_> = missing.iter().map(|tool| tool.package).collect();
    packages.sort_unstable();
    packages.dedup();
    let sudo = if is_root() { "" } else { "sudo " };
    Err(Error::Tools {
        names: missing.iter().map(|tool| tool.program.to_owned()).collect(),
        install: format!("{sudo}apt-get install --no-install-recommends {}", packages.join(" ")),
    })
}
