//! The programs of the testing machine.

use super::error::Error;
use std::path::PathBuf;
use tokio::process::Command;

/// Where they are.
#[derive(Debug, Clone)]
pub(super) struct Tools {
    pub(super) qemu: PathBuf,
    pub(super) qemu_img: PathBuf,
    /// Carries the guest's requests to the metadata service, one process for each.
    pub(super) bash: PathBuf,
    /// Has the kernel end a program when the one that started it is gone.
    pub(super) setpriv: PathBuf,
}

impl Tools {
    /// # Errors
    /// One is missing.
    pub(super) fn find() -> Result<Self, Error> {
        Ok(Self {
            qemu: find("qemu-system-x86_64", "qemu-system-x86")?,
            qemu_img: find("qemu-img", "qemu-utils")?,
            bash: find("bash", "bash")?,
            setpriv: find("setpriv", "util-linux")?,
        })
    }

    /// QEMU, ready for its arguments. It ends with the thread that starts it, also where
    /// that has no time to end it: when it is killed itself.
    pub(super) fn machine(&self) -> Command {
        let mut command = Command::new(&self.setpriv);
        command.args(["--pdeathsig", "KILL", "--"]).arg(&self.qemu);
        command
    }
}

pub(super) fn find(program: &str, package: &'static str) -> Result<PathBuf, Error> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(program));
    // The machine is started from another folder.
    let found = found.filter(|file| file.is_file()).find_map(|file| file.canonicalize().ok());
    found.ok_or_else(|| Error::Missing { what: program.to_owned(), package })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_named_with_its_package() {
        assert!(find("bash", "bash").unwrap().is_absolute());
        let error = find("no-such-program", "some-package").unwrap_err();
        assert_eq!(error.to_string(), "no-such-program is needed and missing");
    }
}
