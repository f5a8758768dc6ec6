//! What no image may hold, whoever has put it there: a package may make a key when it is
//! installed, or bring a server that lets people in.

mod keys;

use crate::build::error::Error;
use crate::build::recipe::holds_private_key;

/// What lets people in, each with the package that brings it.
const SERVERS: [(&str, &str); 3] = [
    ("sshd", "openssh-server"),
    ("dropbear", "dropbear-bin"),
    // All of dropbear's programs in one.
    ("dropbearmulti", "dropbear-bin"),
];

/// Where programs are.
const PROGRAMS: [&str; 6] =
    ["bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin"];

/// With what the files begin that are a host's own keys.
const OF_HOST: [&str; 2] = ["etc/ssh/ssh_host_", "etc/dropbear/"];

/// Folders with what a package is tried and shown by: the keys there are everybody's.
const SAMPLES: [&str; 9] =
    ["demo", "demos", "doc", "docs", "example", "examples", "test", "testdata", "tests"];

/// Whether a file of the root, by its path without the first `/` and by what it holds, may be
/// in an image.
///
/// # Errors
/// It may not: what it is, and what to do.
pub(super) fn check(path: &str, content: &[u8]) -> Result<(), Error> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let server = SERVERS.iter().find(|(server, _)| *server == name);
    if let Some((_, package)) = server.filter(|_| PROGRAMS.contains(&folder)) {
        return Err(Error::refused(
            format!("/{path} is in the root, and an image lets nobody in"),
            format!("leave out the package that brings it: {package}, or what depends on it"),
        ));
    }
    let of_host = OF_HOST.into_iter().find_map(|start| path.strip_prefix(start));
    if of_host.is_some_and(|rest| rest.ends_with("_key")) {
        return Err(Error::refused(
            format!("/{path} is in the root, and every node would have that host key"),
            "leave it out of the recipe: an image lets nobody in",
        ));
    }
    let is_sample = || path.split('/').any(|part| SAMPLES.contains(&part));
    if (holds_private_key(content) || keys::is_key(content)) && !is_sample() {
        return Err(Error::refused(
            format!("/{path} is in the root, and holds a private key that every node would have"),
            "leave out the package that brings or makes it, and let the node fetch its keys by \
             its instance's role",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n";

    fn refused(path: &str, content: &str) -> Option<String> {
        let error = check(path, content.as_bytes()).err()?;
        assert!(matches!(error, Error::Refused { .. }), "{error:?}");
        Some(error.to_string())
    }

    #[test]
    fn keys_and_a_server_that_lets_people_in_are_refused_by_their_paths() {
        let encrypted = KEY.replace("KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\n\n");
        let after_text = format!("# made at installation\r\n  {}", KEY.replace('\n', "\r\n  "));
        for (path, content) in [
            ("etc/ssl/private/ssl-cert-snakeoil.key", KEY),
            ("var/lib/some/key.pem", &encrypted),
            ("usr/lib/some/key.pem", &after_text),
            ("opt/id", &KEY.replace("PRIVATE", "OPENSSH PRIVATE")),
            ("etc/ssh/ssh_host_ed25519_key", "whatever it is"),
            ("usr/sbin/sshd", "\u{7f}ELF"),
            ("usr/sbin/dropbear", "\u{7f}ELF"),
            ("usr/local/bin/dropbearmulti", "\u{7f}ELF"),
            ("etc/dropbear/dropbear_rsa_host_key", "whatever it is"),
            (
                "opt/some/id",
                "\0\0\0\u{b}ssh-ed25519\0\0\0\u{40}0123456789abcdef0123456789abcdef\
                             0123456789abcdef0123456789abcdef",
            ),
        ] {
            let said = refused(path, content).unwrap_or_else(|| panic!("{path} was taken"));
            assert!(said.starts_with(&format!("/{path} is in the root, and ")), "{said}");
        }
    }

    #[test]
    fn what_packages_ship_for_everybody_is_none_of_it() {
        let library = format!("\u{7f}ELF\0{KEY}");
        for (path, content) in [
            ("etc/ssl/certs/some.pem", KEY.replace("PRIVATE KEY", "CERTIFICATE").as_str()),
            // It tests itself by keys of its own.
            ("usr/lib/x86_64-linux-gnu/libgnutls.so.30", &library),
            ("usr/lib/python3/dist-packages/some/tests/server.pem", KEY),
            ("usr/bin/reads-keys", "#!/bin/sh\ngrep -e '-----BEGIN PRIVATE KEY-----' \"$1\"\n"),
            ("etc/ssh/ssh_host_ed25519_key.pub", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 x\n"),
            ("etc/motd", "hello\n"),
            ("usr/bin/dropbearkey", "\u{7f}ELF"),
            ("usr/share/bash-completion/completions/sshd", "complete\n"),
        ] {
            assert_eq!(refused(path, content), None, "{path}");
        }
    }
}
