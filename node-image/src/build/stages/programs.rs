//! Floodway's own programs in the image: static, and built from this repository.

use super::Workshop;
use super::crates::{self, Crate};
use super::libraries::{self, Library};
use crate::build::command::Run;
use crate::build::error::Error;
use crate::build::hash::{self, Key};
use crate::build::{files, host, store::Made};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The machine that the image is for.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The programs, each with the feature that builds it.
const PROGRAMS: [(&str, &str); 3] =
    [("floodway-init", "init"), ("floodway-node", "agent"), ("floodway-probe", "probe")];

/// Beside them in the store: what is linked into them.
const LINKED: &str = "linked.json";

/// Where they are.
#[derive(Debug, Clone)]
pub(in crate::build) struct Programs {
    /// The initrd's.
    pub(in crate::build) init: PathBuf,
    /// The agent.
    pub(in crate::build) node: PathBuf,
    /// What the boot test asks.
    pub(in crate::build) probe: PathBuf,
    /// What is linked into them; none: they were not built here, and nobody knows.
    pub(in crate::build) linked: Option<Linked>,
}

/// What is linked into the programs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::build) struct Linked {
    /// Crates, their own among them.
    pub(super) crates: Vec<Crate>,
    /// What is no crate.
    pub(super) libraries: Vec<Library>,
}

impl Programs {
    fn within(folder: &Path) -> Self {
        let [init, node, probe] = PROGRAMS.map(|(name, _)| folder.join(name));
        Self { init, node, probe, linked: None }
    }

    /// SHA-256 in hex by name.
    pub(in crate::build) fn digests(&self) -> Result<BTreeMap<String, String>, Error> {
        let files = [&self.init, &self.node, &self.probe];
        let with = |(file, (name, _)): (&PathBuf, (&str, &str))| {
            Ok((name.to_owned(), hash::of_file(file)?))
        };
        files.into_iter().zip(PROGRAMS).map(with).collect()
    }
}

/// Those that lie in `folder`.
pub(in crate::build) fn given(folder: &Path) -> Result<Programs, Error> {
    let programs = Programs::within(folder);
    for file in [&programs.init, &programs.node, &programs.probe] {
        let bytes = files::read(file)?;
        if !is_static(&bytes) {
            return Err(Error::refused(
                format!("{} is not a static program for x86-64", file.display()),
                "build it with RUSTFLAGS='-C target-feature=+crt-static'",
            ));
        }
    }
    Ok(programs)
}

/// Builds them from `source`, the workspace that holds `node-image`.
pub(in crate::build) fn built(
    source: &Path,
    workshop: &Workshop<'_>,
) -> Result<(Programs, Made), Error> {
    let rustc = toolchain("rustc").arg("--version").within(source).run()?;
    let linker = Run::new("cc").arg("--version").run()?;
    let libc = host::libc()?;
    let key = Key::of("programs", 4)
        .with("rustc", &rustc)
        .with("linker", linker)
        .with("libc", hash::of_file(&libc)?)
        .with("sources", sources(source)?);
    let made = workshop.store.stage("programs", key.finish(), |folder| {
        let scratch = workshop.store.scratch()?;
        let target = scratch.path();
        let mut build = cargo("build", source, target).arg("--profile=node");
        for (name, _) in PROGRAMS {
            build = build.args(["--bin", name]);
        }
        build.run()?;
        for (name, _) in PROGRAMS {
            files::copy(&target.join(TARGET).join("node").join(name), &folder.join(name))?;
        }
        let libraries = vec![libraries::rust(&rustc)?, libraries::c(&files::read(&libc)?)];
        let linked = Linked { crates: linked(source, target)?, libraries };
        let text = serde_json::to_string_pretty(&linked);
        let text = text.map_err(|error| Error::Wrong(format!("{LINKED}: {error}")))?;
        files::write(&folder.join(LINKED), text)
    })?;
    let linked = serde_json::from_str(&made.text(LINKED)?);
    let linked = linked.map_err(|error| Error::Wrong(format!("{LINKED}: {error}")))?;
    Ok((Programs { linked: Some(linked), ..given(&made.folder)? }, made))
}

/// Cargo, about to do something with the programs: with the features of all three at once,
/// for the image's machine, as `Cargo.lock` has it, and so that where they were built is
/// not in them.
fn cargo(command: &str, source: &Path, target: &Path) -> Run {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let mut flags = vec!["-Ctarget-feature=+crt-static".to_owned()];
    let from = [(Some(source.to_owned()), "/floodway"), (home, "/cargo")];
    for (from, to) in from.into_iter().filter_map(|(from, to)| Some((from?, to))) {
        flags.push(format!("--remap-path-prefix={}={to}", from.display()));
    }
    flags.push(format!("--remap-path-prefix={}=/target", target.display()));
    let features: Vec<_> = PROGRAMS.iter().map(|(_, feature)| *feature).collect();
    toolchain("cargo")
        .args([command, "--locked", "--package=node-image", "--no-default-features"])
        .args(["--target", TARGET])
        .arg(format!("--features={}", features.join(",")))
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
        .within(source)
}

