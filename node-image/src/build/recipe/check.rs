//! The rules between a recipe's fields, and those that a type alone cannot hold.

use super::model::{ExtraFile, Recipe, Repository};
use common::diag::{Diagnostic, Diagnostics, is_secret_name, looks_secret};
use common::document::Spots;
use common::shape::Spoiled;
use std::collections::BTreeMap;

/// The module of the GPU's that an image must have beside the driver itself.
pub(in crate::build) const NEEDED_MODULE: &str = "nvidia-uvm";

/// Adds to `found` what in `recipe` cannot be built.
pub(super) fn check(recipe: &Recipe, spots: &Spots, spoiled: &Spoiled, found: &mut Diagnostics) {
    let mut rules = Rules { spots, spoiled, found };
    rules.time(&recipe.image.time);
    rules.base(recipe);
    for (name, repository) in &recipe.repositories {
        rules.repository(&format!("repositories.{name}"), repository);
    }
    rules.packages("packages.include", &recipe.packages.include);
    rules.package("kernel.package", &recipe.kernel.package);
    rules.words("kernel.arguments", &recipe.kernel.arguments);
    rules.words("agent.options", &recipe.agent.options);
    rules.gpu(recipe);
    rules.files(&recipe.file);
    if recipe.limits.disk.bytes() == 0 {
        rules.error("limits.disk", "no disk is that small", "write it like \"210Mi\"");
    }
}

struct Rules<'r> {
    spots: &'r Spots,
    spoiled: &'r Spoiled,
    found: &'r mut Diagnostics,
}

