//! From files to an environment, as users meet it.

mod again;
mod bad;
mod commands;
mod fixture;
mod hostile;
mod layering;
mod shipped;

use fixture::Memory;
use floodway::diag::Look;
use floodway::spec::{Resolved, resolve};

/// The environment at `path`, without a word to say about it.
fn clean(path: &str, memory: &Memory) -> Resolved {
    let (resolved, diagnostics) = resolve(path, memory);
    assert!(diagnostics.is_empty(), "{}", diagnostics.render(Look::PLAIN));
    resolved.unwrap()
}

#[test]
fn every_value_is_shown_with_the_line_it_came_from() {
    let memory = Memory::new([
        ("environments/base.toml", fixture::WHOLE),
        (
            "environments/prod.toml",
            "extends = \"base.toml\"\n[onprem.pools.h100]\nreplicas = { min = 3, max = 20 }\n",
        ),
    ]);
    insta::assert_snapshot!(clean("environments/prod.toml", &memory).to_toml_with_origins());
}

#[test]
fn resolving_what_was_resolved_changes_nothing() {
    let memory = Memory::new([("a.toml", fixture::WHOLE)]);
    let first = clean("a.toml", &memory);
    let again = clean("b.toml", &Memory::new([("b.toml", first.to_toml())]));
    assert_eq!(first.environment, again.environment);
    assert_eq!(first.digest, again.digest);
    assert_eq!(first.to_toml(), again.to_toml());
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_read() {
    let plain = clean("a.toml", &Memory::new([("a.toml", fixture::WHOLE)]));
    let windows = format!("\u{feff}{}", fixture::WHOLE.replace('\n', "\r\n"));
    let read = clean("a.toml", &Memory::new([("a.toml", windows)]));
    assert_eq!(plain.environment, read.environment);
    assert_eq!(plain.origins, read.origins);
}

#[test]
fn the_digest_tells_meanings_apart_and_nothing_else() {
    let digest = |text: &str| clean("a.toml", &Memory::new([("a.toml", text)])).digest;
    let whole = digest(fixture::WHOLE);
    let spoken = fixture::WHOLE.replace("[slo]", "# what we promise\n[slo]\n");
    assert_eq!(digest(&spoken.replace("\"500ms\"", "\"0.5s\"")), whole);
    assert_ne!(digest(&fixture::WHOLE.replace("\"500ms\"", "\"501ms\"")), whole);
}
