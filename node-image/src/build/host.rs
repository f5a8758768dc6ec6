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

/// What booting the image takes.
const BOOTING: [Tool; 4] = [
    tool("bash", "bash", "--version"),
    tool("qemu-system-x86_64", "qemu-system-x86", "--version"),
    tool("setpriv", "util-linux", "--version"),
    FIRMWARE,
];
/// UEFI for virtual machines; older releases of Debian have the second file alone.
const FIRMWARE: Tool = tool("/usr/share/OVMF/OVMF_CODE_4M.fd", "ovmf", "");
const OLD_FIRMWARE: &str = "/usr/share/OVMF/OVMF_CODE.fd";

/// What building the image's programs takes beside Rust.
const LINKING: Tool = tool("cc", "gcc", "--version");
const RUST: [&str; 2] = ["cargo", "rustc"];

/// What it takes to be root in a user namespace.
const NAMESPACES: [Tool; 2] =
    [tool("newuidmap", "uidmap", "--help"), tool("unshare", "util-linux", "--version")];

/// What is wanted of the building machine beside the build itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// The kernel image is signed.
    pub signing: bool,
    /// The finished image is booted.
    pub boot: bool,
    /// The image's programs are built, not given.
    pub programs: bool,
}

/// Where a program is.
fn find(program: &str) -> Option<PathBuf> {
    folders().map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn is_there(tool: &Tool) -> bool {
    let other = || tool.program == FIRMWARE.program && find(OLD_FIRMWARE).is_some();
    find(tool.program).is_some() || other()
}

/// The building machine, once it has all that is needed.
#[derive(Debug, Clone)]
pub struct Host {
    /// Whether this process is root.
    is_root: bool,
}

impl Host {
    /// Looks for all that building takes, and for what else is `wanted`.
    ///
    /// # Errors
    /// The programs that are missing, or what keeps the caller from being root in a
    /// namespace of his own; with the command that mends it.
    pub fn check(wanted: Wanted) -> Result<Self, Error> {
        let is_root = is_root();
        let namespaces = NAMESPACES.into_iter().filter(|_| !is_root);
        let further = [(wanted.signing, SIGNING), (wanted.programs, LINKING)];
        let further = further.into_iter().filter_map(|(wanted, tool)| wanted.then_some(tool));
        let booting = BOOTING.into_iter().filter(|_| wanted.boot);
        installed(TOOLS.into_iter().chain(further).chain(booting).chain(namespaces))?;
        let missing = RUST.iter().find(|program| find(program).is_none());
        if let Some(program) = missing.filter(|_| wanted.programs) {
            return Err(Error::refused(
                format!("{program} is needed to build the image's programs, and missing"),
                "install Rust (https://rustup.rs), or name a folder with --programs",
            ));
        }
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

pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// # Errors
/// Those of `wanted` that are missing, with the command that installs them.
fn installed(wanted: impl Iterator<Item = Tool>) -> Result<(), Error> {
    let missing: Vec<_> = wanted.filter(|tool| !is_there(tool)).collect();
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
