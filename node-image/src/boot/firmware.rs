//! The firmware that starts the machine, from where Debian's packages put it.

mod certificate;
mod variables;

pub use certificate::is_of_rsa;

use super::error::Error;
use super::options::Options;
use crate::card::BootMode;
use std::path::{Path, PathBuf};

/// OVMF's code with its empty variables. The smaller form starts a second and a half
/// sooner where it is emulated; newer releases have the larger one alone.
const PLAIN: [[&str; 2]; 2] = [
    ["/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"],
    ["/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"],
];
/// The same, with secure boot.
const SECURE: [[&str; 2]; 2] = [
    ["/usr/share/OVMF/OVMF_CODE_4M.secboot.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"],
    ["/usr/share/OVMF/OVMF_CODE.secboot.fd", "/usr/share/OVMF/OVMF_VARS.fd"],
];

/// The firmware of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Firmware {
    /// SeaBIOS, which QEMU brings along.
    Bios,
    /// OVMF.
    Uefi {
        /// Its code, which is not written to.
        code: PathBuf,
        /// What its variables are at first.
        variables: Vec<u8>,
        /// Whether it starts only what is signed.
        secure: bool,
    },
}

impl Firmware {
    /// Finds what the options ask for.
    ///
    /// # Errors
    /// It is not there, or the certificate is none.
    pub(super) fn find(options: &Options) -> Result<Self, Error> {
        let (certificate, mode) = (options.secure_boot.as_deref(), options.boot_mode);
        let forms = match (mode, certificate) {
            (BootMode::LegacyBios, None) => return Ok(Self::Bios),
            (BootMode::LegacyBios, Some(path)) => {
                let why = "secure boot is by UEFI only: leave the certificate out".to_owned();
                return Err(Error::Given { path: path.to_owned(), why });
            }
            (BootMode::Uefi, None) => PLAIN,
            (BootMode::Uefi, Some(_)) => SECURE,
        };
        let found = forms.into_iter().map(|form| form.map(Path::new));
        let found = found.into_iter().find(|form| form.iter().all(|file| file.is_file()));
        let [code, variables] = found.ok_or_else(|| Error::Missing {
            what: "UEFI firmware for virtual machines, of /usr/share/OVMF,".to_owned(),
            package: "ovmf",
        })?;
        let read = |path: &Path| {
            std::fs::read(path)
                .map_err(|error| Error::host(format!("read {}", path.display()), error))
        };
        let mut bytes = read(variables)?;
        if let Some(path) = certificate {
            let given = |why: &str| Error::Given { path: path.to_owned(), why: why.to_owned() };
            let der = certificate::der(&read(path)?).map_err(given)?;
            bytes = variables::enrol(&bytes, &der)
                .map_err(|why| Error::Given { path: variables.to_owned(), why: why.to_owned() })?;
        }
        let secure = certificate.is_some();
        Ok(Self::Uefi { code: code.to_owned(), variables: bytes, secure })
    }
}