impl Rules<'_> {
    fn error(&mut self, path: &str, what: impl Into<String>, help: &str) {
        if !self.spoiled.hides(path) {
            let error = Diagnostic::error(what).help(help);
            self.found.push(self.spots.label(error, path, ""));
        }
    }

    fn time(&mut self, time: &str) {
        let read = time.parse::<jiff::Timestamp>();
        // What FAT can hold begins in 1980 and ends in 2107.
        let bounds = 315_532_800..4_354_819_200;
        if !read.is_ok_and(|time| bounds.contains(&time.as_second())) {
            let what = format!("`{time}` is not a time that every file can bear");
            let help = "write it like \"2026-11-01T00:00:00Z\", from 1980 on";
            self.error("image.time", what, help);
        }
    }

    fn base(&mut self, recipe: &Recipe) {
        let base = &recipe.base;
        let plain = |text: &str| {
            let of_suites = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
            !text.is_empty() && text.chars().all(of_suites)
        };
        if !plain(&base.suite) {
            let what = format!("`{}` is not a release of Debian", base.suite);
            self.error("base.suite", what, "write it like \"bookworm\"");
        }
        self.uri("base.mirror", &base.mirror);
        if !base.security.is_empty() {
            self.uri("base.security", &base.security);
        }
        if base.components.is_empty() || !base.components.iter().all(|part| plain(part)) {
            let help = "write them like [\"main\", \"non-free\"]";
            self.error("base.components", "no part of the archive is named", help);
        }
        if !base.keyring.starts_with('/') || base.keyring.contains(unquotable) {
            let what = "the keyring is not a path from `/`";
            self.error("base.keyring", what, "write it like \"/usr/share/keyrings/….gpg\"");
        }
    }

    fn uri(&mut self, path: &str, uri: &str) {
        let right = ["http://", "https://"]
            .iter()
            .any(|scheme| uri.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
        if !right || uri.contains(unquotable) || uri.contains('@') {
            let what = format!("`{uri}` is not the address of a package archive");
            self.error(path, what, "write it like \"https://host/path\", without a password");
        }
    }

    fn repository(&mut self, path: &str, repository: &Repository) {
        self.uri(&format!("{path}.uri"), &repository.uri);
        let digest = &repository.sha256;
        if digest.len() != 64 || !digest.bytes().all(|b| b.is_ascii_hexdigit()) {
            let help = "write the 64 digits that `sha256sum InRelease` prints";
            self.error(&format!("{path}.sha256"), "this is no SHA-256", help);
        }
        let suite = &repository.suite;
        if suite.is_empty() || suite.contains(unquotable) {
            self.error(&format!("{path}.suite"), "this is no suite", "\"./\" for a flat archive");
        }
        let (parts, at) = (&repository.components, format!("{path}.components"));
        if suite.ends_with('/') && !parts.is_empty() {
            let what = format!("an archive whose suite is `{suite}` has no components");
            self.error(&at, what, "leave them out, or name a suite without `/` at its end");
        } else if !suite.ends_with('/') && parts.is_empty() {
            let help = "write them like [\"main\"], or suite = \"./\" for a flat archive";
            self.error(&at, format!("which components of `{suite}` is not said"), help);
        }
        for (number, part) in parts.iter().enumerate() {
            if part.is_empty() || part.contains(unquotable) {
                let help = "write it like \"main\"";
                self.error(&format!("{at}.{number}"), "this is no component", help);
            }
        }
        self.beside(&format!("{path}.key"), &repository.key);
    }

    fn packages(&mut self, path: &str, packages: &[String]) {
        for (at, package) in packages.iter().enumerate() {
            self.package(&format!("{path}.{at}"), package);
        }
    }

    /// <https://www.debian.org/doc/debian-policy/ch-controlfields.html#source>
    fn package(&mut self, path: &str, package: &str) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let right = package.len() >= 2
            && package.starts_with(plain)
            && package.chars().all(|c| plain(c) || "+-.".contains(c));
        // The last of these mean something else to apt.
        if !right || package.ends_with(['+', '-']) && package != "g++" {
            let what = format!("`{package}` is not the name of a package");
            self.error(path, what, "write it like \"systemd\": its version is for the lock");
        }
    }

    /// Texts that go through a kernel's or a unit's command line.
    fn words(&mut self, path: &str, words: &[String]) {
        for (at, word) in words.iter().enumerate() {
            let path = format!("{path}.{at}");
            if word.is_empty() || word.contains(unquotable) || word.contains('%') {
                let help = "write one option without blanks, quotes, `$`, `%` and `\\`";
                self.error(&path, format!("{word:?} is not one plain word"), help);
            } else if looks_secret(word) || word.starts_with("floodway.") {
                let help = "secrets never reach an image; `floodway.…` is the image's own";
                self.error(&path, "this cannot stand in the image", help);
            }
        }
    }

    fn gpu(&mut self, recipe: &Recipe) {
        let Some(gpu) = &recipe.gpu else { return };
        let branch = &gpu.branch;
        if branch.is_empty() || !branch.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            let what = format!("`{branch}` is not a branch of the driver");
            self.error("gpu.branch", what, "write it like \"580\"");
        }
        for (at, module) in gpu.modules.iter().enumerate() {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if module.is_empty() || !module.chars().all(plain) {
                let what = format!("`{module}` is not the name of a module");
                self.error(&format!("gpu.modules.{at}"), what, "write it like \"nvidia-uvm\"");
            }
        }
        if !gpu.modules.iter().any(|module| module == NEEDED_MODULE) {
            let what = format!("without {NEEDED_MODULE} CUDA finds no GPU");
            self.error("gpu.modules", what, "add \"nvidia-uvm\"");
        }
        if let Some(source) = &gpu.source {
            self.package("gpu.source", source);
        }
        self.package("gpu.headers", &gpu.headers);
        self.packages("gpu.build", &gpu.build);
        self.packages("gpu.userspace", &gpu.userspace);
    }

    fn files(&mut self, files: &[ExtraFile]) {
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, file) in files.iter().enumerate() {
            let path = format!("file.{at}");
            self.place(&format!("{path}.path"), &file.path);
            if let Some(first) = places.insert(&file.path, at) {
                let twice = Diagnostic::error(format!("`{}` is put there twice", file.path));
                let twice = twice.help("remove one of the two");
                let spot = format!("file.{first}.path");
                let twice = self.spots.label(twice, &format!("{path}.path"), "again");
                self.found.push(self.spots.label(twice, &spot, "first"));
            }
            let digits = |mode: &str| mode.bytes().all(|b| (b'0'..=b'7').contains(&b));
            if !(3..=4).contains(&file.mode.len()) || !digits(&file.mode) {
                let help = "write it like \"0644\"";
                self.error(&format!("{path}.mode"), "this is no mode of a file", help);
            }
            match (&file.text, &file.source) {
                (Some(_), None) => {}
                (None, Some(source)) => self.beside(&format!("{path}.source"), source),
                _ => {
                    let help = "write either `text` or `source`";
                    self.error(&path, "what the file holds is not said once", help);
                }
            }
            let text = file.text.as_deref().unwrap_or_default();
            if is_secret_name(&file.path) || holds_secret(text.as_bytes()) {
                let help = "let the node fetch it by its instance's role";
                self.error(&format!("{path}.path"), "a secret cannot stand in an image", help);
            }
        }
    }

    /// A place in the image that an extra file may take.
    fn place(&mut self, path: &str, place: &str) {
        let parts = place.strip_prefix('/').map(|rest| rest.split('/'));
        let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
        if place.contains(char::is_control) || !parts.is_some_and(|mut parts| parts.all(plain)) {
            let what = format!("`{place}` is not a path from `/`");
            self.error(path, what, "write it like \"/etc/sysctl.d/90-gpu.conf\"");
            return;
        }
        // What these hold is gone or hidden when the node runs.
        let first = place.split('/').nth(1).unwrap_or_default();
        if ["tmp", "run", "proc", "sys", "dev", "root"].contains(&first) {
            let help = "put it under /etc, /usr, /opt or /var";
            self.error(path, format!("nothing that is put under /{first} is there later"), help);
        }
    }

    fn beside(&mut self, path: &str, file: &str) {
        if let Err(why) = common::document::beside("images/recipe.toml", file) {
            self.error(path, format!("`{file}` cannot be read: {why}"), "put it beside the recipe");
        }
    }
}

