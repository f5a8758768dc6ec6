//! What stands in files of the image and of the kernel.

use crate::facts::Seen;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Programs that let people in.
const LOGINS: [&str; 8] =
    ["agetty", "getty", "mingetty", "login", "sulogin", "sshd", "dropbear", "telnetd"];

/// `SecureBoot` of the UEFI specification: four bytes of attributes, then one that is 1
/// where it is on.
const SECURE_BOOT: &str =
    "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

/// Whether secure boot is on.
pub(super) fn secure_boot() -> bool {
    fs::read(SECURE_BOOT).is_ok_and(|bytes| bytes.get(4) == Some(&1))
}

/// A short file, without the space around it.
pub(super) fn text(path: impl AsRef<Path>) -> Seen<String> {
    let path = path.as_ref();
    let text = fs::read_to_string(path);
    text.map(|text| text.trim().to_owned()).map_err(|error| format!("{}: {error}", path.display()))
}

/// Private host keys in these folders.
pub(super) fn host_keys(folders: &[Option<PathBuf>]) -> Vec<String> {
    let entries = folders.iter().flatten().filter_map(|folder| fs::read_dir(folder).ok());
    let paths = entries.flatten().flatten().map(|entry| entry.path().display().to_string());
    let keys: BTreeSet<_> =
        paths.filter(|path| path.contains("/ssh_host_") && !path.ends_with(".pub")).collect();
    keys.into_iter().collect()
}

/// The programs that run and let people in.
pub(super) fn logins() -> Seen<Vec<String>> {
    let processes = fs::read_dir("/proc").map_err(|error| format!("/proc: {error}"))?;
    // A process that ends meanwhile has no name.
    let names = processes.flatten().filter_map(|entry| text(entry.path().join("comm")).ok());
    let names: BTreeSet<_> = names.filter(|name| LOGINS.contains(&name.as_str())).collect();
    Ok(names.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_keys_are_found_wherever_they_are() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["ssh_host_ed25519_key", "ssh_host_ed25519_key.pub", "sshd_config"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = host_keys(&[Some("/nowhere".into()), None, Some(folder.path().into())]);
        assert_eq!(found.len(), 1);
        assert!(found[0].ends_with("/ssh_host_ed25519_key"));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        assert!(text("/nowhere/machine-id").unwrap_err().starts_with("/nowhere/machine-id: "));
    }
}
