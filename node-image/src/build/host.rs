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

/// What signs the kernel image: unlike others it can be told what time it is.
pub(super) const SIGNER: &str = "osslsigncode";
/// What signing takes beside them.
const SIGNING: Tool = tool(SIGNER, "osslsigncode", "--version");

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

/// What building the image's programs takes beside Rust: a linker, and the C library that
/// becomes a part of them, which the linker's package alone does not bring.
const LINKING: [Tool; 2] = [tool("cc", "gcc", "--version"), LIBC];
/// Where it is, the linker knows.
const LIBC: Tool = tool("libc.a", "libc6-dev", "");
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
    let is = |other: &Tool| tool.program == other.program;
    find(tool.program).is_some()
        || (is(&FIRMWARE) && find(OLD_FIRMWARE).is_some())
        || (is(&LIBC) && libc().is_ok())
}

/// The building machine's own C library, which becomes a part of the image's programs.
///
/// # Errors
/// There is none for static programs.
pub(super) fn libc() -> Result<PathBuf, Error> {
    let said = Run::new("cc").arg(format!("-print-file-name={}", LIBC.program)).run();
    let path = said.ok().map(|said| PathBuf::from(said.trim()));
    // The name alone: there is none.
    path.filter(|path| path.is_absolute()).ok_or_else(|| missing(&[LIBC]))
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
        let signing = [SIGNING].into_iter().filter(|_| wanted.signing);
        let linking = LINKING.into_iter().filter(|_| wanted.programs);
        let booting = BOOTING.into_iter().filter(|_| wanted.boot);
        let further = signing.chain(linking).chain(booting).chain(namespaces);
        installed(TOOLS.into_iter().chain(further))?;
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

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// # Errors
/// Those of `wanted` that are missing, with the command that installs them.
fn installed(wanted: impl Iterator<Item = Tool>) -> Result<(), Error> {
    let absent: Vec<_> = wanted.filter(|tool| !is_there(tool)).collect();
    if absent.is_empty() { Ok(()) } else { Err(missing(&absent)) }
}

/// What is told of those that are missing.
fn missing(tools: &[Tool]) -> Error {
    let mut packages: Vec<_> = tools.iter().map(|tool| tool.package).collect();
    packages.sort_unstable();
    packages.dedup();
    let sudo = if is_root() { "" } else { "sudo " };
    Error::Tools {
        names: tools.iter().map(|tool| tool.program.to_owned()).collect(),
        install: format!("{sudo}apt-get install --no-install-recommends {}", packages.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_knows_the_version_of_what_signs_as_of_what_builds() {
        let host = Host { is_root: true };
        for program in [SIGNER, "tar"] {
            let key = || Key::of("uki", 1);
            let told = host.versions(key(), &[program]).unwrap();
            let said = Run::new(program).arg("--version").run().unwrap();
            let first = said.lines().next().unwrap();
            assert_eq!(told.finish(), key().with(program, first).finish(), "{program}");
        }
    }

    #[test]
    fn each_program_that_is_missing_is_named_with_one_command_that_installs_all() {
        let there = tool("sh", "dash", "");
        let [one, other, third] =
            [("floodway-none-1", "some-b"), ("floodway-none-2", "some-a"), ("none-3.a", "some-b")]
                .map(|(program, package)| tool(program, package, ""));
        assert!(installed([there].into_iter()).is_ok());
        let error = installed([one, there, other, third].into_iter()).unwrap_err();
        let said = error.to_string();
        let expected = "these programs are needed and missing: floodway-none-1, floodway-none-2, \
                        none-3.a";
        assert_eq!(said, expected);
        let help = error.help().unwrap();
        let command = "apt-get install --no-install-recommends some-a some-b";
        assert!(help.starts_with("install them: ") && help.ends_with(command), "{help}");
    }
}