/// Whether a file gives a secret away: a program, by a private key in it; a text, also by
/// what looks like a token or a password. What is for everybody, as certificates and
/// public keys are, is none.
pub(in crate::build) fn holds_secret(bytes: &[u8]) -> bool {
    if let Some(text) = as_text(bytes) {
        return text.lines().any(|line| begins_key(line).unwrap_or_else(|| looks_secret(line)));
    }
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let follows = lines.peek().is_some_and(|next| is_base64(next.trim()));
        if follows && begins_key(line) == Some(true) {
            return true;
        }
    }
    false
}

/// Whether a text has a private key in it, and not the words alone that one begins with.
/// Of programs and libraries nothing is said: some bear keys that they test themselves by.
pub(in crate::build) fn holds_private_key(bytes: &[u8]) -> bool {
    let Some(text) = as_text(bytes) else { return false };
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if begins_key(line) == Some(true) {
            // What is encrypted says first how.
            let is_head = |line: &str| line.is_empty() || line.contains(": ");
            if lines.clone().find(|line| !is_head(line)).is_some_and(is_base64) {
                return true;
            }
        }
    }
    false
}

/// As a text; none: it is none.
fn as_text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|_| !bytes.contains(&0))
}

/// Whether it is a private key that begins in this line; none: nothing begins there.
/// <https://www.rfc-editor.org/rfc/rfc7468#section-4>: a key begins with one, a program
/// that reads keys has the words alone.
fn begins_key(line: &str) -> Option<bool> {
    let kind = line.split_once("-----BEGIN ")?.1.split_once("-----")?.0;
    Some(kind.ends_with("PRIVATE KEY") || kind.ends_with("PRIVATE KEY BLOCK"))
}

fn is_base64(line: &str) -> bool {
    line.len() >= 16 && line.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
}

/// What would have to be quoted in a shell, a unit or a list of sources.
fn unquotable(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "\"'`$\\;&|<>()[]{}*?!#".contains(c)
}