/// The crates that are linked into the programs. What only runs while they are built,
/// macros among it, is no part of them. Which of the three calls which is not told: they
/// are built together, and a linker leaves out what nobody calls.
fn linked(source: &Path, target: &Path) -> Result<Vec<Crate>, Error> {
    // Whatever it takes is here: they have just been built of it.
    let tree = cargo("tree", source, target).args(["--offline", "--prefix=none"]);
    let tree = tree.args(["--edges=normal,no-proc-macro", crates::FORMAT]).run()?;
    let lock = files::read(&source.join("Cargo.lock"))?;
    crates::linked(&tree, &String::from_utf8_lossy(&lock))
}

/// A program of Rust's, where the caller's settings have it.
fn toolchain(program: &str) -> Run {
    let mut run = Run::new(program);
    for (name, value) in std::env::vars_os() {
        if let Some(name) = name.to_str().filter(|name| is_of_toolchain(name)) {
            run = run.env(name, value);
        }
    }
    run
}

/// Whether a variable says where Rust's programs are, or how they reach the network:
/// others would decide what they make.
fn is_of_toolchain(name: &str) -> bool {
    let places = ["CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"];
    places.contains(&name) || ["CARGO_HTTP_", "CARGO_NET_"].iter().any(|of| name.starts_with(of))
}

/// The digests of all that they are built from, as one text.
fn sources(source: &Path) -> Result<String, Error> {
    let mut found = vec![source.join("Cargo.lock"), source.join("node-image/Cargo.toml")];
    for part in ["agent", "init", "probe", "bin"] {
        walk(&source.join("node-image/src").join(part), &mut found)?;
    }
    found.extend(["lib.rs", "facts.rs"].map(|name| source.join("node-image/src").join(name)));
    found.push(source.join("Cargo.toml"));
    let mut lines = Vec::new();
    for path in found {
        let name = path.strip_prefix(source).unwrap_or(&path).display().to_string();
        lines.push(format!("{name} {}", hash::of_file(&path)?));
    }
    lines.sort();
    Ok(lines.join("\n"))
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    let entries = fs::read_dir(folder).map_err(|error| Error::file("read", folder, error))?;
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// Whether it is an ELF program for x86-64 that asks for no interpreter.
fn is_static(elf: &[u8]) -> bool {
    let number = |at: usize, bytes: usize| {
        let part = elf.get(at..at + bytes)?;
        let number = part.iter().rev().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        usize::try_from(number).ok()
    };
    let of_headers = || Some((number(32, 8)?, number(54, 2)?, number(56, 2)?));
    let x86_64 = elf.starts_with(b"\x7fELF\x02\x01") && number(18, 2) == Some(62);
    let Some((offset, size, count)) = of_headers().filter(|_| x86_64) else { return false };
    const INTERPRETER: usize = 3;
    (0..count).all(|at| {
        let header = offset.checked_add(at * size);
        header.and_then(|header| number(header, 4)).is_some_and(|kind| kind != INTERPRETER)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_is_not_static_and_a_text_is_no_program() {
        let own = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(!is_static(&own) && !is_static(b"#!/bin/sh\n") && !is_static(&own[..70]));
        let mut alone = own;
        // Without program headers nothing is asked for.
        alone[56] = 0;
        alone[57] = 0;
        assert!(is_static(&alone));
    }

    #[test]
    fn cargo_learns_how_the_network_is_reached_and_not_how_programs_are_made() {
        for name in ["CARGO_HOME", "CARGO_HTTP_CAINFO", "CARGO_HTTP_PROXY", "CARGO_NET_OFFLINE"] {
            assert!(is_of_toolchain(name), "{name}");
        }
        for name in ["CARGO_BUILD_RUSTFLAGS", "CARGO_PROFILE_NODE_LTO", "RUSTFLAGS", "PATH"] {
            assert!(!is_of_toolchain(name), "{name}");
        }
    }

    #[test]
    fn cargo_tells_what_is_linked_and_neither_macros_nor_what_only_tests_or_other_features_use() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let target = tempfile::tempdir().unwrap();
        let crates = linked(source, target.path()).unwrap();
        let has = |name: &str| crates.iter().any(|one| one.name == name);
        for name in ["clap", "hyper", "node-image", "rustix", "serde", "serde_json", "tokio"] {
            assert!(has(name), "{name}: {crates:?}");
        }
        for name in ["aws-sdk-ec2", "proptest", "serde_derive", "syn", "tar"] {
            assert!(!has(name), "{name}: {crates:?}");
        }
        let is_whole = |one: &Crate| {
            let is_digest = one.sha256.as_ref().is_some_and(|digest| digest.len() == 64);
            one.license.is_some() && (is_digest || one.name == "node-image")
        };
        assert!(crates.iter().all(is_whole), "{crates:?}");
    }
}
