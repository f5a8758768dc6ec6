//! The firmware that starts the machine, from where Debian's packages put it.

mod certificate;
mod variables;

use super::error::Error;
use super::options::Options;
use crate::card::BootMode;
use std::path::{Path, PathBuf};

/// OVMF's code, without secure boot and with it, and its empty variables; the
/// larger form first, which newer releases alone have.
const PLAIN: [&str; 2] = ["/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_CODE.fd"];
const SECURE: [&str; 2] =
    ["/usr/share/OVMF/OVMF_CODE_4M.secboot.fd", "/usr/share/OVMF/OVMF_CODE.secboot.fd"];
const VARIABLES: [&str; 2] = ["/usr/share/OVMF/OVMF_VARS_4M.fd", "/usr/share/OVMF/OVMF_VARS.fd"];

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
        let code = match (mode, certificate) {
            (BootMode::LegacyBios, None) => return Ok(Self::Bios),
            (BootMode::LegacyBios, Some(path)) => {
                let why = "secure boot is by UEFI only: leave the certificate out".to_owned();
                return Err(Error::Given { path: path.to_owned(), why });
            }
            (BootMode::Uefi, None) => PLAIN,
            (BootMode::Uefi, Some(_)) => SECURE,
        };
        // Code and variables of the same form.
        let both = code.into_iter().zip(VARIABLES);
        let both = both.map(|(code, variables)| (Path::new(code), Path::new(variables)));
        let found =
            both.into_iter().find(|(code, variables)| code.is_file() && variables.is_file());
        let (code, variables) = found.ok_or_else(|| Error::Missing {
            what: format!("UEFI firmware for virtual machines, {},", code[0]),
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
