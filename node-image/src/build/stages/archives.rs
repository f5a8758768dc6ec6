//! The archives of a recipe, as apt is told of them, and what is told of one that apt
//! does not take.

use crate::build::error::Error;
use crate::build::hash;
use crate::build::recipe::{Read, Recipe, Repository};
use common::diag::Diagnostic;
use std::path::Path;

/// An archive: where the recipe names it, and what it says there.
struct Archive<'r> {
    /// What a reader calls it.
    title: String,
    /// The keys of the recipe that hold its address and what signs it.
    at: [String; 2],
    uri: &'r str,
    signed_by: &'r str,
}

fn archives(recipe: &Recipe) -> Vec<Archive<'_>> {
    let base = &recipe.base;
    let of_base = [("mirror", &base.mirror), ("security", &base.security)];
    let of_base =
        of_base.into_iter().filter(|(_, uri)| !uri.is_empty()).map(|(key, uri)| Archive {
            title: uri.clone(),
            at: [format!("base.{key}"), "base.keyring".to_owned()],
            uri,
            signed_by: &base.keyring,
        });
    let further = recipe.repositories.iter().map(|(name, repository)| Archive {
        title: format!("`{name}`"),
        at: ["uri", "key"].map(|key| format!("repositories.{name}.{key}")),
        uri: &repository.uri,
        signed_by: &repository.key,
    });
    of_base.chain(further).collect()
}

/// apt's lines for all of them; `key` gives the file with the key of a further one.
pub(super) fn sources(
    recipe: &Recipe,
    mut key: impl FnMut(&str, &Repository) -> Result<String, Error>,
) -> Result<String, Error> {
    let base = &recipe.base;
    let parts = base.components.join(" ");
    let signed = &base.keyring;
    let mut lines = String::new();
    let mut add = |signed: &str, uri: &str, suite: &str, parts: &str, past: bool| {
        let past = if past { " check-valid-until=no" } else { "" };
        lines += &format!("deb [signed-by={signed}{past}] {uri} {suite} {parts}\n");
    };
    let suite = &base.suite;
    let (mirror, security) = (&base.mirror, &base.security);
    for suite in [suite.clone(), format!("{suite}-updates")] {
        add(signed, mirror, &suite, &parts, is_of_the_past(mirror));
    }
    if !security.is_empty() {
        let suite = format!("{suite}-security");
        add(signed, security, &suite, &parts, is_of_the_past(security));
    }
    for (name, repository) in &recipe.repositories {
        let key = key(name.as_str(), repository)?;
        // The pin says better than a date what it may offer.
        add(&key, &repository.uri, &repository.suite, &repository.components.join(" "), true);
    }
    Ok(lines)
}

/// Whether an archive is what it was on some day: then its indices have expired, and
/// shall have.
fn is_of_the_past(uri: &str) -> bool {
    uri.contains("://snapshot.debian.org/")
}

/// Whether each of the further archives, whose indices apt has laid into `lists`, is
/// what was pinned.
pub(super) fn check_pins(read: &Read, lists: &Path) -> Result<(), Error> {
    let mut wrong = Vec::new();
    for (name, repository) in &read.recipe.repositories {
        let at = format!("repositories.{name}.sha256");
        let index = lists.join(index_name(repository));
        if !index.is_file() {
            let what = format!("the archive `{name}` has no InRelease that could be pinned");
            let help = "ask who publishes it for one: a Release with a signature beside it is not \
                        held to a hash";
            wrong.push((at, Diagnostic::error(what).help(help), String::new()));
            continue;
        }
        let offered = hash::of_file(&index)?;
        if offered != repository.sha256.to_ascii_lowercase() {
            let what = format!("the archive `{name}` offers something else than what was pinned");
            let help = format!(
                "look at what is new in {}, then pin the SHA-256 that its InRelease has now",
                repository.uri
            );
            let text = format!("its InRelease has {offered} now");
            wrong.push((at, Diagnostic::error(what).help(help), text));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(read.not_so(wrong))
}

/// What apt calls the index of an archive: its address, quoted as apt does it.
fn index_name(repository: &Repository) -> String {
    let Repository { uri, suite, .. } = repository;
    let uri = uri.split_once("://").map_or(&**uri, |(_, rest)| rest);
    let slash = if uri.ends_with('/') { "" } else { "/" };
    let within = match &**suite {
        "/" => String::new(),
        flat if flat.ends_with('/') => flat.to_owned(),
        suite => format!("dists/{suite}/"),
    };
    let quoted = |c: char| match c {
        '/' => "_".to_owned(),
        c if "\\|{}[]<>\"^~_=!@#$%^&*".contains(c) => format!("%{:02x}", u32::from(c)),
        c => c.to_string(),
    };
    format!("{uri}{slash}{within}InRelease").chars().map(quoted).collect()
}

/// Why apt could not read the archives: which one, where the recipe names it, and
/// apt's own words. An error that tells of none of them stays what it is.
pub(super) fn unreadable(read: &Read, error: Error) -> Error {
    let Error::Program { output, .. } = &error else { return error };
    let told = |line: &&str| ["E: ", "W: "].iter().any(|mark| line.starts_with(mark));
    let lines: Vec<_> = output.lines().filter(told).map(|line| &line[3..]).collect();
    let all = archives(&read.recipe);
    // One may lie in a folder of another: the longest address is meant.
    let of = |line: &str| {
        let named = all.iter().filter(|archive| line.contains(archive.uri.trim_end_matches('/')));
        named.max_by_key(|archive| archive.uri.len())
    };
    let Some((line, archive)) = lines.iter().find_map(|line| Some((*line, of(line)?))) else {
        return error;
    };
    let Archive { title, at: [uri, key], signed_by, .. } = archive;
    let is_of_signature = lines.iter().any(|line| {
        let words = ["GPG error", "is not signed"];
        words.iter().any(|word| line.contains(word)) && of(line).is_some_and(|it| it.at[0] == *uri)
    });
    let (at, what, help) = if is_of_signature {
        let what = format!("the archive {title} is not signed by a key in {signed_by}");
        (key, what, "take the key that its publisher names, and ask why if it was another before")
    } else {
        (
            uri,
            format!("the archive {title} cannot be read"),
            "check its address, its suite and the network",
        )
    };
    read.not_so([(at.clone(), Diagnostic::error(what).help(help), format!("apt: {line}"))])
}

#[cfg(test)]
mod tests;
